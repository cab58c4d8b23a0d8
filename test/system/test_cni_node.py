"""cni-node: the node's share of the walkthrough in one command, and back."""

import json

import pytest
from conftest import needs, type_bridge
from lab import configs, snapshot

ACCEPTS = ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"]
FLAGS = ("--bridge", "cni0", "--subnet", "10.244.0.0/24", "--network", "10.244.0.0/16")
WAYS = {"file": ("--conf", configs.INSTALLED), "flags": FLAGS}


@pytest.fixture
def configured(node):
    node.copy(configs.DIRECTORY / configs.MASTER, configs.INSTALLED)
    return node


def counted_rules(node):
    """`iptables-save -c -t filter` without its dates, and without the node's own packets: a bridge that comes up
    reports itself to multicast routers."""
    own = ("#", ":INPUT", ":OUTPUT")
    return [line for line in node.run("iptables-save", "-c", "-t", "filter").stdout.splitlines() if not line.startswith(own)]


def count_something(node):
    """Make counters of FORWARD's rules differ from zero: two pods that may not talk to each other."""
    node.sh("ip link add probe type bridge; ip addr add 192.0.2.1/24 dev probe; ip link set probe up\n"
            "for i in 2 3; do ip netns add probe$i; ip link add p$i type veth peer name eth0 netns probe$i\n"
            "ip link set p$i master probe up; ip -n probe$i addr add 192.0.2.$i/24 dev eth0\n"
            "ip -n probe$i link set eth0 up; done")
    assert not node.ping("192.0.2.3", netns="probe2")
    node.sh("for i in 2 3; do ip link del p$i; ip netns del probe$i; done; ip link del probe")
    assert any(line.startswith("[") and not line.startswith("[0:0]") for line in counted_rules(node))


def host(node):
    return snapshot.of(node)["host"]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_up_makes_what_the_walkthrough_types(configured, way):
    node = configured
    node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    said = node.run("cni-node", "up", *way).stdout
    [bridge] = node.json("ip", "-j", "-d", "address", "show", "dev", "cni0")
    assert bridge["linkinfo"]["info_kind"] == "bridge" and "UP" in bridge["flags"]
    assert "10.244.0.1" in [a["local"] for a in bridge["addr_info"]]
    routes = node.json("ip", "-j", "route", "show", "dev", "cni0")
    assert [(r["dst"], r["prefsrc"]) for r in routes] == [("10.244.0.0/24", "10.244.0.1")]
    assert node.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert node.chains()[-2:] == ACCEPTS
    assert "cni0" in said and "10.244.0.0/16" in said, "it says what it did"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_up_twice_is_up_once(configured, way):
    node = configured
    first = node.run("cni-node", "up", *way).stdout
    before = host(node)
    second = node.run("cni-node", "up", *way).stdout
    assert not snapshot.changes(before, host(node))
    assert first != second, "it tells what it made from what was there already"


def test_up_leaves_rules_and_counters_of_others_as_they_were(configured):
    node = configured
    count_something(node)
    before = counted_rules(node)
    node.run("cni-node", "up", "--conf", configs.INSTALLED)
    after = counted_rules(node)
    assert [line for line in after if line not in before] == [f"[0:0] {line}" for line in ACCEPTS]
    assert [line for line in after if line in before] == before
    node.run("cni-node", "down", "--conf", configs.INSTALLED)
    assert counted_rules(node) == before


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_down_removes_what_up_made(configured, way):
    node = configured
    before = host(node)
    node.run("cni-node", "up", *way)
    node.run("cni-node", "down", *way)
    assert not snapshot.changes(before, host(node))
    node.run("cni-node", "down", *way)
    assert not snapshot.changes(before, host(node))


def test_down_keeps_what_was_typed_by_hand(configured):
    node = configured
    type_bridge(node)
    node.sh("iptables -t filter -A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
            "iptables -t filter -A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
            "iptables -t nat -A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE")
    before = host(node)
    node.run("cni-node", "up", "--conf", configs.INSTALLED)
    node.run("cni-node", "down", "--conf", configs.INSTALLED)
    assert not snapshot.changes(before, host(node))


def test_down_undoes_what_an_add_made(configured):
    node = configured
    before = host(node)
    pod = node.add_pod("pod")
    pod.delete().expect_success()
    pod.remove()
    node.run("cni-node", "down", "--conf", configs.INSTALLED)
    assert not snapshot.changes(before, host(node))


@needs("nf_tables")
def test_up_without_any_firewall(configured):
    """No iptables table at all: there is none afterwards."""
    node = configured
    node.sh("nft flush ruleset")
    node.run("cni-node", "up", "--conf", configs.INSTALLED)
    tables = [item["table"] for item in node.json("nft", "-j", "list", "tables")["nftables"] if "table" in item]
    assert [(table["family"], table["name"]) for table in tables] == [("ip", "cnibox")]
    node.run("cni-node", "down", "--conf", configs.INSTALLED)
    assert "table" not in node.run("nft", "list", "ruleset").stdout


@pytest.mark.parametrize("accept, typed", [
    ("auto", True), ("iptables", True), pytest.param("own", False, marks=needs("nf_tables")),
])
def test_where_the_accept_rules_go(configured, accept, typed):
    node = configured
    node.run("cni-node", "up", *FLAGS, "--accept", accept)
    assert (node.chains()[-2:] == ACCEPTS) == typed
    if not typed:
        assert "10.244.0.0/16 accept" in node.run("nft", "list", "table", "ip", "cnibox").stdout


def test_accept_rules_come_before_a_rule_that_drops_all(configured):
    node = configured
    node.sh("iptables -A FORWARD -j REJECT")
    node.run("cni-node", "up", "--conf", configs.INSTALLED)
    assert node.chains()[-3:] == [*ACCEPTS, "-A FORWARD -j REJECT --reject-with icmp-port-unreachable"]


def test_status_tells_wanted_from_found(configured):
    node = configured
    before = host(node)
    missing = node.run("cni-node", "status", "--conf", configs.INSTALLED, check=False)
    assert missing.returncode == 1 and "cni0" in missing.stdout
    assert not snapshot.changes(before, host(node)), "looking changes nothing"
    node.run("cni-node", "up", "--conf", configs.INSTALLED)
    there = node.run("cni-node", "status", "--conf", configs.INSTALLED)
    assert there.stdout != missing.stdout
    assert json.loads(node.run("cni-node", "status", "--conf", configs.INSTALLED, "--format=json").stdout)
    node.sh("ip link set cni0 down")
    assert node.run("cni-node", "status", "--conf", configs.INSTALLED, check=False).returncode == 1


# --- config ---------------------------------------------------------------------------------------

def test_config_writes_the_walkthroughs_file(node):
    node.run("cni-node", "config", "--network", "10.244.0.0/16", "--pod-cidr", "10.244.1.0/24", "--name", "mynet")
    assert json.loads(node.read(configs.INSTALLED)) == configs.load(configs.WORKER)
    assert node.sh("ls /etc/cni/net.d").split() == ["10-bash-cni-plugin.conf"], "no temporary file is left"


def test_config_replaces_by_rename(configured):
    """Whoever reads at that moment sees the old file or the new one, whole."""
    node = configured
    before = node.sh(f"stat -c %i {configs.INSTALLED}")
    node.run("cni-node", "config", "--network", "10.244.0.0/16", "--pod-cidr", "10.244.7.0/24")
    assert node.sh(f"stat -c %i {configs.INSTALLED}") != before
    assert json.loads(node.read(configs.INSTALLED))["subnet"] == "10.244.7.0/24"


def test_config_makes_its_directory_and_takes_another_place(node):
    node.run("cni-node", "config", "--network", "10.244.0.0/16", "--pod-cidr", "10.244.0.0/24", "--output",
             "/tmp/conf/of/pods.conf")
    assert json.loads(node.read("/tmp/conf/of/pods.conf"))["network"] == "10.244.0.0/16"


def test_what_config_wrote_works(node):
    node.run("cni-node", "config", "--network", "10.244.0.0/16", "--pod-cidr", "10.244.0.0/24")
    assert node.add_pod("pod").ping("10.244.0.1")


@pytest.mark.parametrize("arguments, word", [
    (("--network", "10.244.0.0/16", "--pod-cidr", "10.244.0.0/31"), "10.244.0.0/31"),
    (("--network", "10.244.0.0/16", "--pod-cidr", "10.99.0.0/24"), "10.99.0.0/24"),
    (("--network", "nonsense", "--pod-cidr", "10.244.0.0/24"), "nonsense"),
    (("--network", "10.244.0.0/16"), "--pod-cidr"),
    (("--network", "10.244.0.0/16", "--pod-cidr", "10.244.0.0/24", "--name", "../x"), "../x"),
])
def test_config_refuses_nonsense_and_keeps_the_file(configured, arguments, word):
    node = configured
    before = node.read(configs.INSTALLED)
    done = node.run("cni-node", "config", *arguments, check=False)
    assert done.returncode in (1, 2) and word in done.stderr
    assert node.read(configs.INSTALLED) == before


@pytest.mark.parametrize("arguments", [
    (), ("sideways",), ("up", "--nonsense"), ("up", "--conf"), ("up", "--subnet", "10.244.0.0/24", "extra"),
])
def test_usage(node, arguments):
    before = host(node)
    done = node.run("cni-node", *arguments, check=False)
    assert done.returncode == 2 and done.stderr and not done.stdout
    assert not snapshot.changes(before, host(node))


def test_up_refuses_a_bridge_that_is_none(configured):
    node = configured
    node.sh("ip link add cni0 type ifb")
    before = host(node)
    done = node.run("cni-node", "up", "--conf", configs.INSTALLED, check=False)
    assert done.returncode == 1 and "cni0" in done.stderr
    assert not snapshot.changes(before, host(node))


def test_down_leaves_forwarding_to_a_network_that_is_still_there(node):
    """Two networks, the first of which switched forwarding on. Whoever goes last switches it off."""
    node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    first, second = ("--subnet", "10.244.0.0/24"), ("--subnet", "10.9.0.0/24", "--bridge", "cni1", "--name", "second")
    fresh = snapshot.of(node)
    for network in (first, second):
        node.run("cni-node", "up", *network)
    assert "forwarding" not in node.run("cni-node", "down", *first).stdout
    assert node.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert "removed    net.ipv4.ip_forward=1\n" in node.run("cni-node", "down", *second).stdout
    assert not snapshot.changes(fresh, snapshot.of(node))
