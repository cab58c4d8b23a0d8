"""ptp: the node's routes, masquerade, several addresses, bad input."""

import pytest
from peers import Case, run

V4, V6 = {"subnet": "10.1.0.0/24"}, {"subnet": "fd00:1::/64"}
BOTH_DEFAULTS = [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]
OUT = "192.0.2.9"
OUT6 = "2001:db8::9"


def local(**more):
    return {"type": "host-local", **V4, **more}


def ptp(ipam=None, **keys):
    return {"type": "ptp", "ipam": ipam or local(), **keys}


def case(name, *plugins, differs=(), **options):
    return Case(name, list(plugins), differs=differs, **options)


DUAL = {"type": "host-local", "ranges": [[V4], [V6]], "routes": BOTH_DEFAULTS}
DEFAULT = ptp(local(routes=BOTH_DEFAULTS[:1]))

CASES = [
    case("plain", ptp(), reach=[("pod0", "10.1.0.1", True), ("host", "10.1.0.2", True)]),
    case("default", DEFAULT, reach=[("pod0", "10.1.0.1", True)]),
    case("two-pods", DEFAULT, pods=2, reach=[("pod0", "10.1.0.3", True), ("pod1", "10.1.0.2", True)]),
    case("two-pods-no-default", ptp(), pods=2, reach=[("pod0", "10.1.0.3", True)]),
    case("dual", ptp(DUAL), differs=("default-metric",),
         reach=[("pod0", "10.1.0.1", True), ("pod0", "fd00:1::1", True)]),
    case("dual-two", ptp(DUAL), pods=2, differs=("default-metric",),
         reach=[("pod0", "10.1.0.3", True), ("pod0", "fd00:1::3", True)]),
    case("ipv6", ptp({"type": "host-local", **V6}), reach=[("pod0", "fd00:1::1", True)]),
    case("mtu", ptp(mtu=1400)),
    case("masquerade", ptp(local(routes=BOTH_DEFAULTS[:1]), ipMasq=True), outside=True,
         reach=[("pod0", OUT, True), ("pod0", "192.0.2.1", True)]),
    case("no-masquerade", DEFAULT, outside=True, reach=[("pod0", OUT, False), ("pod0", "192.0.2.1", True)]),
    case("masquerade-dual", ptp(DUAL, ipMasq=True), outside=True, differs=("default-metric",),
         reach=[("pod0", OUT, True), ("pod0", OUT6, True)]),
    case("masquerade-two", ptp(local(routes=BOTH_DEFAULTS[:1]), ipMasq=True), outside=True, pods=2,
         reach=[("pod0", OUT, True), ("pod1", OUT, True), ("pod0", "10.1.0.3", True)]),
    case("masquerade-netns-gone", ptp(ipMasq=True), steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL")),
    case("two-range-sets", ptp({"type": "host-local", "ranges": [[V4], [{"subnet": "10.2.0.0/24"}]]})),
    case("shared-gateway", ptp({"type": "static", "addresses": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"},
                                                                {"address": "10.1.0.6/24", "gateway": "10.1.0.1"}]}),
         differs=("shared-gateway",), steps=("ADD", "DEL")),
    case("routes", ptp(local(routes=[{"dst": "10.9.0.0/16"}, {"dst": "10.8.0.0/16", "gw": "10.1.0.7"}])),
         differs=("check-routes",)),
    case("unreachable-gateway", ptp(local(routes=[{"dst": "10.9.0.0/16", "gw": "10.7.0.1"}])),
         differs=("leaves-nothing",)),
    case("gateway-key", ptp(local(gateway="10.1.0.254")), reach=[("pod0", "10.1.0.254", True)]),
    case("gateway-elsewhere", ptp(local(gateway="169.254.1.1", routes=BOTH_DEFAULTS[:1])), differs=("leaves-nothing",)),
    case("static", ptp({"type": "static", "addresses": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}]})),
    case("static-no-gateway", ptp({"type": "static", "addresses": [{"address": "10.1.0.5/24"}]}),
         differs=("ptp-gateway",)),
    case("static-host", ptp({"type": "static", "addresses": [{"address": "10.1.0.5/32", "gateway": "10.1.0.1"}]}),
         differs=("ptp-gateway",)),
    case("dns", ptp(dns={"nameservers": ["10.0.0.53"], "search": ["y"]})),
    case("no-ipam", {"type": "ptp"}),
    case("exhausted", ptp(local(rangeEnd="10.1.0.2")), pods=2),
    case("other-ifname", ptp(), ifname="net1"),
    case("ifname-taken", ptp(), setup="ip -n pod0 link add eth0 type bridge", differs=("leaves-nothing", "del-only-own")),
    case("del-twice", DEFAULT, steps=("ADD", "DEL", "DEL")),
    case("del-never-added", DEFAULT, steps=("DEL",), differs=("del-makes-nothing",)),
    case("del-netns-gone", DEFAULT, steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL")),
    case("del-link-gone", DEFAULT, steps=("ADD", "ip -n pod0 link del eth0", "DEL")),
    case("del-store-gone", DEFAULT, steps=("ADD", "rm -r /var/lib/cni", "DEL"), differs=("del-makes-nothing",)),
    case("check-link-gone", DEFAULT, steps=("ADD", "ip -n pod0 link del eth0", "CHECK")),
    case("check-address-gone", DEFAULT, steps=("ADD", "ip -n pod0 addr flush dev eth0", "CHECK")),
    case("check-route-gone", DEFAULT, steps=("ADD", "ip -n pod0 route del default", "CHECK")),
    case("check-host-address-gone", DEFAULT,
         steps=("ADD", "ip addr flush dev $(ls /sys/class/net | grep veth)", "CHECK"), differs=("check-more",)),
    case("check-host-route-gone", DEFAULT, steps=("ADD", "ip route flush scope host", "CHECK"),
         differs=("check-more",)),
    case("add-again", DEFAULT, steps=("ADD", "DEL", "ADD", "DEL")),
    case("args-ip", DEFAULT, args="IP=10.1.0.77"),
    case("reference-ipam", DEFAULT, setup="mkdir /opt/other; cp /usr/lib/cni/host-local /opt/other",
         env={"path": "/opt/other"}),
]
CASES += [case(f"version-{version}", DEFAULT, version=version, reach=[("pod0", "10.1.0.1", True)])
          for version in ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ptp(case, cnibox, used):
    run(case, cnibox, used)
