"""portmap behind bash-cni: who reaches a port of the host, and what stays when the pod is gone."""

import json
import pytest
from conftest import needs
from lab import Lab, configs, snapshot
from ports import Server, ask

NODE = "10.168.0.6"
NODE6 = "fd20:168::6"

pytestmark = needs("nf_tables")


@pytest.fixture
def lab(cnibox):
    with Lab(ipv6=True) as lab:
        lab.master.install(cnibox, "bash-cni", "portmap", "host-local")
        yield lab


@pytest.fixture
def node(lab):
    return lab.master


def mapping(host, pod=80, protocol="tcp", **more):
    return {"hostPort": host, "containerPort": pod, "protocol": protocol, **more}


def chain(*mappings, name="mynet", six=False, subnet="10.244.0.0/24", **keys):
    first = {"type": "bash-cni", "subnet": subnet}
    if six:
        first["subnet6"] = "fd00:10:244::/64"
    return {"cniVersion": "1.0.0", "name": name, "plugins": [
        first, {"type": "portmap", "runtimeConfig": {"portMappings": list(mappings)}, **keys}]}


def start(node, name, conf):
    pod = node.add_pod(name, conf)
    pod.conf = conf
    # What "hairpinMode" of the bridge plugin does: with br_netfilter, a packet that leads back to its sender is bridged.
    for link in node.json("ip", "-j", "link", "show", "master", "cni0"):
        node.run("ip", "link", "set", link["ifname"], "type", "bridge_slave", "hairpin", "on")
    return pod


def stop(pod):
    pod.delete(pod.conf).expect_success()
    pod.remove()


def rules(node):
    return [item for item in node.json("nft", "-j", "list", "ruleset")["nftables"] if "metainfo" not in item]


def test_who_reaches_it(lab, node):
    peer = start(node, "peer", chain())
    pod = start(node, "one", chain(mapping(8080)))
    Server(pod)
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    assert ask(node, "127.0.0.1", 8080) == "10.244.0.1"
    assert ask(node, NODE, 8080) == NODE
    assert ask(pod, NODE, 8080) == "10.244.0.1", "hairpin"
    assert ask(pod, "10.244.0.1", 8080) == "10.244.0.1", "hairpin"
    assert ask(peer, NODE, 8080) == "10.244.0.1"
    assert ask(lab.worker, NODE, 8080) == "10.168.0.7"
    assert ask(lab.outside, NODE, 8081) is None
    stop(pod)
    assert ask(lab.outside, NODE, 8080) is None
