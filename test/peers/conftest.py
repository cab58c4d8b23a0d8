"""The same cases for cnibox and for Debian's reference plugins; see peers.py."""

from collections import Counter

import differences
import pytest
from program import cnibox

__all__ = ["cnibox"]  # a fixture

seen = Counter()  # in how many cases each difference showed
cases = Counter()


@pytest.fixture(scope="session")
def used():
    return seen


def pytest_runtest_logreport(report):
    if report.when == "call" and "[" in report.nodeid:
        cases[report.outcome] += 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Of pytest-xdist: one of the processes has ended."""
    seen.update(getattr(node, "workeroutput", {}).get("seen", {}))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["seen"] = dict(seen)
        return
    complete = not session.config.option.keyword and cases["passed"] == sum(cases.values()) > 200
    idle = set(differences.EVERYWHERE) - differences.BY_CHANCE - set(seen)
    if complete and idle:
        session.config.stash[idle_key] = sorted(idle)
        session.exitstatus = 1


idle_key = pytest.StashKey()


def pytest_terminal_summary(terminalreporter, config):
    if hasattr(config, "workeroutput"):
        return
    write = terminalreporter.write_line
    write(f"{sum(cases.values())} cases; decided differences (test/peers/DIFFERENCES.md), and in how many of them:")
    for name in sorted(seen):
        write(f"{seen[name]:5} {name}")
    for name in config.stash.get(idle_key, ()):
        write(f"      {name}: no longer seen: remove it from differences.py and DIFFERENCES.md")
