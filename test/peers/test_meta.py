"""portmap, firewall, bandwidth behind bridge: what passes, what tc says, good and bad input."""

import pytest
from peers import Case, run

BRIDGE = {"type": "bridge", "bridge": "br0", "isGateway": True, "hairpinMode": True,
          "ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}}
DUAL = {**BRIDGE, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]],
                           "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}
OUT = "192.0.2.1"  # of the node, on its way out
DROP = "iptables -P FORWARD DROP; ip6tables -P FORWARD DROP"
SERVE = (("tcp", 80), ("udp", 53))


def mapping(host, pod=80, protocol="tcp", **more):
    return {"hostPort": host, "containerPort": pod, "protocol": protocol, **more}


def portmap(*mappings, **keys):
    return {"type": "portmap", "runtimeConfig": {"portMappings": list(mappings)}, **keys}


def bandwidth(ingress=None, egress=None, burst=8_000_000):
    keys = {"ingressRate": ingress, "ingressBurst": ingress and burst, "egressRate": egress, "egressBurst": egress and burst}
    return {"type": "bandwidth", **{key: value for key, value in keys.items() if value}}


def firewall(**keys):
    return {"type": "firewall", "backend": "iptables", **keys}


def case(name, *plugins, differs=(), first=BRIDGE, **options):
    return Case(name, [first, *plugins], differs=differs, **options)


def ports(name, *mappings, keys=None, reach=(), differs=(), **options):
    steps = options.pop("steps", ("ADD", "CHECK", "DEL") if mappings else ("ADD", "DEL"))
    if "CHECK" in steps and "flushed" not in name:
        differs = (*differs, "portmap-check")
    return case(f"portmap-{name}", portmap(*mappings, **(keys or {})), outside=True, serve=SERVE, steps=steps, reach=reach,
                differs=differs, **options)


def refused(name, *mappings, differs=("del-without-conf",), **keys):
    return case(f"portmap-{name}", portmap(*mappings, **keys), steps=("ADD", "DEL"), differs=differs)


TCP = mapping(8080)
LOCAL = ("host", "tcp 127.0.0.1 8080", True)
SELF = ("pod0", f"tcp {OUT} 8080", True)
FROM_OUT = ("outside", f"tcp {OUT} 8080", True)
ALL = (LOCAL, SELF, FROM_OUT, ("host", f"tcp {OUT} 8080", True))
NOBODY = tuple((source, target, False) for source, target, _ in ALL)

PORTMAP = [
    ports("tcp", TCP, reach=ALL),
    ports("udp", mapping(5353, 53, "udp"), reach=[("outside", f"udp {OUT} 5353", True), ("host", "udp 127.0.0.1 5353", True),
                                                  ("outside", f"tcp {OUT} 5353", False)]),
    ports("both", TCP, mapping(8080, 53, "udp"), reach=[*ALL, ("outside", f"udp {OUT} 8080", True)]),
    ports("several", *(mapping(8080 + n) for n in range(20)), reach=[*ALL, ("outside", f"tcp {OUT} 8099", True),
                                                                      ("outside", f"tcp {OUT} 8100", False)]),
    ports("none", reach=NOBODY),
    ports("host-ip", mapping(8080, hostIP=OUT), reach=[FROM_OUT, SELF, ("host", "tcp 127.0.0.1 8080", False)]),
    ports("host-ip-other", mapping(8080, hostIP="10.1.0.1"), reach=[("outside", f"tcp {OUT} 8080", False),
                                                                    ("pod0", "tcp 10.1.0.1 8080", True)]),
    ports("host-ip-localhost", mapping(8080, hostIP="127.0.0.1"), reach=[LOCAL, ("outside", f"tcp {OUT} 8080", False)]),
    ports("host-ip-any", mapping(8080, hostIP="0.0.0.0"), reach=ALL),
    ports("no-snat", TCP, keys={"snat": False}, reach=[FROM_OUT, ("host", "tcp 127.0.0.1 8080", False)]),
    ports("masq-all", TCP, keys={"masqAll": True}, reach=ALL),
    ports("mark-bit", TCP, keys={"markMasqBit": 5}, reach=ALL),
    ports("two-pods-one-port", TCP, pods=2, differs=("taken-port",), reach=ALL, steps=("ADD", "DEL")),
    ports("from-a-neighbour", mapping(8080, hostIP=OUT), reach=[("pod0", f"tcp {OUT} 8080", True)]),
    ports("conditions", TCP, keys={"conditionsV4": ["!", "-s", "192.0.2.9"]},
          reach=[("outside", f"tcp {OUT} 8080", False), LOCAL]),
    ports("conditions-in", TCP, keys={"conditionsV4": ["-s", "192.0.2.0/24"]}, reach=[FROM_OUT, SELF[:2] + (False,)]),
    ports("dual", TCP, first=DUAL, differs=("default-metric",), reach=[*ALL]),
    ports("upper-case", mapping(8080, protocol="TCP"), reach=ALL),
    ports("del-twice", TCP, steps=("ADD", "DEL", "DEL")),
    ports("del-never-added", TCP, steps=("DEL",), differs=("del-makes-nothing",)),
    ports("del-netns-gone", TCP, steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL")),
    ports("del-link-gone", TCP, steps=("ADD", "ip -n pod0 link del eth0", "DEL")),
    ports("add-del-add", TCP, steps=("ADD", "DEL", "ADD", "DEL"), reach=ALL),
    ports("check-flushed", TCP, steps=("ADD", "nft flush ruleset", "CHECK")),
    refused("host-port-zero", mapping(0)),
    refused("pod-port-zero", mapping(80, 0)),
    refused("host-port-large", mapping(70000), differs=()),
    refused("pod-port-large", mapping(80, 70000), differs=()),
    refused("protocol-empty", mapping(80, protocol=""), differs=()),
    refused("protocol-unknown", mapping(80, protocol="nonsense"), differs=()),
    refused("mark-bit-32", TCP, markMasqBit=32),
    refused("mark-and-chain", TCP, markMasqBit=3, externalSetMarkChain="X"),
    refused("types", TCP, snat="yes"),
]

FIREWALL = [
    case("firewall", firewall(), setup=DROP, pods=2, reach=[("pod0", "10.1.0.3", True), ("pod1", "10.1.0.2", True)]),
    case("firewall-without", setup=DROP, pods=2, reach=[("pod0", "10.1.0.3", False)]),
    case("firewall-out", firewall(), setup=DROP, outside=True,
         first={**BRIDGE, "ipMasq": True}, reach=[("pod0", "192.0.2.9", True)]),
    case("firewall-dual", firewall(), first=DUAL, setup=DROP, pods=2, differs=("default-metric",),
         reach=[("pod0", "10.1.0.3", True), ("pod0", "fd00:1::3", True)]),
    case("firewall-admin", firewall(), pods=2, setup=DROP,
         steps=("iptables -N CNI-ADMIN; iptables -A CNI-ADMIN -d 10.1.0.3 -j DROP", "ADD", "CHECK", "DEL"),
         reach=[("pod0", "10.1.0.3", False), ("pod1", "10.1.0.2", False)]),
    case("firewall-admin-named", firewall(iptablesAdminChainName="MINE"), pods=2, setup=DROP,
         steps=("iptables -N MINE; iptables -A MINE -j DROP", "ADD", "CHECK", "DEL"), reach=[("pod0", "10.1.0.3", False)]),
    case("firewall-open", firewall(ingressPolicy="open"), setup=DROP, pods=2, reach=[("pod0", "10.1.0.3", True)]),
    case("firewall-same-bridge", firewall(ingressPolicy="same-bridge"), pods=2, reach=[("pod0", "10.1.0.3", True)]),
    case("firewall-other-bridge", firewall(ingressPolicy="same-bridge"), outside=True, pods=1,
         setup="ip netns add other; ip link add br9 type bridge; ip addr add 10.9.0.1/24 dev br9; ip link set br9 up; "
               "ip link add v9 type veth peer name eth0 netns other; ip link set v9 master br9 up; "
               "ip -n other addr add 10.9.0.2/24 dev eth0; ip -n other link set eth0 up; "
               "ip -n other route add default via 10.9.0.1; echo 1 > /proc/sys/net/ipv4/ip_forward",
         reach=[("pod0", "10.9.0.2", True), ("other", "10.1.0.2", True)]),
    case("firewall-del-twice", firewall(), steps=("ADD", "DEL", "DEL")),
    case("firewall-del-netns-gone", firewall(), steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL")),
    case("firewall-del-flushed", firewall(), steps=("ADD", "nft flush ruleset", "DEL")),
    case("firewall-check-rule-gone", firewall(), steps=("ADD", "iptables -F CNI-FORWARD", "CHECK")),
    case("firewall-check-jump-gone", firewall(), steps=("ADD", "iptables -F FORWARD", "CHECK")),
    case("firewall-policy-unknown", firewall(ingressPolicy="zz"), steps=("ADD", "DEL"), differs=("del-without-conf",)),
    case("firewall-version", firewall(), version="0.3.1", steps=("ADD", "DEL")),
    case("firewall-no-bridge", firewall(ingressPolicy="same-bridge"), steps=("ADD", "DEL"),
         first={"type": "loopback"}, differs=("loopback-shape",), version="0.4.0"),
]
FIREWALL += [case(f"firewall-version-{version}", firewall(), version=version) for version in ("0.4.0", "1.0.0")]

BANDWIDTH = [
    case("bandwidth-ingress", bandwidth(8_000_000), reach=[("pod0", "10.1.0.1", True)]),
    case("bandwidth-egress", bandwidth(None, 8_000_000), reach=[("pod0", "10.1.0.1", True)]),
    case("bandwidth-both", bandwidth(8_000_000, 16_000_000), pods=2, reach=[("pod0", "10.1.0.3", True)]),
    case("bandwidth-odd", bandwidth(1_234_567, 7_654_321, 123_457)),
    case("bandwidth-fast", bandwidth(40_000_000_000, 40_000_000_000, 4_000_000_000)),
    case("bandwidth-none", {"type": "bandwidth"}, differs=("without-limits",)),
    case("bandwidth-runtime", {"type": "bandwidth", "runtimeConfig": {"bandwidth": {"ingressRate": 8000, "ingressBurst": 8000}}}),
    case("bandwidth-runtime-ignored", {**bandwidth(8_000_000), "runtimeConfig": {"bandwidth": {
        "egressRate": 8000, "egressBurst": 8000}}}),
    case("bandwidth-no-burst", {"type": "bandwidth", "ingressRate": 8000}, steps=("ADD", "DEL"),
         differs=("del-without-conf",)),
    case("bandwidth-no-rate", {"type": "bandwidth", "egressBurst": 8000}, steps=("ADD", "DEL"), differs=("del-without-conf",)),
    case("bandwidth-burst-4g", bandwidth(8_000_000, burst=8 * (2**32 - 1)), steps=("ADD", "DEL"),
         differs=("del-without-conf",)),
    case("bandwidth-mtu", bandwidth(None, 8_000_000), first={**BRIDGE, "mtu": 1400}),
    case("bandwidth-del-twice", bandwidth(8_000_000, 8_000_000), steps=("ADD", "DEL", "DEL")),
    case("bandwidth-del-netns-gone", bandwidth(8_000_000, 8_000_000), steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL")),
    case("bandwidth-del-link-gone", bandwidth(8_000_000, 8_000_000), steps=("ADD", "ip -n pod0 link del eth0", "DEL")),
    case("bandwidth-del-ifb-gone", bandwidth(8_000_000, 8_000_000),
         steps=("ADD", "ip link del $(ls /sys/class/net | grep bwp)", "DEL")),
    case("bandwidth-check-changed", bandwidth(8_000_000),
         steps=("ADD", "tc qdisc change dev $(ls /sys/class/net | grep veth) root tbf rate 9mbit burst 1mb limit 2mb",
                "CHECK")),
    case("bandwidth-version", bandwidth(8_000_000), version="0.2.0", steps=("ADD", "DEL")),
    case("bandwidth-no-veth", bandwidth(8_000_000), steps=("ADD", "DEL"), first={"type": "loopback"}, ifname="lo",
         differs=("loopback-shape",), version="0.4.0"),
]
BANDWIDTH += [case(f"bandwidth-version-{version}", bandwidth(8_000_000, 8_000_000), version=version)
              for version in ("0.3.0", "0.3.1", "0.4.0", "1.0.0")]

CHAINS = [case("all", portmap(TCP), firewall(), bandwidth(80_000_000, 80_000_000), outside=True, serve=SERVE,
               steps=("ADD", "DEL"), first={**BRIDGE, "ipMasq": True}, reach=ALL)]


@pytest.mark.parametrize("case", PORTMAP + FIREWALL + BANDWIDTH + CHAINS, ids=lambda case: case.name)
def test_meta(case, cnibox, used):
    run(case, cnibox, used)
