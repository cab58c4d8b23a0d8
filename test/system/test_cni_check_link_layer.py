"""cni-check on what no table of routes or rules tells: lost large packets, addresses that two have, wrong neighbours."""

import pytest
from diagnosis import assert_healthy, assert_mended, assert_named, report
from lab import matrix
from test_cni_check_diagnoses import BY_LINK, BY_NODE, host_end

pytestmark = pytest.mark.once

OTHER_HOST, NEIGHBOUR, REMOTE = matrix.OTHER_HOST, matrix.NEIGHBOUR, matrix.REMOTE


# --- large packets --------------------------------------------------------------------------------


def test_a_black_hole_in_the_network(pods):
    """A narrow link to the other node, and a firewall that eats what routers say."""
    pods.vpc.sh("ip link set k8s-worker mtu 1400; "
                "iptables -I OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP")
    findings = assert_named(pods, "mtu-black-hole", {OTHER_HOST, REMOTE},
                            ["packets of up to 1400 bytes pass", "beyond ens4, whose MTU is 1460"])
    assert {finding["fix"] for finding in findings} == {"ip link set ens4 mtu 1400"}
    assert_mended(pods, findings)


def test_a_narrow_link_is_none_where_routers_say_so(pods):
    """Who is told can send smaller packets."""
    pods.vpc.sh("ip link set k8s-worker mtu 1400")
    status, _, findings = report(pods)
    assert status == 0 and not findings


def test_a_narrow_port_of_the_pod(pods):
    name = host_end(pods.master.pods["pod-a"])
    pods.master.sh(f"ip link set {name} mtu 1333")
    findings = assert_named(pods, "mtu-black-hole", BY_LINK,
                            ["packets of up to 1337 bytes pass",  # a veth leaves room for a VLAN's tag
                             f"the MTU of {name} is 1333, that of the pod 1460"])
    assert_mended(pods, findings)


def test_a_narrow_port_of_another_pod(pods):
    name = host_end(pods.master.pods["pod-b"])
    pods.master.sh(f"ip link set {name} mtu 1333; ip link set cni0 mtu 1460")
    findings = assert_named(pods, "mtu-black-hole", {NEIGHBOUR},
                            ["packets of up to 1333 bytes pass", f"the MTU of {name} is 1333"])
    assert_mended(pods, findings)


# --- addresses that two have ----------------------------------------------------------------------


def intruder(node, address):
    """A pod of nobody's with an address that is another's."""
    node.sh("ip netns add intruder; ip link add rogue type veth peer name eth0 address 02:00:00:00:00:99 netns intruder; "
            "ip link set rogue master cni0 up; ip -n intruder link set eth0 up; "
            f"ip -n intruder address add {address}/24 dev eth0")


@pytest.mark.parametrize("address, right", [("10.244.0.2", "0a:58:0a:f4:00:02"), ("10.244.0.3", "0a:58:0a:f4:00:03"),
                                            ("10.244.0.1", "0a:58:0a:f4:00:01")],
                         ids=["the pod's", "a neighbour's", "the gateway's"])
def test_an_address_that_two_have(pods, address, right):
    for pod in pods.master.pods.values():  # which else would believe for a minute what they once heard
        pod.run("sh", "-c", "echo 1000 > /proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms")
    intruder(pods.master, address)
    findings = assert_named(pods, "address-twice", None,
                            [f"have {address}", f"{right} and 02:00:00:00:00:99 behind rogue"])
    assert_mended(pods, findings)


# --- neighbours -----------------------------------------------------------------------------------


WRONG = "02:00:00:00:00:99"
NEIGHBOUR_FAULTS = {
    "the node's, of the pod": ("ip neigh replace 10.244.0.2 lladdr {mac} nud permanent dev cni0", BY_NODE,
                               ["the node takes 10.244.0.2 on cni0", "(permanent entry)", "0a:58:0a:f4:00:02"]),
    "the node's, stale": ("ip neigh replace 10.244.0.2 lladdr {mac} nud stale dev cni0", BY_NODE,
                          ["the node takes 10.244.0.2 on cni0", "0a:58:0a:f4:00:02"]),
    "the pod's, of the gateway": ("ip -n pod-a neigh replace 10.244.0.1 lladdr {mac} nud permanent dev eth0", BY_NODE,
                                  ["the pod takes 10.244.0.1 on eth0", "0a:58:0a:f4:00:01"]),
    "the pod's, of its neighbour": ("ip -n pod-a neigh replace 10.244.0.3 lladdr {mac} nud permanent dev eth0",
                                    {NEIGHBOUR}, ["the pod takes 10.244.0.3 on eth0", "0a:58:0a:f4:00:03"]),
    "the node's, of another pod": ("ip neigh replace 10.244.0.3 lladdr {mac} nud permanent dev cni0", set(),
                                   ["the node takes 10.244.0.3 on cni0", "0a:58:0a:f4:00:03"]),
}


@pytest.mark.parametrize("damage, failing, words", NEIGHBOUR_FAULTS.values(), ids=NEIGHBOUR_FAULTS)
def test_a_neighbour_that_is_another(pods, damage, failing, words):
    assert pods.master.pods["pod-a"].ping("10.244.0.1"), "it has no reason to ask, which would tell the node who it is"
    pods.master.sh(damage.format(mac=WRONG))
    findings = assert_named(pods, "neighbour-wrong", failing, [WRONG, *words])
    assert_mended(pods, findings)


def test_a_gateway_that_is_the_host_end_of_the_link_is_none(pods):
    """So it answers while it is in no bridge; later the bridge takes in what goes to any of its ports' addresses."""
    node, pod = pods.master, pods.master.pods["pod-a"]
    name = host_end(pod)
    node.sh(f"ip link set {name} nomaster; ip -n pod-a neigh flush dev eth0")
    pod.ping("10.244.0.1")  # the answer takes another way
    node.sh(f"ip link set {name} master cni0")
    believed = pod.json("ip", "-j", "neigh", "show", "10.244.0.1")[0]["lladdr"]
    assert believed == node.json("ip", "-j", "link", "show", name)[0]["address"]
    assert_healthy(pods)
