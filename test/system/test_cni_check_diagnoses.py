"""cni-check on links, addresses and routes: each fault is named, nothing else is, and the printed command mends it."""

import json

import pytest
from conftest import SLOWNESS, type_bridge
from diagnosis import assert_healthy, assert_mended, assert_named, report
from lab import OUTSIDE, configs, matrix, snapshot

pytestmark = pytest.mark.once

OWN_HOST, OTHER_HOST, OWN_POD = matrix.OWN_HOST, matrix.OTHER_HOST, matrix.OWN_POD
NEIGHBOUR, REMOTE, EXTERNAL = matrix.NEIGHBOUR, matrix.REMOTE, matrix.EXTERNAL
FAR = {OTHER_HOST, REMOTE, EXTERNAL}
BY_NODE = FAR | {OWN_HOST}
BY_LINK = BY_NODE | {NEIGHBOUR}


def host_end(pod):
    """The name of the other end of a pod's link."""
    index = pod.json("ip", "-j", "link", "show", "eth0")[0]["link_index"]
    return next(link["ifname"] for link in pod.node.json("ip", "-j", "link") if link["ifindex"] == index)


def test_nothing_is_found_where_nothing_is_wrong(pods):
    assert_healthy(pods)


def test_nothing_is_found_without_pings(pods):
    """What monitoring runs on a node: no pod, no address, only the configuration."""
    done = pods.master.run("cni-check")
    assert done.stdout == "nothing wrong is to be seen on this node\n"


def test_nothing_is_found_under_legacy_iptables(pods):
    node = pods.master
    node.sh("iptables-legacy -P FORWARD DROP; iptables-legacy -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE; "
            "iptables -P FORWARD ACCEPT")
    node.run("cni-node", "up")
    assert_healthy(pods)


@pytest.mark.parametrize("masquerade", ["all", "none"])
def test_nothing_is_found_under_another_configuration(pods, masquerade):
    """The walkthrough's own rule is no fault where it is configured; nor is having none, where nobody asks outside."""
    conf = configs.load(masquerade=masquerade)
    pods.master.write("/tmp/other.conf", json.dumps(conf))
    pods.master.run("cni-node", "up", "--conf", "/tmp/other.conf")
    done = pods.master.run("cni-check", "--conf", "/tmp/other.conf")
    assert done.returncode == 0, done.stdout


# --- links ---------------------------------------------------------------------------------------


LINK_FAULTS = {
    "bridge missing": ("ip link del cni0", "bridge-missing", BY_LINK, ["no bridge cni0"]),
    "bridge down": ("ip link set cni0 down", "bridge-down", BY_LINK, ["cni0"]),
    "no gateway address": ("ip addr del 10.244.0.1/24 dev cni0", "gateway-missing", BY_NODE, ["10.244.0.1/24", "cni0"]),
    "link not in the bridge": ("ip link set {own} nomaster", "link-not-in-bridge", BY_LINK, ["{own}", "cni0"]),
    "link down": ("ip link set {own} down", "link-down", BY_LINK, ["{own}"]),
    "neighbour's link not in the bridge": ("ip link set {other} nomaster", "link-not-in-bridge", {NEIGHBOUR},
                                           ["{other}", "10.244.0.3"]),
    "neighbour's link down": ("ip link set {other} down", "link-down", {NEIGHBOUR}, ["{other}", "10.244.0.3"]),
    "pod's link down": ("ip -n pod-a link set eth0 down", "pod-link-down", BY_LINK, ["eth0"]),
    "pod's loopback down": ("ip -n pod-a link set lo down", "pod-loopback-down", {OWN_POD}, ["lo"]),
}


@pytest.mark.parametrize("damage, code, failing, words", LINK_FAULTS.values(), ids=LINK_FAULTS)
def test_links(pods, damage, code, failing, words):
    node = pods.master
    names = {"own": host_end(node.pods["pod-a"]), "other": host_end(node.pods["pod-b"])}
    node.sh(damage.format(**names))
    findings = assert_named(pods, code, failing, [word.format(**names) for word in words])
    assert_mended(pods, findings)


def test_links_of_pods_that_are_not_pinged(pods):
    """A broken invariant is found where no ping is asked for."""
    node = pods.master
    name = host_end(node.pods["pod-b"])
    node.sh(f"ip link set {name} nomaster")
    done = node.run("cni-check", check=False)
    assert done.returncode == 1 and done.stdout.startswith(f"found: {name}, the host end of the link of a pod, is not")
    assert done.stdout.endswith(f"mend: ip link set {name} master cni0\n")


def test_a_bridge_that_is_none(node):
    node.sh("ip link add cni0 type veth peer name other; ip link set cni0 up")
    node.copy(configs.DIRECTORY / configs.MASTER, configs.INSTALLED)
    done = node.run("cni-check", check=False)
    assert done.returncode == 1 and "cni0 is no bridge but of kind veth" in done.stdout


# --- forwarding and routes -----------------------------------------------------------------------


ROUTE_FAULTS = {
    "forwarding off": ("echo 0 > /proc/sys/net/ipv4/ip_forward", "forwarding-off", FAR, ["net.ipv4.ip_forward"]),
    "forwarding off at the bridge": ("echo 0 > /proc/sys/net/ipv4/conf/cni0/forwarding", "forwarding-off-link", FAR,
                                     ["net.ipv4.conf.cni0.forwarding"]),
    "forwarding off at the uplink": ("echo 0 > /proc/sys/net/ipv4/conf/ens4/forwarding", "forwarding-off-link", FAR,
                                     ["net.ipv4.conf.ens4.forwarding"]),
    "blackhole": ("ip route add blackhole 10.168.0.7", "route-refuses", {OTHER_HOST}, ["blackhole 10.168.0.7/32"]),
    "prohibit": ("ip route add prohibit 10.244.1.0/24", "route-refuses", {REMOTE}, ["prohibit 10.244.1.0/24"]),
    "unreachable": ("ip route add unreachable 203.0.113.0/24", "route-refuses", {EXTERNAL},
                    ["unreachable 203.0.113.0/24"]),
    "another table": ("ip rule add to 10.168.0.7 lookup 77; ip route add blackhole default table 77", "route-refuses",
                      {OTHER_HOST}, ["blackhole 0.0.0.0/0 table 77"]),
    "blackhole in the pod": ("ip -n pod-a route add blackhole 10.168.0.7", "route-refuses", {OTHER_HOST},
                             ["the pod", "blackhole 10.168.0.7/32"]),
    "no default route in the pod": ("ip -n pod-a route del default", "pod-default-route-missing", BY_NODE, ["default"]),
    "no route to the pods": ("ip route del 10.244.0.0/24 dev cni0", "pods-route-missing", BY_NODE,
                             ["10.244.0.0/24", "cni0"]),
    "another route to the pod": ("ip route add 10.244.0.2 dev ens4", "pods-route-wrong", BY_NODE,
                                 ["10.244.0.2/32", "ens4"]),
}


@pytest.mark.parametrize("damage, code, failing, words", ROUTE_FAULTS.values(), ids=ROUTE_FAULTS)
def test_routes(pods, damage, code, failing, words):
    pods.master.sh(damage)
    findings = assert_named(pods, code, failing, words)
    assert_mended(pods, findings)


def test_no_route_to_that_range(pods):
    """What the route must be, only the administrator knows."""
    pods.master.sh("ip route del default")
    status, pings, findings = report(pods)
    assert status == 1 and {finding["code"] for finding in findings} == {"no-route"}
    assert sorted(finding["cause"] for finding in findings) == [
        f"the node has no route to {address}" for address in ("10.168.0.7", "10.244.1.2", OUTSIDE)]
    assert {finding["fix"] for finding in findings} == {
        "ip route add <range of 10.168.0.7> via <its node>", "ip route add <range of 10.244.1.2> via <its node>",
        "ip route add default via <the way out>"}


def test_strict_reverse_path_filter(pods):
    """Two uplinks: packets leave by ens4, the network answers pods' addresses by ens5."""
    node, vpc = pods.master, pods.vpc
    vpc.sh("ip link add second mtu 1460 type veth peer name ens5 address 02:00:0a:a8:00:10 mtu 1460 "
           f"netns {node.pid}; ip link set second up; ip route add 10.168.0.16 dev second scope link; "
           "ip neigh add 10.168.0.16 lladdr 02:00:0a:a8:00:10 dev second; "
           "iptables -I FROM -i second -j RETURN; iptables -I TO -o second -j RETURN; "
           "ip route replace 10.244.0.0/24 via 10.168.0.16 dev second onlink")
    node.sh("ip address add 10.168.0.16/32 dev ens5; ip link set ens5 up; "
            "echo 1 > /proc/sys/net/ipv4/conf/ens5/rp_filter")
    findings = assert_named(pods, "reverse-path-filter", {REMOTE}, ["rp_filter on ens5"])
    assert_mended(pods, findings)


# --- beyond the node -----------------------------------------------------------------------------


def test_no_route_in_the_network(pods):
    pods.del_vpc_routes()
    assert_named(pods, "network-route-missing", {REMOTE}, ["10.168.0.1", "10.244.0.0/24"])


def test_a_pod_that_is_gone(pods):
    pods.master.pods["pod-b"].delete()
    findings = assert_named(pods, "pod-gone", {NEIGHBOUR}, ["nobody on bridge cni0 has 10.244.0.3"])
    assert findings[0]["targets"] == ["10.244.0.3"]


def test_a_pod_that_does_not_answer(pods):
    pods.master.pods["pod-b"].run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
    assert_named(pods, "pod-mute", {NEIGHBOUR}, ["10.244.0.3"])


def test_a_host_that_does_not_answer(pods):
    pods.worker.sh("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
    assert_named(pods, "nothing-found", None, ["10.168.0.7"])


def test_a_router_that_complains(pods):
    pods.vpc.sh(f"ip route add unreachable {OUTSIDE}/32 metric 0 2>/dev/null || ip route replace unreachable {OUTSIDE}")
    assert_named(pods, "router-complains", {EXTERNAL}, ["10.168.0.1 says: host unreachable"])


def test_looking_changes_nothing(pods):
    places = pods.master, *pods.master.pods.values()
    pods.master.sh("ip link set cni0 down; echo 0 > /proc/sys/net/ipv4/conf/ens4/forwarding; "
                   "ip route add blackhole 10.168.0.7")
    before = snapshot.of(*places)
    assert report(pods)[0] == 1
    assert not snapshot.changes(before, snapshot.of(*places))


def test_without_a_configuration(node):
    """A bridge typed by hand: what is known is the pod's own."""
    type_bridge(node)
    node.copy(configs.DIRECTORY / configs.MASTER, "/tmp/typed.conf")
    pod = node.pod("pod")
    pod.add(configs.load(nodeSetup="manual")).expect_success()
    done = node.run("cni-check", "--netns", pod.netns, "--timeout", f"{1000 * SLOWNESS:.0f}", check=False)
    assert "Can ping own container" in done.stdout and "Can ping own host" in done.stdout, done.stdout
