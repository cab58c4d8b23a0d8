"""Pods behind bash-cni and portmap, what nft lists of their ports, and what GC is told."""

import json

from lab import Lab

NODE = "10.168.0.6"
NODE6 = "fd20:168::6"


def portmap_lab(cnibox):
    """A fixture's: a lab whose first node has the plugins."""
    with Lab(ipv6=True) as lab:
        lab.master.install(cnibox, "bash-cni", "portmap", "host-local")
        yield lab


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


def table_of(node):
    return [item for item in rules(node) if "cnibox_hostport" in json.dumps(item)]


def elements(node, family="ip"):
    """{(host address, protocol, port): (address, port)}, as nft tells it."""
    found = {}
    for item in node.json("nft", "-j", "list", "ruleset")["nftables"]:
        if item.get("map", {}).get("table") == "cnibox_hostport" and item["map"]["family"] == family:
            for key, value in item["map"].get("elem", []):
                key = key["elem"]["val"] if "elem" in key else key
                found[tuple(([None] + key["concat"])[-3:])] = tuple(value["concat"])
    return found


def attachment(pod, ifname="eth0"):
    return {"containerID": pod.id, "ifname": ifname}


def collect(node, *valid, name="mynet"):
    conf = {"cniVersion": "1.1.0", "name": name, "type": "portmap", "cni.dev/valid-attachments": list(valid)}
    return node.cni("GC", conf).expect_success()
