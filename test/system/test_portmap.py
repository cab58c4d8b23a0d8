"""portmap behind bash-cni: who reaches a port of the host, and what stays when the pod is gone."""

import json
import os

import pytest
from conftest import needs
from lab import Lab, snapshot
from ports import Server, ask

NODE = "10.168.0.6"
NODE6 = "fd20:168::6"

pytestmark = needs("nf_tables")


@pytest.fixture
def lab(cnibox):
    with Lab(ipv6=True) as lab:
        lab.master.install(cnibox, "bash-cni", "portmap", "host-local")
        yield lab


@pytest.fixture
def node(lab):
    return lab.master


def mapping(host, pod=80, protocol="tcp", **more):
    return {"hostPort": host, "containerPort": pod, "protocol": protocol, **more}


def chain(*mappings, name="mynet", six=False, subnet="10.244.0.0/24", **keys):
    first = {"type": "bash-cni", "subnet": subnet}
    if six:
        first["subnet6"] = "fd00:10:244::/64"
    return {"cniVersion": "1.0.0", "name": name, "plugins": [
        first, {"type": "portmap", "runtimeConfig": {"portMappings": list(mappings)}, **keys}]}


def start(node, name, conf):
    pod = node.add_pod(name, conf)
    pod.conf = conf
    # What "hairpinMode" of the bridge plugin does: with br_netfilter, a packet that leads back to its sender is bridged.
    for link in node.json("ip", "-j", "link", "show", "master", "cni0"):
        node.run("ip", "link", "set", link["ifname"], "type", "bridge_slave", "hairpin", "on")
    return pod


def stop(pod):
    pod.delete(pod.conf).expect_success()
    pod.remove()


def rules(node):
    return [item for item in node.json("nft", "-j", "list", "ruleset")["nftables"] if "metainfo" not in item]


def test_who_reaches_it(lab, node):
    peer = start(node, "peer", chain())
    pod = start(node, "one", chain(mapping(8080)))
    Server(pod)
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    assert ask(node, "127.0.0.1", 8080) == "10.244.0.1"
    assert ask(node, NODE, 8080) == NODE
    assert ask(pod, NODE, 8080) == "10.244.0.1", "hairpin"
    assert ask(pod, "10.244.0.1", 8080) == "10.244.0.1", "hairpin"
    assert ask(peer, NODE, 8080) == "10.244.0.1"
    assert ask(lab.worker, NODE, 8080) == "10.168.0.7"
    assert ask(lab.outside, NODE, 8081) is None
    stop(pod)
    assert ask(lab.outside, NODE, 8080) is None


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_protocols(lab, node, kind):
    pod = start(node, "one", chain(mapping(8080, 53, kind.upper()), mapping(8081, 54, kind)))
    Server(pod, 53, kind)
    Server(pod, 54, kind)
    for port in (8080, 8081):
        assert ask(lab.outside, NODE, port, kind) == "203.0.113.10"
        assert ask(node, "127.0.0.1", port, kind) == "10.244.0.1"


def test_sctp(node):
    """In the map: not every kernel has sockets for it."""
    pod = start(node, "one", chain(mapping(8080, 53, "SCTP"), mapping(8080, 80), mapping(8081, 54, "sctp", hostIP=NODE)))
    assert elements(node) == {(None, "sctp", 8080): (pod.ip, 53), (None, "tcp", 8080): (pod.ip, 80),
                              (NODE, "sctp", 8081): (pod.ip, 54)}


def test_ipv6(lab, node):
    pod = start(node, "one", chain(mapping(8080), mapping(8081, hostIP="::"), mapping(8082, hostIP=NODE6),
                                   mapping(8083, hostIP="0.0.0.0"), six=True))
    Server(pod, address="::")
    for port in (8080, 8081, 8082):
        assert ask(lab.outside, NODE6, port) == "2001:db8:203::10"
        assert ask(pod, NODE6, port) == "fd00:10:244::1", "hairpin"
    assert ask(lab.outside, NODE6, 8083) is None
    assert ask(lab.outside, NODE, 8080) == "::ffff:203.0.113.10"
    assert ask(lab.outside, NODE, 8081) is None
    stop(pod)
    assert not any(table_of(node))


def table_of(node):
    return [item for item in rules(node) if "cnibox_hostport" in json.dumps(item)]


def elements(node, family="ip"):
    """{(host address, protocol, port): (address, port)}, as nft tells it."""
    found = {}
    for item in node.json("nft", "-j", "list", "ruleset")["nftables"]:
        if item.get("map", {}).get("table") == "cnibox_hostport" and item["map"]["family"] == family:
            for key, value in item["map"].get("elem", []):
                key = key["elem"]["val"] if "elem" in key else key
                found[tuple(([None] + key["concat"])[-3:])] = tuple(value["concat"])
    return found


def test_host_addresses(lab, node):
    node.run("ip", "address", "add", "10.168.0.60/32", "dev", "ens4")
    one = start(node, "one", chain(mapping(8080, hostIP="10.168.0.60")))
    two = start(node, "two", chain(mapping(8080, 81), mapping(8081, 81, hostIP="0.0.0.0")))
    Server(one, 80)
    Server(two, 81)
    assert elements(node) == {("10.168.0.60", "tcp", 8080): (one.ip, 80), (None, "tcp", 8080): (two.ip, 81),
                              (None, "tcp", 8081): (two.ip, 81)}
    assert ask(node, "10.168.0.60", 8081) == "10.168.0.60"
    # The one that names the address comes first, whichever was first.
    stop(two)
    assert ask(node, "10.168.0.60", 8080) == "10.168.0.60"
    assert ask(lab.outside, NODE, 8080) is None
    assert ask(one, "10.168.0.60", 8080) == "10.244.0.1", "hairpin"
    stop(one)
    assert not table_of(node)


def test_without_snat(lab, node):
    node.run("ip", "address", "add", "10.168.0.60/32", "dev", "ens4")
    peer = start(node, "peer", chain())
    pod = start(node, "one", chain(mapping(8080), snat=False))
    Server(pod)
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    assert ask(peer, NODE, 8080) == peer.ip
    assert node.read("/proc/sys/net/ipv4/conf/cni0/route_localnet") == "0\n"
    assert ask(node, "127.0.0.1", 8080) is None


def test_masquerade_all(lab, node):
    pod = start(node, "one", chain(mapping(8080), masqAll=True))
    Server(pod)
    assert ask(lab.outside, NODE, 8080) == "10.244.0.1"
    assert ask(node, "127.0.0.1", 8080) == "10.244.0.1"
    assert ask(pod, NODE, 8080) == "10.244.0.1"


@pytest.mark.parametrize("words", [["!", "-s", "203.0.113.0/24"], ["ip saddr != 203.0.113.0/24"],
                                   ["ip", "saddr", "!=", "203.0.113.0/24", "iifname", "ens4"]])
def test_conditions(lab, node, words):
    pod = start(node, "one", chain(mapping(8080), conditionsV4=words))
    Server(pod)
    assert ask(lab.worker, NODE, 8080) == "10.168.0.7"
    assert ask(lab.outside, NODE, 8080) is None


@pytest.mark.parametrize("keys", [{"markMasqBit": 5}, {"externalSetMarkChain": "KUBE-MARK-MASQ"},
                                  {"backend": "iptables", "markMasqBit": 31}, {"backend": "nftables"}])
def test_keys_with_the_same_effect(lab, node, keys):
    pod = start(node, "one", chain(mapping(8080), **keys))
    Server(pod)
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    assert ask(pod, NODE, 8080) == "10.244.0.1"


@pytest.mark.parametrize("mappings, keys, message", [
    ([mapping(0)], {}, "failed to parse config: Invalid host port number: 0"),
    ([mapping(80, 0)], {}, "failed to parse config: Invalid container port number: 0"),
    ([mapping(65536)], {}, "runtimeConfig.portMappings[0].hostPort"),
    ([mapping(80, protocol="icmp")], {}, "runtimeConfig.portMappings[0].protocol: want tcp, udp or sctp"),
    ([mapping(80, hostIP="nowhere")], {}, "runtimeConfig.portMappings[0].hostIP"),
    ([mapping(80, 80), mapping(80, 81)], {}, "tcp 80 to two ports of the container: 80 and 81"),
    ([], {"backend": "zz"}, 'unrecognized backend "zz"'),
    ([], {"markMasqBit": 32}, "MasqMarkBit must be between 0 and 31"),
    ([], {"markMasqBit": 3, "externalSetMarkChain": "X"}, "Cannot specify externalSetMarkChain and markMasqBit"),
    ([], {"backend": "nftables", "externalSetMarkChain": "X", "conditionsV4": ["-s", "10.0.0.0/8"]},
     "nftables backend was requested but configuration contains iptables-specific options "
     "[externalSetMarkChain conditionsV4]"),
    ([], {"backend": "iptables", "conditionsV6": ["ip6 saddr fd00::/8"]}, "nftables-specific options [conditionsV6]"),
    ([], {"conditionsV4": ["-p", "tcp"]}, 'what begins with "-p" is none'),
    ([], {"conditionsV4": ["-s", "fd00::/8"]}, 'what begins with "-s" is none'),
    ([], {"conditionsV4": ["ip", "saddr"]}, 'what begins with "ip" is none'),
])
def test_bad_configuration(node, mappings, keys, message):
    before = snapshot.of(node)
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "runtimeConfig": {"portMappings": mappings},
            "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "10.244.0.2/24"}]}, **keys}
    answer = node.cni("ADD", conf, containerid="x", netns="/nowhere", ifname="eth0")
    assert answer.returncode == 1 and message in answer.json["msg"]
    assert answer.json["msg"].startswith("failed to parse config: ")
    checked = node.cni("CHECK", conf, containerid="x", netns="/nowhere", ifname="eth0")
    assert message.removeprefix("failed to parse config: ") in checked.json["msg"]
    # A container under such a configuration must be removable.
    assert node.cni("DEL", conf, containerid="x", netns="", ifname="eth0").returncode == 0
    assert not snapshot.changes(before, snapshot.of(node))


def test_first_in_the_chain(node):
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap"}
    asked = {"containerid": "x", "netns": "/nowhere", "ifname": "eth0"}
    assert node.cni("ADD", conf, **asked).json["msg"] == "must be called as chained plugin"
    assert node.cni("CHECK", conf, **asked).json["msg"] == "Required prevResult missing"
    assert node.cni("DEL", conf, **asked).returncode == 0


def test_the_result_is_the_one_before(node):
    before = {"cniVersion": "0.4.0", "interfaces": [{"name": "eth0", "sandbox": "/x"}],
              "ips": [{"version": "4", "address": "10.244.0.2/24", "interface": 0}], "dns": {"nameservers": ["1.1.1.1"]}}
    conf = {"cniVersion": "0.4.0", "name": "mynet", "type": "portmap", "prevResult": before}
    asked = {"containerid": "x", "netns": "/nowhere", "ifname": "eth0"}
    assert node.cni("ADD", conf, **asked).json == before
    conf["runtimeConfig"] = {"portMappings": [mapping(80)]}
    conf["snat"] = False
    assert node.cni("ADD", conf, **asked).json == before
    assert elements(node) == {(None, "tcp", 80): ("10.244.0.2", 80)}


def test_other_interfaces_addresses(node):
    """Not the host's, not another interface's: the first that is the pod's."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "snat": False, "runtimeConfig": {
        "portMappings": [mapping(80)]}, "prevResult": {
            "cniVersion": "1.0.0",
            "interfaces": [{"name": "cni0"}, {"name": "net1", "sandbox": "/x"}, {"name": "eth0", "sandbox": "/x"}],
            "ips": [{"address": "10.0.0.1/8", "interface": 0}, {"address": "10.0.0.2/8", "interface": 1},
                    {"address": "10.0.0.3/8", "interface": 2}, {"address": "10.0.0.4/8", "interface": 2}]}}
    node.cni("ADD", conf, containerid="x", netns="/nowhere", ifname="eth0").expect_success()
    assert elements(node) == {(None, "tcp", 80): ("10.0.0.3", 80)}


# --- whose port it is -----------------------------------------------------------------------------

def test_a_port_that_is_taken(lab, node):
    one = start(node, "one", chain(mapping(8080), mapping(8081)))
    before = snapshot.of(node)
    two = node.pod("two")
    refused = two.add(chain(mapping(9000), mapping(8080, 81)))
    assert refused.returncode == 1
    assert f"tcp 8080 is taken by eth0 of container {one.id} in network mynet" in refused.json["msg"]
    two.delete(chain()).expect_success()
    two.remove()
    assert not snapshot.changes(before, snapshot.of(node)), "not even 9000 stays"
    other = node.pod("other")
    refused = other.add(chain(mapping(8080), name="othernet", subnet="10.245.0.0/24"))
    assert "tcp 8080 is taken by eth0 of container" in refused.json["msg"]
    # The same number is another port with another protocol.
    start(node, "udp", chain(mapping(8080, 53, "udp")))
    stop(one)
    start(node, "three", chain(mapping(8080)))


def test_two_interfaces_of_one_container(node):
    """An attachment's ports are its own: the other interface keeps them."""
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "snat": False,
            "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "10.244.0.2/24"}]}}
    for n, ifname in enumerate(("eth0", "eth1")):
        node.cni("ADD", {**conf, "runtimeConfig": {"portMappings": [mapping(80 + n)]}}, containerid="x",
                 netns="/nowhere", ifname=ifname).expect_success()
    node.cni("DEL", conf, containerid="x", netns="", ifname="eth0").expect_success()
    assert elements(node) == {(None, "tcp", 81): ("10.244.0.2", 80)}
    node.cni("DEL", {**conf, "name": "other"}, containerid="x", netns="", ifname="eth1").expect_success()
    assert elements(node)
    node.cni("DEL", conf, containerid="x", netns="", ifname="eth1").expect_success()
    assert not table_of(node)


def test_add_again(node):
    """After an ADD whose DEL never came: what is asked for now holds."""
    pod = start(node, "one", chain(mapping(8080), mapping(8081)))
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "prevResult": pod.attachment.result,
            "runtimeConfig": {"portMappings": [mapping(8081, 81), mapping(8082)]}}
    for _ in range(2):
        node.cni("ADD", conf, containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
        assert elements(node) == {(None, "tcp", 8081): (pod.ip, 81), (None, "tcp", 8082): (pod.ip, 80)}
    assert len([rule for rule in table_of(node) if "rule" in rule]) == 7


@pytest.mark.parametrize("gone", ["ip netns del one", "ip link del cni0", "nft delete table ip cnibox_hostport",
                                  "nft flush ruleset", "rm -rf /var/lib/cni/*", "nft flush map ip cnibox_hostport {}"])
def test_del_of_what_is_gone(node, gone):
    pod = start(node, "one", chain(mapping(8080)))
    [name] = [item["map"]["name"] for item in table_of(node) if "map" in item]
    node.sh(gone.format(name))
    for netns in (pod.netns, ""):
        assert pod.delete(pod.conf, netns=netns).returncode == 0
    assert not elements(node)
    assert "map" in gone or not table_of(node)


def test_healed_after_a_flush(lab, node):
    start(node, "one", chain(mapping(8080)))
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "hostports")
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "postrouting")
    two = start(node, "two", chain(mapping(8081)))
    Server(two)
    assert ask(lab.outside, NODE, 8081) == "203.0.113.10"
    assert ask(two, NODE, 8081) == "10.244.0.1"


def test_check(node):
    pod = start(node, "one", chain(mapping(8080), mapping(8081, hostIP=NODE)))
    pod.check(pod.conf).expect_success()
    wanted = chain(mapping(8080), mapping(8082))
    assert "1 of 2 mappings are missing" in pod.check(wanted).json["msg"]
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "output")
    assert "rules are missing" in pod.check(pod.conf).json["msg"]


# --- what it costs, what it forgets ---------------------------------------------------------------

def test_five_thousand(lab, node):
    pod = start(node, "many", chain(*(mapping(10000 + n, 1 + n) for n in range(5000))))
    few = rules(node)
    Server(pod, 5000)
    assert ask(lab.outside, NODE, 14999) == "203.0.113.10"
    assert len(elements(node)) == 5000
    assert len([item for item in few if "cnibox_hostport" in json.dumps(item) and "rule" in item]) == 7
    two = node.pod("two")
    assert "tcp 12345 is taken by" in two.add(chain(mapping(12345))).json["msg"]
    two.delete(chain()).expect_success()
    stop(pod)
    assert not table_of(node)


def test_udp_flows_are_forgotten(lab, node):
    """A client that keeps its port goes on as it did, unless the flow is forgotten: when the port gets its pod, and
    when it loses it."""
    def ask_again():
        return ask(lab.outside, NODE, 53, "udp", source=5353)

    assert ask_again() is None
    one = start(node, "one", chain(mapping(53, protocol="udp")))
    Server(one, 80, "udp")
    assert ask_again() == "203.0.113.10"
    stop(one)
    two = start(node, "two", chain(mapping(53, 81, protocol="udp")))
    Server(two, 81, "udp")
    assert ask_again() == "203.0.113.10"
    stop(two)
    assert ask_again() is None


SPOOF = """
import socket, struct, sys
ifname, mac, source = sys.argv[1:]
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return ~(total + (total >> 16)) & 0xffff
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 36, 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton("127.0.0.1"))
head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
udp = struct.pack("!HHHH", 7, 7777, 16, 0) + b"gotcha!!"
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((ifname, 0))
s.send(bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\\x08\\0" + head + udp)
"""

LISTEN = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 7777))
print("ready", flush=True)
print(s.recv(100).decode())
"""
NOTHING = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'nothing', ('127.0.0.1', 7777))"


def what_arrives(node, pod):
    """At a service on the node's 127.0.0.1, when the pod sends there, and then the node itself "nothing"."""
    [bridge] = node.json("ip", "-j", "link", "show", "cni0")
    service = node.popen("/usr/bin/python3", "-c", LISTEN)
    assert service.stdout.readline() == "ready\n"
    pod.run("/usr/bin/python3", "-c", SPOOF, "eth0", bridge["address"], pod.ip)
    node.run("/usr/bin/python3", "-c", NOTHING)
    return service.stdout.readline().strip()


def test_nothing_spoofed_reaches_localhost(node):
    """route_localnet lets neighbours send to 127.0.0.1. What comes by a wire is dropped all the same."""
    pod = start(node, "one", chain(mapping(8080)))
    assert node.read("/proc/sys/net/ipv4/conf/cni0/route_localnet") == "1\n"
    assert what_arrives(node, pod) == "nothing"
    node.run("nft", "flush", "chain", "ip", "cnibox_hostport", "spoofed")
    assert what_arrives(node, pod) == "gotcha!!", "it is this rule that stops it"


# --- GC, STATUS, and containers that the reference's portmap made -----------------------------------

def attachment(pod, ifname="eth0"):
    return {"containerID": pod.id, "ifname": ifname}


def collect(node, *valid, name="mynet"):
    conf = {"cniVersion": "1.1.0", "name": name, "type": "portmap", "cni.dev/valid-attachments": list(valid)}
    return node.cni("GC", conf).expect_success()


def test_gc(node):
    one, two = (start(node, name, chain(mapping(port))) for name, port in (("one", 8080), ("two", 8081)))
    other = start(node, "other", chain(mapping(8082), name="othernet", subnet="10.245.0.0/24"))
    everything = elements(node)
    collect(node, attachment(one), attachment(two))
    collect(node, name="third")
    assert elements(node) == everything
    collect(node, attachment(one), attachment(two, "eth1"))
    assert elements(node) == {(None, "tcp", 8080): (one.ip, 80), (None, "tcp", 8082): (other.ip, 80)}
    collect(node)
    collect(node, name="othernet")
    assert not table_of(node)


def test_status(node):
    conf = {"cniVersion": "1.1.0", "name": "mynet", "type": "portmap"}
    before = snapshot.of(node)
    node.cni("STATUS", conf).expect_success()
    assert not snapshot.changes(before, snapshot.of(node))
    assert node.cni("STATUS", {**conf, "backend": "zz"}).json["code"] == 7


REFERENCE = "/usr/lib/cni/portmap"
needs_reference = pytest.mark.skipif(not os.path.exists(REFERENCE), reason=f"{REFERENCE} is not there")


def reference_rules(node):
    saved = node.sh("iptables-save; ip6tables-save")
    return [line for line in saved.splitlines() if "CNI-DN" in line or "-j CNI-DN" in line]


@needs_reference
@pytest.mark.parametrize("verb", ["DEL", "GC"])
def test_reference_before(lab, node, verb):
    """The reference's portmap made it, a node changes over, cnibox takes it away: and nobody else's."""
    pods = [start(node, name, chain(six=True)) for name in ("one", "two")]
    for pod, port in zip(pods, (8080, 8081)):
        conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "portmap", "prevResult": pod.attachment.result,
                "runtimeConfig": {"portMappings": [mapping(port), mapping(port, 53, "udp")]}}
        node.cni("ADD", conf, plugin=REFERENCE, containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
    Server(pods[0], address="::")
    assert ask(lab.outside, NODE, 8080) == "::ffff:203.0.113.10"
    both = reference_rules(node)
    if verb == "GC":
        collect(node, attachment(pods[1]))
    else:
        del conf["prevResult"]
        node.cni("DEL", conf, containerid=pods[0].id, netns="", ifname="eth0").expect_success()
    left = reference_rules(node)
    assert left and set(left) < set(both) and pods[0].id not in str(left) and pods[1].id in str(left)
    assert len([line for line in left if line.startswith(":CNI-DN")]) == 2, "a chain in each family"
    assert ask(lab.outside, NODE, 8080) is None
    collect(node)
    assert not reference_rules(node)


# --- where FORWARD drops --------------------------------------------------------------------------

def test_forward_drops(lab, node):
    """A port that leads to a pod which FORWARD lets nobody reach would be none. What is not mapped stays unreachable."""
    first = {"type": "bash-cni", "subnet": "10.244.0.0/24", "accept": "own"}
    conf = chain(mapping(8080))
    conf["plugins"][0] = first
    before = node.chains()
    assert "-P FORWARD DROP" in before
    pod = start(node, "one", conf)
    Server(pod)
    Server(pod, 81)
    rule = f"-A CNI-FORWARD -d {pod.ip}/32 -m conntrack --ctstate DNAT -j ACCEPT"
    assert rule in node.chains(chain="CNI-FORWARD")
    # Answers are another matter: firewall's, or whoever admits what pods send.
    node.run("iptables", "-A", "FORWARD", "-s", pod.ip, "-j", "ACCEPT")
    assert ask(lab.outside, NODE, 8080) == "203.0.113.10"
    lab.vpc.add_route("10.244.0.0/24", node)
    assert ask(lab.worker, pod.ip, 81) is None
    pod.check(conf).expect_success()
    node.run("iptables", "-D", *rule.split()[1:])
    assert "CNI-FORWARD" in pod.check(conf).json["msg"]
    stop(pod)
    assert rule not in node.chains(chain="CNI-FORWARD")


def test_forward_accepts(node):
    """Then nothing is added."""
    node.run("iptables", "-P", "FORWARD", "ACCEPT")
    before = node.run("iptables", "-S").stdout
    pod = start(node, "one", chain(mapping(8080)))
    assert node.run("iptables", "-S").stdout == before
    stop(pod)


# --- the index: nobody reads through what others have ----------------------------------------------

def index(node):
    """{address that mappings lead to: whose, as its comment says}; and how many owners are noted."""
    [found] = [item["set"] for item in table_of(node) if "set" in item]
    entries = [entry["elem"] for entry in found.get("elem", []) if "elem" in entry]
    return {entry["val"]: entry["comment"] for entry in entries}, len(found.get("elem", [])) - len(entries)


def test_index(node):
    one, two = (start(node, name, chain(mapping(port), mapping(port + 1, hostIP=NODE)))
                for name, port in (("one", 8080), ("two", 8090)))
    assert index(node) == ({f"::ffff:{pod.ip}": f"eth0 of container {pod.id} in network mynet" for pod in (one, two)}, 2)
    stop(one)
    assert index(node)[1] == 1 and f"::ffff:{one.ip}" not in index(node)[0]
    assert elements(node) == {(None, "tcp", 8090): (two.ip, 80), (NODE, "tcp", 8091): (two.ip, 80)}
    stop(two)
    assert not table_of(node)


def test_more_than_is_noted(node):
    """A pod's ports go all the same, and nobody else's."""
    other = start(node, "other", chain(mapping(9000)))
    pod = start(node, "one", chain(*(mapping(8000 + n, 1 + n) for n in range(200))))
    assert len(elements(node)) == 201
    stop(pod)
    assert elements(node) == {(None, "tcp", 9000): (other.ip, 80)}
    assert index(node)[1] == 1


def map_of(node):
    [name] = [item["map"]["name"] for item in table_of(node) if "map" in item]
    return "ip", "cnibox_hostport", name


def test_removed_by_hand(node):
    """What is noted is not there: the rest goes, and the other's stays."""
    other = start(node, "other", chain(mapping(9000)))
    pod = start(node, "one", chain(mapping(8080), mapping(8081)))
    node.run("nft", "delete", "element", *map_of(node), "{", "tcp", ".", "8080", "}")
    assert "1 of 2 mappings are missing" in pod.check(pod.conf).json["msg"]
    stop(pod)
    assert elements(node) == {(None, "tcp", 9000): (other.ip, 80)}
    assert index(node)[1] == 1


def test_all_removed_by_hand(node):
    other = start(node, "other", chain(mapping(9000), name="othernet", subnet="10.245.0.0/24"))
    pod = start(node, "one", chain(mapping(8080)))
    for item in table_of(node):
        if "map" in item:
            node.run("nft", "flush", "map", "ip", "cnibox_hostport", item["map"]["name"])
    conf = {**chain(mapping(8081))["plugins"][1], "cniVersion": "1.0.0", "name": "mynet", "prevResult": pod.attachment.result}
    node.cni("ADD", conf, containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
    assert elements(node) == {(None, "tcp", 8081): (pod.ip, 80)}
    stop(other)
    assert index(node)[1] == 1
    stop(pod)
    assert not table_of(node)


def test_added_by_hand(node):
    """It is nobody's: not to be had, and not taken away."""
    pod = start(node, "one", chain(mapping(8080)))
    node.run("nft", "add", "element", *map_of(node), "{", "tcp", ".", "8081", ":", "10.244.0.200", ".", "80", "}")
    refused = node.pod("two").add(chain(mapping(8081)))
    assert "tcp 8081 is taken by an entry that somebody else made" in refused.json["msg"]
    stop(pod)
    assert elements(node) == {(None, "tcp", 8081): ("10.244.0.200", 80)}


def test_index_flushed_by_hand(node):
    """Whoever gets the address gets it alone, once it is his turn; GC finds what nobody has."""
    pod = start(node, "one", chain(mapping(8080)))
    node.run("nft", "flush", "set", "ip", "cnibox_hostport", "holders")
    start(node, "two", chain(mapping(8081)))
    collect(node, attachment(pod))
    assert elements(node) == {(None, "tcp", 8080): (pod.ip, 80)}
    collect(node)
    assert not table_of(node)


def test_without_an_index(node):
    """All is read, then; and its last user takes the table away."""
    pod = start(node, "one", chain(mapping(8080)))
    node.run("nft", "delete", "set", "ip", "cnibox_hostport", "holders")
    two = node.pod("two")
    assert f"tcp 8080 is taken by eth0 of container {pod.id}" in two.add(chain(mapping(8080))).json["msg"]
    two.delete(chain()).expect_success()
    stop(pod)
    assert not table_of(node)


def test_a_map_that_is_not_in_the_index(node):
    """As an earlier cnibox made them: what is in it is read."""
    old = "ports-0123456789abcdef"
    node.sh(f"nft add table ip cnibox_hostport; nft 'add map ip cnibox_hostport {old} "
            "{ type inet_proto . inet_service : ipv4_addr . inet_service; elements = { tcp . 8080 : 10.244.0.200 . 80 } }'")
    before = elements(node)
    pod = start(node, "one", chain(mapping(8081)))
    refused = node.pod("two").add(chain(mapping(8080)))
    assert "tcp 8080 is taken by an entry that somebody else made" in refused.json["msg"]
    stop(pod)
    assert elements(node) == before
