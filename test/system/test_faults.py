"""What goes wrong in a plugin written by hand. Each check finds its fault in the bash plugin, and none in cnibox."""

import ipaddress

import pytest
from conftest import type_bridge
from lab import configs, snapshot

SMALL = "10.244.0.0/30"  # room for a gateway and one pod


class Fault(Exception):
    """The plugin did what a plugin must not do. (Not an assertion: a broken check is no proof of a fault.)"""


def conf(**changes):
    return configs.load(**changes)


def two_pods_never_share_an_address(node):
    """Each pod has its own interface name here: the bash plugin makes it on the host first, under that very name."""
    pods = [node.pod(f"pod{i}") for i in range(12)]
    for _ in range(5):
        addresses = add_all_at_once(pods)
        if len(set(addresses)) < len(addresses):
            raise Fault(f"given twice: {sorted(addresses)}")
        for i, pod in enumerate(pods):
            pod.delete(conf(), ifname=f"net{i}").expect_success()
            pod.run("ip", "link", "del", f"net{i}", check=False)


def add_all_at_once(pods):
    calls = [("ADD", conf(), {**pod.attachment.parameters, "ifname": f"net{i}"}) for i, pod in enumerate(pods)]
    return [result.expect_success().address for result in pods[0].node.cni_at_once(calls)]


def the_store_is_not_where_anybody_can_write(node):
    node.write("/etc/precious", "kept\n")
    node.sh("chmod 1777 /tmp; ln -s /etc/precious /tmp/reserved_ips")
    node.add_pod("pod", conf())
    if node.read("/etc/precious") != "kept\n":
        raise Fault("a link in /tmp made the plugin write into another file")


def a_release_frees_one_address_and_no_other(node):
    """10.244.0.2 is the beginning of 10.244.0.26, or of whichever address of the second prefix is given."""
    one, another = conf(subnet="10.244.0.0/29"), conf(subnet="10.244.0.24/30", nodeSetup="manual")
    short, long = node.add_pod("short", one), node.add_pod("long", another)
    assert short.ip == "10.244.0.2" and long.ip.startswith(short.ip)
    short.delete(one).expect_success()
    following = node.pod("following")
    if following.add(another).returncode == 0 and following.ip == long.ip:
        raise Fault(f"{long.ip} is in use and was given again")


def a_release_without_the_namespace_frees_the_address(node):
    small = conf(subnet=SMALL)
    pod = node.add_pod("pod", small)
    pod.remove()
    pod.delete(small, netns="").expect_success()
    following = node.pod("following")
    if following.add(small).returncode or following.ip != pod.ip:
        raise Fault(f"{pod.ip} was not free again")


def the_broadcast_address_is_given_to_nobody(node):
    small = conf(subnet=SMALL)
    node.add_pod("pod", small)
    other = node.pod("other")
    last = str(ipaddress.ip_network(SMALL).broadcast_address)
    if other.add(small).returncode == 0 and other.ip == last:
        raise Fault(f"{last} is the broadcast address of {SMALL}")


def a_failed_add_leaves_nothing_behind(node):
    node.add_pod("first", conf())
    pod = node.pod("pod")
    pod.run("ip", "link", "add", "eth0", "type", "bridge")
    before = snapshot.of(node, pod)
    assert pod.add(conf()).returncode, "eth0 was there already"
    left = snapshot.changes(before, snapshot.of(node, pod))
    if left:
        raise Fault("\n".join(left))


def the_host_link_has_a_name_of_its_own(node):
    """Four random digits are the same for one pair in 256 pods about every third time; and with the namespace gone
    nobody knows whose link it was. A name derived from the attachment is long, and the same again."""
    pod = node.pod("pod")
    names = []
    for _ in range(2):
        pod.add(conf()).expect_success()
        names.append(host_link(node))
        pod.delete(conf()).expect_success()
        node.run("ip", "link", "del", names[-1], check=False)
        pod.run("ip", "link", "del", "eth0", check=False)
    if names[0] != names[1] or len(names[0]) < len("veth") + 11:
        raise Fault(f"names are chosen by chance: {names}")


def no_links_pile_up_among_the_namespaces(node):
    pod = node.pod("pod")
    before = node.sh("ls /var/run/netns")
    pod.add(conf()).expect_success()
    pod.delete(conf()).expect_success()
    if node.sh("ls /var/run/netns") != before:
        raise Fault("files left in /var/run/netns")


def the_interface_is_called_what_the_runtime_says(node):
    pod = node.pod("pod")
    result = pod.add(conf(), ifname="net1").expect_success()
    [link] = pod.json("ip", "-j", "link", "show", "net1")
    found = {"name": "net1", "mac": link["address"], "sandbox": pod.netns}
    if result.json["interfaces"] != [found]:
        raise Fault(f"the result speaks of {result.json['interfaces']}, the pod has {found}")


def the_bridge_is_called_what_the_configuration_says(node):
    type_bridge(node, "10.99.0.1/24", "br7")
    other = conf(bridge="br7", name="othernet", subnet="10.99.0.0/24", network="10.99.0.0/16")
    node.pod("pod").add(other).expect_success()
    [link] = node.json("ip", "-j", "link", "show", "type", "veth")
    if link.get("master") != "br7":
        raise Fault(f"joined {link.get('master')}")


def host_link(node):
    [link] = node.json("ip", "-j", "link", "show", "type", "veth")
    return link["ifname"]


CHECKS = [
    two_pods_never_share_an_address,
    the_store_is_not_where_anybody_can_write,
    a_release_frees_one_address_and_no_other,
    a_release_without_the_namespace_frees_the_address,
    the_broadcast_address_is_given_to_nobody,
    a_failed_add_leaves_nothing_behind,
    the_host_link_has_a_name_of_its_own,
    no_links_pile_up_among_the_namespaces,
    the_interface_is_called_what_the_runtime_says,
    the_bridge_is_called_what_the_configuration_says,
]
each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)


@each_check
def test_cnibox(check, node):
    type_bridge(node)
    check(node)


@each_check
def test_bash_has_the_fault(check, bash_node):
    with pytest.raises(Fault):
        check(bash_node)
