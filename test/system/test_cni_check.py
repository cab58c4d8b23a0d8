"""cni-check: the walkthrough's six pings, told in a table and in JSON; test_cni_check_*.py have the reasons."""

import json
import time

import pytest
from conftest import SLOWNESS, needs
from diagnosis import check
from lab import kernel, matrix, snapshot


def pings(lab):
    done = check(lab, "--format=json")
    found = {ping["address"]: ping for ping in json.loads(done.stdout)["pings"]}
    named = {target.name: found[target.address] for target in matrix.targets(lab, lab.master.pods["pod-a"])}
    assert len(found) == len(named) == 6
    assert done.returncode == (0 if all(ping["answered"] for ping in found.values()) else 1)
    return named


def test_all_answered(pods):
    named = pings(pods)
    assert {name for name, ping in named.items() if ping["answered"]} == matrix.ALL
    for name, ping in named.items():
        assert name in ping["target"] or ping["target"] in name
        assert 0 < ping["rtt_us"] < 1_000_000
        assert "cause" not in ping and "fix" not in ping


def test_table_has_the_walkthroughs_wording(pods):
    text = check(pods).stdout
    assert [name for name in matrix.ALL if matrix.sentence(name, True) not in text] == []
    pods.del_vpc_routes()
    pods.master.sh(f"{kernel.flush_rules()}; iptables -P FORWARD DROP")
    text = check(pods).stdout
    assert [name for name in matrix.ALL if matrix.sentence(name, name in matrix.BEFORE) not in text] == []


def test_pings_run_at_the_same_time(pods):
    """Four that are not answered take no longer than one."""
    pods.master.sh("iptables -I FORWARD -j DROP")
    started = time.monotonic()
    assert check(pods, "--timeout", f"{3000 * SLOWNESS:.0f}").stdout.count("Can't ping") == 4
    assert time.monotonic() - started < 3 * 3 * SLOWNESS


NO_MASQUERADE = "nft flush chain ip cnibox postrouting" if kernel.has("nf_tables") else "iptables -t nat -F"
DAMAGE = {
    "forwarding is off": ("echo 0 > /proc/sys/net/ipv4/ip_forward", matrix.OTHER_HOST, "ip_forward"),
    "a chain drops": ("iptables -I FORWARD -j DROP", matrix.NEIGHBOUR, "FORWARD"),
    "the policy drops": ("iptables -F FORWARD", matrix.OTHER_HOST, "FORWARD"),
    "no masquerading": (NO_MASQUERADE, matrix.EXTERNAL, "masquerad"),
    "no default route in the pod": ("ip -n pod-a route del default", matrix.OTHER_HOST, "route"),
    "the gateway address is gone": ("ip addr del 10.244.0.1/24 dev cni0", matrix.OTHER_HOST, "10.244.0.1"),
    "the bridge is down": ("ip link set cni0 down", matrix.NEIGHBOUR, "cni0"),
    "the neighbour's link is unplugged": ("ip link set $(/usr/sbin/bridge fdb show br cni0 | awk '/0a:58:0a:f4:00:03/ "
                                          "{print $3; exit}') nomaster", matrix.NEIGHBOUR, "10.244.0.3"),
    "the other host is unreachable": ("ip route add unreachable 10.168.0.7", matrix.OTHER_HOST, "10.168.0.7"),
}


@needs("inet tables")
def test_another_table_drops(pods):
    test_the_cause_is_named(pods, "nft 'table inet firewalld { chain passing { type filter hook forward priority 10; "
                            "policy drop; }; }'", matrix.OTHER_HOST, "firewalld")


@pytest.mark.parametrize("damage, target, word", DAMAGE.values(), ids=DAMAGE)
def test_the_cause_is_named(pods, damage, target, word):
    neighbour = pods.master.pods["pod-b"]
    assert neighbour.ping("10.244.0.1"), "the bridge has learnt where it is"
    pods.master.sh(damage)
    ping = pings(pods)[target]
    assert not ping["answered"]
    assert word in ping["cause"] and ping["fix"], ping


def test_without_a_vpc_route_the_next_hop_is_blamed(pods):
    pods.del_vpc_routes()
    ping = pings(pods)[matrix.REMOTE]
    assert not ping["answered"] and "no route" in ping["cause"] and "10.168.0.1" in ping["cause"]
    assert "gcloud compute routes create" in ping["fix"]


def test_checking_changes_nothing(pods):
    pods.master.sh("iptables -I FORWARD -j DROP")
    before = snapshot.of(pods.master, *pods.master.pods.values())
    check(pods)
    assert not snapshot.changes(before, snapshot.of(pods.master, *pods.master.pods.values()))


@pytest.mark.parametrize("arguments", [("--nonsense",), ("--peer",), ("--peer", "nonsense"), ("--format=xml",),
                                       ("--netns",)])
def test_usage(node, arguments):
    done = node.run("cni-check", *arguments, check=False)
    assert done.returncode == 2 and done.stderr


def test_a_namespace_that_is_none(node):
    done = node.run("cni-check", "--netns", "/etc/hostname", "--peer", "10.244.0.3", check=False)
    assert done.returncode in (1, 2) and "/etc/hostname" in done.stderr
