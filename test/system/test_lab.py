"""The lab itself: what the walkthrough says of its machines must be true of these, or other tests mean nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import BASH_PLUGIN, type_bridge
from lab import NETWORK, OUTSIDE, Lab, LabError, Node, Space, configs, matrix

WALKTHROUGH_CHAIN = [
    "-P FORWARD DROP",
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    "-A FORWARD -j DOCKER-ISOLATION",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
    "-A FORWARD -i docker0 -o docker0 -j ACCEPT",
]


def test_forward_chain_is_the_walkthroughs():
    with Node() as node:
        assert node.chains() == WALKTHROUGH_CHAIN


def test_typed_by_hand_the_walkthrough_works(lab):
    """All of the module with the bash plugin and the commands as printed: the matrix goes as it says."""
    for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
        node.install(BASH_PLUGIN, "bash-cni")
        node.copy(configs.DIRECTORY / file, configs.INSTALLED)
        type_bridge(node, node.pod_cidr.replace("0/24", "1/24"))
        for name in ("pod-a", "pod-b"):
            node.add_pod(name)
    assert matrices(lab) == [matrix.BEFORE] * 2
    for node in lab.nodes:
        node.sh(f"iptables -t filter -A FORWARD -s {NETWORK} -j ACCEPT\n"
                f"iptables -t filter -A FORWARD -d {NETWORK} -j ACCEPT\n"
                f"iptables -t nat -A POSTROUTING -s {node.pod_cidr} ! -o cni0 -j MASQUERADE")
    assert matrices(lab) == [matrix.WITHOUT_ROUTES] * 2
    lab.add_vpc_routes()
    assert matrices(lab) == [matrix.ALL] * 2
    lab.del_vpc_routes()
    assert matrices(lab) == [matrix.WITHOUT_ROUTES] * 2


def matrices(lab):
    return matrix.answering(lab, *(node.pods["pod-a"] for node in lab.nodes))


def test_nodes_reach_each_other_and_outside(lab):
    assert lab.master.ping(lab.worker.address)
    assert lab.worker.ping(lab.master.address)
    assert lab.master.ping(OUTSIDE)


def test_vpc_drops_a_foreign_source_unless_the_node_may_forward(lab):
    address = "10.244.0.77"
    lab.master.run("ip", "address", "add", f"{address}/32", "dev", "lo")
    lab.vpc.add_route(f"{address}/32", lab.master)
    assert from_address(lab.master, address, lab.worker.address)
    lab.vpc.can_ip_forward(lab.master, False)
    assert not from_address(lab.master, address, lab.worker.address)
    assert not lab.worker.ping(address), "nor does a packet for a foreign address reach it"
    assert lab.master.ping(lab.worker.address)


def test_outside_answers_only_node_addresses(lab):
    address = "10.244.0.77"
    lab.master.run("ip", "address", "add", f"{address}/32", "dev", "lo")
    lab.vpc.add_route(f"{address}/32", lab.master)
    assert not from_address(lab.master, address, OUTSIDE)


def from_address(node, source, target):
    return node.run("ping", "-n", "-q", "-c1", "-W1", "-I", source, target, check=False).returncode == 0


def test_a_node_has_files_of_its_own():
    """What a node writes where users write, the machine does not see."""
    places = ["/etc/cni/net.d/lab-test", "/opt/cni/bin/lab-test", "/var/lib/cni/lab-test", "/var/run/lab-test",
              "/tmp/lab-test", "/etc/lab-test"]
    with Node() as node:
        for place in places:
            node.write(place, "mine\n")
            assert node.read(place) == "mine\n"
        assert not [place for place in places if Path(place).exists()]


def test_the_machines_files_cannot_be_changed():
    with Node() as node:
        done = node.run("touch", "/lab-test", check=False)
        assert done.returncode == 1 and "Read-only file system" in done.stderr, done


def test_a_command_that_fails_is_an_error():
    with Space("space") as space, pytest.raises(LabError, match="exit status 3"):
        space.sh("exit 3")


def test_a_set_up_that_fails_is_an_error():
    with pytest.raises(LabError, match="no such thing"):
        Space("space", "echo no such thing; exit 1")


def test_killed_with_kill_nine_nothing_survives():
    """The holders end with the process that made them, however it ends."""
    script = ("import time\n"
              "from lab import Lab\n"
              "with Lab() as lab:\n"
              "    print(lab.vpc.pid, lab.master.pid, lab.worker.pid, lab.outside.pid, flush=True)\n"
              "    time.sleep(60)\n")
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PYTHONPATH": str(configs.REPOSITORY / "test")})
    with child:
        holders = child.stdout.readline().split()
        assert len(holders) == 4 and all(is_running(pid) for pid in holders)
        child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(is_running(pid) for pid in holders):
        assert time.monotonic() < deadline, f"still there: {holders}"
        time.sleep(0.01)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_two_labs_at_once():
    with Lab() as one, Lab() as other:
        assert one.master.pid != other.master.pid
        assert one.master.ping(OUTSIDE) and other.master.ping(OUTSIDE)
