"""cni-check where pods have both families: what is broken in IPv6 is named as that, and IPv4 goes on."""

import json
import time

import pytest
from conftest import needs
from diagnosis import PATIENCE
from lab import configs

pytestmark = pytest.mark.once

OUTSIDE6 = "2001:db8:ffff::1"


@pytest.fixture
def node(node):
    """A node with two pods of both families, and an uplink behind which one host is."""
    node.copy(configs.DIRECTORY / configs.DUAL_STACK, "/etc/cni/net.d/10-bash-cni-plugin.conf")
    node.sh("ip netns add far; ip link add ens4 type veth peer name eth0 netns far; "
            "ip -n far link set lo up; ip -n far link set eth0 up; ip link set ens4 up; "
            "ip address add 192.0.2.9/24 dev ens4; ip -n far address add 192.0.2.10/24 dev eth0; "
            "ip address add 2001:db8:1::9/64 dev ens4 nodad; ip -n far address add 2001:db8:1::10/64 dev eth0 nodad; "
            f"ip -n far address add {OUTSIDE6}/128 dev lo nodad; ip -n far address add 203.0.113.10/32 dev lo; "
            "ip route add default via 192.0.2.10; ip -6 route add default via 2001:db8:1::10")
    conf = configs.load(configs.DUAL_STACK)
    plugin = {**conf["plugins"][0], "name": conf["name"], "cniVersion": conf["cniVersion"]}
    for name in ("pod-a", "pod-b"):
        node.pod(name).add(plugin).expect_success()
    return node


def report(node):
    addresses = ["10.244.0.3", "fd00:10:244::3", "192.0.2.10", "2001:db8:1::10"]
    peers = [word for address in addresses for word in ("--peer", address)]
    done = node.run("cni-check", "--netns", node.pods["pod-a"].netns, *peers, "--outside", OUTSIDE6,
                    "--outside", "203.0.113.10", "--format=json", check=False)
    said = json.loads(done.stdout)
    return done.returncode, said["pings"], said["findings"]


def assert_healthy(node):
    until = time.monotonic() + PATIENCE
    while report(node)[0] and time.monotonic() < until:
        time.sleep(0.5)
    status, pings, findings = report(node)
    assert status == 0 and not findings, findings
    assert len(pings) == 10 and all(ping["answered"] for ping in pings)


def test_nothing_is_found_where_nothing_is_wrong(node):
    assert_healthy(node)


FAULTS = {
    "forwarding off": ("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding", "forwarding-off",
                       ["net.ipv6.conf.all.forwarding"]),
    "no gateway address": ("ip address del fd00:10:244::1/64 dev cni0", "gateway-missing", ["fd00:10:244::1/64"]),
    "a rule": pytest.param("ip6tables -I FORWARD -s fd00:10:244::2 -p icmpv6 --icmpv6-type echo-request -d 2001:db8::/32 "
                           "-j DROP", "rule-drops", ["chain FORWARD of table ip6 filter"], marks=needs("nf_tables")),
    "a legacy rule": pytest.param("ip6tables-legacy -A FORWARD -p icmpv6 -d 2001:db8::/32 -j REJECT", "rule-drops",
                                  ["table ip6tables-legacy filter", "-A FORWARD -d 2001:db8::/32 -p ipv6-icmp -j REJECT"],
                                  marks=needs("legacy iptables")),
    "another table's policy": pytest.param(
        "nft 'table inet guard { chain c { type filter hook forward priority 5; policy drop; meta nfproto ipv4 accept; "
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }; }'", "policy-drops",
        ["chain c of table inet guard"], marks=needs("inet tables")),
    "no masquerade": pytest.param("nft flush chain ip6 cnibox postrouting", "masquerade-missing",
                                  ["nothing masquerades fd00:10:244::/64"], marks=needs("nf_tables")),
    "a route that refuses": ("ip -6 route add blackhole 2001:db8:1::10", "route-refuses",
                             ["blackhole 2001:db8:1::10/128"]),
    "no default route in the pod": ("ip -n pod-a -6 route del default", "pod-default-route-missing", ["default route"]),
    "a neighbour that is another": ("ip neigh replace fd00:10:244::2 lladdr 02:00:00:00:00:99 nud permanent dev cni0",
                                    "neighbour-wrong", ["the node takes fd00:10:244::2 on cni0"]),
    "an address that two have": (
        "ip netns add intruder; ip link add rogue type veth peer name eth0 address 02:00:00:00:00:99 netns intruder; "
        "ip link set rogue master cni0 up; ip -n intruder link set eth0 up; "
        "ip -n intruder address add fd00:10:244::1/64 dev eth0 nodad; sleep 1", "address-twice",
        ["have fd00:10:244::1", "02:00:00:00:00:99 behind rogue"]),
}


@pytest.mark.parametrize("damage, code, words", FAULTS.values(), ids=FAULTS)
def test_faults(node, damage, code, words):
    assert_healthy(node)
    node.sh(damage)
    status, pings, findings = report(node)
    assert status == 1 and {finding["code"] for finding in findings} == {code}, findings
    assert {ping.get("code", code) for ping in pings} == {code}
    assert all(ping["answered"] for ping in pings if "." in ping["address"])
    for word in words:
        assert any(word in finding["cause"] and finding["family"] == "IPv6" for finding in findings), findings
    for fix in {finding["fix"] for finding in findings}:
        node.sh(fix)
    assert_healthy(node)
