"""What a plugin must refuse: with the specification's error, in words that name the culprit, and changing nothing."""

import json
from dataclasses import dataclass, field

import pytest
from conftest import APPLETS, type_bridge
from lab import Node, configs, snapshot

pytestmark = pytest.mark.once

DECODE, CONFIG, ENV, VERSION, IO, NETNS, TRY_AGAIN = 6, 7, 4, 1, 5, 8, 11
STATE = 101  # ours: what was found is not what there must be
MIB = 1 << 20


@dataclass
class Case:
    """One bad call: what differs from a good one, and the code and the words of the answer."""
    name: str
    code: int
    words: tuple
    keys: dict = field(default_factory=dict)       # of the configuration
    stdin: str = None                              # instead of a configuration
    variables: dict = field(default_factory=dict)  # of the environment


def keys(name, code, /, *words, **changes):
    return Case(name, code, words, keys=changes)


def stdin(name, code, text, *words):
    return Case(name, code, words, stdin=text)


def variables(name, code, /, *words, **changes):
    return Case(name, code, words, variables=changes)


GOOD = json.dumps({"cniVersion": "0.3.1", "name": "mynet", "type": "bash-cni", "network": "10.244.0.0/16",
                   "subnet": "10.244.0.0/24"})

CASES = [
    stdin("nothing", DECODE, ""),
    stdin("white space", DECODE, " \n"),
    stdin("truncated", DECODE, GOOD[:-1], "line 1"),
    stdin("something behind it", DECODE, GOOD + "}"),
    stdin("too long", DECODE, GOOD[:-1] + ', "pad": "' + "x" * MIB + '"}', "1048576"),
    stdin("arrays too deep", DECODE, "[" * 100000),
    stdin("objects too deep", DECODE, '{"a":' * 100000),
    stdin("too deep under a key", DECODE, GOOD[:-1] + ', "pad": ' + "[" * 5000 + "]" * 5000 + "}"),
    stdin("not an object", DECODE, "[]", "object"),
    stdin("a word", DECODE, "hello"),
    stdin("single quotes", DECODE, GOOD.replace('"', "'")),
    stdin("a lone surrogate", CONFIG, GOOD.replace("mynet", "\\ud800"), "name"),

    keys("subnet: a number", CONFIG, "subnet", "24", subnet=24),
    keys("subnet: an array", CONFIG, "subnet", subnet=["10.244.0.0/24"]),
    keys("subnet: missing", CONFIG, "subnet", subnet=None),
    keys("subnet: empty", CONFIG, "subnet", subnet=""),
    keys("subnet: no prefix length", CONFIG, "subnet", "10.244.0.0", subnet="10.244.0.0"),
    keys("subnet: too long a prefix", CONFIG, "subnet", "10.244.0.0/33", subnet="10.244.0.0/33"),
    keys("subnet: leading zero", CONFIG, "subnet", "010.244.0.0/24", subnet="010.244.0.0/24"),
    keys("subnet: /31", CONFIG, "subnet", "10.244.0.0/31", subnet="10.244.0.0/31"),
    keys("subnet: /32", CONFIG, "subnet", "10.244.0.0/32", subnet="10.244.0.0/32"),
    keys("subnet: host bits", CONFIG, "subnet", "10.244.0.5/24", subnet="10.244.0.5/24"),
    keys("subnet: words", CONFIG, "subnet", "ten", subnet="ten"),
    keys("network: an object", CONFIG, "network", network={}),
    keys("network: no prefix", CONFIG, "network", "10.244.0.0", network="10.244.0.0"),
    keys("subnet outside network", CONFIG, "subnet", "10.244.0.0/24", "10.245.0.0/16", network="10.245.0.0/16"),
    keys("subnet6: IPv4", CONFIG, "subnet6", "10.245.0.0/24", subnet6="10.245.0.0/24"),
    keys("subnet6: host bits", CONFIG, "subnet6", "fd00::5/64", subnet6="fd00::5/64"),
    keys("bridge: a number", CONFIG, "bridge", "7", bridge=7),
    keys("bridge: too long a name", CONFIG, "bridge", "a" * 16, bridge="a" * 16),
    keys("bridge: a path", CONFIG, "bridge", "../x", bridge="../x"),
    keys("mtu: a string", CONFIG, "mtu", "1400", mtu="1400"),
    keys("mtu: negative", CONFIG, "mtu", "-1", mtu=-1),
    keys("mtu: a fraction", CONFIG, "mtu", "1400.5", mtu=1400.5),
    keys("mtu: larger than any link's", CONFIG, "mtu", "70000", mtu=70000),
    keys("mtu: smaller than IPv4's", CONFIG, "mtu", "67", mtu=67),
    keys("masquerade: unknown word", CONFIG, "masquerade", "sometimes", masquerade="sometimes"),
    keys("masquerade: a boolean", CONFIG, "masquerade", masquerade=True),
    keys("nodeSetup: unknown word", CONFIG, "nodeSetup", "perhaps", nodeSetup="perhaps"),
    keys("dataDir: a number", CONFIG, "dataDir", "1", dataDir=1),
    keys("dataDir: relative", CONFIG, "dataDir", "var/lib", dataDir="var/lib"),
    keys("name: missing", CONFIG, "missing network name", name=None),
    keys("name: empty", CONFIG, "missing network name", name=""),
    keys("name: leads out of the store", CONFIG, "name", "../x", name="../x"),
    keys("name: a number", CONFIG, "name", "7", name=7),
    keys("cniVersion: unknown", VERSION, "cniVersion", "9.9.9", cniVersion="9.9.9"),
    keys("cniVersion: abbreviated", VERSION, "cniVersion", "1.1", cniVersion="1.1"),
    keys("cniVersion: a number", CONFIG, "cniVersion", "1", cniVersion=1),

    variables("no container ID", ENV, "CNI_CONTAINERID", containerid=None),
    variables("no netns", ENV, "CNI_NETNS", netns=None),
    variables("no ifname", ENV, "CNI_IFNAME", ifname=None),
    variables("no path", ENV, "CNI_PATH", path=None),
    variables("container ID leads out of the store", ENV, "CNI_CONTAINERID", "../x", containerid="../x"),
    variables("container ID with a newline", ENV, "CNI_CONTAINERID", containerid="x\n"),
    variables("container ID with a space", ENV, "CNI_CONTAINERID", "a b", containerid="a b"),
    variables("ifname leads elsewhere", ENV, "CNI_IFNAME", "../x", ifname="../x"),
    variables("ifname too long", ENV, "CNI_IFNAME", "a" * 16, ifname="a" * 16),
    variables("ifname: dots", ENV, "CNI_IFNAME", "..", ifname=".."),
    variables("ifname: two words", ENV, "CNI_IFNAME", "a b", ifname="a b"),
    variables("netns: not there", ENV, "CNI_NETNS", "/var/run/netns/nobody", netns="/var/run/netns/nobody"),
    variables("netns: a file", ENV, "CNI_NETNS", "/etc/hostname", netns="/etc/hostname"),
    variables("netns: a directory", ENV, "CNI_NETNS", "/var/run/netns", netns="/var/run/netns"),
    variables("netns: a FIFO", ENV, "CNI_NETNS", "/tmp/fifo", netns="/tmp/fifo"),
    variables("netns: a namespace of another kind", ENV, "CNI_NETNS", "/proc/self/ns/uts", netns="/proc/self/ns/uts"),
    variables("netns: the host's own", NETNS, "CNI_NETNS", "/proc/self/ns/net", netns="/proc/self/ns/net"),
]


@pytest.fixture(scope="module")
def settled(cnibox):
    """A node with a pod on it: all that an ADD may make first is made, so that nothing at all may change."""
    with Node() as node:
        node.install(cnibox, *APPLETS)
        node.sh("mkfifo /tmp/fifo")
        node.add_pod("first", configs.load())
        yield node, node.pod("second")


def refuse(node, pod, code, words, conf=None, **variables_):
    """The call is answered with an error object of that code, whose message has these words; nothing changed."""
    before = snapshot.of(node, pod)
    result = node.cni("ADD", conf if conf is not None else configs.load(), plugin="bash-cni",
                      **{**pod.attachment.parameters, **variables_})
    assert result.returncode == 1, result
    error = result.json
    assert error["code"] == code, error
    missing = [word for word in words if word not in error["msg"]]
    assert not missing and error["msg"], f"{missing} not named in: {error['msg']}"
    assert set(error) <= {"cniVersion", "code", "msg", "details"}
    assert not snapshot.changes(before, snapshot.of(node, pod))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(settled, case):
    node, pod = settled
    conf = configs.load(**case.keys) if case.stdin is None else case.stdin
    refuse(node, pod, case.code, case.words, conf, **case.variables)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_by_a_bare_node(node, case):
    """A node that nothing was done to yet stays so: no bridge, no rule, no store is made for a bad call."""
    node.sh("mkfifo /tmp/fifo")
    test_refused((node, node.pod("pod")), case)


def test_closed_stdin(settled):
    node, pod = settled
    before = snapshot.of(node, pod)
    done = node.run("sh", "-c", "exec bash-cni <&-", check=False,
                    env={"CNI_COMMAND": "ADD", "CNI_CONTAINERID": pod.id, "CNI_NETNS": pod.netns,
                         "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin"})
    assert done.returncode == 1 and json.loads(done.stdout)["code"] in (IO, DECODE)
    assert not snapshot.changes(before, snapshot.of(node, pod))


def test_just_below_the_bound_is_fine(settled):
    node, _ = settled
    conf = configs.load(pad="")
    pad = "x" * (MIB - len(json.dumps(conf)))
    pod = node.pod("large")
    text = json.dumps({**conf, "pad": pad})
    assert len(text) == MIB
    node.cni("ADD", text, plugin="bash-cni", **pod.attachment.parameters).expect_success()


def test_every_missing_variable_is_named(settled):
    node, pod = settled
    refuse(node, pod, ENV, ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"), containerid=None, netns=None, ifname=None)


def test_unknown_command(settled):
    node, pod = settled
    before = snapshot.of(node, pod)
    result = node.cni("FROBNICATE", configs.load(), **pod.attachment.parameters)
    assert result.returncode == 1 and result.json["code"] == ENV and "FROBNICATE" in result.json["msg"]
    assert not snapshot.changes(before, snapshot.of(node, pod))


# --- what is wrong is not in the call but in the world --------------------------------------------

def test_interface_name_in_use(node):
    node.add_pod("first", configs.load())
    pod = node.pod("pod")
    pod.run("ip", "link", "add", "eth0", "type", "bridge")
    refuse(node, pod, STATE, ("CNI_IFNAME", "eth0"))


def test_second_add_of_the_same_attachment(node):
    pod = node.add_pod("pod", configs.load())
    refuse(node, pod, STATE, (pod.id, pod.ip))
    assert pod.ping("10.244.0.1")


@pytest.mark.parametrize("setup", ["auto", "manual"])
def test_bridge_that_is_no_bridge(node, setup):
    node.sh("ip link add cni0 type ifb; ip link set cni0 up")
    refuse(node, node.pod("pod"), STATE, ("bridge", "cni0"), configs.load(nodeSetup=setup))


def test_manual_set_up_without_the_bridge(node):
    refuse(node, node.pod("pod"), STATE, ("bridge", "cni0"), configs.load(nodeSetup="manual"))


def test_full_pool(node):
    small = configs.load(subnet="10.244.0.0/30")
    node.add_pod("first", small)
    refuse(node, node.pod("pod"), TRY_AGAIN, ("10.244.0.",), small)


def test_read_only_store(node):
    type_bridge(node)
    node.add_pod("first", configs.load())
    node.sh("mkdir -p /tmp/store; mount -t tmpfs -o ro none /tmp/store")
    refuse(node, node.pod("pod"), IO, ("/tmp/store",), configs.load(dataDir="/tmp/store"))


@pytest.mark.parametrize("full", ["blocks", "inodes"])
def test_full_disk(node, full):
    """No room for the content of a lease file, or none for the file itself."""
    node.add_pod("first", configs.load())
    conf = configs.load(dataDir="/tmp/store")
    node.sh("mkdir -p /tmp/store; mount -t tmpfs -o size=64k,nr_inodes=32 none /tmp/store")
    node.add_pod("second", conf)
    node.sh("cat /dev/zero > /tmp/store/ballast 2>/dev/null || :" if full == "blocks" else
            "i=0; while touch /tmp/store/ballast$i 2>/dev/null; do i=$((i+1)); done")
    refuse(node, node.pod("pod"), IO, ("/tmp/store",), conf)


def test_store_that_is_a_file(node):
    node.add_pod("first", configs.load())
    node.write("/tmp/store", "")
    refuse(node, node.pod("pod"), IO, ("/tmp/store",), configs.load(dataDir="/tmp/store"))
