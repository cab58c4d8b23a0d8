"""bridge's ports: what must not pass, VLANs, addresses that somebody has."""

import pytest
from attachments import bridge, cable, open_forward, plug, reaches, refusal, status, veths
from conftest import needs
from lab import snapshot

# --- traffic that must not pass --------------------------------------------------------------------

def test_isolated_ports(node):
    conf = bridge(portIsolation=True)
    open_forward(node)
    pods = [node.add_pod(f"pod{i}", conf) for i in range(2)]
    assert reaches(pods[0], "10.1.0.1") and not pods[0].ping(pods[1].ip, timeout=1)
    node.sh(f"/sbin/bridge link set dev {veths(node)[0]} isolated off")
    assert reaches(pods[0], pods[1].ip)
    assert sorted(pod.check(conf).returncode for pod in pods) == [0, 1]


@needs("nf_tables of bridges")
def test_spoofed_mac_addresses(node):
    conf = bridge(macspoofchk=True)
    open_forward(node)
    pod, other = (node.add_pod(name, conf) for name in ("pod", "other"))
    assert reaches(pod, "10.1.0.1") and reaches(pod, other.ip)
    pod.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:77")
    assert not pod.ping("10.1.0.1", timeout=1) and reaches(other, "10.1.0.1")
    pod.delete(conf).expect_success()
    listing = node.run("nft", "list", "ruleset").stdout
    assert pod.id not in listing and listing.count(f"net {other.id} eth0") == 2
    node.run("nft", "flush", "table", "bridge", "cnibox-macspoofchk")
    assert "MAC" in refusal(other.check(conf))


def test_masquerade_is_missed(node):
    conf = bridge(ipMasq=True)
    pod = node.add_pod("pod", conf)
    pod.check(conf).expect_success()
    node.sh("nft flush ruleset 2>&- ; iptables -t nat -F POSTROUTING")
    assert "masqueraded" in refusal(pod.check(conf))


# --- VLANs ----------------------------------------------------------------------------------------

def vlans(node, port):
    [found] = node.json("/sbin/bridge", "-j", "vlan", "show", "dev", port)
    return {vlan["vlan"]: sorted(vlan.get("flags", ())) for vlan in expand(found["vlans"])}


def expand(ranges):
    return [{**r, "vlan": vlan} for r in ranges for vlan in range(r["vlan"], r.get("vlanEnd", r["vlan"]) + 1)]


OWN = ["Egress Untagged", "PVID"]
PORTS = {
    "vlan": ({"vlan": 7}, {7: OWN}),
    "vlan beside the default": ({"vlan": 7, "preserveDefaultVlan": True}, {1: ["Egress Untagged"], 7: OWN}),
    "trunk": ({"vlanTrunk": [{"minID": 10, "maxID": 12}, {"id": 5}, {"id": 4094}]}, {1: OWN, 5: [], 10: [], 11: [],
                                                                                    12: [], 4094: []}),
    "trunk and vlan": ({"vlan": 11, "vlanTrunk": [{"minID": 10, "maxID": 12}]}, {10: [], 11: OWN, 12: []}),
    "ragged trunk": ({"vlanTrunk": [{"id": n} for n in range(2, 600, 2)]}, {1: OWN, **{n: [] for n in range(2, 600, 2)}}),
}


@needs("VLAN filtering")
@pytest.mark.parametrize("keys, wanted", PORTS.values(), ids=PORTS)
def test_vlans_of_a_port(node, keys, wanted):
    conf = cable(isDefaultGateway=False, **keys)
    pod = plug(node, "pod", conf)
    [port] = veths(node)
    assert vlans(node, port) == wanted
    pod.check(conf).expect_success()
    node.run("/sbin/bridge", "vlan", "del", "vid", str(max(wanted)), "dev", port)
    assert "VLAN" in refusal(pod.check(conf))
    pod.delete(conf).expect_success()
    assert veths(node) == []


@needs("VLAN filtering")
def test_vlans_are_apart_and_have_gateways(node):
    def network(vlan):
        return {**bridge({"type": "host-local", "subnet": f"10.{vlan}.0.0/24"}, vlan=vlan), "name": f"net{vlan}"}

    open_forward(node)
    pods = [node.add_pod(f"pod{i}", network(vlan)) for i, vlan in enumerate((7, 7, 9))]
    assert reaches(pods[0], "10.7.0.1") and reaches(pods[2], "10.9.0.1") and reaches(pods[0], pods[1].ip)
    assert {link["ifname"] for link in node.json("ip", "-j", "link")} >= {"br0.7", "br0.9"}
    # On one wire, without routing: another VLAN is out of reach.
    pods[2].run("ip", "addr", "add", "10.7.0.77/24", "dev", "eth0")
    assert not pods[2].ping(pods[0].ip, timeout=1)
    for pod, vlan in zip(pods, (7, 7, 9)):
        pod.check(network(vlan)).expect_success()
        pod.delete(network(vlan)).expect_success()


@needs("VLAN filtering")
def test_a_bridge_that_does_not_filter_is_refused(node):
    node.run("ip", "link", "add", "br0", "type", "bridge")
    assert "does not filter VLANs" in refusal(node.pod("pod").add(cable(vlan=7)))


@needs("no VLAN filtering")
def test_no_vlan_filtering_is_named(node):
    pod = node.pod("pod")
    before = snapshot.of(node, pod)
    assert "CONFIG_BRIDGE_VLAN_FILTERING" in refusal(pod.add(cable(vlan=7)))
    assert not snapshot.changes(before, snapshot.of(node, pod))


@needs("no nf_tables of bridges")
def test_no_bridge_tables_are_named(node):
    pod = node.pod("pod")
    conf = bridge(macspoofchk=True)
    assert "CONFIG_NF_TABLES_BRIDGE" in refusal(pod.add(conf))
    code, said = status(node, conf)
    assert code == 50 and "CONFIG_NF_TABLES_BRIDGE" in said
    assert veths(node) == [] and snapshot.leases(node, "net") == {}


# --- duplicates -----------------------------------------------------------------------------------

def test_an_address_that_somebody_has(node):
    ipam = {"type": "host-local", "subnet": "fd00:1::/64"}
    node.add_pod("pod", bridge(ipam))
    open_forward(node)
    thief = plug(node, "thief", cable(isDefaultGateway=False))
    thief.run("ip", "-6", "addr", "add", "fd00:1::3/64", "dev", "eth0", "nodad")
    assert "fd00:1::3 in DADFAILED state" in refusal(node.pod("late").add(bridge(ipam, enabledad=True)))
    assert len(veths(node)) == 2 and len(snapshot.leases(node, "net")) == 1
