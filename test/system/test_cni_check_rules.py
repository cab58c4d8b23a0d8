"""cni-check on rules: which one drops is told with its text, and so is masquerading, too little or too much."""

import pytest
from conftest import needs
from diagnosis import assert_healthy, assert_mended, assert_named, check, report
from lab import kernel, matrix

pytestmark = pytest.mark.once

OWN_HOST, OTHER_HOST, NEIGHBOUR = matrix.OWN_HOST, matrix.OTHER_HOST, matrix.NEIGHBOUR
REMOTE, EXTERNAL = matrix.REMOTE, matrix.EXTERNAL
FAR = {OTHER_HOST, REMOTE, EXTERNAL}
FORWARDED = FAR | {NEIGHBOUR}  # br_netfilter brings bridged packets before the rules, too

NFT, LEGACY, INET = needs("nf_tables"), needs("legacy iptables"), needs("inet tables")


def guard(chain, *rules, family="inet", policy="accept"):
    """A table of somebody's with one base chain."""
    hook, *more = chain.split(" ", 1)
    text = "; ".join(f"add rule {family} guard c {rule}" for rule in rules)
    return (f"nft 'add table {family} guard; add chain {family} guard c {{ type filter hook {hook} "
            f"priority {more[0] if more else 10}; policy {policy}; }}; {text}'")


FAULTS = {
    "the policy of FORWARD": (
        "iptables -F FORWARD", "policy-drops", FORWARDED,
        ["chain FORWARD of table ip filter drops the packet by policy"], NFT),
    "all of FORWARD": (
        "iptables -I FORWARD -j DROP", "rule-drops", FORWARDED,
        ["chain FORWARD of table ip filter drops the packet by the rule: counter drop"], NFT),
    "a rule in FORWARD": (
        "iptables -I FORWARD -s 10.244.0.2 -d 10.168.0.7 -j DROP", "rule-drops", {OTHER_HOST},
        ["chain FORWARD of table ip filter drops the packet by the rule: "
         "ip saddr 10.244.0.2 ip daddr 10.168.0.7 counter drop"], NFT),
    "a rule against answers": (
        "iptables -I FORWARD -s 203.0.113.0/24 -p icmp -j DROP", "rule-drops", {EXTERNAL},
        ["drops the answer by the rule: meta l4proto icmp ip saddr 203.0.113.0/24 counter drop"], NFT),
    "a chain that is jumped to": (
        "iptables -I DOCKER-ISOLATION -d 10.168.0.7 -m conntrack --ctstate NEW -j REJECT", "rule-drops", {OTHER_HOST},
        ["chain DOCKER-ISOLATION of table ip filter, reached from FORWARD, rejects the packet by the rule: "
         "ip daddr 10.168.0.7 xt match conntrack counter reject"], NFT),
    "bridged packets alone": (
        "iptables -I FORWARD -i cni0 -o cni0 -j DROP", "bridged-dropped", {NEIGHBOUR},
        ["bridge-nf-call-iptables=1", 'iifname "cni0" oifname "cni0" counter drop'], NFT),
    "bridged packets by policy": (
        "iptables -D FORWARD -s 10.244.0.0/16 -j ACCEPT; iptables -D FORWARD -d 10.244.0.0/16 -j ACCEPT; "
        "iptables -A FORWARD -i ens4 -j ACCEPT; iptables -A FORWARD -o ens4 -j ACCEPT", "bridged-dropped", {NEIGHBOUR},
        ["bridge-nf-call-iptables=1", "chain FORWARD of table ip filter drops the packet by policy"], NFT),
    "INPUT": (
        "iptables -I INPUT -i cni0 -j DROP", "rule-drops", {OWN_HOST},
        ['chain INPUT of table ip filter drops the packet by the rule: iifname "cni0" counter drop'], NFT),
    "the policy of INPUT": (
        "iptables -A INPUT -i lo -j ACCEPT; iptables -P INPUT DROP", "policy-drops", {OWN_HOST},
        ["chain INPUT of table ip filter drops the packet by policy"], NFT),
    "OUTPUT": (
        "iptables -I OUTPUT -o cni0 -j DROP", "rule-drops", {OWN_HOST},
        ['chain OUTPUT of table ip filter drops the answer by the rule: oifname "cni0" counter drop'], NFT),
    "raw PREROUTING": (
        "iptables -t raw -I PREROUTING -d 203.0.113.10 -j DROP", "rule-drops", {EXTERNAL},
        ["chain PREROUTING of table ip raw drops the packet by the rule: ip daddr 203.0.113.10 counter drop"], NFT),
    "mangle POSTROUTING": (
        "iptables -t mangle -I POSTROUTING -d 10.168.0.7 -j DROP", "rule-drops", {OTHER_HOST},
        ["chain POSTROUTING of table ip mangle drops the packet"], NFT),
    "another table's policy": (
        guard("forward", "ct state established accept", policy="drop"), "policy-drops", FORWARDED,
        ["chain c of table inet guard drops the packet by policy"], INET),
    "another table's reject at its end": (
        guard("forward", "ct state established,related accept", "ct status dnat accept", 'iifname "lo" accept',
              "reject with icmpx admin-prohibited"), "rule-drops", FORWARDED,
        ["chain c of table inet guard rejects the packet by the rule: reject with icmpx admin-prohibited"], INET),
    "a set": (
        "nft 'add table ip guard; add set ip guard bad { type ipv4_addr; flags interval; }; "
        "add element ip guard bad { 10.168.0.7, 203.0.113.0/24 }; "
        "add chain ip guard c { type filter hook forward priority 10; }; add rule ip guard c ip daddr @bad drop'",
        "rule-drops", {OTHER_HOST, EXTERNAL}, ["table ip guard drops the packet by the rule: ip daddr @bad drop"], NFT),
    "a set without a name": (
        guard("forward", "ip daddr { 10.168.0.0/29, 192.0.2.1 } drop"), "rule-drops", {OTHER_HOST},
        ["ip daddr { 10.168.0.0/29, 192.0.2.1 } drop"], INET),
    "a map of verdicts": (
        "nft 'add table ip guard; add chain ip guard far; add rule ip guard far ip daddr 10.168.0.7 drop; "
        "add chain ip guard c { type filter hook forward priority 10; }; "
        'add rule ip guard c iifname vmap { "cni0" : jump far, "lo" : accept }\'', "rule-drops", {OTHER_HOST},
        ["chain far of table ip guard, reached from c, drops the packet by the rule: ip daddr 10.168.0.7 drop"], NFT),
    "what is marked": (
        guard("prerouting -150", "ip daddr 10.168.0.7 meta mark set 0x99", "meta mark 0x99 drop"), "rule-drops",
        {OTHER_HOST}, ["meta mark 0x00000099 drop"], INET),
    "a bridge's own rules": (
        guard("forward 0", "ip daddr 10.244.0.3 drop", family="bridge"), "rule-drops", {NEIGHBOUR},
        ["chain c of table bridge guard drops the packet by the rule: ip daddr 10.244.0.3 drop"], NFT),
    "a condition that is not understood": (
        guard("forward", "ip daddr 10.168.0.7 meta length 84 drop"), "rule-may-drop", {OTHER_HOST},
        ["chain c of table inet guard may drop the packet by the rule: a rule that cannot be shown, handle "], INET),
    "rules in the pod": (
        "ip netns exec pod-a iptables -A OUTPUT -d 10.168.0.7 -j DROP", "rule-drops", {OTHER_HOST},
        ["in the pod, chain OUTPUT of table ip filter drops the packet by the rule: ip daddr 10.168.0.7 counter drop"],
        NFT),
    "a rule in legacy FORWARD": (
        "iptables-legacy -A FORWARD -j ACCEPT -s 192.0.2.0/24; iptables-legacy -A FORWARD -s 10.244.0.0/16 "
        "! -d 10.244.0.0/16 -i cni+ -p icmp -m conntrack --ctstate NEW -j DROP", "rule-drops", {OTHER_HOST, EXTERNAL},
        ["chain FORWARD of table iptables-legacy filter drops the packet by the rule: -A FORWARD -s 10.244.0.0/16 "
         "! -d 10.244.0.0/16 -i cni+ -p icmp -m conntrack -j DROP"], LEGACY),
    "a legacy chain that is jumped to": (
        "iptables-legacy -N GUARD; iptables-legacy -A FORWARD -j GUARD; iptables-legacy -A GUARD -d 192.0.2.1 -j RETURN; "
        "iptables-legacy -A GUARD -d 10.168.0.7 -j REJECT", "rule-drops", {OTHER_HOST},
        ["chain GUARD of table iptables-legacy filter, reached from FORWARD, rejects the packet by the rule: "
         "-A GUARD -d 10.168.0.7/32 -j REJECT"], LEGACY),
    "the policy of legacy FORWARD": (
        "iptables-legacy -P FORWARD DROP", "policy-drops", FORWARDED,
        ["chain FORWARD of table iptables-legacy filter drops the packet by policy"], LEGACY),
    "legacy INPUT": (
        "iptables-legacy -A INPUT -i cni0 -j DROP", "rule-drops", {OWN_HOST},
        ["chain INPUT of table iptables-legacy filter"], LEGACY),
    "legacy mangle": (
        "iptables-legacy -t mangle -A POSTROUTING -d 10.168.0.7 -j DROP", "rule-drops", {OTHER_HOST},
        ["chain POSTROUTING of table iptables-legacy mangle"], LEGACY),
    "a legacy match that is not understood": (
        "iptables-legacy -A FORWARD -d 10.168.0.7 -m length --length 84 -j DROP", "rule-may-drop", {OTHER_HOST},
        ["may drop the packet by the rule: -A FORWARD -d 10.168.0.7/32 -m length -j DROP"], LEGACY),
}


@pytest.mark.parametrize("damage, code, failing, words",
                         [pytest.param(*fault, id=name, marks=mark) for name, (*fault, mark) in FAULTS.items()])
def test_what_drops(pods, damage, code, failing, words):
    pods.master.sh(damage)
    findings = assert_named(pods, code, failing, words)
    assert_mended(pods, findings)


# Rules as real nodes have them, none of which stops a ping.
HARMLESS = {
    "kube-proxy": """iptables-restore --noflush <<'END'
*filter
:KUBE-FIREWALL -
-I INPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-I KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-I FORWARD -p tcp --dport 25 -j DROP
-I FORWARD -m recent --name bad --rcheck -j DROP
COMMIT
*nat
:KUBE-POSTROUTING -
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -j MASQUERADE
COMMIT
END""",
    "a host's firewall": guard("input", "ct state established,related accept", "ct state invalid drop",
                               "icmp type echo-request accept", "ip saddr 10.244.0.0/16 accept", policy="drop"),
    "limits": guard("forward", "icmp type echo-request limit rate over 1000/second drop",
                    "fib daddr type broadcast drop", "tcp dport { 25, 137-139 } reject"),
}


@NFT
@pytest.mark.parametrize("rules", HARMLESS.values(), ids=HARMLESS)
def test_what_does_not_drop(pods, rules):
    pods.master.sh(rules)
    assert_healthy(pods)


def test_a_drop_is_found_without_pings(pods):
    pods.master.sh("iptables -F FORWARD")
    done = pods.master.run("cni-check", check=False)
    assert done.returncode == 1
    assert "found: chain FORWARD of table " in done.stdout and done.stdout.count("mend: cni-node up\n") == 1


# --- masquerading ---------------------------------------------------------------------------------


NO_MASQUERADE = "nft flush chain ip cnibox postrouting" if kernel.has("nf_tables") else "iptables -t nat -F"


def test_no_masquerade(pods):
    pods.master.sh(NO_MASQUERADE)
    findings = assert_named(pods, "masquerade-missing", {EXTERNAL}, ["nothing masquerades 10.244.0.0/24"])
    assert_mended(pods, findings)


TOO_MUCH = {
    "somebody's rule": ("iptables -t nat -A POSTROUTING -s 10.244.0.0/24 -j MASQUERADE",
                        ["chain POSTROUTING of table ip nat hides pods' addresses from pods on other nodes: "
                         "ip saddr 10.244.0.0/24 counter masquerade", "from pods of this node"], NFT),
    "somebody's rule on a link": ("iptables -t nat -A POSTROUTING -o ens4 -j SNAT --to-source 10.168.0.6",
                                  ['pods on other nodes: oifname "ens4" counter xt target SNAT'], NFT),
    "our own, of another configuration": ("cni-node up --conf /tmp/all.conf",
                                          ["chain postrouting of table ip cnibox", "on other nodes",
                                           'oifname != "cni0" ip saddr 10.244.0.0/24 masquerade fully-random'], NFT),
    "legacy": ("iptables-legacy -t nat -A POSTROUTING -s 10.244.0.0/24 -o ens4 -j MASQUERADE",
               ["chain POSTROUTING of table iptables-legacy nat", "-A POSTROUTING -s 10.244.0.0/24 -o ens4 -j MASQUERADE"],
               LEGACY),
}


@pytest.mark.parametrize("damage, words",
                         [pytest.param(*fault, id=name, marks=mark) for name, (*fault, mark) in TOO_MUCH.items()])
def test_too_much_masquerade(pods, damage, words):
    """No ping fails of it: pods see another's node in the place of the pod."""
    conf = pods.master.read("/etc/cni/net.d/10-bash-cni-plugin.conf")
    pods.master.write("/tmp/all.conf", conf.rstrip().rstrip("}") + ', "masquerade": "all" }')
    pods.master.sh(damage)
    findings = assert_named(pods, "masquerade-too-much", set(), words)
    assert_mended(pods, findings)


def test_the_table_for_people(pods):
    pods.master.sh("iptables -I FORWARD -d 10.168.0.7 -j DROP" if kernel.has("nf_tables") else
                   "iptables -I FORWARD -d 10.168.0.7 -j DROP")
    _, pings, _ = report(pods)
    lines = check(pods).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("ping 10.168.0.7"))
    assert lines[at].endswith("Can't ping different host")
    assert lines[at + 1:at + 3] == [f"    why:  {pings[OTHER_HOST]['cause']}", f"    mend: {pings[OTHER_HOST]['fix']}"]
