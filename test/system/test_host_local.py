"""host-local as a runtime and the reference plugin see it: results, errors, and files on disk."""

import subprocess

import pytest
from hostlocal import (BOOT_ID, CONFIG, DECODE, DUAL, ENV, EXHAUSTED, IO, STATE, THEIRS, TINY, TRY_AGAIN,
                       UNAVAILABLE, Network, call)
from program import binary, needs_reference

pytestmark = pytest.mark.once


@pytest.fixture
def net(tmp_path):
    return Network(tmp_path)


@pytest.fixture
def tiny(tmp_path):
    return Network(tmp_path, **TINY)


# --- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_result(tmp_path, version):
    ips = [{"address": "10.1.2.2/24", "gateway": "10.1.2.1"}, {"address": "fd00::2/64", "gateway": "fd00::1"}]
    want = {"cniVersion": version, "ips": ips, "routes": DUAL["routes"]}
    if version < "1":
        want["dns"] = {}
        ips[0]["version"], ips[1]["version"] = "4", "6"
    assert Network(tmp_path, version=version, **DUAL).call("ADD").ok().json == want


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", ""])
def test_result_of_old(tmp_path, version):
    assert Network(tmp_path, version=version, **DUAL).call("ADD").ok().json == {
        "cniVersion": version or "0.1.0",
        "ip4": {"ip": "10.1.2.2/24", "gateway": "10.1.2.1", "routes": [{"dst": "0.0.0.0/0"}]},
        "ip6": {"ip": "fd00::2/64", "gateway": "fd00::1", "routes": [{"dst": "::/0", "gw": "fd00::1"}]},
        "dns": {},
    }


@needs_reference
@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"])
def test_result_is_the_references(tmp_path, version):
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:5\ndomain c.example\n")
    ipam = {**DUAL, "resolvConf": str(resolv)}
    ours = Network(tmp_path / "ours", version=version, **ipam).call("ADD").ok().json
    assert ours == Network(tmp_path / "theirs", THEIRS, version, **ipam).call("ADD").ok().json


def test_routes_are_handed_on(tmp_path):
    routes = [{"dst": "10.9.0.0/16", "gw": "10.1.2.1", "mtu": 1400, "table": 0, "priority": 5, "scope": 253}]
    assert Network(tmp_path, subnet="10.1.2.0/24", routes=routes).call("ADD").ok().json["routes"] == routes


def test_resolv_conf_that_is_not_there(tmp_path):
    net = Network(tmp_path, subnet="10.1.2.0/24", resolvConf="/nonexistent/resolv.conf")
    code, msg = net.call("ADD").error
    assert code == IO and "open /nonexistent/resolv.conf: No such file or directory" in msg
    assert not net.dir.exists()


def test_several_sets_give_an_address_each(tmp_path):
    net = Network(tmp_path, ranges=[[{"subnet": "10.3.0.0/24", "gateway": "10.3.0.254"}]], subnet="10.2.0.0/24")
    ranges = {"ipRanges": [[{"subnet": "10.1.0.0/24"}]]}
    answer = net.call("ADD", runtimeConfig=ranges).ok()
    assert [(ip["address"], ip["gateway"]) for ip in answer.json["ips"]] == [
        ("10.1.0.2/24", "10.1.0.1"), ("10.2.0.2/24", "10.2.0.1"), ("10.3.0.1/24", "10.3.0.254")]
    assert (net.dir / "last_reserved_ip.2").read_text() == "10.3.0.1"


def test_help_has_an_example():
    done = subprocess.run([binary(), "host-local", "--help"], capture_output=True, text=True, check=True)
    assert '"type": "host-local"' in done.stdout and done.stderr == ""


# --- errors --------------------------------------------------------------------------------------


def ranges(*sets):
    return {"ranges": [[{"subnet": text} for text in one] for one in sets]}


BAD_IPAM = [
    ({}, "no IP ranges specified"),
    ({"rangeStart": "10.1.2.3"}, "no IP ranges specified"),
    ({"ranges": []}, "no IP ranges specified"),
    ({"ranges": [[]]}, "invalid range set 0: empty range set"),
    ({"subnet": "10.1.2.0"}, "invalid CIDR address: 10.1.2.0"),
    ({"subnet": ""}, "invalid CIDR address: "),
    ({"subnet": "10.1.2.0/24", "gateway": "xx"}, "invalid IP address: xx"),
    ({"subnet": "10.1.2.0/31"}, "invalid range set 0: Network 10.1.2.0/31 too small to allocate from"),
    ({"subnet": "10.1.2.3/24"}, "invalid range set 0: Network has host bits set. For a subnet mask of length 24 the "
                                "network address is 10.1.2.0"),
    ({"subnet": "10.1.2.0/24", "rangeStart": "10.1.3.1"},
     "invalid range set 0: RangeStart 10.1.3.1 not in network 10.1.2.0/24"),
    ({"subnet": "10.1.2.0/24", "rangeStart": "10.1.2.9", "rangeEnd": "10.1.2.8"},
     "invalid range set 0: RangeStart 10.1.2.9 not in network 10.1.2.0/24"),
    ({"subnet": "10.1.2.0/24", "rangeEnd": "10.1.3.1"},
     "invalid range set 0: RangeEnd 10.1.3.1 not in network 10.1.2.0/24"),
    (ranges(["10.1.2.0/24", "fd00::/64"]), "invalid range set 0: mixed address families"),
    (ranges(["10.1.2.0/24"], ["10.1.4.0/24", "10.1.4.0/24"]),
     "invalid range set 1: subnets 10.1.4.1-10.1.4.254 and 10.1.4.1-10.1.4.254 overlap"),
    (ranges(["10.1.2.0/24"], ["10.1.0.0/16"]), "range set 0 overlaps with 1"),
]


@pytest.mark.parametrize("ipam, text", BAD_IPAM)
def test_bad_configuration(tmp_path, ipam, text):
    net = Network(tmp_path, type="host-local", **ipam)
    code, msg = net.call("ADD").error
    assert code == CONFIG and text in msg
    assert not net.dir.exists()


@needs_reference
@pytest.mark.parametrize("ipam, text", BAD_IPAM)
def test_bad_configuration_in_the_references_words(tmp_path, ipam, text):
    assert text in Network(tmp_path, THEIRS, type="host-local", **ipam).call("ADD").error[1]


@pytest.mark.parametrize("ipam, text", [
    # What the reference takes, and then hands out addresses outside of the subnet.
    ({"subnet": "10.1.2.0/24", "rangeStart": "10.1.2.255"}, "no usable address"),
    ({"subnet": "10.1.2.0/24", "rangeStart": "10.1.2.0", "rangeEnd": "10.1.2.0"}, "no usable address"),
    ({"subnet": 5}, "ipam.subnet: want a string, got 5"),
    ({"ranges": {"subnet": "10.1.2.0/24"}}, "ipam.ranges: want an array"),
    ({"ranges": [{"subnet": "10.1.2.0/24"}]}, "ipam.ranges[0]: want an array"),
    ({"subnet": "10.1.2.0/24", "routes": [{"dst": "x"}]}, "ipam.routes[0].dst"),
    ({"subnet": "10.1.2.0/24", "dataDir": 7}, "ipam.dataDir: want a string, got 7"),
])
def test_bad_configuration_of_which_the_message_names_the_key(tmp_path, ipam, text):
    net = Network(tmp_path, type="host-local", **ipam)
    code, msg = net.call("ADD").error
    assert code == CONFIG and text in msg
    assert not net.dir.exists()


def test_configuration_without_ipam(net):
    for verb in "ADD", "DEL", "CHECK":
        assert net.call(verb, ipam=None).error == (CONFIG, "IPAM config missing 'ipam' key")


@pytest.mark.parametrize("args, text", [
    ("IP=foo", 'ARGS: error parsing value of pair "IP=foo": invalid IP address foo'),
    ("K8S_POD_NAME=p", 'ARGS: unknown args ["K8S_POD_NAME=p"]'),
    ("IP", 'ARGS: invalid pair "IP"'),
])
def test_bad_args(net, args, text):
    assert net.call("ADD", args=args).error == (ENV, text)


def test_two_addresses_of_a_family_need_a_new_version(tmp_path):
    two = ranges(["10.1.2.0/24"], ["10.1.3.0/24"])
    assert Network(tmp_path, version="0.2.0", **two).call("ADD").error == (
        CONFIG, "CNI version 0.2.0 does not support more than 1 address per family")
    assert Network(tmp_path, version="0.3.0", **two).add() == ["10.1.2.2", "10.1.3.2"]


def test_input_that_is_no_configuration(net):
    for text, code in ("", DECODE), ("{", DECODE), ("{}", CONFIG), ('{"name": "../x"}', CONFIG):
        assert call(binary(), "ADD", text).error[0] == code
    assert net.call("ADD", container="../x").error[0] == ENV
    assert net.call("ADD", ifname="a/b").error[0] == ENV


# --- addresses -----------------------------------------------------------------------------------


def test_round_robin(net):
    assert net.add("c1") == ["10.1.2.2"]
    assert net.add("c2") == ["10.1.2.3"]
    net.delete("c1")
    assert net.add("c3") == ["10.1.2.4"]
    net.put("last_reserved_ip.0", b"10.1.2.254")
    assert net.add("c4") == ["10.1.2.2"]


def test_sets_of_several_ranges_go_round(tmp_path):
    net = Network(tmp_path, ranges=[[{"subnet": "10.0.0.0/30"}, {"subnet": "10.0.1.0/30"}]])
    for want in "10.0.0.2", "10.0.1.2", "10.0.0.2":
        assert net.add() == [want]
        net.delete()


def test_only_usable_addresses_are_given(tmp_path):
    net = Network(tmp_path, subnet="10.1.3.0/29", rangeStart="10.1.3.0", rangeEnd="10.1.3.7")
    given = [net.add(f"c{i}")[0] for i in range(5)]
    assert given == [f"10.1.3.{i}" for i in range(2, 7)]
    assert net.call("ADD", "c9").error[0] == TRY_AGAIN


def test_exhausted(tiny):
    tiny.add("c1")
    before = tiny.files
    assert tiny.call("ADD", "c2").error == (TRY_AGAIN, f"failed to allocate for range 0: {EXHAUSTED}")
    assert tiny.files == before
    tiny.delete("c1")
    assert tiny.add("c2") == ["10.1.3.2"]


def test_a_failed_add_takes_back_only_what_it_took(tmp_path):
    """The reference deletes the container's older lease as well."""
    net = Network(tmp_path, **ranges(["10.1.2.0/24"], ["10.1.3.0/30"]))
    net.put("10.1.3.2", b"other\r\neth0")
    net.put("10.1.9.9", b"c1\r\neth0")
    net.put("last_reserved_ip.0", b"10.1.2.99")
    net.call("DEL", "nobody")
    before = net.files
    code, msg = net.call("ADD", "c1").error
    assert code == TRY_AGAIN and "failed to allocate for range 1" in msg
    after = net.files
    assert after.pop("boot_id") == BOOT_ID.read_bytes()
    assert after == before


def test_a_second_add_is_refused(net):
    net.add("c1")
    code, msg = net.call("ADD", "c1").error
    assert code == STATE
    assert msg == ("failed to allocate for range 0: 10.1.2.2 has been allocated to c1, duplicate allocation is not "
                   "allowed")
    code, msg = net.call("ADD", "c1", args="IP=10.1.2.50").error
    assert code == STATE and "duplicate" in msg
    assert net.add("c1", "eth1") == ["10.1.2.3"]
    assert len(net.leases) == 2


def test_requested_addresses(net):
    assert net.add("c1", args="IP=10.1.2.50") == ["10.1.2.50"]
    assert net.add("c2", args="IgnoreUnknown=1;IP=10.1.2.51/16;X=y") == ["10.1.2.51"]
    assert net.add("c3", runtimeConfig={"ips": ["10.1.2.60/24"]}) == ["10.1.2.60"]
    assert net.add("c4") == ["10.1.2.61"]
    code, msg = net.call("ADD", "c6", args="IP=10.1.2.50").error
    assert code == STATE
    assert "requested IP address 10.1.2.50 is not available in range set 10.1.2.1-10.1.2.254" in msg
    assert "requested ip 10.1.2.1 is subnet's gateway" in net.call("ADD", "c6", args="IP=10.1.2.1").error[1]
    before = net.files
    for ip in "10.1.2.0", "10.1.2.255", "192.0.2.1", "fd00::1":
        assert net.call("ADD", "c6", args=f"IP={ip}").error == (
            CONFIG, f"failed to allocate all requested IPs: {ip}")
    assert net.files == before


def test_requested_addresses_of_both_families(tmp_path):
    net = Network(tmp_path, **DUAL)
    net.extra = {"args": {"cni": {"ips": ["fd00::77"]}}, "runtimeConfig": {"ips": ["10.1.2.77", "10.1.2.78"]}}
    assert net.call("ADD").error == (CONFIG, "failed to allocate all requested IPs: 10.1.2.78")
    net.extra["runtimeConfig"]["ips"].pop()
    assert net.add() == ["10.1.2.77", "fd00::77"]


# --- CHECK, GC, STATUS, VERSION ------------------------------------------------------------------


def test_check(net):
    missing = (STATE, "host-local: Failed to find address added by container c1")
    assert net.call("CHECK").error == missing
    assert not net.dir.exists()
    net.add("c2")
    assert net.call("CHECK").error == missing
    result = net.call("ADD", "c1").ok().json
    assert net.call("CHECK").ok().stdout == ""
    net.call("CHECK", prevResult=result).ok()
    assert net.call("CHECK", ifname="eth1").error == missing


def test_check_compares_with_the_previous_result(net):
    net.add("c1")
    previous = {"cniVersion": "1.0.0", "ips": [{"address": "10.1.2.9/24"}]}
    code, msg = net.call("CHECK", prevResult=previous).error
    assert code == STATE and "10.1.2.9" in msg and "c1" in msg
    previous["ips"] = [{"address": "10.1.2.2/24"}, {"address": "192.0.2.1/24"}]  # another plugin's is none of ours
    net.call("CHECK", prevResult=previous).ok()


def gc(net, *attachments, **extra):
    valid = [{"containerID": container, "ifname": ifname} for container, ifname in attachments]
    return net.call("GC", **{"cni.dev/valid-attachments": valid, **extra})


def test_gc(net):
    net.version = "1.1.0"
    gc(net).ok()
    assert not net.dir.exists()
    for container, ifname in ("c1", "eth0"), ("c1", "eth1"), ("c2", "eth0"), ("c3", "eth0"):
        net.add(container, ifname)
    net.put("10.1.2.100", b"c1")
    net.put("10.1.2.101", b"c9")
    net.put("notes", b"c9\r\neth0")
    gc(net, ("c1", "eth0"), ("c3", "eth0"), ("c7", "eth0")).ok()
    assert net.leases == {"10.1.2.2": b"c1\r\neth0", "10.1.2.5": b"c3\r\neth0", "10.1.2.100": b"c1"}
    assert (net.dir / "notes").exists() and (net.dir / "last_reserved_ip.0").exists()
    net.ipam = {"ranges": []}
    gc(net).ok()
    assert not net.leases


def test_gc_without_a_list_removes_nothing(net):
    net.version = "1.1.0"
    net.add("c1")
    code, msg = net.call("GC").error
    assert code == CONFIG and "cni.dev/valid-attachments" in msg
    assert net.leases


def test_status(tiny):
    tiny.version = "1.1.0"
    assert tiny.call("STATUS").ok().stdout == ""
    assert not tiny.dir.exists()
    tiny.add("c1")
    assert tiny.call("STATUS").error == (UNAVAILABLE, EXHAUSTED)
    tiny.delete("c1")
    tiny.call("STATUS").ok()
    tiny.ipam = {"subnet": "10.1.3.1/30"}
    assert tiny.call("STATUS").error[0] == CONFIG


def test_status_where_the_runtime_brings_the_ranges(net):
    net.version, net.ipam = "1.1.0", {"type": "host-local"}
    assert net.call("STATUS").error == (CONFIG, "no IP ranges specified")
    net.call("STATUS", capabilities={"ipRanges": True}).ok()


def test_version(net):
    answer = net.call("VERSION").ok().json
    assert answer["supportedVersions"] == ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
