"""Names and files by somebody who means harm: every plugin, every verb, every name that comes from elsewhere.

Whatever a plugin makes of a name, it answers as the specification has it, in time, and afterwards the machine is as it was
before: also outside of what networks are made of. (What is merely wrong is in test_bad_input.py.)
"""

import json
import re

import pytest
from conftest import APPLETS, SLOWNESS
from lab import Node, configs, snapshot
from lab.node import PLUGIN_DIR

pytestmark = pytest.mark.once

VERBS = ("ADD", "CHECK", "STATUS", "DEL", "GC")
CANARY = "/tmp/canary"
# Code of an error: the specification's or ours.
CODES = {1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51, 100, 101, 103}

NAMES = {
    "leads up": "../../../tmp/canary/x",
    "leads up from within": "x/../../../../tmp/canary/x",
    "parent": "..",
    "itself": ".",
    "absolute": "/tmp/canary/file",
    "newline": "x\ny",
    "a lease's end": "x\r\neth0",
    "4 KiB": "a" * 4096,
    "a path of 4 KiB": "/tmp/" + "d/" * 2046,
    "NUL": "x\0/../../tmp/canary",
    "look-alike": "ｍｙｎｅｔ",
    "look-alike of a slash": "..∕..∕tmp∕canary",
    "not UTF-8": "x\udcff",
    "right to left": "\u202etenym",
    "format": "%s%s%n%99999d",
    "option": "-rf",
    "shell": "$(touch /tmp/canary/x)",
    "quote": 'x", "name": "y',
    "escape": "\x1b[2Jx",
    "space": " ",
}


def chained(kind, **keys):
    previous = {"cniVersion": "1.0.0", "interfaces": [{"name": "eth0", "sandbox": "/var/run/netns/pod"}],
                "ips": [{"address": "10.9.0.2/24", "interface": 0}]}
    return {"cniVersion": "1.1.0", "name": "net", "type": kind, "prevResult": previous, **keys}


RANGE = {"type": "host-local", "subnet": "10.9.0.0/24"}
PLUGINS = {
    "bash-cni": configs.load(cniVersion="1.1.0"),
    "bridge": {"cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "br9", "isGateway": True, "ipMasq": True,
               "ipam": RANGE},
    "ptp": {"cniVersion": "1.1.0", "name": "net", "type": "ptp", "ipMasq": True, "ipam": RANGE},
    "host-local": {"cniVersion": "1.1.0", "name": "net", "type": "x", "ipam": RANGE},
    "static": {"cniVersion": "1.1.0", "name": "net", "type": "x",
               "ipam": {"type": "static", "addresses": [{"address": "10.9.0.2/24"}]}},
    "loopback": {"cniVersion": "1.1.0", "name": "net", "type": "loopback"},
    "tuning": chained("tuning", sysctl={"net.core.somaxconn": "512"}, mtu=1400),
    "portmap": chained("portmap", runtimeConfig={"portMappings": [{"hostPort": 8080, "containerPort": 80,
                                                                   "protocol": "tcp"}]}),
    "firewall": chained("firewall"),
    "bandwidth": chained("bandwidth", ingressRate=1000000, ingressBurst=1000000),
}
# Where a name can be put: in the environment, in the configuration, in what others have said before.
VARIABLES = {"containerid": 4, "ifname": 4, "netns": None, "args": None, "path": None}
PLACES = {
    "bash-cni": ["name", "bridge", "dataDir", "subnet", "masquerade", "type", "args.cni.ips.0", "runtimeConfig.mac"],
    "bridge": ["name", "bridge", "ipam.type", "ipam.dataDir", "ipam.resolvConf", "ipMasqBackend", "dns.nameservers.0"],
    "ptp": ["name", "ipam.type", "ipam.dataDir", "ipam.resolvConf", "ipam.routes.0.dst"],
    "host-local": ["name", "ipam.dataDir", "ipam.resolvConf", "ipam.subnet", "ipam.rangeStart", "args.cni.ips.0"],
    "static": ["name", "ipam.addresses.0.address", "ipam.dns.domain"],
    "loopback": ["name", "prevResult.interfaces.0.name"],
    "tuning": ["name", "dataDir", "mac", "sysctl.net/core/somaxconn", "KEY OF sysctl", "prevResult.interfaces.0.sandbox"],
    "portmap": ["name", "backend", "externalSetMarkChain", "runtimeConfig.portMappings.0.hostIP", "conditionsV4.0",
                "prevResult.interfaces.0.name", "prevResult.ips.0.address"],
    "firewall": ["name", "iptablesAdminChainName", "firewalldZone", "ingressPolicy", "prevResult.interfaces.0.sandbox",
                 "prevResult.ips.0.address"],
    "bandwidth": ["name", "prevResult.interfaces.0.name", "prevResult.interfaces.0.sandbox"],
}
CASES = [(plugin, place) for plugin in PLUGINS for place in (*VARIABLES, *PLACES[plugin])]
POSSIBLE = {"containerid": ("4 KiB",),
            "ifname": ("format", "quote", "shell", "look-alike", "not UTF-8", "option",
                       "right to left")}
SYSCTL_KEYS = {"leads up by slashes": "net/../kernel/hostname", "leads up by dots": "net...kernel.hostname",
               "another tree": "kernel.hostname", "absolute": "/proc/sys/kernel/hostname",
               "leads up by the interface": "net/IFNAME/../../kernel/hostname"}


def put(conf, place, value):
    """A copy of conf with value at a.b.0.c."""
    copy = json.loads(json.dumps(conf))
    *path, last = place.removeprefix("KEY OF ").split(".") if "/" not in place else place.split(".", 1)
    at = copy
    for step, following in zip(path, [*path[1:], last]):
        if isinstance(at, list):
            at = at[int(step)]
        else:
            at = at.setdefault(step, [{}] if following == "0" else {})
    if place.startswith("KEY OF "):
        at[last] = {value: "1"}
    elif isinstance(at, list):
        at[int(last):int(last) + 1] = [value]
    else:
        at[last] = value
    return copy


OUTSIDE = ("find /tmp/canary /etc /root /run /opt /var/log -xdev -not -path '/run/cnibox*' -printf '%p %y %m %s %l\\n' | "
           "sort; cat /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern /proc/sys/net/core/somaxconn; ls /dev/shm")


def world(node, *pods):
    taken = snapshot.of(node, *pods)
    # Directories of stores, and what is in them for good, are made by whoever looks first.
    taken["files"] = {name: state for name, state in taken["files"].items() if state[0] != b"5"}
    said = node.sh(OUTSIDE).splitlines()
    taken["outside"] = [line for line in said if not re.match(r"/var/log/|/run/xtables.lock|/(run|etc|var/log) ", line)]
    return taken


@pytest.fixture(scope="module")
def settled(cnibox):
    """A node on which all is made that a first call makes."""
    with Node() as node:
        node.install(cnibox, *APPLETS, "portmap", "firewall", "bandwidth")
        # The machine's own is used by others meanwhile.
        node.sh(f"mount -t tmpfs none /root; mkdir -p {CANARY} /tmp/results; echo alive > {CANARY}/file")
        pod = node.pod("pod")
        pod.sh = lambda script: pod.run("sh", "-euc", script)
        pod.sh("ip link add eth0 type veth peer name host0")
        parameters = {"containerid": pod.id, "netns": pod.netns}
        for plugin, conf in PLUGINS.items():
            given = {**parameters, "ifname": "pod0" if "prevResult" not in conf and plugin != "loopback" else "eth0"}
            node.cni("ADD", conf, plugin=plugin, **given)
            node.cni("DEL", conf, plugin=plugin, **given)
        yield node, pod


ANSWERED = 20 * SLOWNESS  # within so many seconds

# Runs what it is told in the node, one after the other: entering it each time would take ten times as long.
DRIVER = """
import json, subprocess, sys
answers = []
seconds, orders = json.load(sys.stdin)
for order in orders:
    env = {key: value.encode("utf-8", "surrogateescape") for key, value in order["env"].items()}
    done = subprocess.run([order["program"]], env=env, input=order["stdin"].encode("utf-8", "surrogateescape"),
                          stdout=subprocess.PIPE, timeout=seconds)
    answers.append([done.returncode, done.stdout.decode()])
json.dump(answers, sys.stdout)
"""


def calls(node, orders):
    """The codes that [(verb, plugin, conf, parameters)] are answered with; 0: success."""
    orders = [{"program": f"{PLUGIN_DIR}/{plugin}", "stdin": json.dumps(conf, ensure_ascii=False),
               "env": {"CNI_COMMAND": verb, "CNI_PATH": PLUGIN_DIR,
                       **{f"CNI_{key.upper()}": value for key, value in parameters.items()}}}
              for verb, plugin, conf, parameters in orders]
    answers = json.loads(node.run("/usr/bin/python3", "-c", DRIVER, input=json.dumps((ANSWERED, orders))).stdout)
    codes = []
    for order, (status, said) in zip(orders, answers):
        assert status in (0, 1), (order, status)
        error = json.loads(said) if status else {"code": 0, "msg": "none"}
        assert error["code"] in CODES or not status, error
        assert error["msg"]
        codes.append(error["code"])
    return codes


def call(node, *order):
    return calls(node, [order])[0]


def remove_bridges(node, before):
    """Those that were made: by design they outlive their pods."""
    known = {link["ifname"] for link in before["host"]["links"]}
    for link in node.json("ip", "-j", "link", "show", "type", "bridge"):
        if link["ifname"] not in known:
            node.run("ip", "link", "del", "dev", link["ifname"])


def tried():
    return sum(len(values_for(place)) * len(VERBS) for _, place in CASES)


def values_for(place):
    values = dict(NAMES)
    if place.startswith("KEY OF"):
        values.update(SYSCTL_KEYS)
    if place in VARIABLES:
        del values["NUL"]
    return values


@pytest.mark.calls
@pytest.mark.parametrize("plugin, place", CASES, ids=lambda word: str(word))
def test_names(settled, plugin, place):
    node, pod = settled
    base = PLUGINS[plugin]
    ifname = "eth0" if "prevResult" in base or plugin == "loopback" else "pod0"
    good = {"containerid": pod.id, "netns": pod.netns, "ifname": ifname}
    before = world(node, pod)
    orders, names = [], []
    for name, value in values_for(place).items():
        parameters = {**good, place: value} if place in VARIABLES else good
        conf = base if place in VARIABLES else put(base, place, value)
        conf = {"cni.dev/valid-attachments": [], **conf}
        orders += [(verb, plugin, conf, parameters) for verb in VERBS]
        names += [name] * len(VERBS)
    for name, (verb, *_), code in zip(names, orders, calls(node, orders)):
        # What no container, link or file can be called must not get any further.
        if VARIABLES.get(place) and verb == "ADD" and name not in POSSIBLE[place]:
            assert code == VARIABLES[place], name
    if place == "bridge":
        remove_bridges(node, before)
    after = world(node, pod)
    if place.endswith("dataDir"):
        # Where the administrator puts a store, there it is; what is there already stays as it is.
        assert node.read(f"{CANARY}/file") == "alive\n"
        for taken in (before, after):
            del taken["files"], taken["outside"]
    if place == "iptablesAdminChainName":
        # Chains of the administrator's: they are made where they are missing, and stay.
        for taken in (before, after):
            del taken["host"]["rules"], taken["host"]["legacy rules"]
    assert not snapshot.changes(before, after)


def test_count(record_property):
    """For the table of test/README.md."""
    print(f"\nhostile names: {len(CASES)} places, {tried()} calls")
    record_property("hostile calls", tried())
    assert tried() > 5000


# --- sysctls --------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", SYSCTL_KEYS.values(), ids=SYSCTL_KEYS)
def test_sysctl_keys_stay_below_net(settled, key):
    node, pod = settled
    before = world(node, pod)
    conf = {**PLUGINS["tuning"], "sysctl": {key: "hostile"}}
    # Dots one after another are slashes: it is below net, where there is no such thing.
    code = 5 if "..." in key else 7
    assert call(node, "ADD", "tuning", conf, {"containerid": pod.id, "netns": pod.netns, "ifname": "eth0"}) == code
    assert not snapshot.changes(before, world(node, pod))


@pytest.mark.parametrize("pattern, seconds", [("(a*)*b", 5), ("(" * 300, 5), ("[a-", 5), ("^net\\..*", 5), ("\\", 5),
                                              ("a" * 4000, 5), ("(x+x+)+y", 5), ("\0", 5)], ids=lambda value: repr(value)[:12])
def test_patterns_of_allowed_sysctls(node, pattern, seconds):
    """Of any kind: an answer, in time."""
    pod = node.pod("pod")
    pod.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "host0")
    node.write("/etc/cni/tuning/allowlist.conf", pattern + "\n")
    conf = {**PLUGINS["tuning"], "sysctl": {"net." + "a" * 200: "1"}}
    conf.pop("mtu")
    before = world(node, pod)
    done = node.run("timeout", str(seconds), f"{PLUGIN_DIR}/tuning", check=False, input=json.dumps(conf), env={
        "CNI_COMMAND": "ADD", "CNI_CONTAINERID": pod.id, "CNI_NETNS": pod.netns, "CNI_IFNAME": "eth0", "CNI_PATH": PLUGIN_DIR})
    assert done.returncode == 1 and json.loads(done.stdout)["code"] in CODES, done
    assert not snapshot.changes(before, world(node, pod))


# --- namespaces -----------------------------------------------------------------------------------

@pytest.mark.parametrize("plugin", [name for name in PLUGINS if name not in ("host-local", "static", "portmap", "firewall")])
@pytest.mark.parametrize("netns", ["/proc/self/ns/net", "/proc/1/ns/net", "/tmp/own", "/proc/self/ns/mnt", "/dev/zero", "/tmp/fifo"])
def test_namespaces_that_are_no_pods(settled, plugin, netns):
    """The host's own, by whichever path, or none at all: links of the host with the pod's names stay as they are."""
    node, pod = settled
    node.sh("rm -f /tmp/own /tmp/fifo; mkfifo /tmp/fifo; touch /tmp/own; mount --bind /proc/self/ns/net /tmp/own; "
            "ip link add victim type bridge 2>/dev/null || :; ip link set victim up")
    if netns == "/proc/1/ns/net":
        netns = f"/proc/{node.pid}/ns/net"
    try:
        before = world(node, pod)
        parameters = {"containerid": pod.id, "netns": netns, "ifname": "victim"}
        conf = {**PLUGINS[plugin], "cni.dev/valid-attachments": []}
        codes = {verb: call(node, verb, plugin, conf, parameters) for verb in ("ADD", "DEL")}
        assert codes["ADD"] == (8 if "net" in netns or "own" in netns else 4), codes
        assert not snapshot.changes(before, world(node, pod))
    finally:
        node.sh("umount /tmp/own; rm -f /tmp/own /tmp/fifo; ip link del victim")


# --- files that were planted ----------------------------------------------------------------------

STORE = "/var/lib/cni/networks/mynet"
LINK = "ln -sfn {canary}/file {at}"
DANGLING = "ln -sfn {canary}/new {at}"
PLANTS = {
    "link": LINK,
    "dangling link": DANGLING,
    "FIFO": "mkfifo {at}",
    "directory": "mkdir {at}",
    "device": "mknod {at} c 1 5",
    "socket": "/usr/bin/python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('{at}')\"",
}
PLANTED = ["10.244.0.2", "lock", "last_reserved_ip.0", "boot_id", "index", "log", "temporary"]


def index_of(node, store):
    device, inode = node.sh(f"stat -c '%d %i' {store}").split()
    return f"/run/cnibox/leases-{int(device):x}-{int(inode):x}"


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("name", PLANTED)
def test_files_in_the_place_of_ours(node, name, plant):
    """Nothing hangs, nothing is written through them; what can be done without them is done."""
    node.sh(f"mkdir -p {CANARY} {STORE} /run/cnibox; chmod 700 /run/cnibox; echo alive > {CANARY}/file; chmod 640 {CANARY}/file")
    at = {"index": index_of(node, STORE), "log": "/var/log/bash-cni-plugin.log"}.get(name, f"{STORE}/{name}")
    order = PLANTS[plant].format(canary=CANARY, at=at)
    if name == "temporary":
        # The file that boot_id becomes has the process's number in its name: the next few hundred are taken.
        last = int(node.sh("echo $$"))
        order = "".join(f"{PLANTS[plant].format(canary=CANARY, at=f'{STORE}/boot_id.{pid}-0')}\n"
                        for pid in range(last, last + (20 if plant == "socket" else 300)))
    node.sh(f"rm -rf {at}\n{order}")
    look = f"ls -l --time-style=+ {CANARY}; cat {CANARY}/file"
    before = node.sh(look)
    pod = node.pod("pod")
    parameters = {"containerid": pod.id, "netns": pod.netns, "ifname": "eth0"}
    conf = configs.load(cniVersion="1.1.0")
    code = call(node, "ADD", "bash-cni", conf, parameters)
    if name in ("index", "log", "temporary", "10.244.0.2"):
        assert code == 0
    assert code in (0, 5, 11)
    assert call(node, "DEL", "bash-cni", conf, parameters) in (0, 5)
    assert call(node, "GC", "bash-cni", {**conf, "cni.dev/valid-attachments": []}, parameters) in (0, 5)
    assert node.sh(look) == before
    assert code or pod.id not in node.sh(f"grep -rls {pod.id} {STORE} || :")


@pytest.mark.parametrize("plant", PLANTS)
def test_backup_in_the_place_of_tunings(node, plant):
    pod = node.pod("pod")
    pod.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "host0")
    store = "/run/cni/tuning"
    at = f"{store}/{pod.id}_eth0.json"
    conf = {**PLUGINS["tuning"], "dataDir": store}
    node.sh(f"mkdir -p {CANARY} {store}; echo '{{\"mtu\": 1234}}' > {CANARY}/file\n" + PLANTS[plant].format(canary=CANARY, at=at))
    look = f"ls -l --time-style=+ {CANARY}; cat {CANARY}/file"
    before = node.sh(look)
    parameters = {"containerid": pod.id, "netns": pod.netns, "ifname": "eth0"}
    assert call(node, "ADD", "tuning", conf, parameters) in (0, 5)
    assert call(node, "DEL", "tuning", conf, parameters) == 0
    (link,) = pod.json("ip", "-j", "link", "show", "eth0")
    assert link["mtu"] != 1234, "nor was it read through the link"
    assert node.sh(look) == before


@pytest.mark.parametrize("plant", PLANTS)
def test_results_in_the_cache_of_a_runtime(node, plant):
    """cni-gc reads libcni's cache: what is no file of it is no container, and none is removed for it."""
    node.run("ln", "-s", "bash-cni", f"{PLUGIN_DIR}/cni-gc")
    pod = node.add_pod("pod", configs.load(cniVersion="1.0.0"))
    node.sh(f"mkdir -p {CANARY} /var/lib/cni/results; echo alive > {CANARY}/file\n" +
            PLANTS[plant].format(canary=CANARY, at=f"/var/lib/cni/results/mynet-{pod.id}-eth0"))
    look = f"ls -l --time-style=+ {CANARY}; cat {CANARY}/file"
    before = node.sh(look)
    done = node.run("timeout", "10", "cni-gc", check=False)
    assert done.returncode in (0, 1, 2) and node.sh(look) == before, done
    assert pod.ping("10.244.0.1")


# --- modes ----------------------------------------------------------------------------------------

def test_files_are_nobody_elses(node):
    """Whatever the umask is."""
    node.sh("umask 0")
    pod = node.pod("pod")
    conf = configs.load(cniVersion="1.1.0")
    done = node.run("sh", "-c", f"umask 0; exec {PLUGIN_DIR}/bash-cni", check=False, input=json.dumps(conf), env={
        "CNI_COMMAND": "ADD", "CNI_CONTAINERID": pod.id, "CNI_NETNS": pod.netns, "CNI_IFNAME": "eth0", "CNI_PATH": PLUGIN_DIR})
    assert done.returncode == 0, done
    found = dict(reversed(line.split(" ", 1)) for line in node.sh(f"cd {STORE}; stat -c '%a %n' *").splitlines())
    assert found == {"10.244.0.2": "600", "boot_id": "600", "lock": "750"}
    assert node.sh(f"stat -c %a {index_of(node, STORE)} /run/cnibox {STORE}").split() == ["600", "700", "755"]


def test_store_that_anybody_may_write_to(node):
    """Its lease files could be anybody's: it is refused, and the error says how to mend it."""
    node.sh(f"mkdir -p {STORE}; chmod 777 {STORE}")
    pod = node.pod("pod")
    before = world(node, pod)
    result = node.cni("ADD", configs.load(), plugin="bash-cni", **pod.attachment.parameters)
    assert result.returncode == 1 and result.json["code"] == 5, result
    assert STORE in result.json["msg"] and f"chmod o-w {STORE}" in result.json["details"]
    assert not snapshot.changes(before, world(node, pod))
