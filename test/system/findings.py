"""pytest plugin: the system tests with a program that looks at itself, or is looked at, while it runs.

INSTRUMENTED in the environment is the directory with it: cnibox and http_get, with ASan and UBSan in them (make
sanitize), or under valgrind (make memcheck). What is found is written to files in REPORTS, as nobody looks how a process
in the background ends; the test during which it is written has failed.
"""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Compiled into the programs. Nodes have a /tmp and a /run of their own.
PLACE = Path("/mnt")
REPORTS = PLACE / "reports"
LOG, COUNT = REPORTS / "memcheck", PLACE / "count"
CLONE_NEWNS = 0x20000


def prepare():
    """PLACE as this process and what it starts see it: each of pytest's workers has one, and so its own reports."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", PLACE], check=True)
    shutil.copytree(os.environ["INSTRUMENTED"], PLACE, symlinks=True, dirs_exist_ok=True)
    for directory in (REPORTS, PLACE / "bin", PLACE / "tmp"):
        directory.mkdir(exist_ok=True)
        directory.chmod(0o777)  # some tests call the program as somebody else
    for file in (LOG, COUNT):
        file.touch()
        file.chmod(0o666)
    os.environ.update(CNIBOX=str(PLACE / "cnibox"), HTTP_GET=str(PLACE / "http_get"))


prepare()
seen = {}


def news():
    """What was reported since it was asked for last."""
    found = ""
    for file in sorted(REPORTS.iterdir()):
        content = file.read_bytes()
        found += content[seen.get(file, 0):].decode(errors="replace")
        seen[file] = len(content)
    return found


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    before = seen.get(COUNT, 0)
    yield
    seen[COUNT] = COUNT.stat().st_size
    item.user_properties.append(("processes", seen[COUNT] - before))
    found = news()
    if found:
        pytest.fail(f"reported in {REPORTS}:\n{found}", pytrace=False)


processes = 0


def pytest_runtest_logreport(report):
    global processes
    if report.when == "teardown":
        processes += dict(report.user_properties).get("processes", 0)


def pytest_terminal_summary(terminalreporter):
    if processes:
        terminalreporter.write_line(f"{processes} processes under valgrind's memcheck")
