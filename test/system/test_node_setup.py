"""What an ADD does for the node it finds: everything, what is missing, or nothing."""

import json

import pytest
from conftest import type_bridge
from lab import configs, snapshot

ACCEPTS = ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"]


def bridge_of(node, name="cni0"):
    found = [link for link in node.json("ip", "-j", "-d", "address") if link["ifname"] == name]
    return found[0] if found else None


def gateway_addresses(node):
    return [f"{a['local']}/{a['prefixlen']}" for a in bridge_of(node)["addr_info"] if a["family"] == "inet"]


def accepts(node):
    return [line for line in node.chains() if "10.244" in line]


def own_tables(node):
    tables = [item["table"] for item in node.json("nft", "-j", "list", "tables")["nftables"] if "table" in item]
    return [f"{table['family']} {table['name']}" for table in tables if table["name"] == "cnibox"]


def test_auto_makes_everything(node):
    node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    pod = node.add_pod("pod", configs.load())
    bridge = bridge_of(node)
    assert bridge["linkinfo"]["info_kind"] == "bridge" and "UP" in bridge["flags"]
    assert gateway_addresses(node) == ["10.244.0.1/24"]
    assert node.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert accepts(node) == ACCEPTS
    assert own_tables(node) == ["ip cnibox"]
    assert pod.ping("10.244.0.1")


def test_auto_touches_nothing_that_is_there(node):
    conf = configs.load()
    node.add_pod("first", conf)
    before = snapshot.of(node)
    pod = node.add_pod("pod", conf)
    pod.delete(conf).expect_success()
    assert not [line for line in snapshot.changes(before, snapshot.of(node)) if "run/netns/pod" not in line]


def test_auto_uses_a_bridge_typed_before(node):
    type_bridge(node)
    index = bridge_of(node)["ifindex"]
    node.add_pod("pod", configs.load())
    assert bridge_of(node)["ifindex"] == index and gateway_addresses(node) == ["10.244.0.1/24"]


def test_auto_adds_no_accept_where_nothing_drops(node):
    node.sh("iptables -P FORWARD ACCEPT")
    before = node.chains()
    node.add_pod("pod", configs.load())
    assert node.chains() == before


def test_auto_accepts_typed_before_are_not_repeated(node):
    node.sh("iptables -t filter -A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
            "iptables -t filter -A FORWARD -d 10.244.0.0/16 -j ACCEPT")
    node.add_pod("pod", configs.load())
    assert accepts(node) == ACCEPTS


@pytest.mark.parametrize("damage", [
    "nft flush ruleset",
    "nft delete table ip cnibox",
    "nft flush table ip cnibox",
    "iptables -F FORWARD",
    "ip link del cni0",
    "ip link set cni0 down",
    "ip addr flush dev cni0",
    "echo 0 > /proc/sys/net/ipv4/ip_forward",
    "nft flush ruleset; ip link del cni0; echo 0 > /proc/sys/net/ipv4/ip_forward",
])
def test_the_next_add_heals(node, damage):
    conf = configs.load()
    node.add_pod("first", conf)
    node.sh(damage)
    node.sh("iptables -P FORWARD DROP")
    pod = node.add_pod("pod", conf)
    neighbour = node.add_pod("neighbour", conf)
    assert "UP" in bridge_of(node)["flags"] and gateway_addresses(node) == ["10.244.0.1/24"]
    assert node.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert accepts(node) == ACCEPTS and own_tables(node) == ["ip cnibox"]
    assert pod.ping("10.244.0.1") and pod.ping(neighbour.ip)


def reboot(node, boot_id="01234567-89ab-cdef-0123-456789abcdef"):
    """Kernel state and pods are gone, the disk is not, and the kernel has a new boot ID."""
    for pod in list(node.pods.values()):
        pod.remove()
    node.sh("nft flush ruleset; ip link del cni0; echo 0 > /proc/sys/net/ipv4/ip_forward; iptables -P FORWARD DROP")
    node.write("/tmp/boot_id", boot_id + "\n")
    node.sh("mount --bind /tmp/boot_id /proc/sys/kernel/random/boot_id")


def test_after_a_reboot(node):
    conf = configs.load(subnet="10.244.0.0/29")
    for i in range(5):
        node.add_pod(f"old{i}", conf)
    reboot(node)
    pods = [node.add_pod(f"new{i}", conf) for i in range(5)]
    assert snapshot.leases(node) == {pod.ip: (pod.id, "eth0") for pod in pods}, "leases of an earlier boot are free"
    assert pods[0].ping(pods[4].ip) and pods[0].ping("10.244.0.1")


def test_manual_touches_only_the_pods_link(node):
    type_bridge(node)
    conf = configs.load(nodeSetup="manual")
    pod = node.pod("pod")
    pod.add(conf).expect_success()
    assert accepts(node) == [] and own_tables(node) == []
    pod.delete(conf).expect_success()
    # A bridge that had a port and lost it looks different from one that never had one: compare from here.
    before = snapshot.of(node)["host"]
    pod.add(conf).expect_success()
    pod.delete(conf).expect_success()
    assert not snapshot.changes(before, snapshot.of(node)["host"])
    assert gateway_addresses(node) == ["10.244.0.1/24"]


# --- masquerading: which source does the other side see? ------------------------------------------

def watch(node, netns=None):
    """Count the sources of echo requests that arrive, without a sniffer."""
    rules = ("table ip watch {\n"
             "  set seen { type ipv4_addr; }\n"
             "  chain input { type filter hook input priority -10;\n"
             "    icmp type echo-request add @seen { ip saddr }\n"
             "  }\n"
             "}\n")
    node.run(*(["ip", "netns", "exec", netns] if netns else []), "nft", "-f", "-", input=rules)


def seen(node, netns=None):
    inside = ["ip", "netns", "exec", netns] if netns else []
    said = json.loads(node.run(*inside, "nft", "-j", "list", "set", "ip", "watch", "seen").stdout)
    [found] = [item["set"] for item in said["nftables"] if "set" in item]
    return found.get("elem", [])


@pytest.mark.parametrize("word, outside, remote", [
    ("outside", "node", "pod"),
    ("all", "node", "node"),
    ("none", None, "pod"),
])
def test_masquerade(lab, cnibox, word, outside, remote):
    """Sources as an outside host and a pod of the other node see them. None: it never hears of us."""
    for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
        node.install(cnibox, "bash-cni")
        node.add_pod("pod", configs.load(file, masquerade=word))
    lab.add_vpc_routes()
    pod, other = lab.master.pods["pod"], lab.worker.pods["pod"]
    sources = {"node": [lab.master.address], "pod": [pod.ip], None: []}
    watch(lab.outside)
    watch(lab.worker, other.name)
    assert pod.ping("203.0.113.10") == bool(outside) and seen(lab.outside) == sources[outside]
    assert pod.ping(other.ip) and seen(lab.worker, other.name) == sources[remote]
