"""How much is tried, and what it came to."""

import os
from collections import Counter

from program import cnibox

__all__ = ["cnibox"]  # a fixture

# Of all points every so manyth; 1: all. From the KILL_OFFSETth on.
EVERY = int(os.environ.get("KILL_EVERY", "12"))
OFFSET = int(os.environ.get("KILL_OFFSET", "0"))

tried = Counter()


def pytest_runtest_logreport(report):
    if report.when == "call":
        tried.update(dict(report.user_properties).get("tried", {}))


def pytest_terminal_summary(terminalreporter, config):
    if hasattr(config, "workeroutput") or not tried:
        return
    write = terminalreporter.write_line
    write("tried (every point)" if EVERY == 1 else f"tried (every {EVERY}th point, from {OFFSET} on)")
    for what in sorted(tried):
        write(f"{tried[what]:6} {what}")
