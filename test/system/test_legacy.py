"""Nodes with legacy iptables: rules as a user would have typed them, and everybody else's as they were."""

import fcntl
import itertools
import json
import re
import sys
import time

import pytest
from conftest import APPLETS, needs
from lab import Node, configs, deny, kernel, matrix, snapshot

pytestmark = needs("legacy iptables")

ACCEPTS = ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"]
ACCEPTS6 = ["-A FORWARD -s fd00:10:244::/48 -j ACCEPT", "-A FORWARD -d fd00:10:244::/48 -j ACCEPT"]
MASQUERADE = {"all": "-A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE",
              "outside": "-A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE"}
MASQUERADE6 = {"all": "-A POSTROUTING -s fd00:10:244::/64 ! -o cni0 -j MASQUERADE",
               "outside": "-A POSTROUTING -s fd00:10:244::/64 ! -d fd00:10:244::/48 -j MASQUERADE"}
FLAGS = ("--subnet", "10.244.0.0/24", "--network", "10.244.0.0/16")
FLAGS6 = (*FLAGS, "--subnet6", "fd00:10:244::/64", "--network6", "fd00:10:244::/48")

# Matches, targets and jumps that cnibox knows nothing of, and counters that are not zero.
OTHERS = """\
*nat
:PREROUTING ACCEPT [21:2100]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [5:300]
:DOCKER - [0:0]
[7:700] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
[6:360] -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
[2:200] -A DOCKER -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT ACCEPT [11:1100]
:FORWARD DROP [7:420]
:OUTPUT ACCEPT [12:1200]
:DEEPER - [0:0]
:USER - [0:0]
[13:1300] -A INPUT -p tcp -m multiport --dports 22,80 -m comment --comment "let in" -j ACCEPT
[1:10] -A FORWARD -m comment --comment "no target: counts"
[2:20] -A FORWARD -m limit --limit 5/sec -j LOG --log-prefix "seen: "
[3:30] -A FORWARD -m recent --set --name seen --mask 255.255.255.255 --rsource
[4:40] -A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT
[4:41] -A FORWARD -p icmp -m icmp --icmp-type 8 -j USER
[5:50] -A FORWARD -i docker0 -g USER
[6:60] -A OUTPUT -m mark --mark 0x4000/0x4000 -j USER
[9:90] -A DEEPER -p tcp -j REJECT --reject-with tcp-reset
[8:80] -A USER -m comment --comment "no target: counts"
[8:81] -A USER -m statistic --mode nth --every 3 --packet 0 -j DEEPER
[9:91] -A USER -j RETURN
COMMIT
"""

DROPS = "iptables-legacy -P FORWARD DROP"
DROPS6 = "ip6tables-legacy -P FORWARD DROP"
NO_NF_TABLES = ("socket:2=12", "EPROTONOSUPPORT")  # netfilter's netlink
NO_LEGACY = ("getsockopt:2=64", "ENOPROTOOPT")  # IPT_SO_GET_INFO


@pytest.fixture
def node(cnibox):
    with Node(firewall=False) as node:
        node.install(cnibox, *APPLETS)
        yield node


def rules(node, chain="FORWARD", table="filter", tool="iptables-legacy"):
    """The rules of a chain, without its policy."""
    return node.run(tool, "-t", table, "-S", chain).stdout.splitlines()[1:]


def saved(node, policies=False):
    """With the counters of rules, and of policies if they matter: a link that comes up sends a few packets."""
    text = node.run("iptables-legacy-save", "-c").stdout + node.run("ip6tables-legacy-save", "-c").stdout
    return [re.sub(r"^(:.*) \[.*", r"\1", line) if not policies else line
            for line in text.splitlines() if not line.startswith("#")]


def dual_stack():
    return configs.load(configs.DUAL_STACK)


# --- FORWARD --------------------------------------------------------------------------------------

def test_accepts_are_typed_where_legacy_forward_drops(node):
    conf = configs.load(cniVersion="0.4.0")
    node.sh(DROPS)
    pods = [node.add_pod(name, conf) for name in ("pod", "neighbour")]
    assert rules(node) == ACCEPTS
    assert pods[0].ping(pods[1].ip), "bridged packets pass FORWARD here"
    for pod in pods:
        pod.check(conf).expect_success()
        pod.delete(conf).expect_success()
    assert rules(node) == ACCEPTS
    node.run("cni-node", "down", *FLAGS)
    assert rules(node) == []


def test_without_a_drop_nothing_is_typed(node):
    node.sh("iptables-legacy -A FORWARD -p tcp -j LOG")
    before = rules(node)
    node.add_pod("pod", configs.load())
    assert rules(node) == before
    node.run("cni-node", "up", *FLAGS, "--accept", "iptables")
    assert rules(node)[1:] == ACCEPTS


def test_before_the_first_unconditional_drop(node):
    node.sh("iptables-legacy -A FORWARD -i lo -j ACCEPT; iptables-legacy -A FORWARD -j REJECT")
    pods = [node.add_pod(name, configs.load()) for name in ("pod", "neighbour")]
    assert rules(node)[1:3] == ACCEPTS and rules(node)[3].startswith("-A FORWARD -j REJECT")
    assert pods[0].ping(pods[1].ip)


def test_typed_before_is_not_repeated_and_stays(node):
    node.sh(f"{DROPS}; iptables-legacy {ACCEPTS[0]}")
    node.run("cni-node", "up", *FLAGS)
    assert rules(node) == ACCEPTS
    node.run("cni-node", "down", *FLAGS)
    assert rules(node) == ACCEPTS[:1]


@pytest.mark.parametrize("damage", ["iptables-legacy -F FORWARD", "iptables-legacy -I FORWARD -j DROP"])
def test_the_next_add_heals(node, damage):
    conf = configs.load(cniVersion="0.4.0")
    node.sh(DROPS)
    pod = node.add_pod("pod", conf)
    node.sh(damage)
    assert "FORWARD" in pod.check(conf).json["msg"]
    neighbour = node.add_pod("neighbour", conf)
    assert rules(node)[:2] == ACCEPTS
    assert pod.ping(neighbour.ip)
    pod.check(conf).expect_success()


def test_idempotent(node):
    # A bridge that does not listen to multicast sends nothing of its own, which the rules would count.
    node.sh(f"{DROPS}; {DROPS6}; ip link add cni0 type bridge mcast_snooping 0")
    node.run("cni-node", "up", *FLAGS6)
    before = saved(node)
    for _ in range(3):
        assert "made" not in node.run("cni-node", "up", *FLAGS6).stdout.split()
    assert saved(node) == before
    assert node.run("cni-node", "status", *FLAGS6).returncode == 0


def test_down_knows_its_rules_without_the_bridge(node):
    node.sh(DROPS)
    node.run("cni-node", "up", *FLAGS)
    node.sh("ip link del cni0; iptables-legacy -I FORWARD -p tcp -j LOG")
    assert "iptables-legacy FORWARD" in node.run("cni-node", "down", *FLAGS).stdout
    assert rules(node) == ["-A FORWARD -p tcp -j LOG"]


def test_two_families(node):
    node.sh(f"{DROPS}; {DROPS6}")
    pods = [node.add_pod(name, dual_stack()) for name in ("pod", "neighbour")]
    assert rules(node) == ACCEPTS and rules(node, tool="ip6tables-legacy") == ACCEPTS6
    addresses = [ip["address"].split("/")[0] for ip in pods[1].attachment.result["ips"]]
    assert len(addresses) == 2 and all(pods[0].ping(address) for address in addresses)
    node.sh("ip6tables-legacy -C FORWARD -s fd00:10:244::/48 -j ACCEPT; ip6tables-legacy -D FORWARD 1")
    for pod in pods:
        pod.delete(dual_stack()).expect_success()
    node.run("cni-node", "down", *FLAGS6)
    assert rules(node) == [] and rules(node, tool="ip6tables-legacy") == []


@needs("nf_tables")
def test_both_kinds_on_one_node(cnibox):
    """The walkthrough's firewall in nf_tables, and legacy tables that drop, too."""
    with Node() as node:
        node.install(cnibox, *APPLETS)
        node.sh(DROPS)
        before = snapshot.of(node)["host"], rules(node)
        pods = [node.add_pod(name, configs.load()) for name in ("pod", "neighbour")]
        assert rules(node) == ACCEPTS and node.chains()[-2:] == ACCEPTS
        assert pods[0].ping(pods[1].ip)
        for pod in pods:
            pod.delete(configs.load()).expect_success()
            pod.remove()
        assert len(node.run("cni-node", "down", *FLAGS).stdout.splitlines()) == 5
        assert not snapshot.changes(before[0], snapshot.of(node)["host"]) and rules(node) == before[1]


@needs("nf_tables")
def test_no_table_comes_to_life(node):
    """What an ADD costs where legacy iptables is not in use: one file of /proc per family."""
    conf = dual_stack()
    node.add_pod("first", conf)
    for conf, files in ((configs.load(), 1), (dual_stack(), 2)):
        pod = node.pod(f"pod{files}")
        node.write("/opt/cni/bin/traced", "#!/bin/sh\nexec strace -f -o /tmp/trace bash-cni\n", 0o755)
        plugin = {**conf, **conf["plugins"][0]} if "plugins" in conf else conf
        call = {key: value for key, value in plugin.items() if key != "plugins"}
        node.cni("ADD", call, plugin="traced", **pod.attachment.parameters).expect_success()
        trace = node.read("/tmp/trace").splitlines()
        assert len([line for line in trace if "_tables_names" in line]) == files
        assert not [line for line in trace if "sockopt(" in line and "SOL_IP" in line]
    node.run("cni-node", "down", "--bridge", "other0", *FLAGS6)
    assert node.sh("cat /proc/net/ip_tables_names /proc/net/ip6_tables_names") == ""


# --- others ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("tool", ["iptables-legacy", "ip6tables-legacy"])
def test_others_stay_byte_for_byte(node, tool):
    mine = ACCEPTS if tool == "iptables-legacy" else ACCEPTS6
    text = OTHERS
    if tool == "ip6tables-legacy":
        for ipv4, ipv6 in (("172.17.0.0/16", "fd17::/64"), ("172.17.0.2:80", "[fd17::2]:80"),
                           ("255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                           ("-p icmp -m icmp --icmp-type 8", "-p ipv6-icmp -m icmp6 --icmpv6-type 128")):
            text = text.replace(ipv4, ipv6)
    node.run(f"{tool}-restore", "-c", input=text)
    assert not set(text.splitlines()) - set(saved(node, True))
    # With IPv6 the bridge itself sends packets as it comes up, which policies count.
    policies = tool == "iptables-legacy"
    node.sh("ip link add cni0 type bridge mcast_snooping 0")
    before = saved(node, policies)
    node.run("cni-node", "up", *FLAGS6, "--masquerade", "none")
    after = saved(node, policies)
    assert [line for line in after if line not in before] == [f"[0:0] {rule}" for rule in mine]
    assert [line for line in after if line.split(" ", 1)[1:] not in ([rule] for rule in mine)] == before
    node.run("cni-node", "down", *FLAGS6)
    assert saved(node, policies) == before


def test_counters_under_traffic(node):
    """No packet goes uncounted while the table is replaced, time and again."""
    count = 1500
    node.sh(f"{DROPS}; iptables-legacy -A INPUT -p icmp -m icmp --icmp-type 8 -m comment --comment counted")
    ping = node.popen("ping", "-q", "-c", str(count), "-i", "0.002", "127.0.0.1")
    rounds = 0
    while ping.poll() is None:
        node.run("cni-node", "up", *FLAGS, "--masquerade", "none")
        node.run("cni-node", "down", *FLAGS)
        rounds += 1
    assert f"{count} received" in ping.stdout.read() and rounds > 2
    [line] = [line for line in saved(node) if line.endswith("counted")]
    assert line.split(":")[0] == f"[{count}", line


def test_beside_a_busy_iptables(node):
    """A loop of iptables-legacy beside a loop of cni-node: neither loses a rule of the other."""
    node.sh(f"{DROPS}; iptables-legacy -A OUTPUT -p tcp -j LOG")
    for verb in ("up", "down"):  # now all tables are there that are looked into
        node.run("cni-node", verb, *FLAGS)
    before = saved(node)
    # -R changes no number of rules, so that the kernel alone would not notice who lost it.
    script = ("n=0; trap 'echo $n; exit 0' TERM; while n=$((n + 1)); do\n"
              "iptables-legacy -w -A FORWARD -s 192.0.2.1 -j LOG\n"
              "iptables-legacy -w -I INPUT -s 192.0.2.2 -m limit --limit 5/sec -j ACCEPT\n"
              "iptables-legacy -w -C FORWARD -s 192.0.2.1 -j LOG\n"
              "iptables-legacy -w -R OUTPUT 1 -p udp -m udp --dport $((n % 9 + 1))\n"
              "iptables-legacy -w -C OUTPUT -p udp -m udp --dport $((n % 9 + 1))\n"
              "iptables-legacy -w -R OUTPUT 1 -p tcp -j LOG\n"
              "iptables-legacy -w -C OUTPUT -p tcp -j LOG\n"
              "iptables-legacy -w -D FORWARD -s 192.0.2.1 -j LOG\n"
              "iptables-legacy -w -D INPUT -s 192.0.2.2 -m limit --limit 5/sec -j ACCEPT\n"
              "done")
    loop = node.popen("sh", "-euc", script)
    deadline = time.monotonic() + 4
    for rounds in itertools.count(1):
        node.run("cni-node", "up", *FLAGS)
        assert [rule for rule in rules(node) if "192.0.2.1" not in rule] == ACCEPTS
        node.run("cni-node", "status", *FLAGS)
        node.run("cni-node", "down", *FLAGS)
        assert not set(rules(node)) & set(ACCEPTS)
        if time.monotonic() > deadline and rounds > 3:
            break
    assert loop.poll() is None, loop.communicate()
    loop.terminate()
    said, complaints = loop.communicate()
    assert complaints == "" and int(said) > 3
    node.sh("iptables-legacy -D FORWARD -s 192.0.2.1 -j LOG 2>/dev/null || :\n"
            "iptables-legacy -D INPUT -s 192.0.2.2 -m limit --limit 5/sec -j ACCEPT 2>/dev/null || :\n"
            "iptables-legacy -R OUTPUT 1 -p tcp -j LOG")
    assert saved(node) == before


def test_many_adds_at_once(node):
    node.sh(DROPS)
    pods = [node.pod(f"pod{i}") for i in range(24)]
    for result in node.cni_at_once([("ADD", configs.load(), pod.attachment.parameters) for pod in pods]):
        result.expect_success()
    assert rules(node) == ACCEPTS


def test_waits_for_the_lock(node):
    node.sh(DROPS)
    with open(f"/proc/{node.pid}/root/run/xtables.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        up = node.popen("cni-node", "up", *FLAGS)
        time.sleep(0.5)
        assert up.poll() is None and rules_unlocked(node) == []
    assert up.wait(timeout=10) == 0
    assert rules(node) == ACCEPTS


def rules_unlocked(node):
    return node.run("iptables-legacy", "-S", "FORWARD", env={"XTABLES_LOCKFILE": "/tmp/lock"}).stdout.splitlines()[1:]


def test_no_place_for_the_lock(node):
    node.sh(DROPS)
    node.run("cni-node", "up", *FLAGS, env={"XTABLES_LOCKFILE": "/run/no/such/lock"})
    assert rules(node) == ACCEPTS


# --- a kernel without nf_tables -------------------------------------------------------------------

def lacking(node, cnibox, *denied, names=("bash-cni", "cni-node")):
    """The applets see a kernel that lacks something: each goes by seccomp."""
    words = "".join(f"{sys.executable} /tmp/deny.py {' '.join(each)} " for each in denied)
    node.copy(deny.__file__, "/tmp/deny.py")
    node.copy(cnibox, "/opt/cnibox", 0o755)
    for name in names:
        node.run("rm", "-f", f"/opt/cni/bin/{name}")
        node.write(f"/opt/cni/bin/{name}", f'#!/bin/sh\nexec {words} /opt/cnibox {name} "$@"\n', 0o755)


@pytest.mark.parametrize("word", MASQUERADE)
def test_masquerade_goes_into_legacy_nat(node, cnibox, word):
    lacking(node, cnibox, NO_NF_TABLES)
    conf = {**dual_stack()}
    conf["plugins"] = [{**conf["plugins"][0], "masquerade": word}]
    pod = node.add_pod("pod", conf)
    assert rules(node, "POSTROUTING", "nat") == [MASQUERADE[word]]
    assert rules(node, "POSTROUTING", "nat", "ip6tables-legacy") == [MASQUERADE6[word]]
    pod.check(conf).expect_success()
    node.add_pod("another", conf)
    assert rules(node, "POSTROUTING", "nat") == [MASQUERADE[word]]
    node.sh("iptables-legacy -t nat -F")
    assert pod.check(conf).returncode == 1
    node.add_pod("third", conf)
    assert rules(node, "POSTROUTING", "nat") == [MASQUERADE[word]]
    for pod in node.pods.values():
        pod.delete(conf).expect_success()
    node.run("cni-node", "down", *FLAGS6)
    assert rules(node, "POSTROUTING", "nat") == rules(node, "POSTROUTING", "nat", "ip6tables-legacy") == []


def test_another_masquerade_takes_its_place(node, cnibox):
    lacking(node, cnibox, NO_NF_TABLES)
    node.sh("iptables-legacy -t nat -A POSTROUTING -p tcp -j ACCEPT")
    for word in ("all", "outside", "all"):
        node.run("cni-node", "up", *FLAGS, "--masquerade", word)
        assert rules(node, "POSTROUTING", "nat") == ["-A POSTROUTING -p tcp -j ACCEPT", MASQUERADE[word]]
    node.run("cni-node", "up", *FLAGS, "--masquerade", "none")
    assert rules(node, "POSTROUTING", "nat") == ["-A POSTROUTING -p tcp -j ACCEPT"]
    node.run("cni-node", "up", *FLAGS, "--name", "one")
    node.run("cni-node", "down", *FLAGS, "--name", "another", check=False)
    assert rules(node, "POSTROUTING", "nat")[1:] == [MASQUERADE["outside"]]


@needs("nf_tables")
def test_nf_tables_come_later(node, cnibox):
    """A module was loaded: the rule moves when it has to change, and until then does its work where it is."""
    lacking(node, cnibox, NO_NF_TABLES)
    node.run("cni-node", "up", *FLAGS)
    node.install(cnibox, *APPLETS)
    assert "made" not in node.run("cni-node", "up", *FLAGS).stdout.split()
    node.run("cni-node", "up", *FLAGS, "--masquerade", "all")
    assert rules(node, "POSTROUTING", "nat") == []
    assert "10.244.0.0/24" in node.run("nft", "list", "table", "ip", "cnibox").stdout


def test_neither_is_an_error_that_names_the_options(node, cnibox):
    lacking(node, cnibox, NO_NF_TABLES, NO_LEGACY)
    pod = node.pod("pod")
    before = snapshot.of(node, pod)["host"]
    said = pod.add(configs.load()).json
    assert said["code"] == 100 and "nf_tables" not in node.sh("cat /proc/net/ip_tables_names")
    assert all(word in said["details"] for word in ("CONFIG_NF_TABLES", "CONFIG_NFT_MASQ", "CONFIG_IP_NF_NAT"))
    assert not snapshot.changes(before, snapshot.of(node, pod)["host"])
    done = node.run("cni-node", "up", *FLAGS, "--accept", "own", check=False)
    assert done.returncode == 1 and "CONFIG_NF_TABLES" in done.stderr
    pod.add(configs.load(masquerade="none")).expect_success()


# --- the walkthrough ------------------------------------------------------------------------------

@pytest.mark.parametrize("denied", [(), (NO_NF_TABLES,)], ids=["nf_tables", "legacy only"])
@pytest.mark.parametrize("word", MASQUERADE)
def test_walkthrough(lab, cnibox, word, denied):
    """Green pings on nodes whose legacy FORWARD drops, whoever masquerades."""
    lab.add_vpc_routes()
    for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
        node.install(cnibox, *APPLETS)
        node.sh(DROPS)
        if denied:
            if kernel.has("nf_tables"):
                node.sh("nft flush ruleset")  # whose FORWARD drops, and is not to be seen
            lacking(node, cnibox, *denied)
        for name in ("pod-a", "pod-b"):
            node.add_pod(name, configs.load(file, masquerade=word))
    pods = [node.pods["pod-a"] for node in lab.nodes]
    assert matrix.answering(lab, *pods) == [matrix.ALL] * 2


def test_cni_check_names_the_chain(lab, cnibox):
    lab.add_vpc_routes()
    for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
        node.install(cnibox, *APPLETS)
        for name in ("pod-a", "pod-b"):
            node.add_pod(name, configs.load(file))
    node, pod = lab.master, lab.master.pods["pod-a"]
    node.write(configs.INSTALLED, json.dumps(configs.load()))

    def check():
        done = node.run("cni-check", "--netns", pod.netns, "--peer", lab.worker.address, "--format=json", check=False)
        return done.returncode, done.stdout

    assert check()[0] == 0
    node.sh(f"iptables-legacy -F FORWARD; {DROPS}")
    status, said = check()
    assert status == 1 and "iptables-legacy filter" in said and "FORWARD" in said
    assert {finding["fix"] for finding in json.loads(said)["findings"]} == {"cni-node up"}
    node.sh("cni-node up")
    assert ACCEPTS[0] in node.sh("iptables-legacy -S FORWARD")
    assert check()[0] == 0
