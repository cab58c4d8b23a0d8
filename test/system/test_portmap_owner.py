"""portmap: whose port it is, until when, and who takes away what is left."""

import pytest
from conftest import needs
from hostports import NODE, attachment, chain, collect, elements, mapping, portmap_lab, start, stop, table_of
from lab import snapshot
from ports import Server, ask
from program import REFERENCE, needs_reference

pytestmark = needs("nf_tables")

lab = pytest.fixture(portmap_lab)
node = pytest.fixture(lambda lab: lab.master)


# --- whose port it is -----------------------------------------------------------------------------

def test_a_port_that_is_taken(lab, node):
    one = start(node, "one", chain(mapping(8080), mapping(8081)))
    before = snapshot.of(node)
    two = node.pod("two")
    refused = two.add(chain(mapping(9000), mapping(8080, 81)))
    assert refused.returncode == 1
    assert f"tcp 8080 is taken by eth0 of container {one.id} in network mynet" in refused.json["msg"]
    two.delete(chain()).expect_success()
    two.remove()
    assert not snapshot.changes(before, snapshot.of(node)), "not even 9000 stays"
    other = node.pod("other")
    refused = other.add(chain(mapping(8080), name="othernet", subnet="10.245.0.0/24"))
    assert "tcp 8080 is taken by eth0 of container" in refused.json["msg"]
    # The same number is another port with another protocol.
    start(node, "udp", chain(mapping(8080, 53, "udp")))
    stop(one)
    start(node, "three", chain(mapping(8080)))


def test_two_interfaces_of_one_container(node):
    """An attachment's ports are its own: the other interface keeps them."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "snat": False,
            "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "10.244.0.2/24"}]}}
    for n, ifname in enumerate(("eth0", "eth1")):
        node.cni("ADD", {**conf, "runtimeConfig": {"portMappings": [mapping(80 + n)]}}, containerid="x",
                 netns="/nowhere", ifname=ifname).expect_success()
    node.cni("DEL", conf, containerid="x", netns="", ifname="eth0").expect_success()
    assert elements(node) == {(None, "tcp", 81): ("10.244.0.2", 80)}
    node.cni("DEL", {**conf, "name": "other"}, containerid="x", netns="", ifname="eth1").expect_success()
    assert elements(node)
    node.cni("DEL", conf, containerid="x", netns="", ifname="eth1").expect_success()
    assert not table_of(node)


def test_add_again(node):
    """After an ADD whose DEL never came: what is asked for now holds."""
    pod = start(node, "one", chain(mapping(8080), mapping(8081)))
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "prevResult": pod.attachment.result,
            "runtimeConfig": {"portMappings": [mapping(8081, 81), mapping(8082)]}}
    for _ in range(2):
        node.cni("ADD", conf, containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
        assert elements(node) == {(None, "tcp", 8081): (pod.ip, 81), (None, "tcp", 8082): (pod.ip, 80)}
    assert len([rule for rule in table_of(node) if "rule" in rule]) == 7


@pytest.mark.parametrize("gone", ["ip netns del one", "ip link del cni0", "nft delete table ip cnibox_hostport",
                                  "nft flush ruleset", "rm -rf /var/lib/cni/*", "nft flush map ip cnibox_hostport {}"])
def test_del_of_what_is_gone(node, gone):
    pod = start(node, "one", chain(mapping(8080)))
    [name] = [item["map"]["name"] for item in table_of(node) if "map" in item]
    node.sh(gone.format(name))
    for netns in (pod.netns, ""):
        assert pod.delete(pod.conf, netns=netns).returncode == 0
    assert not elements(node)
    assert "map" in gone or not table_of(node)


def test_healed_after_a_flush(lab, node):
    start(node, "one", chain(mapping(8080)))
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "hostports")
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "postrouting")
    two = start(node, "two", chain(mapping(8081)))
    Server(two)
    assert ask(lab.outside, NODE, 8081) == "203.0.113.10"
    assert ask(two, NODE, 8081) == "10.244.0.1"


def test_check(node):
    pod = start(node, "one", chain(mapping(8080), mapping(8081, hostIP=NODE)))
    pod.check(pod.conf).expect_success()
    wanted = chain(mapping(8080), mapping(8082))
    assert "1 of 2 mappings are missing" in pod.check(wanted).json["msg"]
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "output")
    assert "rules are missing" in pod.check(pod.conf).json["msg"]


# --- GC, STATUS, and containers that the reference's portmap made -----------------------------------

def test_gc(node):
    one, two = (start(node, name, chain(mapping(port))) for name, port in (("one", 8080), ("two", 8081)))
    other = start(node, "other", chain(mapping(8082), name="othernet", subnet="10.245.0.0/24"))
    everything = elements(node)
    collect(node, attachment(one), attachment(two))
    collect(node, name="third")
    assert elements(node) == everything
    collect(node, attachment(one), attachment(two, "eth1"))
    assert elements(node) == {(None, "tcp", 8080): (one.ip, 80), (None, "tcp", 8082): (other.ip, 80)}
    collect(node)
    collect(node, name="othernet")
    assert not table_of(node)


def test_status(node):
    conf = {"cniVersion": "1.1.0", "name": "mynet", "type": "portmap"}
    before = snapshot.of(node)
    node.cni("STATUS", conf).expect_success()
    assert not snapshot.changes(before, snapshot.of(node))
    assert node.cni("STATUS", {**conf, "backend": "zz"}).json["code"] == 7


def reference_rules(node):
    saved = node.sh("iptables-save; ip6tables-save")
    return [line for line in saved.splitlines() if "CNI-DN" in line or "-j CNI-DN" in line]


@needs_reference
@pytest.mark.parametrize("verb", ["DEL", "GC"])
def test_reference_before(lab, node, verb):
    """The reference's portmap made it, a node changes over, cnibox takes it away: and nobody else's."""
    pods = [start(node, name, chain(six=True)) for name in ("one", "two")]
    for pod, port in zip(pods, (8080, 8081)):
        conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "prevResult": pod.attachment.result,
                "runtimeConfig": {"portMappings": [mapping(port), mapping(port, 53, "udp")]}}
        node.cni("ADD", conf, plugin=REFERENCE / "portmap", containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
    Server(pods[0], address="::")
    assert ask(lab.outside, NODE, 8080) == "::ffff:203.0.113.10"
    both = reference_rules(node)
    if verb == "GC":
        collect(node, attachment(pods[1]))
    else:
        del conf["prevResult"]
        node.cni("DEL", conf, containerid=pods[0].id, netns="", ifname="eth0").expect_success()
    left = reference_rules(node)
    assert left and set(left) < set(both) and pods[0].id not in str(left) and pods[1].id in str(left)
    assert len([line for line in left if line.startswith(":CNI-DN")]) == 2, "a chain in each family"
    assert ask(lab.outside, NODE, 8080) is None
    collect(node)
    assert not reference_rules(node)
