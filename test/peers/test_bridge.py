"""bridge, as a network of its own: addresses by host-local and static, gateways, masquerade, MAC addresses, bad input."""

import pytest
from peers import Case, run

V4, V6 = {"subnet": "10.1.0.0/24"}, {"subnet": "fd00:1::/64"}
DUAL = {"type": "host-local", "ranges": [[V4], [V6]]}
OUT = "192.0.2.9"
OUT6 = "2001:db8::9"
MAC = "02:11:22:33:44:55"


def local(**more):
    return {"type": "host-local", **V4, **more}


def bridge(ipam=None, **keys):
    plugin = {"type": "bridge", "bridge": "br0", **keys}
    if ipam is not False:
        plugin["ipam"] = ipam or local()
    return plugin


def case(name, *plugins, **options):
    return Case(name, list(plugins), **options)


GATEWAY = bridge(isGateway=True)
DEFAULT = bridge(isDefaultGateway=True)
BY_DEFAULT = {"routes": [{"dst": "0.0.0.0/0"}]}

CASES = [
    case("plain", bridge()),
    case("gateway", GATEWAY, reach=[("pod0", "10.1.0.1", True), ("host", "10.1.0.2", True), ("pod0", "10.1.0.9", False)]),
    case("default-gateway", DEFAULT, reach=[("pod0", "10.1.0.1", True)]),
    case("default-name", {"type": "bridge", "ipam": local()}),
    case("two-pods", GATEWAY, pods=2, reach=[("pod0", "10.1.0.3", True), ("pod1", "10.1.0.2", True)]),
    case("three-pods-dual", bridge(DUAL, isDefaultGateway=True), pods=3, differs=("default-metric",),
         reach=[("pod0", "fd00:1::4", True), ("pod2", "10.1.0.2", True)]),
    case("ipv6", bridge({"type": "host-local", **V6}, isGateway=True),
         reach=[("pod0", "fd00:1::1", True)]),
    case("ipv6-default", bridge({"type": "host-local", **V6}, isDefaultGateway=True),
         differs=("default-metric",), reach=[("pod0", "fd00:1::1", True)]),
    case("dual", bridge(DUAL, isGateway=True),
         reach=[("pod0", "10.1.0.1", True), ("pod0", "fd00:1::1", True)]),
    case("ipv6-switched-off", bridge({"type": "host-local", **V6}), differs=("lo-ipv6",),
         setup="for p in pod0; do ip netns exec $p sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; "
               "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'; done"),
    case("masquerade", bridge(local(**BY_DEFAULT), isGateway=True, ipMasq=True), outside=True,
         reach=[("pod0", OUT, True), ("pod0", "192.0.2.1", True)]),
    case("no-masquerade", bridge(local(**BY_DEFAULT), isGateway=True), outside=True,
         reach=[("pod0", OUT, False), ("pod0", "192.0.2.1", True)]),
    case("masquerade-two", bridge(local(**BY_DEFAULT), isGateway=True, ipMasq=True), outside=True, pods=2,
         reach=[("pod0", OUT, True), ("pod1", OUT, True), ("pod0", "10.1.0.3", True)]),
    case("masquerade-dual", bridge({**DUAL, "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}, isGateway=True,
                                   ipMasq=True), outside=True, differs=("default-metric",),
         reach=[("pod0", OUT, True), ("pod0", OUT6, True)]),
    case("masquerade-not-gateway", bridge(local(**BY_DEFAULT, gateway="10.1.0.1"), ipMasq=True)),
    case("masquerade-after-flush", bridge(local(**BY_DEFAULT), isGateway=True, ipMasq=True), outside=True,
         steps=("ADD", "nft flush ruleset", "DEL", "ADD", "DEL"), reach=[("pod0", OUT, True)],
         differs=("del-after-flush",)),
    case("masquerade-again", bridge(local(**BY_DEFAULT), isGateway=True, ipMasq=True), outside=True,
         steps=("ADD", "DEL", "ADD", "DEL"), reach=[("pod0", OUT, True)]),
    case("mtu", bridge(mtu=1400)),
    case("mtu-gateway", bridge(mtu=9000, isGateway=True)),
    case("route-mtu", bridge(local(routes=[{"dst": "198.51.100.0/24", "mtu": 1300, "advmss": 1200}]), isGateway=True),
         differs=("route-mtu", "check-routes")),
    case("route-mtu-default", bridge(local(routes=[{"dst": "0.0.0.0/0", "mtu": 1300}]), isGateway=True), differs=("route-mtu",)),
    case("vlan-plain-bridge", bridge(vlan=5), setup="ip link add br0 type bridge; ip link set br0 up",
         differs=("vlan-plain-bridge",)),
    case("mtu-existing-bridge", bridge(mtu=1300), setup="ip link add br0 type bridge; ip link set br0 up"),
    case("hairpin", bridge(hairpinMode=True, isGateway=True)),
    case("hairpin-existing-bridge", bridge(hairpinMode=True), setup="ip link add br0 type bridge"),
    case("promiscuous", bridge(promiscMode=True, isGateway=True)),
    case("hairpin-and-promiscuous", bridge(promiscMode=True, hairpinMode=True), differs=("del-makes-nothing",)),
    case("existing-bridge-down", GATEWAY, setup="ip link add br0 type bridge", reach=[("pod0", "10.1.0.1", True)]),
    case("existing-bridge-addressed", GATEWAY, setup="ip link add br0 type bridge; ip addr add 10.1.0.1/24 dev br0"),
    case("existing-bridge-other-address", GATEWAY,
         setup="ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up",
         differs=("leaves-nothing",)),
    case("existing-bridge-forced", bridge(isGateway=True, forceAddress=True),
         setup="ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up",
         reach=[("pod0", "10.1.0.1", True)]),
    case("existing-bridge-other-length", GATEWAY,
         setup="ip link add br0 type bridge; ip addr add 10.1.0.1/16 dev br0; ip link set br0 up",
         differs=("leaves-nothing",)),
    case("existing-bridge-ipv6-other-subnet", bridge({"type": "host-local", **V6}, isGateway=True),
         setup="ip link add br0 type bridge; ip link set br0 up; ip addr add fd00:9::1/64 dev br0 nodad"),
    case("existing-bridge-ipv6-same-subnet", bridge({"type": "host-local", **V6}, isGateway=True),
         setup="ip link add br0 type bridge; ip link set br0 up; ip addr add fd00:1::9/64 dev br0 nodad",
         differs=("leaves-nothing",)),
    case("not-a-bridge", GATEWAY, setup="ip link add br0 type veth peer name br1", differs=("leaves-nothing",)),
    case("two-range-sets", bridge({"type": "host-local", "ranges": [[V4], [{"subnet": "10.2.0.0/24"}]]})),
    case("two-range-sets-gateways", bridge({"type": "host-local", "ranges": [[V4], [{"subnet": "10.2.0.0/24"}]]},
                                           isGateway=True), differs=("several-gateways",)),
    case("ranges-in-a-set", bridge({"type": "host-local", "ranges": [[{**V4, "rangeEnd": "10.1.0.2"},
                                                                      {"subnet": "10.2.0.0/24"}]]}), pods=3),
    case("routes", bridge(local(routes=[{"dst": "10.9.0.0/16"}, {"dst": "10.8.0.0/16", "gw": "10.1.0.7"}]),
                          isGateway=True), differs=("check-routes",)),
    case("routes-not-gateway", bridge(local(routes=[{"dst": "10.9.0.0/16"}])), differs=("check-routes",)),
    case("route-ipv6", bridge({"type": "host-local", **V6, "routes": [{"dst": "fd09::/16"}]}, isGateway=True),
         differs=("check-routes",)),
    case("default-route-with-gateway", bridge(local(routes=[{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}]),
                                              isDefaultGateway=True)),
    case("default-route-without-gateway", bridge(local(**BY_DEFAULT), isDefaultGateway=True),
         differs=("default-route-once",)),
    case("unreachable-gateway", bridge(local(routes=[{"dst": "10.9.0.0/16", "gw": "10.7.0.1"}])),
         differs=("leaves-nothing",)),
    case("gateway-key", bridge(local(gateway="10.1.0.254"), isGateway=True), reach=[("pod0", "10.1.0.254", True)]),
    case("dns", bridge(dns={"nameservers": ["10.0.0.53"], "domain": "x", "search": ["y"], "options": ["ndots:5"]})),
    case("dns-of-ipam", bridge({"type": "static", "addresses": [{"address": "10.1.0.5/24"}],
                                "dns": {"nameservers": ["10.0.0.53"]}}), differs=("dns-of-ipam",)),
    case("dns-of-both", bridge({"type": "static", "addresses": [{"address": "10.1.0.5/24"}],
                                "dns": {"nameservers": ["10.0.0.53"], "domain": "z"}}, dns={"domain": "x"})),
    case("dns-empty", bridge({"type": "static", "addresses": [{"address": "10.1.0.5/24"}],
                              "dns": {"nameservers": ["10.0.0.53"]}}, dns={}), differs=("dns-of-ipam",)),
    case("static", bridge({"type": "static", "addresses": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}],
                           **BY_DEFAULT}, isGateway=True), reach=[("pod0", "10.1.0.1", True)]),
    case("static-no-gateway", bridge({"type": "static", "addresses": [{"address": "10.1.0.5/24"}]}, isGateway=True),
         reach=[("pod0", "10.1.0.1", True)]),
    case("static-two", bridge({"type": "static", "addresses": [{"address": "10.1.0.5/24"},
                                                               {"address": "fd00:1::5/64"}]})),
    case("static-none", bridge({"type": "static"}), differs=("leaves-nothing",)),
    case("mac-args", bridge(args={"cni": {"mac": MAC}})),
    case("mac-runtime", bridge(runtimeConfig={"mac": MAC})),
    case("mac-both", bridge(runtimeConfig={"mac": MAC}, args={"cni": {"mac": "02:99:99:99:99:99"}})),
    case("mac-env", bridge(False), args=f"MAC={MAC}", steps=("ADD", "DEL")),
    case("mac-env-ignored-rest", bridge(), args=f"IgnoreUnknown=1;K8S_POD_NAME=x;MAC={MAC}"),
    case("mac-top-level", bridge(mac=MAC)),
    case("mac-bad", bridge(runtimeConfig={"mac": "xyz"}), differs=("leaves-nothing",)),
    case("mac-upper-case", bridge(runtimeConfig={"mac": "02:AA:BB:CC:DD:EE"})),
    case("args-unknown", bridge(), args="FOO=bar", differs=("del-without-conf",)),
    case("args-malformed", bridge(), args="FOO", differs=("del-without-conf",)),
    case("args-ip", bridge(), args="IgnoreUnknown=1;IP=10.1.0.77"),
    case("cable", bridge(False), steps=("ADD", "DEL")),
    case("cable-check", bridge(False), steps=("ADD", "CHECK", "DEL"), differs=("check-without-ipam",)),
    case("cable-two", bridge(False), pods=2, steps=("ADD", "DEL")),
    case("cable-hairpin", bridge(False, hairpinMode=True), steps=("ADD", "DEL")),
    case("cable-gateway", bridge(False, isGateway=True), steps=("ADD", "DEL")),
    case("cable-empty-ipam", bridge({"type": ""}), steps=("ADD", "DEL")),
    case("cable-old-version", bridge(False), version="0.2.0", steps=("ADD", "DEL"), differs=("leaves-nothing",)),
    case("spoof-check", bridge(macspoofchk=True, isGateway=True), steps=("ADD", "DEL"),
         reach=[("pod0", "10.1.0.1", True)]),
    case("spoof-check-cable", bridge(False, macspoofchk=True), steps=("ADD", "DEL")),
    case("add-twice", bridge(isGateway=True), steps=("ADD", "ADD", "DEL")),
    case("ifname-taken", bridge(isGateway=True), setup="ip -n pod0 link add eth0 type bridge",
         differs=("leaves-nothing", "del-only-own")),
    case("other-ifname", bridge(isGateway=True), ifname="net1", reach=[("pod0", "10.1.0.1", True)]),
    case("long-ifname", bridge(), ifname="abcdefghijklmno"),
    case("too-long-ifname", bridge(), ifname="abcdefghijklmnop", steps=("ADD",)),
    case("del-twice", GATEWAY, steps=("ADD", "DEL", "DEL")),
    case("del-never-added", GATEWAY, steps=("DEL",), differs=("del-makes-nothing",)),
    case("del-netns-gone", GATEWAY, steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL")),
    case("del-link-gone", GATEWAY, steps=("ADD", "ip -n pod0 link del eth0", "DEL")),
    case("del-bridge-gone", GATEWAY, steps=("ADD", "ip link del br0", "DEL")),
    case("del-store-gone", GATEWAY, steps=("ADD", "rm -r /var/lib/cni", "DEL"), differs=("del-makes-nothing",)),
    case("check-link-gone", GATEWAY, steps=("ADD", "ip -n pod0 link del eth0", "CHECK")),
    case("check-address-gone", GATEWAY, steps=("ADD", "ip -n pod0 addr flush dev eth0", "CHECK")),
    case("check-route-gone", DEFAULT, steps=("ADD", "ip -n pod0 route del default", "CHECK")),
    case("check-not-in-bridge", GATEWAY,
         steps=("ADD", "ip link set $(ls /sys/class/net/br0/brif) nomaster", "CHECK")),
    case("check-lease-gone", GATEWAY, steps=("ADD", "rm /var/lib/cni/networks/net/10*", "CHECK")),
    case("check-mac-changed", GATEWAY, steps=("ADD", "ip -n pod0 link set eth0 address 02:00:00:00:00:09", "CHECK")),
    case("check-bridge-address-gone", GATEWAY, steps=("ADD", "ip addr flush dev br0", "CHECK"),
         differs=("check-more",)),
    case("check-hairpin-off", bridge(hairpinMode=True),
         steps=("ADD", "/sbin/bridge link set dev $(ls /sys/class/net/br0/brif) hairpin off", "CHECK"),
         differs=("check-more",)),
    case("check-link-down", GATEWAY, steps=("ADD", "ip -n pod0 link set eth0 down", "CHECK")),
    case("ip-exhausted", bridge(local(rangeEnd="10.1.0.2")), pods=2, differs=("leaves-nothing",)),
    case("no-such-ipam", bridge({"type": "nonesuch"}), differs=("leaves-nothing",)),
    case("ipam-with-slash", bridge({"type": "../host-local"}), differs=("leaves-nothing",)),
    case("ipam-bad-subnet", bridge({"type": "host-local", "subnet": "10.1.0.0/33"}),
         differs=("leaves-nothing", "del-without-conf")),
    case("enabledad", bridge({"type": "host-local", **V6}, enabledad=True, isGateway=True)),
    case("netns-missing", GATEWAY, setup="ip netns del pod0; mkdir -p /run/netns; touch /run/netns/pod0",
         differs=("leaves-nothing", "netns-is-no-namespace")),
    case("bad-json-type", bridge(mtu="big"), differs=("del-without-conf",)),
    case("bad-bool", bridge(isGateway="yes"), differs=("del-without-conf",)),
    case("upper-case-keys", {"type": "bridge", "BRIDGE": "br0", "ISGATEWAY": True,
                             "IPAM": {"Type": "host-local", "Subnet": "10.1.0.0/24"}}),
    case("vlan-too-big", bridge(vlan=4095), differs=("del-without-conf",)),
    case("vlan-negative", bridge(vlan=-1), differs=("del-without-conf",)),
    case("path-empty", GATEWAY, env={"path": ""}),
    case("path-elsewhere", GATEWAY, env={"path": "/nowhere:/opt/cni/bin"}),
    case("path-nowhere", GATEWAY, env={"path": "/nowhere"}, differs=("leaves-nothing",)),
    case("reference-ipam", GATEWAY, setup="mkdir /opt/other; cp /usr/lib/cni/host-local /opt/other",
         env={"path": "/opt/other"}),
    case("reference-ipam-fails", bridge(local(rangeEnd="10.1.0.2")), pods=2,
         setup="mkdir /opt/other; cp /usr/lib/cni/host-local /opt/other", env={"path": "/opt/other"},
         differs=("leaves-nothing",)),
]
CASES += [case(f"version-{version}", DEFAULT, version=version, reach=[("pod0", "10.1.0.1", True)])
          for version in ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0")]
CASES += [case(f"dual-version-{version}", bridge(DUAL, isGateway=True), version=version, steps=("ADD", "DEL")) for version in ("0.2.0", "0.3.1", "0.4.0")]
CASES += [case("version-unknown", GATEWAY, version="9.9.9"), case("version-half", GATEWAY, version="1.0")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bridge(case, cnibox, used):
    run(case, cnibox, used)
