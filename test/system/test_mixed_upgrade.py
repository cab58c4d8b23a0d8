"""A node changes over from the reference plugins to cnibox with a pod running, or back: what one program's ADD made,
the other's DEL or GC takes away."""

import json
from pathlib import Path

import pytest
from conftest import needs
from lab import Lab, configs, snapshot
from ports import Server, ask

REFERENCE = Path("/usr/lib/cni")  # Debian's containernetworking-plugins
OURS = Path("/opt/cni/bin")
NODE = "10.168.0.6"

pytestmark = [needs("nf_tables"),
              pytest.mark.skipif(not (REFERENCE / "bridge").exists(), reason=f"{REFERENCE}/bridge is not there")]

# 1.1.1 knows neither the newer ingress policies nor version 1.1.0.
ARGUMENTS = {
    "portmap": {"runtimeConfig": {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
                                                   {"hostPort": 5353, "containerPort": 53, "protocol": "udp"}]}},
    "firewall": {"backend": "iptables"},
    "bandwidth": {"runtimeConfig": {"bandwidth": {"ingressRate": 8_000_000, "ingressBurst": 8_000_000,
                                                  "egressRate": 8_000_000, "egressBurst": 8_000_000}}},
}


@pytest.fixture
def lab(cnibox):
    with Lab(ipv6=True) as lab:
        lab.master.install(cnibox, "cnibox")
        lab.master.run("cnibox", "install")
        yield lab


def chain():
    conf = json.loads((configs.DIRECTORY / configs.HOSTPORT).read_text())
    conf["plugins"] = [{**plugin, **ARGUMENTS.get(plugin["type"], {})} for plugin in conf["plugins"]]
    return conf


class Pod:
    """One attachment, each call of which goes to the one program or the other."""

    def __init__(self, node, name):
        self.node = node
        self.pod = node.pod(name)
        self.conf = chain()
        self.result = None

    def call(self, verb, directory, plugin, **more):
        request = {"cniVersion": "1.0.0", "name": self.conf["name"], **plugin, **more}
        if self.result:
            request["prevResult"] = self.result
        env = {"CNI_PATH": str(directory)}
        return self.node.cni(verb, request, env=env, plugin=str(directory / plugin["type"]), containerid=self.pod.id,
                             netns=self.pod.netns, ifname="eth0").expect_success()

    def add(self, directory):
        for plugin in self.conf["plugins"]:
            self.result = self.call("ADD", directory, plugin).json
        return self

    def check(self, directory, *types):
        for plugin in self.conf["plugins"]:
            if plugin["type"] in types:
                self.call("CHECK", directory, plugin)

    def delete(self, directory, **directories):
        for plugin in reversed(self.conf["plugins"]):
            self.call("DEL", directories.get(plugin["type"], directory), plugin)

    def collect(self):
        """GC of a network that has nobody left."""
        for plugin in self.conf["plugins"]:
            request = {**plugin, "cniVersion": "1.1.0", "name": self.conf["name"], "cni.dev/valid-attachments": []}
            self.node.cni("GC", request, path=str(OURS)).expect_success()


def left(before, node):
    """The kernel's own routes to the bridge's IPv6 address come and go with its carrier."""
    return [line for line in snapshot.changes(before, snapshot.of(node)) if "'protocol': 'kernel'" not in line]


def furniture(node, directory):
    """What a network's first pod makes and none takes away: the bridge, chains and their jumps."""
    first = Pod(node, "first").add(directory)
    first.delete(directory)
    first.pod.remove()


def test_to_cnibox(lab):
    node = lab.master
    furniture(node, REFERENCE)
    before = snapshot.of(node)
    pod = Pod(node, "one").add(REFERENCE)
    Server(pod.pod)
    assert ask(lab.worker, NODE, 8080) in ("10.168.0.7", None)
    pod.check(OURS, "firewall", "bandwidth")
    pod.delete(OURS)
    pod.pod.remove()
    assert not left(before, node)


def test_to_cnibox_and_a_new_pod(lab):
    """The port of a pod that the reference made is free once it is gone."""
    node = lab.master
    old = Pod(node, "old").add(REFERENCE)
    old.delete(OURS)
    new = Pod(node, "new").add(OURS)
    Server(new.pod)
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    assert ask(node, "127.0.0.1", 8080) == "10.244.0.1"


def test_back_again(lab):
    """What iptables and links tell is gone at once. The reference's portmap knows no table of ours: the ports stay
    until cnibox collects them, and meanwhile the reference's own come before them."""
    node = lab.master
    furniture(node, OURS)
    before = snapshot.of(node)
    pod = Pod(node, "one").add(OURS)
    pod.check(REFERENCE, "firewall", "bandwidth")
    # The reference's bridge fails where it finds no masquerading of its own.
    pod.delete(REFERENCE, bridge=OURS)
    tables = node.sh("nft list tables").splitlines()
    assert "table ip cnibox_hostport" in tables
    again = Pod(node, "two").add(REFERENCE)
    Server(again.pod)
    assert ask(node, "127.0.0.1", 8080) == "10.244.0.1", "the reference's mapping works beside the stale one"
    again.delete(REFERENCE)
    again.collect()
    for each in (pod, again):
        each.pod.remove()
    remaining = left(before, node)
    assert not [line for line in remaining if "cnibox" in line or pod.pod.id in line or "bwp" in line], remaining
