"""A node changes over from the reference plugins to cnibox with a pod running, or back: what one program's ADD made,
the other's DEL or GC takes away."""

import json
from pathlib import Path

import pytest
from conftest import needs
from lab import Lab, configs, kernel, snapshot
from ports import Server, ask
from program import REFERENCE, needs_reference

OURS = Path("/opt/cni/bin")
NODE = "10.168.0.6"

pytestmark = [needs("nf_tables"), needs_reference]

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
        return self.node.cni(verb, request, env=env, plugin=directory / plugin["type"], containerid=self.pod.id,
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


def portmap_only(node, pod, directory, verb, *ports, **more):
    """The plugin alone, behind a result that is made up."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "snat": False,
            "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "10.244.0.2/24"}]},
            "runtimeConfig": {"portMappings": [{"hostPort": p, "containerPort": 80, "protocol": "tcp"} for p in ports]}, **more}
    return node.cni(verb, conf, plugin=directory / "portmap", containerid=pod, netns="/nowhere", ifname="eth0")


def host_ports(node):
    """{host port: pod's address}, as nft tells it."""
    found = {}
    for item in node.json("nft", "-j", "list", "ruleset")["nftables"]:
        for key, value in item.get("map", {}).get("elem", []):
            key = key["elem"]["val"] if "elem" in key else key
            found[key["concat"][-1]] = value["concat"][0]
    return found


def test_ports_of_the_gone_are_taken_over(lab):
    """The reference's DEL has left cnibox's ports. Whoever wants one gets all of them out of the way, as soon as the
    lease is gone, or another's; while it is there, and where nobody knows, the port is taken."""
    node = lab.master
    leases = "/var/lib/cni/networks/mynet"
    portmap_only(node, "old", OURS, "ADD", 80, 81).expect_success()
    portmap_only(node, "old", REFERENCE, "DEL", 80, 81).expect_success()

    def wants(pod, *ports, address="10.244.0.3/24"):
        return portmap_only(node, pod, OURS, "ADD", *ports,
                            prevResult={"cniVersion": "1.0.0", "ips": [{"address": address}]})

    taken = "tcp 80 is taken by eth0 of container old in network mynet"
    assert taken in wants("new", 80).json["msg"], "nobody knows"
    node.sh(f"mkdir -p {leases}; printf 'old\\r\\neth0' > {leases}/10.244.0.2")
    assert taken in wants("new", 80).json["msg"], "it is alive"
    assert host_ports(node) == {80: "10.244.0.2", 81: "10.244.0.2"}
    node.run("rm", f"{leases}/10.244.0.2")
    wants("new", 80, 90).expect_success()
    assert host_ports(node) == {80: "10.244.0.3", 90: "10.244.0.3"}, "81 is gone with it"
    node.sh(f"printf 'another\\r\\neth0' > {leases}/10.244.0.3")
    wants("newer", 90, address="10.244.0.4/24").expect_success()
    assert host_ports(node) == {90: "10.244.0.4"}


@pytest.mark.parametrize("ports", [(), (7,)])
def test_ports_do_not_lead_to_an_addresss_next_pod(lab, ports):
    """Also when it wants none itself."""
    node = lab.master
    portmap_only(node, "old", OURS, "ADD", 80, 81).expect_success()
    portmap_only(node, "old", REFERENCE, "DEL", 80, 81).expect_success()
    portmap_only(node, "new", OURS, "ADD", *ports).expect_success()
    assert host_ports(node) == dict.fromkeys(ports, "10.244.0.2")
    assert ports or "cnibox_hostport" not in node.sh("nft list tables")


def plugin(node, name, verb, directory, **keys):
    """The bridge alone."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "bridge", "isGateway": True,
            "ipam": {"type": "host-local", "subnet": "10.244.0.0/24"}, **keys}
    return node.cni(verb, conf, env={"CNI_PATH": str(directory)}, plugin=directory / "bridge", containerid=name,
                    netns=f"/var/run/netns/{name}", ifname="eth0").expect_success()


@needs("nf_tables of bridges")
def test_macspoofchk(lab):
    """What the reference made goes with cnibox's DEL, and nobody else's."""
    node = lab.master
    for name in ("one", "two"):
        node.pod(name)
        plugin(node, name, "ADD", REFERENCE, macspoofchk=True)
    before = node.run("nft", "list", "table", "bridge", "nat").stdout
    assert before.count("chain cni-br-iface-one") == 2 and "jump cni-br-iface-one-eth0" in before
    plugin(node, "one", "DEL", OURS, macspoofchk=True)
    after = node.run("nft", "list", "table", "bridge", "nat").stdout
    assert "one" not in after and after.count("chain cni-br-iface-two") == 2 and "jump cni-br-iface-two-eth0" in after
    plugin(node, "two", "DEL", OURS)
    assert "iface" not in node.run("nft", "list", "table", "bridge", "nat").stdout


@pytest.mark.parametrize("legacy", [False, True], ids=["iptables-nft", "iptables-legacy"])
@pytest.mark.parametrize("verb", ["DEL", "GC"])
def test_masquerading(lab, verb, legacy):
    """Chains of the reference's ipMasq, by their names and comments."""
    node = lab.master
    if legacy:
        node.run("mount", "--bind", kernel.LEGACY_PROGRAM, kernel.NFT_PROGRAM)
    for name in ("one", "two"):
        node.pod(name)
        plugin(node, name, "ADD", REFERENCE, ipMasq=True)

    def rules():
        return [line for line in node.run("iptables-save", "-t", "nat").stdout.splitlines()
                if "CNI-" in line and "-j CNI-HOST" not in line]

    before = rules()
    assert len(before) == 8 and 'id: \\"one\\"' in str(before).replace("\\\\", "\\")
    if verb == "DEL":
        plugin(node, "one", "DEL", OURS, ipMasq=True)
    else:
        node.cni("GC", {"cniVersion": "1.1.0", "name": "mynet", "type": "bridge", "ipMasq": True,
                        "ipam": {"type": "host-local", "subnet": "10.244.0.0/24"},
                        "cni.dev/valid-attachments": [{"containerID": "two", "ifname": "eth0"}]}, path=str(OURS)).expect_success()
    left = rules()
    assert len(left) == 4 and set(left) < set(before) and "one" not in str(left)
