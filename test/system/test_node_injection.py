"""cni-node up is killed at every system call, and every one of them fails once. What it made is never forgotten."""

import re
from collections import Counter

import pytest
from lab import snapshot

pytestmark = pytest.mark.once

FLAGS = ("--subnet", "10.244.0.0/24", "--network", "10.244.0.0/16", "--subnet6", "fd00:244::/64")
TRACE = "/tmp/trace"
# What the program cannot see fail: its beginning and its end.
UNSEEN = ("execve", "exit_group", "arch_prctl", "set_tid_address")


def strace(node, *options):
    done = node.run("strace", "-f", "-qq", "-o", TRACE, *options, "cni-node", "up", *FLAGS, check=False)
    calls = re.findall(r"^\d+ +(\w+)\(", node.read(TRACE), re.M)
    node.run("rm", TRACE)
    return done, [call for call in calls if call not in UNSEEN]


@pytest.mark.parametrize("what", ["signal=KILL", "error=EIO"])
def test_each_call_of_up(node, what):
    node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward; iptables -P FORWARD DROP; ip6tables -P FORWARD DROP")
    node.run("cni-node", "up", *FLAGS)
    node.run("cni-node", "down", *FLAGS)
    fresh = snapshot.of(node)
    _, calls = strace(node)
    node.run("cni-node", "down", *FLAGS)
    assert calls.count("sendto") > 10
    seen = Counter()
    for name in calls:
        seen[name] += 1
        done, _ = strace(node, "-e", f"inject={name}:{what}:when={seen[name]}")
        if done.returncode == 1:
            assert done.stderr.startswith("cni-node: ")
            if not done.stderr.startswith("cni-node: print: "):  # all was made, only not told
                assert not snapshot.changes(fresh, snapshot.of(node)), (name, seen[name], done)
        node.run("cni-node", "down", *FLAGS)
        assert not snapshot.changes(fresh, snapshot.of(node)), (name, seen[name], done)
