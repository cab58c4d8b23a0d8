"""cni-gc: what goes, what stays, and who is asked about it."""

import base64
import json
import time

import pytest
from conftest import needs
from lab import container, snapshot

pytestmark = needs("nf_tables")

LIST = {"cniVersion": "1.0.0", "name": "mynet", "plugins": [
    {"type": "bash-cni", "subnet": "10.244.0.0/24", "bridge": "cni0"},
    {"type": "portmap", "capabilities": {"portMappings": True}},
    {"type": "firewall"},
    {"type": "bandwidth", "capabilities": {"bandwidth": True}}]}
OTHER = {**LIST, "name": "othernet", "plugins": [{"type": "bash-cni", "subnet": "10.245.0.0/24", "bridge": "cni1"},
                                                  *LIST["plugins"][1:]]}
LIMIT = {"egressRate": 8_000_000, "egressBurst": 8_000_000}


@pytest.fixture
def node(node):
    node.run("/opt/cni/bin/cnibox", "install", "--force")
    for conf in (LIST, OTHER):
        node.write(f"/etc/cni/net.d/{conf['name']}.conflist", json.dumps(conf))
    return node


def start(node, name, conf=LIST, port=8080):
    """As libcni does it: capabilities' arguments go to who has them, and the result into the cache."""
    arguments = {"portMappings": [{"hostPort": port, "containerPort": 80, "protocol": "tcp"}], "bandwidth": LIMIT}
    request = {**conf, "plugins": [
        {**plugin, "runtimeConfig": {key: arguments[key] for key in plugin.get("capabilities", {})}}
        for plugin in conf["plugins"]]}
    pod = node.add_pod(name, request)
    cache(node, pod, conf)
    return pod


def cache(node, pod, conf=LIST, **more):
    node.write(cached(pod, conf), json.dumps({
        "kind": "cniCacheV1", "containerId": pod.id, "config": base64.b64encode(json.dumps(conf).encode()).decode(),
        "ifName": "eth0", "networkName": conf["name"], "netns": pod.netns, "result": pod.attachment.result, **more}), 0o600)


def cached(pod, conf=LIST):
    return f"/var/lib/cni/results/{conf['name']}-{pod.id}-eth0"


def age(node):
    """An hour passes, for leases."""
    node.sh("mkdir -p /var/lib/cni/networks; find /var/lib/cni/networks -type f -exec touch -d '1 hour ago' {} +")


def collect(node, *options):
    """{(network, what)}"""
    said = node.run("cni-gc", "--format=json", *options).stdout
    return {(item["network"], item["what"]) for item in json.loads(said)}


def of(found, pod):
    return {what for _, what in found if pod.id in what or pod.ip in what}


def state(node):
    taken = snapshot.of(node)
    taken["files"] = {name: content for name, content in taken["files"].items() if "results" not in name}
    return taken


def test_gone(node):
    """The namespace is gone and no DEL came. All that is the pod's goes, and nothing of others."""
    stays = start(node, "stays")
    other = start(node, "other", OTHER, 8081)
    before = state(node)
    gone = start(node, "gone", port=8082)
    age(node)
    assert collect(node, "--dry-run") == set()
    node.run("ip", "netns", "del", "gone")
    # The kernel takes the namespace's links away a little later.
    container.eventually("its link is gone", lambda: len(node.json("ip", "-j", "link", "show", "type", "veth")) == 2)
    full = state(node)
    would = collect(node, "--dry-run")
    assert not snapshot.changes(full, state(node)), "a dry run removes nothing"
    assert len(of(would, gone)) == len(would) == 4, would
    assert any(f"lease and link of {gone.ip}, eth0 of container {gone.id}" in what for _, what in would)
    assert any(f"host port tcp 8082, eth0 of container {gone.id} in network mynet" == what for _, what in would)
    assert any(f"firewall rule for {gone.ip}" == what for _, what in would)
    assert collect(node) == would
    del node.pods["gone"]
    after = state(node)
    assert not snapshot.changes(before, after)
    assert collect(node) == set() and stays.ping("10.244.0.1") and other.ping("10.245.0.1")


def test_unknown_to_the_runtime(node):
    """The runtime has forgotten it: its DEL failed once, and was not tried again."""
    stays = start(node, "stays")
    gone = start(node, "gone", port=8082)
    node.run("rm", cached(gone))
    assert collect(node) == set(), "its lease is young: an ADD may be under way"
    assert gone.ping("10.244.0.1")
    age(node)
    assert of(collect(node), gone)
    assert not gone.ping("10.244.0.1", timeout=1) and stays.ping("10.244.0.1")


def test_grace(node):
    gone = start(node, "gone")
    node.run("rm", cached(gone))
    assert not collect(node, "--grace", "60")
    assert collect(node, "--grace", "0")


def test_scope(node):
    one, other = start(node, "one"), start(node, "other", OTHER, 8081)
    age(node)
    for name in ("one", "other"):
        node.run("ip", "netns", "del", name)
    assert {network for network, _ in collect(node, "--network", "othernet")} == {"othernet"}
    assert {network for network, _ in collect(node)} == {"mynet"}
    assert one.id != other.id


def test_what_the_cache_does_not_say(node):
    """Without a namespace in it, or in the form of an old libcni, or unreadable: nobody is called dead."""
    pods = [start(node, f"pod{n}", port=8080 + n) for n in range(3)]
    node.write(cached(pods[0]), json.dumps({**json.loads(node.read(cached(pods[0]))), "netns": "", "result": {}}))
    node.write(cached(pods[1]), json.dumps(pods[1].attachment.result))
    node.write(cached(pods[2]), "{")
    age(node)
    for pod in pods:
        node.run("ip", "netns", "del", pod.name)
    assert collect(node) == set()
    node.run("rm", cached(pods[1]))
    assert of(collect(node), pods[1])


def test_another_cache(node):
    pod = start(node, "one")
    age(node)
    node.sh("mkdir -p /run/other && mv /var/lib/cni/results /run/other/")
    assert not collect(node, "--dry-run", "--cache-dir", "/run/other", "--cache-dir", "/var/lib/cni")
    assert of(collect(node, "--dry-run"), pod)


def test_while_pods_come(node):
    """It waits for whoever works on the store, and whoever comes waits for it."""
    age(node)
    for n in range(6):
        pod = node.pod(f"pod{n}")
        calls = [("ADD", {**LIST["plugins"][0], "cniVersion": "1.0.0", "name": "mynet"},
                  {"containerid": pod.id, "netns": pod.netns, "ifname": "eth0"})]
        sweeping = [node.popen("cni-gc") for _ in range(2)]
        [answer] = node.cni_at_once(calls)
        answer.expect_success()
        for process in sweeping:
            assert process.wait() == 0, process.stderr.read()
        assert pod.ping("10.244.0.1"), "what is just being made stays"


def test_lock(node):
    """It holds the store's lock, as it looks and as it removes."""
    start(node, "one")
    lock = "/var/lib/cni/networks/mynet/lock"
    holder = node.popen("flock", lock, "sh", "-c", "echo locked; sleep 1")
    assert holder.stdout.readline() == "locked\n"
    begin = time.monotonic()
    node.run("cni-gc")
    assert time.monotonic() - begin > 0.5


def test_indexes_of_stores_that_are_gone(node):
    """The index of leases is a file of its own, in another place than the store."""
    pod = start(node, "one")
    index = node.sh("ls /run/cnibox").split()
    node.sh("mkdir /tmp/stores")
    conf = {"cniVersion": "1.0.0", "name": "short", "type": "host-local",
            "ipam": {"type": "host-local", "dataDir": "/tmp/stores", "subnet": "10.9.0.0/24"}}
    node.cni("ADD", conf, containerid="c1", netns="/nowhere", ifname="eth0").expect_success()
    assert len(node.sh("ls /run/cnibox").split()) == 2
    collect(node)
    assert len(node.sh("ls /run/cnibox").split()) == 2, "its store is there"
    node.sh("rm -r /tmp/stores")
    collect(node, "--dry-run")
    assert len(node.sh("ls /run/cnibox").split()) == 2
    collect(node)
    assert node.sh("ls /run/cnibox").split() == index and pod.ping("10.244.0.1")


def test_for_people(node):
    assert node.run("cni-gc").stdout == "nothing to remove\n"
    pod = start(node, "one")
    age(node)
    node.run("ip", "netns", "del", "one")
    lines = node.run("cni-gc", "--dry-run").stdout.splitlines()
    assert f"would remove: mynet: firewall rule for {pod.ip}" in lines
    assert f"removing: mynet: firewall rule for {pod.ip}" in node.run("cni-gc").stdout.splitlines()


def test_bad_files_and_words(node):
    node.write("/etc/cni/net.d/05-broken.conf", "{")
    node.write("/etc/cni/net.d/06-calico.conf", '{"name": "calico", "type": "calico", "cniVersion": "0.3.1"}')
    pod = start(node, "one")
    age(node)
    node.run("ip", "netns", "del", "one")
    done = node.run("cni-gc", check=False)
    assert done.returncode == 1 and "05-broken.conf" in done.stderr and pod.ip in done.stdout
    for words in (["--grace", "x"], ["--format", "xml"], ["more"], ["--nonsense"]):
        assert node.run("cni-gc", *words, check=False).returncode == 2
    assert node.run("cni-gc", "--conf-dir", "/nowhere", check=False).returncode == 1


def test_host_local_of_another_plugin(node):
    """A plugin that cnibox is not, with the IPAM plugin that it is."""
    node.write("/etc/cni/net.d/macvlan.conf", json.dumps({
        "cniVersion": "0.3.1", "name": "macnet", "type": "macvlan", "ipam": {"type": "host-local", "subnet": "10.1.2.0/24"}}))
    node.write("/var/lib/cni/networks/macnet/10.1.2.7", "c1\r\neth0")
    node.write("/var/lib/cni/networks/macnet/10.1.2.8", "c2\r\neth0")
    node.write("/var/lib/cni/results/macnet-c2-eth0", json.dumps({
        "kind": "cniCacheV1", "containerId": "c2", "ifName": "eth0", "networkName": "macnet", "netns": "/proc/self/ns/net"}))
    age(node)
    assert collect(node) == {("macnet", "lease of 10.1.2.7, eth0 of container c1")}
    assert node.sh("ls /var/lib/cni/networks/macnet").split() == ["10.1.2.8", "lock"]


def test_timer(node):
    """The unit files are systemd's kind, and start what is installed."""
    from lab import configs
    for name in ("cni-gc.service", "cni-gc.timer"):
        text = (configs.REPOSITORY / "configs" / "systemd" / name).read_text()
        keys = [line for line in text.splitlines() if line and line[0] not in "#["]
        assert all("=" in line for line in keys)
    assert "ExecStart=/opt/cni/bin/cni-gc" in (configs.REPOSITORY / "configs/systemd/cni-gc.service").read_text()
    assert node.run("/opt/cni/bin/cni-gc", "--version").stdout.startswith("cni-gc (cnibox)")


def test_by_another_file_than_the_plugin(node):
    """It holds the store's lock, and calls no other program that would wait for it."""
    conf = {"cniVersion": "1.0.0", "name": "bridged", "type": "bridge", "bridge": "br0",
            "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}}
    node.write("/etc/cni/net.d/bridged.conf", json.dumps(conf))
    pod = node.add_pod("gone", conf)
    age(node)
    pod.remove()
    node.sh("cp /opt/cni/bin/cnibox /tmp/cnibox; timeout 30 /tmp/cnibox cni-gc")
    assert snapshot.leases(node, "bridged") == {}
