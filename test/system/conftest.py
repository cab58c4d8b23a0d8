"""Nodes with a plugin in them. Every test gets its own, in namespaces, and may do to it what it likes."""

import os
from pathlib import Path

import pytest

from lab import CloudShell, Google, Lab, Node, configs, kernel
from lab.runtime import SLOWNESS
from program import binary, cnibox

__all__ = ["SLOWNESS", "cnibox"]  # the second one is a fixture

FIXTURES = Path(__file__).parent / "fixtures"
BASH_PLUGIN = FIXTURES / "bash-plugin"
APPLETS = ("bash-cni", "cnibox", "bridge", "ptp", "tuning", "host-local", "static", "loopback", "cni-node", "cni-check",
           "gce-routes")


def needs(*capabilities):
    """A mark for tests that mean nothing on a kernel which lacks one of these (lab/kernel.py)."""
    lacking = [name for name in capabilities if not kernel.has(name)]
    return pytest.mark.skipif(bool(lacking), reason="".join(kernel.lack(name) for name in lacking[:1]))


def pytest_report_header(config):
    return f"cnibox: {binary()}"


@pytest.fixture(autouse=True)
def take_indexes_away(request):
    """Lease stores in tmp_path are used without a node: their indexes lie in the machine's own /run."""
    place = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    for directory, _, _ in os.walk(place) if place else ():
        store = os.stat(directory)
        Path(f"/run/cnibox/leases-{store.st_dev:x}-{store.st_ino:x}").unlink(missing_ok=True)


@pytest.fixture
def node(cnibox):
    """A node that has booted: the binary and nothing else of ours."""
    with Node() as node:
        node.install(cnibox, *APPLETS)
        yield node


@pytest.fixture
def bash_node():
    """A node with the plugin of the fixtures, and the bridge that it wants typed beforehand."""
    with Node() as node:
        node.install(BASH_PLUGIN, "bash-cni")
        type_bridge(node)
        yield node


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture
def shell(cnibox):
    """A machine to type gce-routes on, and a cloud behind it."""
    with CloudShell(cnibox) as shell:
        yield shell


@pytest.fixture
def google(lab):
    """The cloud that the lab's nodes are in."""
    with Google(lab) as google:
        for node in lab.nodes:
            google.introduce(node)
        yield google


def type_bridge(node, address="10.244.0.1/24", name="cni0"):
    """The walkthrough's three commands."""
    node.sh(f"brctl addbr {name}\nip link set {name} up\nip addr add {address} dev {name}")


@pytest.fixture
def pods(cnibox):
    """A lab in which all six pings are answered. Tests break one thing each."""
    with Lab() as lab:
        for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
            node.install(cnibox, *APPLETS)
            node.copy(configs.DIRECTORY / file, configs.INSTALLED)
            for name in ("pod-a", "pod-b"):
                node.add_pod(name)
        lab.add_vpc_routes()
        yield lab
