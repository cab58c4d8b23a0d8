"""The file that is built: static, small, and the same wherever it is built."""

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lab import configs
from program import own_build

pytestmark = [pytest.mark.once, pytest.mark.bare]

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
    assert "NEEDED" not in readelf("-d", cnibox)
    # Nor a library that it could not do without: it runs in an empty root.
    empty = subprocess.run(["chroot", cnibox.parent, f"/{cnibox.name}", "--version"], capture_output=True, text=True)
    assert empty.returncode == 0 and empty.stdout.startswith("cnibox "), empty


def segments(path):
    """Type -> (address, size in memory, flags) of each of its program headers."""
    found = {}
    for line in readelf("-l", path).splitlines():
        # Type, offset, two addresses, two sizes, flags, alignment.
        row = re.match(r" +([A-Z_]+) +0x[0-9a-f]+ (0x[0-9a-f]+) 0x[0-9a-f]+ 0x[0-9a-f]+ (0x[0-9a-f]+) ([R ][W ][E ]) ", line)
        if row:
            found.setdefault(row[1], []).append((int(row[2], 16), int(row[3], 16), row[4]))
    return found


def test_no_memory_is_writable_and_executable(cnibox):
    parts = segments(cnibox)
    assert [flags for _, _, flags in parts["GNU_STACK"]] == ["RW "]
    assert parts["LOAD"] and not [flags for _, _, flags in parts["LOAD"] if "W" in flags and "E" in flags]


def test_runs_wherever_it_is_loaded(cnibox):
    assert "DYN (Position-Independent Executable file)" in readelf("-h", cnibox)
    dynamic = readelf("-d", cnibox)
    assert re.search(r"FLAGS_1.*\bNOW\b.*\bPIE\b", dynamic) and "BIND_NOW" in dynamic
    assert "TEXTREL" not in dynamic
    # All of it is relocated by itself: nothing is left to a dynamic linker.
    assert re.search(r"RELASZ\) +0 ", dynamic) and "RELRSZ" in dynamic
    places = set()
    for _ in range(8):
        with waiting(cnibox) as (_, mapped):
            places.add(base_of(mapped))
    assert len(places) > 1, "it is always loaded at one address"


@contextlib.contextmanager
def waiting(cnibox):
    """A plugin that waits for its configuration, and its lines of /proc/PID/maps."""
    with subprocess.Popen([cnibox, "loopback"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_IFNAME": "lo", "CNI_NETNS": "/none",
                               "CNI_PATH": "/none"}) as process:
        proc = Path(f"/proc/{process.pid}")
        deadline = time.monotonic() + 20
        while "\nState:\tS" not in (proc / "status").read_text():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        yield proc, [line for line in (proc / "maps").read_text().splitlines() if line.endswith(f"/{cnibox.name}")]
        process.stdin.close()


def base_of(mapped):
    return int(mapped[0].split("-")[0], 16)


def test_tables_are_read_only_once_it_runs(cnibox):
    (address, size, _), = segments(cnibox)["GNU_RELRO"]
    start, end = address & -4096, (address + size + 4095) & -4096
    # Nothing else is on those pages.
    for other, length, _ in segments(cnibox)["LOAD"]:
        assert other == address or other + length <= start or other >= end
    with waiting(cnibox) as (_, mapped):
        base = base_of(mapped)
    rights = {}
    for line in mapped:
        ends, flags = line.split()[:2]
        low, high = (int(part, 16) - base for part in ends.split("-"))
        rights.update({page: flags for page in range(low, high, 4096)})
    assert {rights[page] for page in range(start, end, 4096)} == {"r--p"}
    assert "rw-p" in rights.values()  # what is to be written still is


@own_build
def test_overwritten_stacks_are_noticed(cnibox):
    """By a value that is another in each run, in the functions that have something to overwrite."""
    whole = cnibox.with_name("obj") / "cnibox"
    names, code = (subprocess.run([*command, whole], check=True, capture_output=True, text=True).stdout
                   for command in (["nm"], ["objdump", "-d", "--no-show-raw-insn"]))
    assert len(re.findall(r"(?:call|bl?) +[0-9a-f]+ <__stack_chk_fail>", code)) > 300
    place = int(re.search(r"^([0-9a-f]+) [bB] __stack_chk_guard$", names, re.MULTILINE)[1], 16)
    guards = []
    for _ in range(2):
        with waiting(cnibox) as (proc, mapped), open(proc / "mem", "rb") as memory:
            memory.seek(base_of(mapped) + place)
            guards.append(memory.read(8))
    assert guards[0] != guards[1]
    assert all(len(guard) == 8 and any(guard) for guard in guards)


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


@own_build
def test_two_builds_are_the_same_bytes(cnibox, tmp_path):
    elsewhere = tmp_path / "a place whose name is longer" / "than the first"
    shutil.copytree(REPOSITORY, elsewhere, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    result = make("-j2", cwd=elsewhere, HOME="/nonexistent", USER="somebody", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # not a warning, either
    for name in ("cnibox", "cnibox.debug", "cnibox.spdx.json"):
        ours, theirs = ((place / "build" / name).read_bytes() for place in (REPOSITORY, elsewhere))
        assert ours == theirs, f"{name} differs"
        assert str(elsewhere).encode() not in theirs


SPDX_ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
LICENCE = re.compile(r"NONE|NOASSERTION|[A-Za-z0-9.-]+( (AND|OR|WITH) [A-Za-z0-9.-]+)*")
# What SPDX 2.3 requires of a document (clause 6) and of a package that was not taken apart (clause 7).
OF_DOCUMENT = {"spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo", "packages", "relationships"}
OF_PACKAGE = {"SPDXID", "name", "versionInfo", "downloadLocation", "filesAnalyzed", "licenseConcluded", "licenseDeclared",
              "copyrightText"}


@own_build
def test_bill_of_materials(cnibox):
    bill = json.loads(cnibox.with_name("cnibox.spdx.json").read_text(encoding="utf-8"))
    assert set(bill) == OF_DOCUMENT
    assert (bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"https://[^#\s]+", bill["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bill["creationInfo"]["created"])
    assert all(re.match("(Person|Organization|Tool): .", name) for name in bill["creationInfo"]["creators"])
    packages = {package["SPDXID"]: package for package in bill["packages"]}
    assert len(packages) == len(bill["packages"])
    for name, package in packages.items():
        assert SPDX_ID.fullmatch(name) and OF_PACKAGE <= set(package)
        assert package["filesAnalyzed"] is False and package["versionInfo"]
        assert LICENCE.fullmatch(package["licenseConcluded"]) and LICENCE.fullmatch(package["licenseDeclared"])
        for reference in package.get("externalRefs", ()):
            assert set(reference) == {"referenceCategory", "referenceType", "referenceLocator"}
            debian = name.removeprefix("SPDXRef-")
            installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", debian], check=True, capture_output=True,
                                       text=True).stdout.split()
            assert any(reference["referenceLocator"].startswith(f"pkg:deb/debian/{debian}@{v}?") for v in installed)
    relations = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in bill["relationships"]}
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-cnibox") in relations
    linked = {to for of, how, to in relations if of == "SPDXRef-cnibox" and how == "STATIC_LINK"}
    assert {packages[name]["name"] for name in linked} == {"musl", "BearSSL", "jsmn"}
    (checksum,) = packages["SPDXRef-cnibox"]["checksums"]
    assert checksum == {"algorithm": "SHA256", "checksumValue": hashlib.sha256(cnibox.read_bytes()).hexdigest()}


@own_build
def test_sizes_are_within_their_budgets():
    result = make("size")
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(re.findall(r"\d+ bytes of \d+: \d+ to spare", result.stdout)) == 2
