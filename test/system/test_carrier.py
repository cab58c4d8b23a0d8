"""An ADD ends when the pod's packets pass, not before: the kernel hears of a link's carrier a little after it is raised."""

import json

import pytest
from attachments import bridge, ptp, veths
from lab import configs, snapshot
from lab.runtime import PLUGIN_DIR, Result, environment

# Each on a network of its own.
KINDS = {
    "bridge": lambda i: bridge({"type": "host-local", "subnet": f"10.{i}.0.0/24"}, bridge=f"br{i}"),
    "bash-cni": lambda i: configs.load(network="10.0.0.0/8", subnet=f"10.{i}.0.0/24", bridge=f"br{i}"),
    "ptp": lambda i: ptp(ipam={"type": "host-local", "subnet": f"10.{i}.0.0/24"}),
}
BRIDGED = [KINDS["bridge"](1), KINDS["bash-cni"](1)]
bridged = pytest.mark.parametrize("conf", BRIDGED, ids=["bridge", "bash-cni"])

ADD = PLUGIN_DIR + "/{type} </tmp/conf >/dev/null && ip netns exec {pod} ping -n -q -c1 -W1 10.{i}.0.1"


@pytest.mark.parametrize("conf_of", KINDS.values(), ids=KINDS)
def test_the_first_packet_passes(node, conf_of):
    """Also over a bridge that has just been made. Who loses it asks for the gateway's MAC address anew a second later."""
    for i in range(20):
        pod, conf = node.pod(f"pod{i}"), conf_of(i)
        node.write("/tmp/conf", json.dumps({**conf, "name": f"net{i}"}))
        node.sh(ADD.format(type=conf["type"], pod=pod.name, i=i), env=environment("ADD", pod.id, pod.netns))


def start_add(node, conf):
    """On a bridge that has no carrier as long as it is dormant."""
    node.sh("ip link add br1 type bridge; ip link set br1 mode dormant up; ip link add v0 type veth peer name v1; "
            "ip link set v0 master br1 up; ip link set v1 up; until ip -br link show br1 | grep DORMANT; do sleep .01; done; "
            "ip link del v0")
    pod = node.pod("pod")
    node.write("/tmp/conf", json.dumps(conf))
    return pod, node.popen("sh", "-c", f"exec {PLUGIN_DIR}/{conf['type']} </tmp/conf",
                           env=environment("ADD", pod.id, pod.netns))


@bridged
def test_the_carrier_is_waited_for(node, conf):
    pod, adding = start_add(node, conf)
    while not any(route["dst"] == "default" for route in pod.json("ip", "-j", "route")):
        assert adding.poll() is None
    node.sh("sleep .2")
    assert adding.poll() is None, "all is there but the carrier"
    node.sh("ip link set br1 mode default; ip link set br1 state up")
    assert Result.of(adding).expect_success().ips == ["10.1.0.2/24"]


@bridged
def test_without_a_carrier_nothing_stays(node, conf):
    _, adding = start_add(node, conf)
    refused = Result.of(adding)
    assert (refused.json["code"], refused.json["msg"]) == (101, "await carrier: br1 has no carrier")
    assert veths(node) == [] and snapshot.leases(node, conf["name"]) == {}
