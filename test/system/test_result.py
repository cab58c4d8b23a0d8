"""What ADD answers and what the kernel then shows: the same, in every version of the protocol."""

import pytest
from lab import configs

OLD = ("0.1.0", "0.2.0")
MIDDLE = ("0.3.0", "0.3.1", "0.4.0")
NEW = ("1.0.0", "1.1.0")


def pod_link(pod, ifname="eth0"):
    [link] = pod.json("ip", "-j", "address", "show", "dev", ifname)
    return link


def expected(pod, version):
    """The seed's result, key by key, in the shape of a version, from what `ip` shows in the pod."""
    link = pod_link(pod)
    [inet] = [a for a in link["addr_info"] if a["family"] == "inet"]
    address = f"{inet['local']}/{inet['prefixlen']}"
    [default] = pod.json("ip", "-j", "route", "show", "default")
    if version in OLD:
        return {"cniVersion": version, "ip4": {"ip": address, "gateway": default["gateway"]}}
    interface = {"name": "eth0", "mac": link["address"], "sandbox": pod.netns}
    ip = {"address": address, "gateway": default["gateway"], "interface": 0}
    if version in MIDDLE:
        ip["version"] = "4"
    return {"cniVersion": version, "interfaces": [interface], "ips": [ip]}


@pytest.mark.parametrize("version", OLD + MIDDLE + NEW)
def test_result_has_the_shape_of_the_configurations_version(node, version):
    pod = node.add_pod("pod", configs.load(cniVersion=version))
    assert pod.attachment.result == expected(pod, version)


def test_without_a_version_the_result_is_the_oldest(node):
    pod = node.add_pod("pod", configs.load(cniVersion=None))
    assert pod.attachment.result == expected(pod, "0.1.0")


def test_result_of_the_walkthroughs_file(node):
    """Word for word what the module shows, but for the MAC, which there is the kernel's choice."""
    pod = node.add_pod("pod", configs.load())
    assert pod.attachment.result == {
        "cniVersion": "0.3.1",
        "interfaces": [{"name": "eth0", "mac": "0a:58:0a:f4:00:02", "sandbox": "/var/run/netns/pod"}],
        "ips": [{"version": "4", "address": "10.244.0.2/24", "gateway": "10.244.0.1", "interface": 0}],
    }


def test_the_pods_link(node):
    node.sh("ip link add uplink type ifb; ip link set uplink mtu 1460 up; ip addr add 192.0.2.1/24 dev uplink\n"
            "ip route add default via 192.0.2.2")
    pod = node.add_pod("pod", configs.load())
    link = pod_link(pod)
    assert "UP" in link["flags"] and link["mtu"] == 1460, "as big as what the default route's link carries"
    assert link["address"] == "0a:58:0a:f4:00:02"
    [inet] = [a for a in link["addr_info"] if a["family"] == "inet"]
    assert (inet["local"], inet["prefixlen"]) == ("10.244.0.2", 24)
    [default] = pod.json("ip", "-j", "route", "show", "default")
    assert (default["gateway"], default["dev"]) == ("10.244.0.1", "eth0")


@pytest.mark.parametrize("route", [
    "ip route add default nexthop via 203.0.113.9 dev up1 nexthop via 198.51.100.9 dev up2",
    "ip nexthop add id 1 via 203.0.113.9 dev up1; ip nexthop add id 2 via 198.51.100.9 dev up2\n"
    "ip nexthop add id 3 group 1/2; ip route add default nhid 3",
], ids=["multipath", "nexthop group"])
def test_a_node_with_several_uplinks(node, route):
    node.sh("ip link add up1 type ifb; ip link set up1 mtu 1460 up; ip addr add 203.0.113.1/24 dev up1\n"
            "ip link add up2 type ifb; ip link set up2 mtu 1460 up; ip addr add 198.51.100.1/24 dev up2\n" + route)
    pod = node.add_pod("pod", configs.load())
    [link] = pod.json("ip", "-j", "link", "show", "eth0")
    assert link["mtu"] == 1460
    node.sh("sysctl -wq net.ipv4.nexthop_compat_mode=0")  # now the kernel names no link at all
    node.add_pod("other", configs.load())


def test_the_hosts_link(node):
    node.add_pod("pod", configs.load(mtu=1400))
    [link] = node.json("ip", "-j", "link", "show", "type", "veth")
    assert link["ifname"].startswith("veth") and len(link["ifname"]) == 15
    assert link["master"] == "cni0" and "UP" in link["flags"] and link["mtu"] == 1400


def test_addresses_are_given_from_the_lowest(node):
    conf = configs.load()
    pods = [node.add_pod(f"pod{i}", conf) for i in range(3)]
    assert [pod.ip for pod in pods] == ["10.244.0.2", "10.244.0.3", "10.244.0.4"]
    pods[1].delete(conf).expect_success()
    pods[1].add(conf).expect_success()
    assert pods[1].ip == "10.244.0.3"


def test_two_interfaces_of_one_pod(node):
    conf = configs.load()
    pod = node.add_pod("pod", conf)
    other = configs.load(name="othernet", subnet="10.99.0.0/24", network="10.99.0.0/16", bridge="cni1")
    # Its default route is there already: a second network must not fail on that.
    result = pod.attachment.add(other, ifname="eth1")
    result.expect_success()
    assert result.address == "10.99.0.2"
    assert pod_link(pod, "eth1")["address"] == "0a:58:0a:63:00:02"


def test_dual_stack_file(node):
    """configs/cni has a list with both families; the result and the pod have both."""
    conf = configs.load(configs.DUAL_STACK)
    pod = node.add_pod("pod", conf)
    link = pod_link(pod)
    in_pod = {f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["scope"] == "global"}
    assert len(in_pod) == 2 and set(address_of(pod.attachment.result)) == in_pod
    gateways = {ip["gateway"] for ip in pod.attachment.result["ips"]}
    found = {route["gateway"] for family in ("-4", "-6")
             for route in pod.json("ip", "-j", family, "route", "show", "default")}
    assert found == gateways and all(pod.ping(gateway) for gateway in gateways)
    assert not [a for a in link["addr_info"] if a["scope"] == "global" and a.get("tentative")], "usable at once"


def address_of(result):
    return [ip["address"] for ip in result["ips"]]


def test_loopback_hands_on_whatever_came_before_it(node):
    """Unchanged, with keys that nobody here knows, from more plugins than one would chain by hand."""
    prev = {"cniVersion": "1.1.0", "interfaces": [{"name": f"eth{i}", "pad": "x" * 10000} for i in range(40)],
            "ips": [{"address": "10.1.2.3/24", "interface": 39}], "else": {"deep": [[[None]]]}}
    pod = node.pod("pod")
    result = node.cni("ADD", {"cniVersion": "1.1.0", "name": "lo", "type": "loopback", "prevResult": prev},
                      **pod.attachment.parameters)
    assert result.expect_success().json == prev
