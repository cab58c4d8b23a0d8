"""portmap, firewall and ipMasq where the kernel has legacy iptables only: what packets do, what iptables-legacy lists,
and everybody else's rules as they were."""

import json

import pytest
import test_portmap
from conftest import APPLETS, needs
from hostports import NODE, NODE6, attachment, chain, collect, mapping, start, stop
from lab import Lab, Node, kernel, snapshot
from ports import Server, ask
from program import REFERENCE, needs_reference
from test_legacy import DROPS, DROPS6, NO_LEGACY, NO_NF_TABLES, OTHERS, lacking, saved
from test_portmap import what_arrives

pytestmark = needs("legacy iptables")

# What packets do is the same: run with this file's fixtures.
test_who_reaches_it = test_portmap.test_who_reaches_it
test_protocols = test_portmap.test_protocols
test_without_snat = test_portmap.test_without_snat
test_masquerade_all = test_portmap.test_masquerade_all
test_conditions = test_portmap.test_conditions
test_keys_with_the_same_effect = test_portmap.test_keys_with_the_same_effect

PLUGINS = (*APPLETS, "portmap", "firewall", "cni-gc")


def without_nf_tables(node, cnibox):
    if kernel.has("nf_tables"):
        node.sh("nft flush ruleset")
        lacking(node, cnibox, NO_NF_TABLES, names=PLUGINS)
        # It is called in the process, and must be the very file for that.
        node.sh("ln -sf /opt/cnibox /opt/cni/bin/host-local")
    else:
        node.install(cnibox, *PLUGINS)
    node.sh(f"{DROPS}; {DROPS6}")


@pytest.fixture
def lab(cnibox):
    with Lab(ipv6=True) as lab:
        without_nf_tables(lab.master, cnibox)
        yield lab


@pytest.fixture
def node(lab):
    return lab.master


def nat(node, *chains, tool="iptables-legacy", table="nat"):
    return [line.removeprefix("-A ") for name in chains
            for line in node.run(tool, "-t", table, "-S", name).stdout.splitlines() if line.startswith("-A")]


def own_chains(node, tool="iptables-legacy"):
    """Chains of containers, and the rules that lead there."""
    text = node.run(f"{tool}-save", "-t", "nat").stdout
    return [line for line in text.splitlines() if "CNI-DN-" in line]


ENTRIES, SETMARK, MASQ = "CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"


def test_what_iptables_lists(node):
    pod = start(node, "one", chain(mapping(8080), mapping(8081, hostIP=NODE), mapping(5353, 53, "udp"),
                                   conditionsV4=["!", "-s", "192.0.2.0/24", "-i", "ens4"]))
    comment = f'-m comment --comment "dnat name: \\"mynet\\" id: \\"{pod.id}\\""'
    [name] = {line.split()[-1] for line in nat(node, ENTRIES)}
    assert nat(node, "PREROUTING", "OUTPUT", "POSTROUTING", SETMARK, MASQ)[:5] == [
        f"PREROUTING -m addrtype --dst-type LOCAL -j {ENTRIES}", f"OUTPUT -m addrtype --dst-type LOCAL -j {ENTRIES}",
        f'POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j {MASQ}',
        *[rule for rule in nat(node, "POSTROUTING") if "MASQUERADE" in rule],
        f'{SETMARK} -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000'][:5]
    assert nat(node, MASQ) == [f"{MASQ} -m mark --mark 0x2000/0x2000 -j MASQUERADE"]
    assert nat(node, ENTRIES) == [f"{ENTRIES} -p tcp {comment} -m multiport --dports 8081 -j {name}",
                                  f"{ENTRIES} -p tcp {comment} -m multiport --dports 8080 -j {name}",
                                  f"{ENTRIES} -p udp {comment} -m multiport --dports 5353 -j {name}"]

    def leads(port, pod_port, kind="tcp", to=""):
        match = f"-p {kind} -m {kind} --dport {port}"
        return [f"{name} -s 10.244.0.0/24 {to}{match} -j {SETMARK}", f"{name} -s 127.0.0.1/32 {to}{match} -j {SETMARK}",
                f"{name} {to}{match} -j DNAT --to-destination {pod.ip}:{pod_port}"]

    assert nat(node, name) == [f"{name} -s 192.0.2.0/24 -j RETURN", f"{name} ! -i ens4 -j RETURN",
                               *leads(8081, 80, to=f"-d {NODE}/32 "), *leads(8080, 80), *leads(5353, 53, "udp")]
    stop(pod)
    assert not own_chains(node) and nat(node, MASQ)


def test_others_rules_stay_byte_for_byte(node):
    node.run("iptables-legacy-restore", "--counters", input=OTHERS)
    node.run("ip6tables-legacy-restore", "--counters", input=OTHERS.replace("172.17.0.", "fd00::").replace(
        "fd00::0/16", "fd00::/64").replace("fd00::2:80", "[fd00::2]:80").replace("icmp-type", "icmpv6-type").replace(
        "-p icmp -m icmp ", "-p ipv6-icmp -m icmp6 ").replace("--mask 255.255.255.255", "--mask " + ":".join(["ffff"] * 8)))
    before = listed(node)
    pods = [start(node, name, full(mapping(port), mapping(port, 53, "udp"))) for name, port in (("a", 8080), ("b", 8081))]
    assert [line for line in listed(node) if line in before] == before
    for pod in pods:
        stop(pod)
    after = listed(node)
    assert [line for line in after if line in before] == before
    ours = {line for line in after if line not in before}
    assert {line for line in ours if "CNI" not in line} == NETWORKS


# What bash-cni types for its network, and leaves.
NETWORKS = {f"-A {rule}" for subnet in ("10.244.0.0/24", "fd00:10:244::/64") for rule in (
    f"FORWARD -s {subnet} -j ACCEPT", f"FORWARD -d {subnet} -j ACCEPT", f"POSTROUTING -s {subnet} ! -d {subnet} -j MASQUERADE")}


def listed(node):
    """All rules in their order, and the policies, without counters: what passes meanwhile is counted."""
    return [line.split(" [")[0] if line[0] == ":" else line for tool in ("iptables", "ip6tables")
            for table in ("nat", "filter")
            for line in node.run(f"{tool}-legacy-save", "-t", table).stdout.splitlines() if line[0] not in "#C"]


def full(*mappings, **keys):
    conf = chain(*mappings, six=True, **keys)
    conf["plugins"].append({"type": "firewall"})
    return conf


def test_ipv6(lab, node):
    pod = start(node, "one", full(mapping(8080), mapping(8081, hostIP="::"), mapping(8082, hostIP=NODE6)))
    Server(pod, address="::")
    for port in (8080, 8081, 8082):
        assert ask(lab.outside, NODE6, port) == "2001:db8:203::10"
        assert ask(pod, NODE6, port) == "fd00:10:244::1", "hairpin"
    assert ask(lab.outside, NODE, 8081) is None
    pod.check(pod.conf).expect_success()
    stop(pod)
    assert not own_chains(node, "ip6tables-legacy")


def test_sctp(node):
    """In the rules: not every kernel has sockets for it."""
    pod = start(node, "one", chain(mapping(8080, 53, "sctp")))
    assert f"-p sctp -m sctp --dport 8080 -j DNAT --to-destination {pod.ip}:53" in str(own_chains(node))


def test_host_addresses(lab, node):
    """Who names an address comes first, whichever was first; both have the port."""
    node.run("ip", "address", "add", "10.168.0.60/32", "dev", "ens4")
    two = start(node, "two", chain(mapping(8080, 81), mapping(8081, 81, hostIP="0.0.0.0")))
    one = start(node, "one", chain(mapping(8080, hostIP="10.168.0.60")))
    Server(two, 81)
    served = Server(one, 80)
    assert ask(node, "10.168.0.60", 8080) == "10.168.0.60" and ask(node, "10.168.0.60", 8081) == "10.168.0.60"
    served.stop()
    assert ask(node, "10.168.0.60", 8080) is None and ask(lab.outside, NODE, 8080) == "203.0.113.10"
    stop(one)
    assert ask(node, "10.168.0.60", 8080) == "10.168.0.60"
    stop(two)
    assert ask(node, "10.168.0.60", 8080) is None


def test_nothing_spoofed_reaches_localhost(node):
    """route_localnet lets neighbours send to 127.0.0.1. What comes by a wire is dropped all the same."""
    pod = start(node, "one", chain(mapping(8080)))
    start(node, "two", chain(mapping(8081)))
    assert len(nat(node, "PREROUTING", table="raw")) == 1
    assert what_arrives(node, pod) == "nothing"
    node.run("iptables-legacy", "-t", "raw", "-F")
    assert what_arrives(node, pod) == "gotcha!!", "it is this rule that stops it"


@needs("no nf_tables")
def test_udp_flows_are_forgotten(lab, node):
    """By ctnetlink, which is refused where a kernel without nf_tables is played."""
    test_portmap.test_udp_flows_are_forgotten(lab, node)


def test_a_port_is_one_containers(node):
    one = start(node, "one", chain(mapping(8080), mapping(53, 53, "udp")))
    two = node.pod("two")
    before = own_chains(node)
    said = two.add(chain(mapping(9090), mapping(53, 54, "udp"))).json
    assert f'udp 53 is taken by dnat name: "mynet" id: "{one.id}"' in said["msg"] and ENTRIES in said["details"]
    two.delete(chain(mapping(9090), mapping(53, 54, "udp"))).expect_success()
    assert own_chains(node) == before
    two.remove()
    stop(one)
    start(node, "three", chain(mapping(53, 54, "udp")))


def test_many_ports(lab, node):
    pod = start(node, "many", chain(*(mapping(10000 + n, 1 + n) for n in range(300))))
    Server(pod, 300)
    assert ask(lab.outside, NODE, 10299) == "203.0.113.10"
    assert len(nat(node, ENTRIES)) == 20
    pod.check(pod.conf).expect_success()
    stop(pod)
    assert not own_chains(node)


def test_two_interfaces_of_one_container(node):
    """Of one chain, as the reference has it; but each one's ports are its own."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "snat": False,
            "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "10.244.0.2/24"}]}}
    for n, ifname in enumerate(("eth0", "eth1")):
        node.cni("ADD", {**conf, "runtimeConfig": {"portMappings": [mapping(80 + n)]}}, containerid="x",
                 netns="/nowhere", ifname=ifname).expect_success()
    assert len(own_chains(node)) == 5
    node.cni("DEL", conf, containerid="x", netns="", ifname="eth0").expect_success()
    assert len(own_chains(node)) == 3 and "80:" not in str(own_chains(node)) and "--dport 81 " in str(own_chains(node))
    node.cni("DEL", {**conf, "name": "other"}, containerid="x", netns="", ifname="eth1").expect_success()
    assert len(own_chains(node)) == 3
    node.cni("DEL", conf, containerid="x", netns="", ifname="eth1").expect_success()
    assert not own_chains(node)


def test_add_again(node):
    pod = start(node, "one", chain(mapping(8080), mapping(8081)))
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "prevResult": pod.attachment.result,
            "runtimeConfig": {"portMappings": [mapping(8081, 81), mapping(8082)]}}
    for _ in range(2):
        node.cni("ADD", conf, containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
        lines = own_chains(node)
        assert len(lines) == 8 and "8080" not in str(lines) and f"--to-destination {pod.ip}:81" in str(lines)
    assert len(nat(node, "PREROUTING", "OUTPUT")) == 2


@pytest.mark.parametrize("gone", ["ip netns del one", "ip link del cni0", "iptables-legacy -t nat -F; iptables-legacy -t nat -X",
                                  "iptables-legacy -t nat -F CNI-HOSTPORT-DNAT", "iptables-legacy -F; iptables-legacy -X",
                                  "rm -rf /var/lib/cni/*",
                                  "iptables-legacy-save | iptables-legacy-restore; ip6tables-legacy-save | ip6tables-legacy-restore"])
def test_del_of_what_is_gone(node, gone):
    """The last of them clears the marks by which rules are known."""
    pod = start(node, "one", full(mapping(8080)))
    node.sh(gone)
    for netns in (pod.netns, ""):
        assert pod.delete(pod.conf, netns=netns).returncode == 0
    assert not own_chains(node)
    assert pod.ip not in node.run("iptables-legacy-save").stdout


def test_check(node):
    pod = start(node, "one", full(mapping(8080), mapping(8081, hostIP=NODE)))
    pod.check(pod.conf).expect_success()
    for table, rules in (("nat", own_chains(node)), ("filter", nat(node, "CNI-FORWARD", table="filter"))):
        for rule in [rule.removeprefix("-A ") for rule in rules if not rule.startswith(":")]:
            text = node.run("iptables-legacy-save").stdout
            node.sh(f"iptables-legacy -t {table} -D {rule}")
            answer = pod.check(pod.conf)
            assert answer.returncode == 1 and "legacy iptables" in answer.json["msg"], rule
            node.run("iptables-legacy-restore", input=text)
    pod.check(pod.conf).expect_success()


def test_gc(node):
    one, two = (start(node, name, full(mapping(port))) for name, port in (("one", 8080), ("two", 8081)))
    other_conf = full(mapping(8082), name="othernet", subnet="10.245.0.0/24")
    other_conf["plugins"][0]["subnet6"] = "fd00:10:245::/64"
    other_conf["plugins"][0]["bridge"] = "cni1"
    other = start(node, "other", other_conf)

    def collect_all(*valid, name="mynet"):
        for plugin in ("portmap", "firewall"):
            node.cni("GC", {"cniVersion": "1.1.0", "name": name, "type": plugin,
                            "cni.dev/valid-attachments": list(valid)}).expect_success()
        return own_chains(node) + nat(node, "CNI-FORWARD", table="filter") + \
            nat(node, "CNI-FORWARD", table="filter", tool="ip6tables-legacy")

    everything = collect_all(attachment(one), attachment(two))
    assert all(text in str(everything) for pod in (one, two, other) for text in (f"{pod.ip}/32", f"{pod.ip}:80", pod.ip6))
    assert collect_all(name="third") == everything
    left = str(collect_all(attachment(one), attachment(two, "eth1")))
    assert all(text in left for pod in (one, other) for text in (f"{pod.ip}/32", f"{pod.ip}:80", f"{pod.ip6}/128"))
    assert not any(text in left for text in (f"{two.ip}/32", f"{two.ip}:80", f"{two.ip6}/128"))
    assert other.ip in str(collect_all()) and one.ip not in str(collect_all())
    assert other.ip not in str(collect_all(name="othernet"))


def test_cni_gc(node):
    """The same by the runtime's cache; masquerading as well."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "plugins": [
        {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True,
         "ipam": {"type": "host-local", "subnet": "10.244.0.0/24", "dataDir": "/var/lib/cni/networks"}},
        {"type": "portmap", "runtimeConfig": {"portMappings": [mapping(8080)]}}, {"type": "firewall"}]}
    gone = start(node, "gone", conf)
    stays = start(node, "stays", {**conf, "plugins": [conf["plugins"][0], conf["plugins"][2]]})
    node.write("/etc/cni/net.d/10-net.conflist", json.dumps(conf))
    for pod in (gone, stays):
        node.write(f"/var/lib/cni/results/mynet-{pod.id}-eth0", json.dumps({
            "kind": "cniCacheV1", "containerId": pod.id, "ifName": "eth0", "networkName": "mynet", "netns": pod.netns}))
    rule = 'POSTROUTING -s {}/32 ! -d 10.244.0.0/24 -m comment --comment "mynet {} eth0" -j MASQUERADE'
    assert rule.format(gone.ip, gone.id) in nat(node, "POSTROUTING")
    node.run("ip", "netns", "del", "gone")
    before = saved(node)
    told = [line["what"] for line in json.loads(node.run("cni-gc", "--dry-run", "--grace", "0", "--format=json").stdout)]
    assert saved(node) == before and any("host ports" in what and gone.id in what for what in told), told
    assert [line["what"] for line in json.loads(node.run("cni-gc", "--grace", "0", "--format=json").stdout)] == told
    text = node.run("iptables-legacy-save").stdout
    assert gone.ip + "/" not in text and not own_chains(node) and gone.id not in text
    assert rule.format(stays.ip, stays.id) in nat(node, "POSTROUTING") and f"-s {stays.ip}/32" in text
    assert json.loads(node.run("cni-gc", "--grace", "0", "--format=json").stdout) == []


@pytest.mark.parametrize("plugin, keys", [("portmap", {}), ("firewall", {}), ("firewall", {"ingressPolicy": "isolated"})])
def test_status(node, cnibox, plugin, keys):
    conf = {"cniVersion": "1.1.0", "name": "mynet", "type": plugin, **keys}
    before = snapshot.of(node)
    node.cni("STATUS", conf).expect_success()
    assert not snapshot.changes(before, snapshot.of(node))
    lacking(node, cnibox, NO_NF_TABLES, NO_LEGACY, names=PLUGINS)
    said = node.cni("STATUS", conf).json
    assert said["code"] == 50
    assert "CONFIG_NF_TABLES" in said["msg"] and ("CONFIG_IP_NF_" in said["msg"] or "CONFIG_IP6_NF_" in said["msg"])


def behind_bridge(*plugins, n=0):
    """A network whose first plugin admits nothing by itself."""
    return {"cniVersion": "1.0.0", "name": f"net{n}", "plugins": [
        {"type": "bridge", "bridge": f"cni{n}", "isDefaultGateway": True, "hairpinMode": True,
         "ipam": {"type": "host-local", "subnet": f"10.244.{n}.0/24"}}, *plugins]}


def begin(node, name, conf):
    pod = node.add_pod(name, conf)
    pod.conf = conf
    return pod


def test_forward_drops(lab, node):
    """A port that leads to a pod which FORWARD lets nobody reach would be none."""
    pod = begin(node, "one", behind_bridge({"type": "portmap", "runtimeConfig": {"portMappings": [mapping(8080)]}}))
    Server(pod)
    rule = f"CNI-FORWARD -d {pod.ip}/32 -m conntrack --ctstate DNAT -j ACCEPT"
    assert nat(node, "CNI-FORWARD", table="filter")[1:] == [rule]
    node.run("iptables-legacy", "-A", "FORWARD", "-s", pod.ip, "-j", "ACCEPT")
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    node.run("iptables-legacy", "-D", *rule.split())
    assert ask(lab.outside, NODE, 8080) is None
    assert "CNI-FORWARD of legacy iptables" in pod.check(pod.conf).json["msg"]
    stop(pod)
    assert not nat(node, "CNI-FORWARD", table="filter")[1:]


def test_packets_pass(node):
    """What firewall admits, and what an administrator stops before it."""
    out = begin(node, "out", behind_bridge())
    one, two = (begin(node, name, behind_bridge({"type": "firewall"})) for name in ("one", "two"))
    assert one.ping(two.ip) and two.ping(one.ip)
    assert not out.ping(one.ip, timeout=1), "nothing admits what it sends"
    assert one.ping(out.ip), "the answer is to something that is admitted"
    node.run("iptables-legacy", "-A", "CNI-ADMIN", "-d", two.ip, "-j", "DROP")
    assert not one.ping(two.ip, timeout=1)
    for pod in (one, two):
        stop(pod)
    assert nat(node, "CNI-FORWARD", table="filter") == [
        'CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN']


@pytest.mark.parametrize("policy", ["same-bridge", "isolated"])
def test_ingress_policy(node, policy):
    node.sh("iptables-legacy -P FORWARD ACCEPT")
    pods = [begin(node, f"net{n}-{k}", behind_bridge({"type": "firewall", "ingressPolicy": policy}, n=n))
            for n in range(2) for k in range(2)]
    for pod in pods:
        pod.check(pod.conf).expect_success()
    assert not pods[0].ping(pods[2].ip, timeout=1), "to another bridge"
    assert pods[0].ping(pods[1].ip, timeout=1) == (policy != "isolated"), "on the same bridge"
    assert node.ping(pods[0].ip), "from the host"
    comment = '-m comment --comment "CNI firewall plugin rules (ingressPolicy: {})"'.format
    both, last = comment("same-bridge|isolated"), "CNI-ISOLATION-STAGE-1"
    assert nat(node, "FORWARD", table="filter")[0] == f"FORWARD {both} -j {last}"
    assert nat(node, last, table="filter")[-1] == f"{last} {both} -j RETURN"
    assert f"{last} -i cni0 ! -o cni0 {comment(policy)} -j CNI-ISOLATION-STAGE-2" in nat(node, last, table="filter")
    assert len(nat(node, last, table="filter")) == (5 if policy == "isolated" else 3)
    node.run("iptables-legacy", "-F", "CNI-ISOLATION-STAGE-2")
    assert "CNI-ISOLATION-STAGE-2 of legacy iptables" in pods[0].check(pods[0].conf).json["msg"]


# --- the reference's plugins, and these -------------------------------------------------------------

def typing_legacy(node):
    """`iptables`, which the reference executes, is legacy iptables."""
    if kernel.has("nf_tables"):
        node.run("mount", "--bind", kernel.LEGACY_PROGRAM, kernel.NFT_PROGRAM)


@pytest.mark.once  # it executes iptables some four hundred times
@needs_reference
def test_as_the_reference_lists_them(cnibox):
    """The same chains and rules, byte for byte."""
    said = []
    for program in (None, REFERENCE / "portmap"):
        with Node(firewall=False) as node:
            without_nf_tables(node, cnibox)
            typing_legacy(node)
            for n, protocols in enumerate((["tcp", "udp"], ["tcp"])):
                conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "runtimeConfig": {"portMappings": [
                    mapping(8000 + 100 * n + k, 80, protocol) for protocol in protocols for k in range(17)]},
                    "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": f"10.244.0.{2 + n}/24"},
                                                                  {"address": f"fd00:10:244::{2 + n}/64"}]}, "snat": n == 0}
                if n == 0:
                    node.sh("ip link add cni0 type bridge && ip addr add 10.244.0.1/24 dev cni0 && ip link set cni0 up")
                node.cni("ADD", conf, plugin=program, containerid=f"c{n}", netns="/x", ifname="eth0").expect_success()
            said.append([sorted(line.split(" [")[0] if line[0] == ":" else line for line in
                                node.run(tool, "-t", "nat").stdout.splitlines() if line[0] in "-:")
                         for tool in ("iptables-legacy-save", "ip6tables-legacy-save")])
    (ours, ours6), (theirs, theirs6) = said
    assert ours == theirs
    # ip6tables-legacy of 1.8.9 takes rules of another port for equal, so that the reference leaves them out.
    assert set(theirs6) < set(ours6) and len(theirs6) > 20


@needs_reference
@pytest.mark.parametrize("verb", ["DEL", "GC"])
def test_reference_before(node, verb):
    """The reference made it, cnibox takes it away: and nobody else's."""
    typing_legacy(node)
    pods = [start(node, name, chain(six=True)) for name in ("one", "two")]
    for pod, port in zip(pods, (8080, 8081)):
        conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "prevResult": pod.attachment.result,
                "runtimeConfig": {"portMappings": [mapping(port), mapping(port, 53, "udp")]}}
        asked = {"containerid": pod.id, "netns": pod.netns, "ifname": "eth0"}
        node.cni("ADD", conf, plugin=REFERENCE / "portmap", **asked).expect_success()
        node.cni("CHECK", conf, **asked).expect_success()
    both = own_chains(node) + own_chains(node, "ip6tables-legacy")
    if verb == "GC":
        collect(node, attachment(pods[1]))
    else:
        node.cni("DEL", conf | {"prevResult": None}, containerid=pods[0].id, netns="", ifname="eth0").expect_success()
    left = own_chains(node) + own_chains(node, "ip6tables-legacy")
    assert left and set(left) < set(both) and pods[0].id not in str(left) and pods[1].id in str(left)
    collect(node)
    assert not own_chains(node) and not own_chains(node, "ip6tables-legacy")


@needs_reference
def test_reference_afterwards(node):
    """cnibox made it, the reference's DEL takes it away."""
    typing_legacy(node)
    pod = start(node, "one", full(mapping(8080)))
    for plugin in pod.conf["plugins"][1:]:
        conf = {"cniVersion": "1.0.0", "name": "mynet", **plugin, "prevResult": pod.attachment.result}
        node.cni("DEL", conf, plugin=REFERENCE / plugin['type'], containerid=pod.id, netns=pod.netns,
                 ifname="eth0").expect_success()
    assert not own_chains(node) and not own_chains(node, "ip6tables-legacy")
    assert len(nat(node, "CNI-FORWARD", table="filter")) == 1
