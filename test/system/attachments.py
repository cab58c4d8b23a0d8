"""Configurations for bridge, ptp and tuning, and words for what tests do with them and look at."""

from lab import snapshot

NET = "10.1.0.0/24"


def bridge(ipam=None, version="1.1.0", **keys):
    return {"cniVersion": version, "name": "net", "type": "bridge", "bridge": "br0", "isDefaultGateway": True,
            "ipam": ipam or {"type": "host-local", "subnet": NET}, **keys}


def ptp(version="1.1.0", **keys):
    return {"cniVersion": version, "name": "net", "type": "ptp",
            "ipam": {"type": "host-local", "subnet": NET, "routes": [{"dst": "0.0.0.0/0"}]}, **keys}


def cable(**keys):
    conf = bridge(**keys)
    del conf["ipam"]
    return conf


def chain(*plugins):
    """A list of what each plugin is to be sent."""
    return {"cniVersion": plugins[0]["cniVersion"], "name": "net", "plugins": list(plugins)}


def tuning(**keys):
    return {"cniVersion": "1.1.0", "name": "net", "type": "tuning", **keys}


def gc(node, conf, *pods):
    valid = [{"containerID": pod.id, "ifname": "eth0"} for pod in pods]
    node.cni("GC", {**conf, "cni.dev/valid-attachments": valid}).expect_success()


def status(node, conf):
    done = node.cni("STATUS", conf)
    return (0, "") if done.returncode == 0 else (done.json["code"], done.json["msg"])


def plug(node, name, conf, **variables):
    """A pod on a cable: without an address."""
    pod = node.pod(name)
    pod.attachment.add(conf, **variables).expect_success()
    return pod


def open_forward(node):
    """Packets between ports of a bridge pass FORWARD, too, where br_netfilter says so."""
    node.sh("iptables -P FORWARD ACCEPT; iptables -F FORWARD; ip6tables -P FORWARD ACCEPT")


def network_of(node, *pods):
    """Without the directories of stores: looking for leases makes them."""
    taken = snapshot.of(node, *pods)
    del taken["files"]
    return taken, snapshot.leases(node, "net")


def refusal(done):
    assert done.returncode == 1, done
    return done.json["msg"]


def veths(node):
    return sorted(link["ifname"] for link in node.json("ip", "-j", "link", "show", "type", "veth"))


def reaches(pod, address):
    return any(pod.ping(address, timeout=1) for _ in range(3))
