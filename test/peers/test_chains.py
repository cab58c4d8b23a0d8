"""loopback and tuning, alone and behind others; and every result of another version handed on."""

import pytest
from peers import Case, run

PTP = {"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}}
BRIDGE = {"type": "bridge", "bridge": "br0", "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}}
LOOPBACK = {"type": "loopback"}
MAC = "02:11:22:33:44:55"
ALLOW = "mkdir -p /etc/cni/tuning; printf '{}' > /etc/cni/tuning/allowlist.conf"


def tuning(**keys):
    return {"type": "tuning", **keys}


def case(name, *plugins, differs=(), **options):
    return Case(name, list(plugins), differs=differs, **options)


def chained(name, differs=(), **keys):
    options = {key: keys.pop(key) for key in ("steps", "setup", "args", "version") if key in keys}
    extra = {"args": keys.pop("cni_args")} if "cni_args" in keys else {}
    return case(f"tuning-{name}", BRIDGE, tuning(**keys, **extra), differs=differs, **options)


CASES = [
    case("loopback", LOOPBACK, ifname="lo"),
    case("loopback-other-ifname", LOOPBACK),
    case("loopback-down", LOOPBACK, setup="ip -n pod0 link set lo down", ifname="lo"),
    case("loopback-check-down", LOOPBACK, steps=("ADD", "ip -n pod0 link set lo down", "CHECK"), ifname="lo"),
    case("loopback-address", LOOPBACK, setup="ip -n pod0 addr flush dev lo; ip -n pod0 addr add 9.9.9.9/32 dev lo",
         ifname="lo"),
    case("loopback-netns-gone", LOOPBACK, steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL"), ifname="lo"),
    case("loopback-twice", LOOPBACK, steps=("ADD", "ADD", "CHECK", "DEL", "DEL"), ifname="lo"),
    case("loopback-chained", PTP, LOOPBACK),
    case("loopback-chained-bridge", BRIDGE, LOOPBACK),
    *(case(f"loopback-version-{version}", LOOPBACK, version=version, ifname="lo", differs=differs)
      for version, differs in (("0.1.0", ("loopback-shape",)), ("0.2.0", ("loopback-shape",)),
                               ("0.3.0", ("loopback-shape",)), ("0.3.1", ("loopback-shape",)),
                               ("0.4.0", ("loopback-shape",)), ("1.0.0", ()))),
    chained("nothing"),
    chained("sysctl", sysctl={"net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_filter": "1"}, differs=("check-ifname",)),
    chained("sysctl-slashes", sysctl={"net/core/somaxconn": "500"}),
    chained("sysctl-args", sysctl={"net.core.somaxconn": "500"}, cni_args={"cni": {"sysctl": {"net.core.somaxconn": "501"}}}),
    chained("sysctl-words", sysctl={"net.ipv4.ip_local_port_range": "2000 3000"}, differs=("sysctl-words",)),
    chained("sysctl-not-net", sysctl={"kernel.shmmax": "1"}),
    chained("sysctl-upwards", sysctl={"net/../kernel/shmmax": "1"}),
    chained("sysctl-unknown", sysctl={"net.core.nonesuch": "1"}),
    chained("sysctl-bad-value", sysctl={"net.core.somaxconn": "many"}),
    chained("sysctl-number", sysctl={"net.core.somaxconn": 500}, differs=("del-without-conf",)),
    chained("sysctl-allowed", sysctl={"net.core.somaxconn": "500"}, setup=ALLOW.format("^net\\\\.core\\\\.[a-z]*$\\n")),
    chained("sysctl-not-allowed", sysctl={"net.core.somaxconn": "500"}, setup=ALLOW.format("^net\\\\.ipv4\\n\\nx\\n")),
    chained("sysctl-check", sysctl={"net.core.somaxconn": "500"},
            steps=("ADD", "ip netns exec pod0 sh -c 'echo 400 > /proc/sys/net/core/somaxconn'", "CHECK")),
    chained("mac", mac=MAC),
    chained("mac-args", cni_args={"cni": {"mac": MAC}}, mac="02:99:00:00:00:01"),
    chained("mac-env", args=f"IgnoreUnknown=1;MAC={MAC}", mac="02:99:00:00:00:01"),
    chained("mac-runtime", runtimeConfig={"mac": MAC}, mac="02:99:00:00:00:01"),
    chained("mac-bad", mac="nonsense", differs=("leaves-nothing",)),
    chained("mac-check", mac=MAC, steps=("ADD", "ip -n pod0 link set eth0 address 02:00:00:00:00:01", "CHECK")),
    chained("mtu", mtu=1300),
    chained("mtu-args", cni_args={"cni": {"mtu": 1300}}),
    chained("mtu-too-small", mtu=10, differs=("leaves-nothing",)),
    chained("mtu-check", mtu=1300, steps=("ADD", "ip -n pod0 link set eth0 mtu 1400", "CHECK")),
    chained("promisc", promisc=True),
    chained("promisc-false", promisc=False),
    chained("promisc-check", promisc=True, steps=("ADD", "ip -n pod0 link set eth0 promisc off", "CHECK")),
    chained("promisc-somebody", mtu=1300, steps=("ADD", "ip -n pod0 link set eth0 promisc on", "CHECK"),
            differs=("promisc-somebody",)),
    chained("allmulti", allmulti=True),
    chained("allmulti-false", allmulti=False),
    chained("allmulti-check", allmulti=True, steps=("ADD", "ip -n pod0 link set eth0 allmulticast off", "CHECK")),
    chained("queue", txQLen=123, differs=("newer-keys",)),
    chained("all", mtu=1300, promisc=True, allmulti=True, txQLen=55, mac=MAC, sysctl={"net.core.somaxconn": "99"},
            differs=("newer-keys",)),
    chained("data-dir", mtu=1300, dataDir="/run/cni/elsewhere"),
    chained("again", mtu=1300, steps=("ADD", "DEL", "ADD", "CHECK", "DEL")),
    case("tuning-alone", tuning(mtu=1300)),
    case("tuning-alone-del", tuning(mtu=1300), steps=("DEL",)),
    case("tuning-restores", tuning(mtu=1300, promisc=True, allmulti=True, txQLen=7), steps=("ADD", "CHECK", "DEL"),
         setup="ip -n pod0 link add eth0 mtu 1450 type bridge"),
    chained("del-link-gone", mtu=1300, steps=("ADD", "ip -n pod0 link del eth0", "DEL"), differs=("backup-gone",)),
    chained("del-netns-gone", mtu=1300, steps=("ADD", "ip netns del pod0; sleep 0.3", "DEL"), differs=("backup-gone",)),
    chained("del-backup-gone", mtu=1300, steps=("ADD", "rm -r /run/cni/tuning", "DEL")),
    *(chained(f"version-{version}", mtu=1300, version=version) for version in ("0.2.0", "0.3.1", "0.4.0", "1.0.0")),
    case("tuning-behind-ptp", PTP, tuning(mtu=1300, mac=MAC)),
    case("tuning-twice", BRIDGE, tuning(mtu=1300), tuning(mtu=1200), steps=("ADD", "DEL")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_chain(case, cnibox, used):
    run(case, cnibox, used)
