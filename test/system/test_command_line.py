"""What people type, right and wrong, and what they are told."""

import pytest
from lab import Node

pytestmark = pytest.mark.once

LINKS = ("bash-cni", "bridge", "ptp", "tuning", "host-local", "static", "loopback", "portmap", "firewall", "bandwidth", "cni-node",
         "cni-check", "cni-gc", "gce-routes")
# gcloud is the name of Google's own program: who wants it makes the link.
COMMANDS = ("cnibox", *LINKS, "gcloud", "install")
CONF = "/etc/cni/net.d/10-bash-cni-plugin.conf"
BINARY = "/tmp/cnibox"
DIRECTORY = "/tmp/plugins"


@pytest.fixture
def machine(cnibox):
    """A node with the one file, as it was copied there."""
    with Node() as node:
        node.copy(cnibox, BINARY, 0o755)
        yield node


def box(node, *words, status=0):
    done = node.run(BINARY, *words, check=False)
    assert done.returncode == status, done
    return done.stdout if status == 0 else done.stderr


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--conf", "x", "--help"], ["up", "-h"]], ids=" ".join)
def test_help_wherever_it_stands(machine, words):
    for command in COMMANDS[1:]:
        assert box(machine, command, *words).startswith("usage: ")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]], ids=str)
def test_the_list_of_applets(machine, words):
    assert all(f"\n  {name} " in box(machine, *words) for name in COMMANDS[1:])


@pytest.mark.parametrize("words, said", [
    ("frobnicate", "frobnicate"),
    ("cni-node", "up, down, status or config"),
    ("cni-node frob", "'frob'"),
    ("cni-node up --conf", "--conf needs a value"),
    ("cni-node up --frob", "no option --frob"),
    ("cni-node up extra", "'extra'"),
    ("cni-node up --mtu many", "'many'"),
    ("cni-node config", "--pod-cidr"),
    ("cni-check", "--netns, --peer or --outside"),
    ("cni-check --peer nobody", "'nobody'"),
    ("cni-check --timeout 0 --peer 10.0.0.1", "'0'"),
    ("cni-check --format xml", "'xml'"),
    ("install a b", "'b'"),
])
def test_wrong_words(machine, words, said):
    complaint = box(machine, *words.split(), status=2)
    assert said in complaint.splitlines()[0]
    assert "--help" in complaint


@pytest.mark.parametrize("words, said", [
    ("cni-node status", f"{CONF}: No such file"),
    ("cni-node status --conf /etc", "/etc: Is a directory"),
    ("cni-node status --subnet 10.0.0.1/24", "10.0.0.1/24 has host bits set"),
    ("cni-node status --subnet 10.0.0.0/33", '"10.0.0.0/33"'),
    ("cni-node config --pod-cidr 10.0.0.0/24 --output /proc/x", "/proc/x"),
    ("cni-node config --pod-cidr 10.0.0.0/24 --output /dev/null/x", "/dev/null: "),
    ("cni-check --netns /nowhere", "/nowhere: No such file"),
    ("install /dev/null", "/dev/null: Not a directory"),
])
def test_what_cannot_be_done(machine, words, said):
    assert said in box(machine, *words.split(), status=1)


def test_without_a_configuration_it_says_how_to_come_by_one(machine):
    assert "cni-node config" in box(machine, "cni-node", "up", status=1)


def test_a_configuration_behind_a_link(machine):
    """Kubernetes mounts files so."""
    box(machine, "cni-node", "config", "--pod-cidr", "10.244.0.0/24", "--output", "/tmp/conf")
    machine.sh("ln -s conf /tmp/link")
    assert "10.244.0.1/24" in box(machine, "cni-node", "up", "--conf", "/tmp/link")


def test_a_number_with_leading_zeros(machine):
    words = ["cni-node", "config", "--pod-cidr", "10.244.0.0/24", "--mtu", "01400", "--output", "-"]
    assert '"mtu": 1400' in box(machine, *words)


@pytest.mark.parametrize("words", ["--help", "cni-node --help", "cni-node config --pod-cidr 10.0.0.0/24 --output -"])
def test_output_to_a_full_disk(machine, words):
    done = machine.run("sh", "-c", f"exec {BINARY} {words} > /dev/full", check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr


# --- install --------------------------------------------------------------------------------------

def links(node):
    return node.sh(f"cd {DIRECTORY}; find . -type l -lname cnibox").split()


def test_install(machine):
    box(machine, "install", DIRECTORY)
    assert sorted(links(machine)) == sorted(f"./{name}" for name in LINKS)
    assert machine.sh(f"cmp {BINARY} {DIRECTORY}/cnibox; stat -c %a {DIRECTORY}/cnibox") == "755\n"


def test_install_again_whatever_is_left_of_it(machine):
    box(machine, "install", DIRECTORY)
    machine.sh(f"rm {DIRECTORY}/cnibox")
    box(machine, "install", DIRECTORY)
    box(machine, "install", DIRECTORY)
    assert len(links(machine)) == len(LINKS)


def test_install_of_a_large_build(machine):
    """Each name of an earlier one is looked at: the file has room once, however often it is linked to."""
    machine.sh(f"truncate -s 7M {BINARY}")
    for _ in range(2):
        box(machine, "install", DIRECTORY)
    assert machine.sh(f"cmp {BINARY} {DIRECTORY}/cnibox; stat -c %s {DIRECTORY}/cnibox") == f"{7 << 20}\n"


def test_install_refuses_what_is_not_cnibox(machine):
    machine.write(f"{DIRECTORY}/loopback", "somebody's")
    assert "loopback" in box(machine, "install", DIRECTORY, status=1)
    assert machine.sh(f"ls {DIRECTORY}") == "loopback\n", "and then changes nothing"
    box(machine, "install", "--force", DIRECTORY)
    assert len(links(machine)) == len(LINKS)


@pytest.mark.parametrize("words", [f"install {DIRECTORY}", f"cni-node config --pod-cidr 10.0.0.0/24 --output {DIRECTORY}/c"])
@pytest.mark.parametrize("mount, said", [("size=4k", "No space left on device"), ("ro", "Read-only file system")])
def test_no_room(machine, words, mount, said):
    machine.sh(f"mkdir {DIRECTORY}; mount -t tmpfs -o {mount} none {DIRECTORY}\n"
               f"cat /dev/zero > {DIRECTORY}/x 2>/dev/null || :")
    before = machine.sh(f"ls {DIRECTORY}")
    complaint = box(machine, *words.split(), status=1)
    assert said in complaint and DIRECTORY in complaint
    assert machine.sh(f"ls {DIRECTORY}") == before
