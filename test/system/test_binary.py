"""The file that is built: static, small, and the same wherever it is built."""

import os
import platform
import re
import shutil
import subprocess

import pytest

from lab import configs

pytestmark = pytest.mark.once

REPOSITORY = configs.REPOSITORY


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True, text=True).stdout


def make(*arguments, cwd=REPOSITORY, **environment):
    # What the outer make passes down (its job server, V=1) is not for this one.
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", *arguments], cwd=cwd, env=kept | environment, umask=environment and 0o077 or -1,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


def test_needs_nothing_to_run(cnibox):
    headers = readelf("-l", cnibox)
    assert "LOAD" in headers
    assert "INTERP" not in headers
    assert "DYNAMIC" not in headers
    assert "NEEDED" not in readelf("-d", cnibox)
    # Nor a library that it could not do without: it runs in an empty root.
    empty = subprocess.run(["chroot", cnibox.parent, f"/{cnibox.name}", "--version"], capture_output=True, text=True)
    assert empty.returncode == 0 and empty.stdout.startswith("cnibox "), empty


def test_no_memory_is_writable_and_executable(cnibox):
    flags = {}
    for line in readelf("-l", cnibox).splitlines():
        # Type, offset, two addresses, two sizes, flags, alignment.
        found = re.match(r" +([A-Z_]+)(?: +0x[0-9a-f]+){5} ([R ][W ][E ]) ", line)
        if found:
            flags.setdefault(found[1], []).append(found[2])
    assert flags["GNU_STACK"] == ["RW "]
    assert flags["LOAD"] and not [f for f in flags["LOAD"] if "W" in f and "E" in f]


def test_carries_no_names_of_where_it_was_built(cnibox):
    content = cnibox.read_bytes()
    for text in (str(REPOSITORY), platform.node(), "GCC: ", ".debug_info"):
        # A machine may be called anything, "run" too: only a longer name tells.
        assert len(text) < 6 or text.encode() not in content


def test_debug_file_belongs_to_it(cnibox):
    debug = cnibox.with_name("cnibox.debug")
    entry = re.compile(r"Entry point address: +(0x[0-9a-f]+)")
    assert entry.search(readelf("-h", debug))[1] == entry.search(readelf("-h", cnibox))[1]
    assert ".debug_info" in readelf("-S", debug)


@pytest.mark.skipif("CNIBOX" in os.environ, reason="CNIBOX names another build than that of this tree")
def test_two_builds_are_the_same_bytes(cnibox, tmp_path):
    elsewhere = tmp_path / "a place whose name is longer" / "than the first"
    shutil.copytree(REPOSITORY, elsewhere, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    result = make("-j2", cwd=elsewhere, HOME="/nonexistent", USER="somebody", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # not a warning, either
    for name in ("cnibox", "cnibox.debug"):
        ours, theirs = ((place / "build" / name).read_bytes() for place in (REPOSITORY, elsewhere))
        assert ours == theirs, f"{name} differs"
        assert str(elsewhere).encode() not in theirs


@pytest.mark.skipif("CNIBOX" in os.environ, reason="CNIBOX names another build than that of this tree")
def test_sizes_are_within_their_budgets():
    result = make("size")
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(re.findall(r"\d+ bytes of \d+: \d+ to spare", result.stdout)) == 2
