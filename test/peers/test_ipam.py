"""host-local and static as a runtime's or another plugin's delegate, called by themselves."""

import pytest
from peers import Case, run

TINY = {"subnet": "10.1.0.0/30"}
DUAL = {"ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]]}


def local(args=None, runtimeConfig=None, **ipam):
    plugin = {"type": "host-local", "ipam": {"type": "host-local", **(ipam or {"subnet": "10.1.0.0/24"})}}
    if args:
        plugin["args"] = {"cni": args}
    if runtimeConfig:
        plugin["runtimeConfig"] = runtimeConfig
    return plugin


def static(args=None, runtimeConfig=None, **ipam):
    return {**local(args, runtimeConfig, **ipam), "type": "static", "ipam": {"type": "static", **ipam}}


def case(name, *plugins, **options):
    return Case(name, list(plugins), **options)


def a(address, gateway=None):
    return {"address": address, **({"gateway": gateway} if gateway else {})}


ROUTES = [{"dst": "0.0.0.0/0"}, {"dst": "10.9.0.0/16", "gw": "10.1.0.7"}]

CASES = [
    case("local", local()),
    case("local-dual", local(**DUAL)),
    case("local-routes", local(subnet="10.1.0.0/24", routes=ROUTES)),
    case("local-range", local(subnet="10.1.0.0/24", rangeStart="10.1.0.10", rangeEnd="10.1.0.20")),
    case("local-gateway", local(subnet="10.1.0.0/24", gateway="10.1.0.9")),
    case("local-round-robin", local(), steps=("ADD", "DEL", "ADD", "DEL", "ADD")),
    case("local-exhausted", local(**TINY), pods=2, steps=("ADD", "DEL")),
    case("local-args", local(), args="IP=10.1.0.50"),
    case("local-args-taken", local(), args="IP=10.1.0.50", pods=2, steps=("ADD", "DEL")),
    case("local-args-gateway", local(), args="IP=10.1.0.1", steps=("ADD", "DEL")),
    case("local-args-elsewhere", local(), args="IP=10.7.0.1", steps=("ADD", "DEL"),
         differs=("leaves-nothing",)),
    case("local-args-ips", local(args={"ips": ["10.1.0.60"]})),
    case("local-runtime-ips", local(runtimeConfig={"ips": ["10.1.0.61/24"]})),
    case("local-runtime-ranges", local(runtimeConfig={"ipRanges": [[{"subnet": "10.4.0.0/24"}]]})),
    case("local-data-dir", local(subnet="10.1.0.0/24", dataDir="/var/lib/cni/other")),
    case("local-no-ranges", {"type": "host-local", "ipam": {"type": "host-local"}}, steps=("ADD",)),
    case("local-no-ipam", {"type": "host-local"}, steps=("ADD", "DEL")),
    case("local-host-bits", local(subnet="10.1.0.1/24"), steps=("ADD",)),
    case("local-too-small", local(subnet="10.1.0.0/31"), steps=("ADD",)),
    case("local-start-outside", local(subnet="10.1.0.0/24", rangeStart="10.2.0.1"), steps=("ADD",)),
    case("local-overlap", local(ranges=[[{"subnet": "10.1.0.0/24"}], [{"subnet": "10.1.0.0/25"}]]), steps=("ADD",)),
    case("local-mixed", local(ranges=[[{"subnet": "10.1.0.0/24"}, {"subnet": "fd00::/64"}]]), steps=("ADD",)),
    case("local-old-two", local(ranges=[[{"subnet": "10.1.0.0/24"}], [{"subnet": "10.2.0.0/24"}]]), version="0.2.0",
         steps=("ADD",)),
    case("local-dns", local(subnet="10.1.0.0/24", resolvConf="/tmp/resolv.conf"),
         setup="printf 'nameserver 10.0.0.53\\nsearch a b\\noptions ndots:5\\n' > /tmp/resolv.conf"),
    case("static", static(addresses=[a("10.1.0.5/24", "10.1.0.1")])),
    case("static-dual", static(addresses=[a("10.1.0.5/24", "10.1.0.1"), a("fd00:1::5/64", "fd00:1::1")])),
    case("static-routes", static(addresses=[a("10.1.0.5/24")], routes=ROUTES)),
    case("static-dns", static(addresses=[a("10.1.0.5/24")], dns={"nameservers": ["10.0.0.53"], "search": ["x"]})),
    case("static-none", static(), steps=("ADD", "DEL")),
    case("static-no-length", static(addresses=[a("10.1.0.5")])),
    case("static-nonsense", static(addresses=[a("x")])),
    case("static-bad-gateway", static(addresses=[a("10.1.0.5/24", "x")])),
    case("static-args", static(), args="IP=10.1.0.5/24"),
    case("static-args-more", static(addresses=[a("10.1.0.5/24")]), args="IP=10.1.0.6/24,fd00:1::6/64;GATEWAY=10.1.0.1",
         differs=("static-gateway-args",)),
    case("static-args-no-length", static(), args="IP=10.1.0.5"),
    case("static-args-bad-gateway", static(), args="IP=10.1.0.5/24;GATEWAY=x"),
    case("static-args-unknown", static(), args="FOO=x"),
    case("static-args-ips", static(args={"ips": ["10.1.0.9/24"]}, addresses=[a("10.1.0.5/24", "10.1.0.1")])),
    case("static-runtime-ips", static(runtimeConfig={"ips": ["10.1.0.9/24"]}, addresses=[a("10.1.0.5/24")])),
    case("static-old-two", static(addresses=[a("10.1.0.5/24"), a("10.2.0.5/24")]), version="0.2.0", steps=("ADD",)),
    case("static-mapped", static(addresses=[a("::ffff:10.1.0.5/120")]), steps=("ADD",), differs=("mapped-prefix",)),
    case("static-leading-zero", static(addresses=[a("10.01.0.5/24")]), steps=("ADD",)),
    case("static-gateway-elsewhere", static(addresses=[a("10.1.0.5/24", "10.9.0.1")])),
]
CASES += [case(f"static-version-{version}", static(addresses=[a("10.1.0.5/24", "10.1.0.1"), a("fd00:1::5/64")],
                                                   routes=ROUTES + [{"dst": "::/0"}]), version=version)
          for version in ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0")]
CASES += [case(f"local-version-{version}", local(**DUAL, routes=ROUTES + [{"dst": "::/0"}]), version=version)
          for version in ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0")]
CASES += [case(f"verb-{verb}-{name}", plugin, steps=(verb,))
          for name, plugin in (("static", static()), ("local", local())) for verb in ("VERSION",)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ipam(case, cnibox, used):
    run(case, cnibox, used)
