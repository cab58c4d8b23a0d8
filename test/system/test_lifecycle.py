"""DEL, CHECK, GC, STATUS, VERSION and GET of bash-cni."""

import json
import os
import subprocess

import pytest
from lab import configs, kernel, snapshot
from lab.runtime import environment

VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]


def conf(version="1.1.0", **changes):
    return configs.load(cniVersion=version, **changes)


def veths(node):
    return [link["ifname"] for link in node.json("ip", "-j", "link", "show", "type", "veth")]


def assert_clean(node):
    assert snapshot.leases(node) == {} and veths(node) == []


# --- the runtime goes away ------------------------------------------------------------------------

def test_add_whose_result_nobody_reads(node):
    node.add_pod("first", conf())
    pod = node.pod("pod")
    before = snapshot.of(node, pod)
    reader, writer = os.pipe()
    os.close(reader)
    add = node.popen("/opt/cni/bin/bash-cni", env=environment("ADD", **pod.attachment.parameters),
                     stdin=subprocess.PIPE, stdout=writer)
    os.close(writer)
    add.communicate(json.dumps(conf()))
    assert add.returncode == 1
    assert not snapshot.changes(before, snapshot.of(node, pod))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors(node, closed):
    """What is opened next must not take their place: the log would be read, or be given the result."""
    node.add_pod("first", conf())
    pod = node.pod("pod")
    before = snapshot.of(node, pod)
    done = node.run("sh", "-c", f"exec /opt/cni/bin/bash-cni {closed}", input=json.dumps(conf()), check=False,
                    env=environment("ADD", **pod.attachment.parameters))
    if closed == "2>&-":
        assert done.returncode == 0 and json.loads(done.stdout)["ips"]
    else:
        assert done.returncode == 1
        assert not snapshot.changes(before, snapshot.of(node, pod))


# --- DEL ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", VERSIONS)
def test_del_undoes_add(node, version):
    pod = node.add_pod("pod", conf(version))
    done = pod.delete(conf(version)).expect_success()
    assert done.stdout == ""
    assert_clean(node)
    assert pod.json("ip", "-j", "link", "show", "type", "veth") == []


def test_five_dels(node):
    pod = node.add_pod("pod", conf())
    for _ in range(5):
        assert pod.delete(conf()).expect_success().stdout == ""
        assert_clean(node)


def test_del_of_an_unknown_container(node):
    assert node.pod("pod").delete(conf()).expect_success().stdout == ""
    assert not node.exists("/sys/class/net/cni0"), "a DEL makes nothing"


@pytest.mark.parametrize("netns", [None, ""], ids=["absent", "empty"])
def test_del_without_a_namespace_takes_the_link_too(node, netns):
    """The runtime no longer knows the namespace, but something keeps it alive: the link would stay for ever."""
    pod = node.add_pod("pod", conf())
    pod.delete(conf(), netns=netns).expect_success()
    assert_clean(node)


def test_del_with_a_namespace_that_is_gone(node):
    pod = node.add_pod("pod", conf())
    pod.remove()
    pod.delete(conf()).expect_success()
    assert_clean(node)


def test_del_without_prev_result(node):
    pod = node.add_pod("pod", conf())
    pod.attachment.result = None
    pod.delete(conf()).expect_success()
    assert_clean(node)


@pytest.mark.parametrize("prev", ["text", [], {"ips": 7}, {"ips": [7, {"address": 7}, {"address": "10.244.0.2/24"}]},
                                  {"ips": [{"address": "10.244.0.99/24"}]}], ids=str)
def test_del_with_a_prev_result_that_is_none(node, prev):
    pod = node.add_pod("pod", conf())
    node.cni("DEL", {**conf(), "prevResult": prev}, **pod.attachment.parameters).expect_success()
    assert_clean(node)


def test_del_leaves_other_pods_alone(node):
    pods = [node.add_pod(f"pod{i}", conf()) for i in range(3)]
    others = [pods[0], pods[2]]
    before = snapshot.of(node, *others)
    pods[1].delete(conf()).expect_success()
    changes = snapshot.changes(before, snapshot.of(node, *others))
    # Of the host's state one link has gone, with its addresses; nothing is new and nothing of the others is different.
    assert changes and all(line.startswith(("files", "host links: gone", "host addresses: gone")) for line in changes)
    assert set(snapshot.leases(node)) == {pod.ip for pod in others} and len(veths(node)) == 2
    assert all(pod.ping("10.244.0.1") for pod in others)


def test_late_del_spares_the_next_pod_at_the_same_path(node):
    """A path such as /proc/PID/ns/net comes to belong to another container, before the first one's DEL comes."""
    pod = node.add_pod("pod", conf())
    before = snapshot.of(node, pod)
    node.cni("DEL", conf(), containerid="earlier", netns=pod.netns).expect_success()
    assert not snapshot.changes(before, snapshot.of(node, pod))


def test_del_of_one_interface_keeps_the_other(node):
    pod = node.add_pod("pod", conf())
    other = conf(name="othernet", subnet="10.99.0.0/24", network="10.99.0.0/16", bridge="cni1")
    pod.attachment.add(other, ifname="eth1").expect_success()
    pod.attachment.delete(other, ifname="eth1").expect_success()
    assert snapshot.leases(node) == {"10.244.0.2": (pod.id, "eth0")}
    assert snapshot.leases(node, "othernet") == {}
    assert pod.ping("10.244.0.1")


# --- CHECK ----------------------------------------------------------------------------------------

def test_check_of_a_healthy_pod(node):
    pod = node.add_pod("pod", conf())
    assert pod.check(conf()).expect_success().stdout == ""


@pytest.mark.parametrize("damage, word", [
    ("ip -n pod link set eth0 down", "eth0"),
    ("ip -n pod link del eth0", "eth0"),
    ("ip -n pod addr flush dev eth0", "10.244.0.2"),
    ("ip -n pod route del default", "default"),
    ("ip link set $(ls /sys/class/net | grep ^veth) nomaster", "cni0"),
    ("ip link set $(ls /sys/class/net | grep ^veth) down", "veth"),
    ("ip addr del 10.244.0.1/24 dev cni0", "gateway"),
    ("rm /var/lib/cni/networks/mynet/10.244.0.2", "10.244.0.2"),
])
def test_check_finds_the_damage(node, damage, word):
    pod = node.add_pod("pod", conf())
    node.sh(damage)
    result = pod.check(conf())
    assert result.returncode == 1 and word in result.json["msg"], result


def test_check_changes_nothing(node):
    pod = node.add_pod("pod", conf())
    node.sh(f"ip -n pod link set eth0 down; {kernel.flush_rules()}")
    before = snapshot.of(node, pod)
    assert pod.check(conf()).returncode == 1
    assert not snapshot.changes(before, snapshot.of(node, pod))


def test_check_is_younger_than_the_configuration(node):
    pod = node.add_pod("pod", conf("0.3.1"))
    result = pod.check(conf("0.3.1"))
    assert result.returncode == 1
    assert (result.json["code"], result.json["msg"]) == (1, "config version does not allow CHECK")


# --- GC -------------------------------------------------------------------------------------------

def collect(node, valid, version="1.1.0"):
    attachments = [{"containerID": pod.id, "ifname": "eth0"} for pod in valid]
    return node.cni("GC", {**conf(version), "cni.dev/valid-attachments": attachments}, ifname=None)


def test_gc_removes_what_belongs_to_nobody(node):
    pods = [node.add_pod(f"pod{i}", conf()) for i in range(3)]
    pods[2].remove()
    assert collect(node, pods[:1]).expect_success().stdout == ""
    assert snapshot.leases(node) == {pods[0].ip: (pods[0].id, "eth0")}
    assert len(veths(node)) == 1
    assert pods[0].ping("10.244.0.1") and not pods[1].ping("10.244.0.1")


def test_gc_keeps_a_very_old_lease_of_a_container_that_lives(node):
    """Very old host-locals wrote the bare container ID."""
    pod = node.add_pod("pod", conf())
    node.write("/var/lib/cni/networks/mynet/10.244.0.2", pod.id)
    collect(node, [pod]).expect_success()
    assert "10.244.0.2" in snapshot.leases(node)
    collect(node, []).expect_success()
    assert "10.244.0.2" not in snapshot.leases(node)


def test_gc_of_nothing(node):
    assert collect(node, []).expect_success().stdout == ""


def test_gc_keeps_other_networks(node):
    other = conf(name="othernet", subnet="10.99.0.0/24", network="10.99.0.0/16", bridge="cni1")
    pod = node.add_pod("pod", other)
    collect(node, []).expect_success()
    assert snapshot.leases(node, "othernet") == {pod.ip: (pod.id, "eth0")}
    assert pod.ping("10.99.0.1")


def test_gc_without_a_list_is_refused(node):
    """It would mean: remove everything."""
    pod = node.add_pod("pod", conf())
    result = node.cni("GC", conf(), ifname=None)
    assert result.returncode == 1 and result.json["code"] == 7
    assert "cni.dev/valid-attachments" in result.json["msg"]
    assert pod.ping("10.244.0.1")


@pytest.mark.parametrize("verb", ["GC", "STATUS"])
def test_gc_and_status_are_younger_than_the_configuration(node, verb):
    result = node.cni(verb, {**conf("1.0.0"), "cni.dev/valid-attachments": []}, ifname=None)
    assert result.returncode == 1
    assert (result.json["code"], result.json["msg"]) == (1, f"config version does not allow {verb}")


# --- STATUS, VERSION, GET -------------------------------------------------------------------------

def test_status_ready(node):
    assert node.cni("STATUS", conf(), ifname=None).expect_success().stdout == ""


def test_status_of_an_exhausted_pool(node):
    small = conf(subnet="10.244.0.0/30")
    node.add_pod("pod", small)
    result = node.cni("STATUS", small, ifname=None)
    assert result.returncode == 1 and result.json["code"] == 50 and "10.244.0." in result.json["msg"]


def test_status_without_the_bridge_it_must_not_make(node):
    result = node.cni("STATUS", conf(nodeSetup="manual"), ifname=None)
    assert result.returncode == 1 and result.json["code"] == 50 and "cni0" in result.json["msg"]


def test_version(node):
    answer = node.cni("VERSION", {"cniVersion": "1.0.0"}, plugin="bash-cni", ifname=None).expect_success().json
    assert answer == {"cniVersion": "1.0.0", "supportedVersions": VERSIONS}
    assert {"0.3.0", "0.3.1", "0.4.0"} <= set(answer["supportedVersions"]), "what the walkthrough's plugin lists"


def test_version_as_podman_asks(node):
    """Before every ADD and DEL, with an empty container ID and dummies."""
    answer = node.cni("VERSION", '{"cniVersion":"1.0.0"}', plugin="bash-cni", containerid="", netns="dummy",
                      ifname="dummy").expect_success().json
    assert answer["supportedVersions"] == VERSIONS


def test_get_is_refused_as_the_walkthrough_does(node):
    result = node.cni("GET", conf(), plugin="bash-cni")
    assert result.returncode == 1 and result.json["msg"] == "GET not supported"


# --- log ------------------------------------------------------------------------------------------

LOG = "/var/log/bash-cni-plugin.log"


def test_everything_is_logged(node):
    pod = node.add_pod("pod", conf("0.3.1"))
    pod.delete(conf("0.3.1")).expect_success()
    log = node.read(LOG)
    for said in ("CNI command: ADD", "CNI command: DEL", "stdin: ", '"subnet": "10.244.0.0/24"', pod.id):
        assert said in log
    assert node.sh(f"stat -c %a {LOG}").strip() in ("600", "640", "644"), "nobody else writes to it"


def test_debug_traces_each_step(node):
    pod = node.pod("pod")
    quiet = len(node.read(LOG)) if node.exists(LOG) else 0
    pod.add(conf()).expect_success()
    plain = len(node.read(LOG)) - quiet
    other = node.pod("other")
    result = node.cni("ADD", conf(), env={"DEBUG": "1"}, **other.attachment.parameters).expect_success()
    traced = node.read(LOG)[quiet + plain:]
    assert len(traced) > plain and "veth" in traced.lower()
    assert json.loads(result.stdout), "the trace is not in the result"


def test_a_log_that_cannot_be_written_stops_nothing(node):
    node.sh(f"mkdir {LOG}")
    node.add_pod("pod", conf())
