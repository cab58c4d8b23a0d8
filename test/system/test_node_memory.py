"""An ADD believes what an earlier one found on the node as long as it is true, and no longer."""

import pytest
from conftest import needs
from lab import configs

pytestmark = needs("nf_tables")

CONF = configs.load()
RECORD = f"/run/cnibox/node-{CONF['name']}"
RULES = ("ip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/16", "-A FORWARD -s 10.244.0.0/16 -j ACCEPT",
         "-A FORWARD -d 10.244.0.0/16 -j ACCEPT")

# RTM_NEWLINK, and of nf_tables NFT_MSG_GETCHAIN and NFT_MSG_GETRULE
NEW_LINK, GET_CHAIN, GET_RULE = "0x10", "0xa04", "0xa07"


@pytest.fixture(name="known_node")
def fixture_known_node(node):
    """A node that is remembered: the first ADD makes it, the second finds it whole."""
    for name in ("first", "second"):
        node.add_pod(name, CONF)
    assert node.exists(RECORD)
    return node


def record(node):
    """Its content and when it was written."""
    return node.sh(f"stat -c %y {RECORD}; sha256sum {RECORD}")


def assert_whole(node):
    rules = node.sh("nft list table ip cnibox; iptables -S FORWARD")
    assert [rule for rule in RULES if rule not in rules] == []
    bridge, = node.json("ip", "-j", "-d", "address", "show", "cni0")
    assert bridge["linkinfo"]["info_kind"] == "bridge" and "UP" in bridge["flags"]
    assert [a["local"] for a in bridge["addr_info"] if a["family"] == "inet"] == ["10.244.0.1"]
    assert node.read("/proc/sys/net/ipv4/ip_forward") == "1\n"


@pytest.mark.parametrize("beside", [
    ":",
    "ip link add other type bridge; ip address add 10.244.0.1/24 dev other; ip link set other up",
])
def test_what_did_not_change_is_not_looked_at_again(known_node, beside):
    known_node.sh(beside)
    before = record(known_node)
    pod = known_node.pod("pod")
    known_node.write("/opt/cni/bin/traced", "#!/bin/sh\nexec strace -qq -X raw -o /tmp/calls /opt/cni/bin/bash-cni\n", 0o755)
    pod.add({**CONF, "type": "traced"}).expect_success()
    calls = known_node.read("/tmp/calls")
    assert [word for word in (NEW_LINK, GET_CHAIN, GET_RULE) if f"nlmsg_type={word}," in calls] == [NEW_LINK], calls
    assert record(known_node) == before


@pytest.mark.parametrize("damage", [
    "nft flush ruleset; iptables -P FORWARD DROP",
    "nft delete table ip cnibox",
    "nft delete rule ip cnibox postrouting handle $(nft -a list table ip cnibox | sed -n 's/.*masq.*handle //p')",
    "iptables -F FORWARD",
    "iptables -D FORWARD -s 10.244.0.0/16 -j ACCEPT",
    "iptables -I FORWARD -j DROP; iptables -D FORWARD -j DROP; iptables -D FORWARD -d 10.244.0.0/16 -j ACCEPT",
    "ip link set cni0 down",
    "ip link set cni0 name old0",
    "ip link del cni0",
    "ip link del cni0; ip link add cni0 type bridge; ip link set cni0 up",
    "ip address flush dev cni0",
    "echo 0 > /proc/sys/net/ipv4/ip_forward",
    f"printf x | dd of={RECORD} bs=1 seek=70 conv=notrunc status=none; iptables -F FORWARD",
    f": > {RECORD}; iptables -F FORWARD",
])
def test_whatever_changed_is_noticed(known_node, damage):
    known_node.sh(damage)
    known_node.add_pod("pod", CONF)
    assert_whole(known_node)


@needs("legacy iptables")
def test_legacy_rules_are_noticed(known_node):
    known_node.sh("iptables-legacy -P FORWARD DROP")
    known_node.add_pod("pod", CONF)
    assert RULES[1] in known_node.sh("iptables-legacy -S FORWARD")


@pytest.mark.parametrize("other", ["10.244.0.1/20", "10.244.0.9/24"])
def test_another_address_is_noticed(known_node, other):
    known_node.sh(f"ip address add {other} dev cni0; ip address del 10.244.0.1/24 dev cni0; "
                  f"ip address replace {other} dev cni0")
    known_node.add_pod("pod", CONF)
    addresses, = known_node.json("ip", "-j", "address", "show", "cni0")
    assert "10.244.0.1/24" in [f"{a['local']}/{a['prefixlen']}" for a in addresses["addr_info"]]


@pytest.mark.parametrize("change, rule", [
    ({"masquerade": "all"}, 'oifname != "cni0" ip saddr 10.244.0.0/24 masquerade'),
    ({"network": "10.240.0.0/12"}, "ip daddr != 10.240.0.0/12"),
    ({"accept": "own"}, "ip saddr 10.244.0.0/16 accept"),
])
def test_another_configuration_is_noticed(known_node, change, rule):
    known_node.add_pod("pod", {**CONF, **change})
    assert rule in known_node.sh("nft list table ip cnibox")


def test_a_record_of_another_namespace_is_not_believed(known_node, cnibox):
    """Its generation and the bridge's index may be the same, as they are counted in each."""
    with type(known_node)("other") as other:
        other.install(cnibox, "bash-cni")
        for name in ("first", "second"):
            other.add_pod(name, CONF)
        known_node.sh("nft add table ip other")
        other.sh("nft delete table ip cnibox")
        known_node.add_pod("third", CONF)
        here, there = (node.run("cat", RECORD, text=False).stdout for node in (known_node, other))
        assert sum(a != b for a, b in zip(here, there)) <= 4, "one generation, and the name of the namespace"
        other.write(RECORD, here, 0o600)
        other.add_pod("pod", CONF)
        assert_whole(other)


def test_without_a_place_for_it(known_node):
    known_node.sh("rm -r /run/cnibox; touch /run/cnibox; nft delete table ip cnibox")
    known_node.add_pod("pod", CONF)
    assert_whole(known_node)
