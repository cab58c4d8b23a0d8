"""firewall where firewalld runs: a real bus, and a firewalld on it that remembers what it was asked."""

import subprocess
import time

import firewalld
import pytest
from conftest import SLOWNESS, needs
from lab import snapshot
from program import needs_reference
from test_firewall import ADMIN, FIREWALL, admitting, listed

pytestmark = needs("nf_tables")

# The bus's own patience, and what a process may take beside it.
BOUND = 5 + 3 * SLOWNESS
SOURCES = ["10.244.0.7/32", "fd00:10:244::7/128"]
RESULT = {"cniVersion": "1.0.0", "ips": [{"address": "10.244.0.7/24"}, {"address": "fd00:10:244::7/64"}]}
VARIABLES = {"containerid": "x", "netns": "/nowhere", "ifname": "eth0"}


def asked(method, zone="trusted", sources=SOURCES):
    return [[method, zone, source] for source in sources]


@pytest.fixture
def node(node):
    node.run("/opt/cni/bin/cnibox", "install", "--force")
    return node


@pytest.fixture
def bus(node):
    return firewalld.start_bus(node)


@pytest.fixture
def daemon(node, bus):
    return firewalld.start(node)


def call(node, command, plugin=None, env=None, **keys):
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "firewall", "prevResult": RESULT, **keys}
    return node.cni(command, conf, env=env, plugin=plugin, **VARIABLES)


def rules(node):
    return [rule for program in ("iptables", "ip6tables")
            for rule in node.run(program, "-S").stdout.splitlines() if "CNI-" in rule]


def has_rules(node):
    return listed(node, "CNI-FORWARD") == [ADMIN, *admitting("10.244.0.7")]


@pytest.mark.parametrize("keys", [{}, {"backend": "firewalld"}, {"backend": "zz"}, {"firewalldZone": "pods"}],
                         ids=["default", "firewalld", "unknown", "zone"])
def test_sources_of_a_zone(node, daemon, keys):
    zone = keys.get("firewalldZone", "trusted")
    answer = call(node, "ADD", **keys).expect_success()
    assert [ip["address"] for ip in answer.json["ips"]] == [ip["address"] for ip in RESULT["ips"]]
    assert firewalld.calls(node) == asked("addSource", zone)
    call(node, "CHECK", **keys).expect_success()
    assert firewalld.calls(node) == asked("querySource", zone)
    assert not rules(node)
    call(node, "DEL", **keys).expect_success()
    assert firewalld.calls(node) == asked("removeSource", zone)
    # What it says to the second is that there is no such source.
    call(node, "DEL", **keys).expect_success()
    assert firewalld.calls(node) == asked("removeSource", zone)
    assert call(node, "CHECK", **keys).json["msg"] == (
        f"failed to find the address 10.244.0.7/32 in {zone} zone: it is not there")


def test_again(node, daemon):
    """That it is there already, firewalld calls an error."""
    for _ in range(2):
        call(node, "ADD").expect_success()
        assert firewalld.calls(node) == asked("addSource")


@needs_reference
@pytest.mark.parametrize("keys", [{}, {"firewalldZone": "pods"}, {"firewalldZone": "zz"}], ids=["", "pods", "zz"])
def test_as_the_reference_asks(node, daemon, keys):
    """The same calls in the same order, and what firewalld does not like is told with the same words."""
    said = []
    for plugin in (None, FIREWALL):
        answers = [call(node, command, plugin, **keys) for command in ("ADD", "ADD", "CHECK", "DEL", "DEL")]
        said.append(([(answer.returncode, answer.returncode and answer.json["msg"]) for answer in answers],
                     firewalld.calls(node)))
    if "firewalldZone" in keys and keys["firewalldZone"] == "zz":
        # What was not refused is taken back, and CHECK has words of its own.
        (ours, calls), (theirs, their_calls) = said
        assert ours[:2] == theirs[:2] and ours[0][0] == 1 and ours[3:] == theirs[3:]
        assert ours[2][0] == theirs[2][0] == 1
        assert calls[0] == their_calls[0]
    else:
        assert said[0] == said[1] and len(said[0][1]) == 10


@pytest.mark.parametrize("keys", [{}, {"backend": "firewalld"}])
def test_refused(node, bus, keys):
    """Its words are passed on, and nothing is left."""
    firewalld.start(node, "COMMAND_FAILED: no room")
    answer = call(node, "ADD", ingressPolicy="same-bridge", prevResult={**RESULT, "interfaces": [{"name": "cni0"}]}, **keys)
    assert answer.returncode == 1
    assert answer.json["msg"] == "failed to add the address 10.244.0.7/32 to trusted zone: COMMAND_FAILED: no room"
    assert firewalld.calls(node) == [*asked("addSource")[:1], *asked("removeSource")]
    assert not rules(node)


def test_half_done(node, daemon):
    """The rules for the bridge fail: what firewalld did before is taken back."""
    # A table that is its owner's alone.
    owner = node.popen("nft", "-i", stdin=subprocess.PIPE)
    owner.stdin.write("delete table ip filter\nadd table ip filter { flags owner; }\n")
    owner.stdin.flush()
    while "flags owner" not in node.run("nft", "list", "table", "ip", "filter", check=False).stdout:
        time.sleep(0.05)
    answer = call(node, "ADD", ingressPolicy="isolated", prevResult={**RESULT, "interfaces": [{"name": "cni0"}]})
    assert answer.returncode == 1
    assert firewalld.calls(node) == asked("addSource") + asked("removeSource")


def test_gone_before_del(node, daemon):
    call(node, "ADD").expect_success()
    firewalld.stop(daemon)
    call(node, "DEL").expect_success()
    assert firewalld.calls(node) == asked("addSource")


def test_bus_gone_before_del(node, bus, daemon):
    call(node, "ADD", backend="firewalld").expect_success()
    firewalld.stop(bus)
    call(node, "DEL", backend="firewalld").expect_success()


def test_come_before_del(node, bus):
    """What was admitted by rules before firewalld ran: DEL takes the rules."""
    call(node, "ADD").expect_success()
    assert has_rules(node)
    firewalld.start(node)
    call(node, "DEL").expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN]
    assert firewalld.calls(node) == asked("removeSource")


def test_bus_without_firewalld(node, bus):
    call(node, "ADD").expect_success()
    assert has_rules(node)
    call(node, "CHECK").expect_success()
    call(node, "DEL").expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN]
    answer = call(node, "ADD", backend="firewalld")
    assert answer.returncode == 1 and answer.json["msg"] == "firewalld does not run"


def test_no_bus(node):
    answer = call(node, "ADD", backend="firewalld")
    assert answer.json["msg"] == ("connect to the system bus: unix:path=/run/dbus/system_bus_socket: "
                                  "No such file or directory")
    call(node, "DEL", backend="firewalld").expect_success()
    call(node, "ADD").expect_success()
    assert has_rules(node)


def test_rules_are_wanted(node, daemon):
    for command in ("ADD", "CHECK"):
        call(node, command, backend="iptables").expect_success()
        assert has_rules(node)
    call(node, "DEL", backend="iptables").expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN]
    assert firewalld.calls(node) == []


def test_another_address(node):
    """DBUS_SYSTEM_BUS_ADDRESS is asked for, with what else such an address may have in it."""
    firewalld.start_bus(node, "/tmp/bus")
    firewalld.start(node, path="/tmp/bus")
    for behind in ("", ",guid=0123456789abcdef0123456789abcdef", ";tcp:host=x"):
        call(node, "ADD", env={"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path=/tmp/bus{behind}"}).expect_success()
        assert firewalld.calls(node) == asked("addSource")
    for address in ("tcp:host=127.0.0.1,port=1", "unix:path=/tmp/b%75s", "unix:path=/tmp/" + "x" * 110):
        answer = call(node, "ADD", backend="firewalld", env={"DBUS_SYSTEM_BUS_ADDRESS": address})
        assert answer.json["msg"] == f"connect to the system bus: {address}: Invalid argument"


def test_ingress_policy_stays_with_iptables(node, daemon):
    keys = {"ingressPolicy": "isolated", "prevResult": {**RESULT, "interfaces": [{"name": "cni0"}]}}
    call(node, "ADD", **keys).expect_success()
    call(node, "CHECK", **keys).expect_success()
    firewalld.calls(node)
    assert len(listed(node, "CNI-ISOLATION-STAGE-1")) == 3
    assert not any("CNI-FORWARD" in rule for rule in rules(node))
    node.run("iptables", "-F", "CNI-ISOLATION-STAGE-2")
    assert "CNI-ISOLATION-STAGE-2" in call(node, "CHECK", **keys).json["msg"]


def test_status_and_gc(node, bus):
    conf = {"cniVersion": "1.1.0", "name": "mynet", "type": "firewall"}
    before = snapshot.of(node)
    node.cni("STATUS", conf).expect_success()
    answer = node.cni("STATUS", {**conf, "backend": "firewalld"})
    assert answer.json["code"] == 50 and answer.json["msg"] == "firewalld does not run"
    firewalld.start(node)
    for backend in ("", "firewalld", "iptables"):
        node.cni("STATUS", {**conf, "backend": backend}).expect_success()
    assert not snapshot.changes(before, snapshot.of(node))
    # Whose a source is, nobody knows: GC leaves it.
    call(node, "ADD").expect_success()
    firewalld.calls(node)
    node.cni("GC", {**conf, "cni.dev/valid-attachments": []}).expect_success()
    call(node, "CHECK").expect_success()
    assert firewalld.calls(node) == asked("querySource")


SILENT = """
import os, socket, sys, time
os.makedirs("/run/dbus", exist_ok=True)
s = socket.socket(socket.AF_UNIX)
s.bind("/run/dbus/system_bus_socket")
s.listen()
print("ready", flush=True)
said = eval(sys.argv[1])
while True:
    c, _ = s.accept()
    try:
        while True:
            for i in range(len(said)):
                c.sendall(said[i:i + 1])
            if said:
                time.sleep(0.2)
            else:
                time.sleep(60)
    except OSError:
        pass
"""


@pytest.mark.parametrize("said", [b"", b"D", b"OK 1234\r\n"], ids=["nothing", "drop by drop", "OK"])
def test_a_bus_that_does_not_answer(node, said):
    """Nor one that answers a letter at a time, or what is no message, is waited for longer than this."""
    silent = node.popen("/usr/bin/python3", "-c", SILENT, repr(said))
    assert silent.stdout.readline() == "ready\n"
    begun = time.monotonic()
    answer = call(node, "ADD")
    assert time.monotonic() - begun < BOUND
    assert answer.returncode == 1 and answer.json["msg"].startswith("ask the system bus: no answer: ")
    assert answer.json["code"] == 11
    assert not rules(node)
    begun = time.monotonic()
    call(node, "DEL").expect_success()
    assert time.monotonic() - begun < BOUND


def test_a_zone_that_is_too_long(node, daemon):
    answer = call(node, "ADD", firewalldZone="z" * 2000)
    assert answer.returncode == 1 and answer.json["msg"] == "ask the system bus: no answer: Argument list too long"
    call(node, "DEL", firewalldZone="z" * 2000).expect_success()
    assert firewalld.calls(node) == []
