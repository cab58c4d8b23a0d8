"""System calls that fail, or that take long while another process is at work. (In test/kill, each fails in turn.)"""

import json
import re
import time

import pytest
from conftest import APPLETS
from lab import Node, configs, snapshot
from lab.runtime import PLUGIN_DIR, Result, environment

pytestmark = pytest.mark.once

CONF = configs.load(cniVersion="1.1.0", network6="fd00:10::/32", subnet6="fd00:10:244::/64")
TRACE = "/tmp/trace"
# What the program cannot see fail: its beginning and its end.
UNSEEN = ("execve", "exit", "exit_group", "arch_prctl", "set_tid_address")


class Traced:
    """A pod on a node on which all else is set up."""

    def __init__(self, node):
        self.node = node
        self.pod = node.pod("pod")
        self.parameters = self.pod.attachment.parameters
        added = self.cni("ADD").expect_success().json
        # The kernel makes the route to the bridge's own address in its own time, and only with a pod on it.
        node.sh("until ip -6 route show table local | grep -q 'fd00:10:244::1 dev cni0'; do sleep .05; done")
        self.cni("DEL", prev=added).expect_success()
        self.before = self.snapshot()

    def cni(self, verb, prev=None):
        return self.node.cni(verb, self.conf(prev), **self.parameters)

    @staticmethod
    def conf(prev):
        return {**CONF, "prevResult": prev} if prev else CONF

    def strace(self, verb, *options, prev=None):
        command = ["strace", "-f", "-qq", "-o", TRACE, *options, f"{PLUGIN_DIR}/bash-cni"]
        child = self.node.popen(*command, env=environment(verb, **self.parameters), stdin=-1)
        done = Result.of(child, json.dumps(self.conf(prev)))
        trace = self.node.read(TRACE)
        self.node.run("rm", TRACE)
        return done, [call for call in re.findall(r"^\d+ +(\w+)\(", trace, re.M) if call not in UNSEEN]

    def snapshot(self):
        """An empty lease file is none: what a kill between making and writing one leaves."""
        taken = snapshot.of(self.node, self.pod)
        taken["files"] = {name: file for name, file in taken["files"].items() if file[2] != b"" or file[0] != b"0"}
        return taken

    def changes(self):
        return snapshot.changes(self.before, self.snapshot())


@pytest.fixture
def traced(cnibox):
    with Node() as node:
        node.install(cnibox, *APPLETS)
        yield Traced(node)


def test_a_second_add_while_the_first_has_its_lease_but_no_link_yet(traced):
    """It must not take the first one's lease for one that was left behind: then the pod would lose its address."""
    done, calls = traced.strace("ADD")
    traced.cni("DEL", done.expect_success().json)
    nth = calls[:calls.index("utimensat")].count("sendto") + 1  # the first word to the kernel after taking the lease
    slow = traced.node.popen("strace", "-f", "-qq", "-o", TRACE, "-e", f"inject=sendto:delay_enter=700000:when={nth}",
                             f"{PLUGIN_DIR}/bash-cni", env=environment("ADD", **traced.parameters), stdin=-1)
    slow.stdin.write(json.dumps(CONF))
    slow.stdin.close()
    slow.stdin = None
    time.sleep(0.3)
    results = [traced.cni("ADD"), Result.of(slow)]
    [added] = [result.json for result in results if result.returncode == 0]
    assert [ip["address"].split("/")[0] for ip in added["ips"]] == sorted(snapshot.leases(traced.node))
    traced.cni("CHECK", added).expect_success()


def test_a_lease_that_cannot_be_removed_keeps_no_other(traced):
    prev = traced.cni("ADD").expect_success().json
    done, _ = traced.strace("DEL", "-e", "inject=unlinkat:error=EIO:when=1", prev=prev)
    assert done.returncode == 1 and "10.244.0.2: " in done.json["msg"]
    assert list(snapshot.leases(traced.node)) == ["10.244.0.2"]
    traced.cni("DEL", prev).expect_success()


def test_del_with_sigchld_ignored(traced):
    """A runtime may leave it so. The process that removes the link then cannot be asked how it ended."""
    traced.cni("ADD").expect_success()
    child = traced.node.popen("strace", "-f", "-qq", "-o", TRACE, "-e", "inject=chdir:error=EACCES",
                              "sh", "-c", f"trap '' CHLD; exec {PLUGIN_DIR}/bash-cni",
                              env=environment("DEL", **traced.parameters), stdin=-1)
    assert child.communicate(json.dumps(CONF), timeout=10) == ("", "") and child.returncode == 0
    traced.node.run("rm", TRACE)
    assert not traced.changes()


def test_two_find_the_log_full(traced):
    """One rotates it. The other, which had opened it by then, must not make the new file the old one."""
    log = "/var/log/bash-cni-plugin.log"
    traced.node.sh(f"truncate -s 9M {log}")
    slow = traced.node.popen("strace", "-f", "-qq", "-o", TRACE, "-e", "inject=fstat:delay_enter=500000:when=1",
                             f"{PLUGIN_DIR}/bash-cni", env=environment("DEL", **traced.parameters), stdin=-1)
    time.sleep(0.2)
    traced.cni("DEL").expect_success()
    assert Result.of(slow, json.dumps(CONF)).returncode == 0
    assert int(traced.node.sh(f"stat -c %s {log}.1")) == 9 << 20
    assert traced.node.read(log).count("CNI command: DEL") == 2
