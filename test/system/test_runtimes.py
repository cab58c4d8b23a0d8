"""containerd and podman with the shipped configurations: by ctr, by the CRI as kubelet does, by podman's CNI backend."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from lab import OUTSIDE, Lab, LabError, configs, container, matrix, snapshot
from lab.containerd import Containerd, Ctr
from lab.cri import Cri
from lab.podman import Podman

GATEWAY = "10.244.0.1"


@pytest.fixture
def lab(cnibox):
    """Both configurations lie in the master's directory: containerd takes the first, podman the only list."""
    with Lab(own_pids=True) as lab:
        for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
            node.install(cnibox, "cnibox")
            node.run("cnibox", "install")
            node.copy(configs.DIRECTORY / file, configs.INSTALLED)
        lab.master.copy(configs.DIRECTORY / configs.LIST, f"/etc/cni/net.d/{configs.LIST}")
        container.prepare(lab.master)
        yield lab


@pytest.fixture
def node(lab):
    return lab.master


@pytest.fixture(params=["ctr", "cri", "podman"])
def engine(request, node):
    if request.param == "podman":
        return Podman(node)
    return {"ctr": Ctr, "cri": Cri}[request.param](Containerd(node))


def test_from_start_to_stop(lab, node, engine):
    lab.add_vpc_routes()
    peer = node.add_pod("peer")
    lab.worker.add_pod("remote")
    before = snapshot.of(node)

    started = engine.start("one")
    assert snapshot.leases(node) == {peer.ip: (peer.id, "eth0"), started.ip: (started.owner, "eth0")}
    assert f"mynet-{started.owner}-eth0" in container.cached_results(node)
    assert "127.0.0.1" in started.says("ip", "address", "show", "dev", "lo")
    # The fabric lets nothing but nodes' own addresses out: that the outside answers is the masquerade.
    assert matrix.answering(lab, started) == [matrix.ALL]
    assert peer.ping(started.ip)

    started.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_killed_with_kill_nine(node, engine):
    peer = node.add_pod("peer")
    before = snapshot.of(node)
    killed = engine.start("one")
    killed.kill()
    killed.bury()
    assert not snapshot.changes(before, snapshot.of(node))

    follower = engine.start("one")
    assert follower.ip == killed.ip
    assert follower.ping(GATEWAY) and follower.ping(peer.ip)


def test_dual_stack(node, engine):
    node.sh("rm /etc/cni/net.d/*")
    node.copy(configs.DIRECTORY / configs.DUAL_STACK, f"/etc/cni/net.d/{configs.DUAL_STACK}")
    peer = node.add_pod("peer")
    # The kernel gives a new address its route a little later: that is no change.
    container.eventually("the gateway answers", lambda: peer.ping("fd00:10:244::1"))
    before = snapshot.of(node)
    started = engine.start("one")
    ips = ["10.244.0.3", "fd00:10:244::3"]
    assert {ip for ip, (owner, _) in snapshot.leases(node).items() if owner == started.owner} == set(ips)
    assert all(started.ping(ip) for ip in [GATEWAY, peer.ip, "fd00:10:244::1", "fd00:10:244::2"])
    assert all(peer.ping(ip) for ip in ips)
    if isinstance(engine, Cri):
        assert engine.addresses(started) == ips, "what kubelet publishes as podIPs"
    started.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_no_address_left(node, engine):
    """What the plugin says reaches whoever reads the engine's error: for a cluster, FailedCreatePodSandBox."""
    node.sh("sed -i s,10.244.0.0/24,10.244.0.0/30, /etc/cni/net.d/*")
    peer = node.add_pod("peer")
    before = snapshot.of(node)
    with pytest.raises((LabError, grpc.RpcError)) as refused:
        engine.start("one")
    assert "no IP addresses available in range set: 10.244.0.1-10.244.0.2" in str(refused.value)
    assert not snapshot.changes(before, snapshot.of(node))
    assert peer.ping(GATEWAY)


def test_containerd_killed_and_started_again(node):
    """Pods live on without it. Afterwards it knows them, also one that died in between."""
    containerd = Containerd(node)
    cri = Cri(containerd)
    node.add_pod("peer")
    before = snapshot.of(node)
    living, dying = cri.start("living"), cri.start("dying")
    pid = cri.pid(dying)
    containerd.kill()
    assert node.ping(living.ip)
    container.kill(node, pid)

    containerd.start()
    assert living.ping(GATEWAY)
    later = cri.start("later")
    assert later.ip not in (living.ip, dying.ip), "containerd has not let go of either"
    assert not cri.is_ready(dying)
    for pod in (living, dying, later):
        pod.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_containerd_killed_under_ctr(node):
    """ctr takes the network away when it loses containerd, though the container goes on."""
    containerd = Containerd(node)
    node.add_pod("peer")
    before = snapshot.of(node)
    cut_off = Ctr(containerd).start("one")
    pid = cut_off.engine.pid(cut_off)
    containerd.kill()
    cut_off.client.wait(container.PATIENCE)
    assert not snapshot.changes(before, snapshot.of(node))

    containerd.start()
    assert containerd.tasks("default") == {"one": (pid, "RUNNING")}
    assert Ctr(containerd).start("two").ip == cut_off.ip


def test_ctr_killed(node):
    """Nobody sends a DEL then. The lease waits for the container's next start, which has the same name."""
    containerd = Containerd(node)
    ctr = Ctr(containerd)
    node.add_pod("peer")
    before = snapshot.of(node)
    orphan = ctr.start("one")
    container.kill(node, ctr.client_pid(orphan))
    orphan.client.wait(container.PATIENCE)
    assert orphan.ping(GATEWAY), "the container does not need its client"
    orphan.kill()
    container.eventually("the task stops", lambda: containerd.tasks("default")["one"][1] == "STOPPED")
    containerd.ctr("task", "rm", "one")
    containerd.ctr("container", "rm", "one")
    assert snapshot.leases(node)[orphan.ip] == (orphan.owner, "eth0")

    again = ctr.start("one")
    assert again.ip == orphan.ip and again.ping(GATEWAY)
    again.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_two_runtimes_at_once(node):
    """One network, one store: containers of containerd and of podman start, meet and stop all at the same time."""
    containerd = Containerd(node)
    engines = [Ctr(containerd), Cri(containerd), Podman(node)] * 4
    node.add_pod("peer")
    before = snapshot.of(node)
    with ThreadPoolExecutor(len(engines)) as pool:
        started = list(pool.map(lambda engine, i: engine.start(f"pod{i}"), engines, range(len(engines))))
        owners = {each.ip: (each.owner, "eth0") for each in started}
        assert len(owners) == len(engines)
        assert owners.items() <= snapshot.leases(node).items()
        assert all(pool.map(lambda one, other: one.ping(other.ip), started, started[1:] + started[:1]))
        list(pool.map(lambda each: each.stop(), started))
    assert not snapshot.changes(before, snapshot.of(node))


# --- what they send -------------------------------------------------------------------------------

def calls(node, command):
    return [(variables, conf) for variables, conf in container.records(node) if variables["CNI_COMMAND"] == command]


def test_kubelets_dels(node):
    """kubelet stops a sandbox several times. The first DEL has the namespace, the others come when it is gone."""
    cri = Cri(Containerd(node))
    container.record(node)
    node.add_pod("peer")
    before = snapshot.of(node)
    pod = cri.start("one")
    for _ in range(5):
        cri.stop_sandbox(pod)
        assert not snapshot.changes(before, snapshot.of(node))
    dels = [variables for variables, _ in calls(node, "DEL")]
    assert [variables["CNI_CONTAINERID"] for variables in dels] == [pod.owner] * 5
    assert dels[0]["CNI_NETNS"].startswith("/var/run/netns/cni-")
    assert [variables["CNI_NETNS"] for variables in dels[1:]] == [""] * 4
    pod.stop()
    assert not snapshot.changes(before, snapshot.of(node))


def test_podmans_version(node):
    """podman asks for it before an ADD and before a DEL, about no container."""
    podman = Podman(node)
    container.record(node)
    podman.start("one").stop()
    commands = [variables["CNI_COMMAND"] for variables, _ in container.records(node)]
    assert commands.index("VERSION") < commands.index("ADD")
    assert "VERSION" in commands[commands.index("ADD"):commands.index("DEL")]
    for variables, conf in calls(node, "VERSION"):
        assert (variables["CNI_CONTAINERID"], variables["CNI_NETNS"], variables["CNI_IFNAME"]) == ("", "dummy", "dummy")
        assert conf == {"cniVersion": "1.0.0"}
    for variables, conf in calls(node, "DEL"):
        assert variables["CNI_NETNS"].startswith("/run/netns/netns-") and conf["prevResult"]["ips"]


def test_ctrs_del(node):
    """ctr sends it when the process is dead, and with it the namespace."""
    ctr = Ctr(Containerd(node))
    container.record(node)
    ctr.start("one").stop()
    [(added, _)], [(deleted, _)] = calls(node, "ADD"), calls(node, "DEL")
    assert added["CNI_NETNS"].startswith("/proc/") and deleted["CNI_NETNS"] == ""
    assert added["CNI_CONTAINERID"] == deleted["CNI_CONTAINERID"] == "default-one"


# --- what podman asks for -------------------------------------------------------------------------

def test_podman_asks_for_an_address(node):
    started = Podman(node).start("one", "--ip", "10.244.0.77", "--mac-address", "02:00:5e:00:00:77")
    assert started.ip == "10.244.0.77"
    assert "02:00:5e:00:00:77" in started.says("ip", "link", "show", "dev", "eth0")
    assert snapshot.leases(node) == {"10.244.0.77": (started.owner, "eth0")}
    started.stop()
    assert snapshot.leases(node) == {}


def test_podman_reloads_a_network(node):
    """What its manual advises when something has flushed the rules: DEL and ADD in a running container."""
    podman = Podman(node)
    one, two = podman.start("one"), podman.start("two")
    one.stop()
    node.run("nft", "flush", "ruleset")
    podman.podman("network", "reload", "two")
    assert two.address_inside() == two.ip, "though a lower address is free"
    assert two.ping(GATEWAY) and two.ping(OUTSIDE)
