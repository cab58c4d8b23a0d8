"""No plugin waits for what the kernel frees later: a child does, and holds nothing else meanwhile."""

import re
import sys
import time
from pathlib import Path

import pytest
from conftest import binary, needs
from lab import Node, configs

sys.path.insert(0, str(configs.REPOSITORY / "tools" / "bench"))

from networks import CHAIN, CNIBOX, MASQUERADE, Attachment, Network, install  # noqa: E402 (the path comes first)

pytestmark = needs("nf_tables")
CHILDS_LAST = 2  # seconds that a child waits longer under strace: whatever the load, its plugin is quicker
TRACE = "/tmp/waiting"


@pytest.fixture
def node(cnibox):
    with Node() as node:
        yield node


def chain(node, ports):
    network = Network("waiting", CNIBOX, CHAIN, changes=MASQUERADE, host_ports=ports, bridge="br0")
    number = ports[0]
    install(node, number, network, binary().parent)
    return Attachment(node, number, network)


@pytest.fixture
def pod(node):
    """One of two: tables and chains stay when it goes."""
    chain(node, (30080,)).call("ADD")
    pod = chain(node, (30081,))
    pod.call("ADD")
    return pod


class Process:
    def __init__(self, lines):
        self.lines = lines
        self.text = "\n".join(line for _, line in lines)
        self.end = next(number for number, line in lines if "exit_group(" in line)
        self.children = re.findall(r"fork(?:\(\)| resumed>\)) += (\d+)", self.text)
        self.netfilter = [int(fd) for fd in re.findall(r"socket\(AF_NETLINK, .*NETLINK_NETFILTER\) = (\d+)", self.text)]

    def held(self):
        """The first descriptor that is not closed, for a child that closes the others."""
        return int(re.search(r"close_range\(0, (\d+), 0", self.text)[1]) + 1

    def holds_only(self, descriptor):
        kept = (rf"close_range\(0, {descriptor - 1}, 0", rf"close_range\({descriptor + 1}, 4294967295, 0", r'chdir\("/"')
        return all(re.search(words, self.text) for words in kept) and f"close({descriptor}" not in self.text


def processes(trace):
    lines = {}
    for number, line in enumerate(trace.splitlines()):
        pid, _, words = line.partition(" ")
        lines.setdefault(pid, []).append((number, words))
    return {pid: Process(of) for pid, of in lines.items()}


@pytest.mark.bare
def test_closing_is_left_to_a_child(node, pod):
    node.write(TRACE, "")
    pod.call("DEL", ["strace", "-f", "-qq", "-A", "-e", "signal=none", f"--inject=nanosleep:delay_enter={CHILDS_LAST}s",
                     "-o", TRACE])
    found = processes(node.read(TRACE))
    plugins = [process for process in found.values() if "execve(" in process.text and process.netfilter]
    assert len(plugins) == len(CHAIN) - 1  # bandwidth has no rules
    for plugin in plugins:
        children = [found[pid] for pid in plugin.children]
        assert len(children) == len(plugin.netfilter)
        for descriptor, child in zip(plugin.netfilter, sorted(children, key=lambda child: child.held())):
            assert child.holds_only(descriptor), child.text
            assert "nanosleep(" in child.text and child.end > plugin.end, "the child is the last to close it"


def traced(node, pod, verb, calls):
    node.write(TRACE, "")
    pod.call(verb, ["strace", "-f", "-qq", "-A", "-e", "signal=none", "-e", f"trace={calls}", "-o", TRACE])
    return node.read(TRACE)


@pytest.mark.no_valgrind
@pytest.mark.parametrize("removed, forks", [("1 hour ago", 0), ("now + 1 hour", 3)])
def test_others_removals_are_not_waited_for_either(node, pod, removed, forks):
    """ADD removes nothing. (A time to come: whoever is slow to begin must not take it for long ago.)"""
    pod.call("DEL")
    node.sh(f"touch -d '{removed}' /run/cnibox")
    assert traced(node, pod, "ADD", "fork,execve").count("fork()") == forks


@pytest.mark.no_valgrind
def test_a_removal_is_noted(node, pod):
    node.sh("touch -d '1 hour ago' /run/cnibox")
    pod.call("DEL")
    assert time.time() - float(node.sh("stat -c %.9Y /run/cnibox")) < 60


@pytest.mark.no_valgrind
def test_children_end_together(node, pod):
    """The first one's wait is then all the others'."""
    found = processes(traced(node, pod, "DEL", "clock_gettime,nanosleep,exit_group"))
    slept = [re.search(r"{tv_sec=(\d+), tv_nsec=(\d+)}\) += 0\n.*nanosleep\({tv_sec=0, tv_nsec=(\d+)}", process.text)
             for process in found.values() if "nanosleep(" in process.text]
    assert len(slept) >= 3
    for seconds, ns, wait in (map(int, each.groups()) for each in slept):
        assert 40 <= wait / 1e6 <= 290 and (seconds * 1000 + (ns + wait) / 1e6) % 250 < 1.1


def residents(node):
    """Processes in the node's network namespace."""
    namespace = node.run("readlink", "/proc/self/ns/net").stdout.strip()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "ns/net").readlink()) == namespace:
                found.add(process.name)
        except OSError:  # ended meanwhile
            continue
    return found


def test_children_end(node, pod):
    before = residents(node)
    pod.call("DEL")
    deadline = time.monotonic() + 20
    while residents(node) - before:
        assert time.monotonic() < deadline, "a child is still there"
        time.sleep(0.05)


@pytest.mark.no_valgrind
def test_chains_stay_as_they_are(node, pod):
    """A chain that is made sure of once more is a change, after which the kernel has something to free."""
    node.write(TRACE, "")
    chain(node, (30082,)).call("ADD", ["strace", "-qq", "-A", "-v", "-e", "trace=sendto", "-o", TRACE])
    trace = node.read(TRACE)
    assert "NFT_MSG_NEWRULE" in trace and "NFT_MSG_NEWCHAIN" not in trace
