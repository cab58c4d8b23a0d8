"""portmap behind bash-cni: who reaches a port of the host, and what stays when the pod is gone."""

import json

import pytest
from conftest import needs
from hostports import NODE, NODE6, chain, elements, mapping, portmap_lab, rules, start, stop, table_of
from lab import snapshot
from ports import Server, ask

pytestmark = needs("nf_tables")

lab = pytest.fixture(portmap_lab)
node = pytest.fixture(lambda lab: lab.master)


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
