"""What an ADD does for the node it finds: everything, what is missing, or nothing."""

import sys

import pytest
from conftest import needs, type_bridge
from lab import configs, kernel, snapshot

ACCEPTS = ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"]


def bridge_of(node, name="cni0"):
    found = [link for link in node.json("ip", "-j", "-d", "address") if link["ifname"] == name]
    return found[0] if found else None


def gateway_addresses(node):
    return [f"{a['local']}/{a['prefixlen']}" for a in bridge_of(node)["addr_info"] if a["family"] == "inet"]


def accepts(node):
    return [line for line in node.chains() if "10.244" in line]


def masquerade(node):
    """Where the masquerade rule is: in a table of its own, or in iptables' where the kernel has no other."""
    if not kernel.has("nf_tables"):
        return [line for line in node.chains("nat", "POSTROUTING") if "10.244.0.0/24" in line]
    tables = [item["table"] for item in node.json("nft", "-j", "list", "tables")["nftables"] if "table" in item]
    return [f"{table['family']} {table['name']}" for table in tables if table["name"] == "cnibox"]


MASQUERADE = (["ip cnibox"] if kernel.has("nf_tables") else
              ["-A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE"])


def test_auto_makes_everything(node):
    node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    pod = node.add_pod("pod", configs.load())
    bridge = bridge_of(node)
    assert bridge["linkinfo"]["info_kind"] == "bridge" and "UP" in bridge["flags"]
    assert gateway_addresses(node) == ["10.244.0.1/24"]
    assert node.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert accepts(node) == ACCEPTS
    assert masquerade(node) == MASQUERADE
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
    kernel.flush_rules(),
    pytest.param("nft delete table ip cnibox", marks=needs("nf_tables")),
    pytest.param("nft flush table ip cnibox", marks=needs("nf_tables")),
    "iptables -F FORWARD",
    "ip link del cni0",
    "ip link set cni0 down",
    "ip addr flush dev cni0",
    "echo 0 > /proc/sys/net/ipv4/ip_forward",
    f"{kernel.flush_rules()}; ip link del cni0; echo 0 > /proc/sys/net/ipv4/ip_forward",
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
    assert accepts(node) == ACCEPTS and masquerade(node) == MASQUERADE
    assert pod.ping("10.244.0.1") and pod.ping(neighbour.ip)


def reboot(node, boot_id="01234567-89ab-cdef-0123-456789abcdef"):
    """Kernel state and pods are gone, the disk is not, and the kernel has a new boot ID."""
    for pod in list(node.pods.values()):
        pod.remove()
    node.sh(f"{kernel.flush_rules()}; ip link del cni0; echo 0 > /proc/sys/net/ipv4/ip_forward; iptables -P FORWARD DROP")
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
    assert accepts(node) == [] and masquerade(node) == []
    pod.delete(conf).expect_success()
    # A bridge that had a port and lost it looks different from one that never had one: compare from here.
    before = snapshot.of(node)["host"]
    pod.add(conf).expect_success()
    pod.delete(conf).expect_success()
    assert not snapshot.changes(before, snapshot.of(node)["host"])
    assert gateway_addresses(node) == ["10.244.0.1/24"]


# --- masquerading: which source does the other side see? ------------------------------------------

WATCH = """
import signal, socket
icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
signal.signal(signal.SIGTERM, lambda *_: icmp.setblocking(False))  # what has come is still read
print("ready", flush=True)
try:
    while True:
        packet, (source, _) = icmp.recvfrom(2048)
        if packet[20] == 8:  # echo request
            print(source)
except BlockingIOError:
    pass
"""


def watch(node, netns=None):
    """Note the sources of echo requests that arrive."""
    inside = ["ip", "netns", "exec", netns] if netns else []
    watcher = node.popen(*inside, sys.executable, "-c", WATCH)
    assert watcher.stdout.readline() == "ready\n", watcher.communicate()
    return watcher


def seen(watcher):
    watcher.terminate()
    return sorted(set(watcher.communicate()[0].split()))


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
    watchers = watch(lab.outside), watch(lab.worker, other.name)
    assert pod.ping("203.0.113.10") == bool(outside) and seen(watchers[0]) == sources[outside]
    assert pod.ping(other.ip) and seen(watchers[1]) == sources[remote]
