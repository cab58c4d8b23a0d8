"""Ports and rates by the runtimes that users have, with the shipped lists: from start to stop."""

import json

import pytest
from conftest import needs
from lab import Lab, configs, container, snapshot
from lab.containerd import Containerd, Ctr
from lab.cri import Cri
from lab.podman import Podman
from ports import Server, ask, rate

pytestmark = needs("nf_tables")

NODE = "10.168.0.6"
OUTSIDE = "203.0.113.10"
MEGABIT = 1_000_000


@pytest.fixture
def lab(cnibox):
    with Lab(own_pids=True) as lab:
        lab.master.install(cnibox, "cnibox")
        lab.master.run("cnibox", "install")
        container.prepare(lab.master)
        yield lab


@pytest.fixture
def node(lab):
    return lab.master


def configure(node, file, name=None, **changes):
    """Install a shipped list, with some of its plugins' keys changed."""
    conf = json.loads((configs.DIRECTORY / file).read_text())
    if name:
        conf["name"] = name
    for plugin in conf["plugins"]:
        plugin.update(changes.get(plugin["type"], {}))
    node.write(f"/etc/cni/net.d/{file}", json.dumps(conf))
    return conf


def reach(lab, node, started, port, gateway):
    """From outside, from the node by its address and by 127.0.0.1, and from the container itself."""
    assert ask(lab.outside, NODE, port) == OUTSIDE
    assert ask(node, NODE, port) == NODE
    assert ask(node, "127.0.0.1", port) == gateway
    assert ask(started, NODE, port) == gateway, "hairpin"
    assert ask(started, gateway, port) == gateway, "hairpin"


def furniture(engine, node):
    """What the first container of a network makes and no container takes away: the bridge, iptables' chains."""
    engine.start("first").stop()
    return snapshot.of(node)


def test_podman(lab, node):
    """podman run --publish, as it is, with podman's own network."""
    configure(node, configs.PODMAN, name="mynet")
    engine = Podman(node)
    before = furniture(engine, node)
    started = engine.start("one", "--publish", "8080:80", "--publish", "127.0.0.1:8081:80", "--publish", "5353:53/udp")
    Server(started)
    Server(started, 53, "udp")
    reach(lab, node, started, 8080, "10.88.0.1")
    assert ask(node, "127.0.0.1", 8081) == "10.88.0.1" and ask(lab.outside, NODE, 8081) is None
    assert ask(lab.outside, NODE, 5353, "udp") == OUTSIDE
    started.stop()
    assert not snapshot.changes(before, snapshot.of(node))
    assert ask(lab.outside, NODE, 8080) is None


def test_podman_killed(lab, node):
    configure(node, configs.PODMAN, name="mynet")
    engine = Podman(node)
    before = furniture(engine, node)
    started = engine.start("one", "--publish", "8080:80")
    started.kill()
    started.bury()
    assert not snapshot.changes(before, snapshot.of(node))


def test_ctr(lab, node):
    """ctr has no option for it: the list says which ports."""
    mappings = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
    configure(node, configs.CONTAINERD)
    engine = Ctr(Containerd(node))
    before = furniture(engine, node)
    configure(node, configs.CONTAINERD, portmap={"runtimeConfig": mappings})
    started = engine.start("one")
    Server(started)
    reach(lab, node, started, 8080, "10.88.0.1")
    assert started.ping(OUTSIDE)
    started.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_ctr_with_a_rate(lab, node):
    """Start, publish, measure, stop: the whole list."""
    configure(node, configs.HOSTPORT)
    engine = Ctr(Containerd(node))
    before = furniture(engine, node)
    limits = {"ingressRate": 20 * MEGABIT, "ingressBurst": 800_000, "egressRate": 10 * MEGABIT, "egressBurst": 800_000}
    mappings = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
    configure(node, configs.HOSTPORT, portmap={"runtimeConfig": mappings}, bandwidth={"runtimeConfig": {"bandwidth": limits}})
    started = engine.start("one")
    Server(started)
    reach(lab, node, started, 8080, "10.244.0.1")
    for measured, limit in ((rate(node, started, started.ip), 20), (rate(started, node, "10.244.0.1"), 10)):
        assert 0.9 < measured / (limit * MEGABIT) < 1.1, f"{measured:.0f}"
    started.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_cri(lab, node):
    """As kubelet asks for a hostPort."""
    configure(node, configs.CONTAINERD)
    engine = Cri(Containerd(node))
    before = furniture(engine, node)
    started = engine.start("one", ports=[("tcp", 80, 8080)])
    Server(started)
    reach(lab, node, started, 8080, "10.88.0.1")
    for _ in range(3):
        engine.stop_sandbox(started)
    engine.stop(started)
    assert not snapshot.changes(before, snapshot.of(node))
    taken = engine.start("two", ports=[("tcp", 80, 8080)])
    with pytest.raises(Exception, match="tcp 8080 is taken by eth0 of container " + taken.owner):
        engine.start("three", ports=[("tcp", 80, 8080)])


def test_cni_gc_after_a_runtime(lab, node):
    """ctr is killed, and its container: nobody sends a DEL. cni-gc finds out by the cache."""
    mappings = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
    configure(node, configs.CONTAINERD)
    engine = Ctr(Containerd(node))
    stays = engine.start("stays")
    before = snapshot.of(node)
    configure(node, configs.CONTAINERD, portmap={"runtimeConfig": mappings})
    orphan = engine.start("one")
    container.kill(node, engine.client_pid(orphan))
    orphan.client.wait(container.PATIENCE)
    assert node.run("cni-gc").stdout == "nothing to remove\n", "it lives on without its client"
    orphan.kill()
    container.eventually("the task stops", lambda: engine.containerd.tasks("default")["one"][1] == "STOPPED")
    engine.containerd.ctr("task", "rm", "one")
    node.sh("find /var/lib/cni/networks -type f -exec touch -d '1 hour ago' {} +")
    said = node.run("cni-gc").stdout
    assert orphan.ip in said and "tcp 8080" in said and stays.ip not in said
    [cached] = [name for name in container.cached_results(node) if "default-one" in name]
    node.run("rm", f"{container.RESULTS}/{cached}")
    assert not [line for line in snapshot.changes(before, snapshot.of(node)) if "ifindex" not in line]
    assert stays.ping("10.88.0.1")
