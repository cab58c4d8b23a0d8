"""The walkthrough with cnibox, end to end: as the demo shows it, and with the configuration files word for word."""

import subprocess
import sys
import time

from conftest import APPLETS, BASH_PLUGIN, SLOWNESS, type_bridge
from lab import configs, matrix, snapshot

TYPED_RULES = ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"]


def test_the_files_are_the_walkthroughs():
    common = {"cniVersion": "0.3.1", "name": "mynet", "type": "bash-cni", "network": "10.244.0.0/16"}
    assert configs.load(configs.MASTER) == {**common, "subnet": "10.244.0.0/24"}
    assert configs.load(configs.WORKER) == {**common, "subnet": "10.244.1.0/24"}


def test_demo(cnibox):
    started = time.monotonic()
    done = subprocess.run([sys.executable, configs.REPOSITORY / "test" / "lab" / "demo.py", cnibox], check=False,
                          timeout=60 * SLOWNESS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 20 * SLOWNESS
    assert "\033" not in done.stdout, "no colours in a pipe"


def prepare(lab, cnibox, **changes):
    for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
        node.install(cnibox, *APPLETS)
        node.conf = configs.load(file, **changes)


def answering(lab):
    return matrix.answering(lab, *(node.pods["pod-a"] for node in lab.nodes))


def test_the_plugin_in_place_of_the_bash(lab, cnibox):
    """Everything else is typed as the walkthrough prints it."""
    prepare(lab, cnibox, nodeSetup="manual")
    for node in lab.nodes:
        type_bridge(node, node.pod_cidr.replace("0/24", "1/24"))
        for name in ("pod-a", "pod-b"):
            node.add_pod(name, node.conf)
    assert answering(lab) == [matrix.BEFORE] * 2
    for node in lab.nodes:
        node.sh("iptables -t filter -A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
                "iptables -t filter -A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
                f"iptables -t nat -A POSTROUTING -s {node.pod_cidr} ! -o cni0 -j MASQUERADE")
    assert answering(lab) == [matrix.WITHOUT_ROUTES] * 2
    lab.add_vpc_routes()
    assert answering(lab) == [matrix.ALL] * 2


def test_the_files_alone(lab, cnibox):
    """The two files word for word and the binary: nothing is typed."""
    prepare(lab, cnibox)
    before = [snapshot.of(node)["host"] for node in lab.nodes]
    lab.add_vpc_routes()
    for node in lab.nodes:
        for name in ("pod-a", "pod-b"):
            node.add_pod(name, node.conf)
        assert node.chains()[-2:] == TYPED_RULES
    assert answering(lab) == [matrix.ALL] * 2
    for node, fresh in zip(lab.nodes, before):
        for pod in list(node.pods.values()):
            pod.delete(node.conf).expect_success()
            pod.remove()
        node.run("cni-node", "down", *flags(node))
        assert not snapshot.changes(fresh, snapshot.of(node)["host"])
        assert snapshot.leases(node) == {}


def flags(node):
    return ("--bridge", "cni0", "--subnet", node.pod_cidr, "--network", "10.244.0.0/16")


def test_pods_of_the_bash_plugin_are_let_go(lab, cnibox):
    """A node changes plugins while pods run: the DEL of a pod that the bash made must succeed."""
    node = lab.master
    node.install(BASH_PLUGIN, "bash-cni")
    conf = configs.load()
    type_bridge(node)
    old = node.add_pod("old", conf)
    node.run("rm", "/opt/cni/bin/bash-cni")
    node.install(cnibox, "bash-cni")
    old.delete(conf).expect_success()
    new = node.add_pod("new", conf)
    assert new.ping("10.244.0.1")
