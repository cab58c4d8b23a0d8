"""The walkthrough's lab with IPv6 ranges beside IPv4: the same six pings, twice."""

import json
import sys

import pytest
from conftest import APPLETS
from lab import NETWORK6, OUTSIDE, OUTSIDE6, Lab, configs, matrix
from lab.vpc import GATEWAY6

FAMILIES = (4, 6)


@pytest.fixture
def lab(cnibox):
    """Nodes with the dual-stack file, each with its own ranges."""
    with Lab(ipv6=True) as lab:
        for node in lab.nodes:
            node.install(cnibox, *APPLETS)
            node.run("ip6tables", "-P", "FORWARD", "DROP")
            write_configuration(node)
        yield lab


def write_configuration(node, **changes):
    conf = configs.load(configs.DUAL_STACK)
    assert conf["plugins"][0]["network6"] == NETWORK6
    conf["plugins"][0].update(subnet=node.pod_cidr, subnet6=node.pod_cidr6, **changes)
    node.write(f"/etc/cni/net.d/{configs.DUAL_STACK}", json.dumps(conf))


def add_pods(lab):
    for node in lab.nodes:
        for name in ("pod-a", "pod-b"):
            node.add_pod(name)


def matrices(lab):
    """By plain ping, and by cni-check, which must agree; a line for each node and family."""
    found = []
    for node in lab.nodes:
        pod = node.pods["pod-a"]
        said = cni_check(lab, pod)
        for family in FAMILIES:
            [answered] = matrix.answering(lab, pod, family=family)
            assert {target.name for target in matrix.targets(lab, pod, family) if said[target.address]} == answered
            found.append(answered)
    return found


def cni_check(lab, pod):
    told = [target for family in FAMILIES for target in matrix.targets(lab, pod, family)
            if target.name not in (matrix.OWN_HOST, matrix.OWN_POD, matrix.EXTERNAL)]
    peers = [argument for target in told for argument in ("--peer", target.address)]
    done = pod.node.run("cni-check", "--conf", f"/etc/cni/net.d/{configs.DUAL_STACK}", "--netns", pod.netns, *peers,
                        "--outside", OUTSIDE, "--outside", OUTSIDE6, "--format=json", check=False)
    assert done.returncode in (0, 1), done.stderr
    return {ping["address"]: ping["answered"] for ping in json.loads(done.stdout)["pings"]}


def test_the_walkthrough_in_both_families(lab):
    """Step by step: the node set up by hand only as far as the bridge, then by cni-node, then the VPC's routes."""
    for node in lab.nodes:
        write_configuration(node, nodeSetup="manual")
        node.sh(f"brctl addbr cni0; ip link set cni0 up; ip addr add {gateway(node.pod_cidr)} dev cni0; "
                f"ip addr add {gateway(node.pod_cidr6)} dev cni0 nodad")
    add_pods(lab)
    assert matrices(lab) == [matrix.BEFORE] * 4
    for node in lab.nodes:
        node.run("cni-node", "up", "--conf", f"/etc/cni/net.d/{configs.DUAL_STACK}")
    assert matrices(lab) == [matrix.WITHOUT_ROUTES] * 4
    lab.add_vpc_routes()
    assert matrices(lab) == [matrix.ALL] * 4
    lab.del_vpc_routes()
    assert matrices(lab) == [matrix.WITHOUT_ROUTES] * 4


def test_the_short_way_in_both_families(lab):
    add_pods(lab)
    lab.add_vpc_routes()
    assert matrices(lab) == [matrix.ALL] * 4
    for node in lab.nodes:
        for pod in list(node.pods.values()):
            pod.delete().expect_success()


def gateway(prefix):
    """10.244.0.0/24 -> 10.244.0.1/24"""
    address, length = prefix.split("/")
    return f"{address.removesuffix('0')}1/{length}"


def test_addresses_and_routes_of_pod_and_node(lab):
    """Both addresses can be used at once: there is no time of duplicate address detection."""
    node = lab.master
    pod = node.add_pod("pod")
    [eth0] = [link for link in pod.json("ip", "-j", "address") if link["ifname"] == "eth0"]
    found = {f"{a['local']}/{a['prefixlen']}": a for a in eth0["addr_info"] if a["scope"] == "global"}
    assert list(found) == ["10.244.0.2/24", "fd00:10:244::2/64"]
    assert found["fd00:10:244::2/64"]["nodad"] and "tentative" not in found["fd00:10:244::2/64"]
    assert default_route(pod, 4) == ("10.244.0.1", "eth0") and default_route(pod, 6) == ("fd00:10:244::1", "eth0")
    [cni0] = [link for link in node.json("ip", "-j", "address") if link["ifname"] == "cni0"]
    assert [f"{a['local']}/{a['prefixlen']}" for a in cni0["addr_info"] if a["scope"] == "global"] == [
        "10.244.0.1/24", "fd00:10:244::1/64"]
    assert node.read("/proc/sys/net/ipv6/conf/all/forwarding") == "1\n"
    assert default_route(node, 6) == (GATEWAY6, "ens4")


def default_route(place, family):
    [route] = place.json("ip", "-j", f"-{family}", "route", "show", "default")
    return route["gateway"], route["dev"]


# Answers each datagram with the address that it came from.
ECHO = """
import socket, sys
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", 7))
print("ready", flush=True)
while True:
    _, source = server.recvfrom(16)
    server.sendto(source[0].encode(), source)
"""
ASK = """
import socket, sys
client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
client.settimeout(1)
for address in sys.argv[1:]:
    client.sendto(b"whoami", (address if ":" in address else f"::ffff:{address}", 7))
    try:
        print(client.recv(64).decode().removeprefix("::ffff:"))
    except TimeoutError:
        print("silence")
"""


def serve_echo(place, *prefix):
    server = place.popen(*prefix, sys.executable, "-c", ECHO)
    assert server.stdout.readline() == "ready\n", server.communicate()


@pytest.mark.parametrize("word, outside, remote", [
    ("outside", "node", "pod"),
    ("all", "node", "node"),
    ("none", None, "pod"),
])
def test_masquerade_in_both_families(lab, word, outside, remote):
    """The source that an outside host and a pod of the other node see. None: the packet does not get that far."""
    for node in lab.nodes:
        write_configuration(node, masquerade=word)
    add_pods(lab)
    lab.add_vpc_routes()
    pod, other = lab.master.pods["pod-a"], lab.worker.pods["pod-a"]
    serve_echo(lab.outside)
    serve_echo(lab.worker, "ip", "netns", "exec", other.name)
    seen = pod.run(sys.executable, "-c", ASK, OUTSIDE, OUTSIDE6, other.ip, other.ip6).stdout.split()
    sources = {"node": [lab.master.address, lab.master.address6], "pod": [pod.ip, pod.ip6], None: ["silence"] * 2}
    assert seen == sources[outside] + sources[remote]
