"""bandwidth behind bash-cni: what a pod's rates come to, and what tc says about it."""

import pytest
from lab import Node, snapshot
from ports import rate
from program import REFERENCE, needs_reference

BANDWIDTH = REFERENCE / "bandwidth"
MEGABIT = 1_000_000


@pytest.fixture
def node(node):
    node.run("/opt/cni/bin/cnibox", "install", "--force")
    return node


def chain(version="1.0.0", **keys):
    return {"cniVersion": version, "name": "mynet", "plugins": [
        {"type": "bash-cni", "subnet": "10.244.0.0/24"}, {"type": "bandwidth", **keys}]}


def limits(ingress=None, egress=None, burst=800_000):
    found = {}
    if ingress:
        found.update(ingressRate=ingress, ingressBurst=burst)
    if egress:
        found.update(egressRate=egress, egressBurst=burst)
    return found


def start(node, name, conf):
    pod = node.add_pod(name, conf)
    pod.conf = conf
    return pod


def host_end(pod):
    [peer] = {link["link_index"] for link in pod.json("ip", "-j", "link", "show", "eth0")}
    [name] = [link["ifname"] for link in pod.node.json("ip", "-j", "link") if link["ifindex"] == peer]
    return name


def ifbs(node):
    return [link["ifname"] for link in node.json("ip", "-j", "link", "show", "type", "ifb")]


def tc(node, link):
    """Its qdiscs and filters, as tc tells them; reference counts and numbers of actions are the kernel's own affair."""
    def settled(value):
        if isinstance(value, list):
            return [settled(item) for item in value]
        if isinstance(value, dict):
            return {key: settled(item) for key, item in value.items() if key not in ("refcnt", "index", "ref", "bind")}
        return value
    return settled([node.json("tc", "-j", "qdisc", "show", "dev", link),
                    node.json("tc", "-j", "filter", "show", "dev", link, "parent", "ffff:")])


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_the_rate(node, direction):
    pod = start(node, "one", chain(**limits(**{direction: 20 * MEGABIT})))
    there, back = (node, pod, pod.ip), (pod, node, "10.244.0.1")
    limited, free = (there, back) if direction == "ingress" else (back, there)
    for _ in range(5):
        measured = rate(*limited)
        if measured > 0.9 * 20 * MEGABIT:  # a busy machine may do less, never more
            break
    assert 0.9 < measured / (20 * MEGABIT) < 1.1, f"{measured:.0f}"
    assert rate(*free, seconds=0.5) > 60 * MEGABIT


def test_numbers(node):
    """The example of every description: 8 Mbit/s and 800 000 bits."""
    pod = start(node, "one", chain(**limits(8 * MEGABIT, 8 * MEGABIT)))
    [ifb] = ifbs(node)
    for link in (host_end(pod), ifb):
        [shaped] = [qdisc for qdisc in tc(node, link)[0] if qdisc["kind"] == "tbf"]
        assert shaped["handle"] == "1:" and shaped["root"]
        assert shaped["options"] == {"rate": 1_000_000, "burst": 100_000, "lat": 25_000}
    assert "rate 8Mbit burst 100000b lat 25ms" in node.run("tc", "qdisc", "show", "dev", ifb).stdout


@needs_reference
@pytest.mark.parametrize("numbers", [(8 * MEGABIT, 800_000), (999_999, 12_345), (10_000 * MEGABIT, 80_000_000),
                                     (40_000 * MEGABIT, 8_000_000_000), (7, 3)])
def test_as_the_reference_does_it(cnibox, numbers):
    said = []
    for program in (None, BANDWIDTH):
        with Node() as node:
            node.install(cnibox, "cnibox", "bash-cni", "bandwidth")
            pod = start(node, "one", {**chain(), "plugins": chain()["plugins"][:1]})
            request, variables = asked(pod, chain(**limits(numbers[0], numbers[0], numbers[1])))
            answer = node.cni("ADD", request, plugin=program, **variables)
            if answer.returncode:
                said.append(answer.returncode)
                continue
            [ifb] = ifbs(node)
            [about] = node.json("ip", "-j", "-d", "link", "show", ifb)
            told = answer.json["interfaces"][-1]
            assert told == {"name": ifb, "mac": about["address"]}
            said.append([tc(node, host_end(pod)), tc(node, ifb), ifb, about["mtu"], about.get("txqlen"), about["flags"]])
            node.cni("CHECK", {**request, "prevResult": answer.json}, **variables).expect_success()
            [name] = ifbs(node)
            node.cni("DEL", request, plugin=BANDWIDTH if program is None else None, **variables).expect_success()
            assert name and not ifbs(node)
    if said[0] == 1 or said[1] == 1:
        assert said[0] == said[1]
        return
    # The reference writes the redirection twice; the second is never reached.
    for filters in (said[0][0][1], said[1][0][1]):
        for each in filters:
            each.get("options", {}).pop("actions", None)
    assert said[0] == said[1]


def asked(pod, conf, ifname="eth0"):
    result = pod.attachment.result
    host = {"name": host_end(pod)}
    request = {"cniVersion": conf["cniVersion"], "name": conf["name"], **conf["plugins"][1],
               "prevResult": {**result, "interfaces": [*result["interfaces"], host]}}
    return request, {"containerid": pod.id, "netns": pod.netns, "ifname": ifname}


def test_from_the_runtime(node):
    """What the configuration says itself counts alone."""
    pod = start(node, "one", {**chain(), "plugins": chain()["plugins"][:1]})
    request, variables = asked(pod, chain(runtimeConfig={"bandwidth": limits(8 * MEGABIT)}))
    node.cni("ADD", request, **variables).expect_success()
    assert tc(node, host_end(pod))[0][0]["options"]["rate"] == MEGABIT
    assert not ifbs(node)
    request.update(limits(16 * MEGABIT))
    node.cni("ADD", request, **variables).expect_success()
    assert tc(node, host_end(pod))[0][0]["options"]["rate"] == 2 * MEGABIT


def test_without_limits(node):
    before = snapshot.of(node)
    result = {"cniVersion": "0.3.1", "interfaces": [{"name": "eth0", "sandbox": "/x"}],
              "ips": [{"version": "4", "address": "10.244.0.2/24", "interface": 0}], "dns": {}}
    for keys in ({}, {"ingressRate": 0, "ingressBurst": 0}, {"runtimeConfig": {"bandwidth": {}}}):
        request = {"cniVersion": "0.3.1", "name": "mynet", "type": "bandwidth", "prevResult": result, **keys}
        asked = {"containerid": "x", "netns": "/nowhere", "ifname": "eth0"}
        assert node.cni("ADD", request, **asked).json == result
        assert node.cni("DEL", request, **asked).returncode == 0
    assert not snapshot.changes(before, snapshot.of(node))


def test_add_again(node):
    pod = start(node, "one", chain(**limits(8 * MEGABIT, 8 * MEGABIT)))
    before = [tc(node, link) for link in (host_end(pod), *ifbs(node))]
    request, variables = asked(pod, pod.conf)
    node.cni("ADD", request, **variables).expect_success()
    assert [tc(node, link) for link in (host_end(pod), *ifbs(node))] == before
    node.cni("CHECK", request, **variables).expect_success()


def test_a_failed_add_leaves_no_limit(node):
    """The first is set, and the kernel refuses the second: a burst of a byte, which at that rate takes no time."""
    pod = start(node, "one", chain())
    before = tc(node, host_end(pod))
    request, variables = asked(pod, chain(**limits(8 * MEGABIT), egressRate=8_000_000_000, egressBurst=8))
    failed = node.cni("ADD", request, **variables)
    assert failed.returncode == 1 and "limit the rate of a link" in failed.json["msg"]
    assert tc(node, host_end(pod)) == before and ifbs(node) == []


def test_two_interfaces_of_one_container(node):
    """The reference has one name for both, and fails."""
    pod = node.pod("one")
    conf = chain(**limits(egress=8 * MEGABIT))
    for ifname in ("eth0", "eth1"):
        pod.attachment.parameters["ifname"] = ifname
        pod.add(conf).expect_success()
    assert len(ifbs(node)) == 2
    pod.delete(conf).expect_success()
    [left] = ifbs(node)
    pod.attachment.parameters["ifname"] = "eth0"
    pod.attachment.check(conf)
    pod.delete(conf).expect_success()
    assert left and not ifbs(node)


@pytest.mark.parametrize("gone", ["ip netns del one", "ip link del cni0", "ip -n one link del eth0", "ip link del {}",
                                  "tc qdisc del dev {} root", "rm -rf /var/lib/cni/*"])
def test_del_of_what_is_gone(node, gone):
    pod = start(node, "one", chain(**limits(8 * MEGABIT, 8 * MEGABIT)))
    [ifb] = ifbs(node)
    node.sh(gone.format(ifb))
    for netns in (pod.netns, ""):
        assert pod.delete(pod.conf, netns=netns).returncode == 0
    assert not ifbs(node)


def test_check(node):
    pod = start(node, "one", chain(**limits(8 * MEGABIT, 8 * MEGABIT)))
    host, [ifb] = host_end(pod), ifbs(node)
    request, variables = asked(pod, pod.conf)

    def said():
        answer = node.cni("CHECK", request, **variables)
        return answer.json["msg"] if answer.returncode else "fine"

    assert said() == "fine"
    for link in (host, ifb):
        limit = ["tc", "qdisc", "replace", "dev", link, "root", "handle", "1:", "tbf"]
        for change, words in ((["rate", "9mbit", "burst", "100000", "limit", "125000"], "Rate doesn't match"),
                              (["rate", "8mbit", "burst", "100000", "limit", "99999"], "Limit doesn't match"),
                              (["rate", "8mbit", "burst", "90000", "limit", "125000"], "Buffer doesn't match")):
            node.run(*limit, *change)
            assert f"{words}: {link} has" in said()
        node.run("tc", "qdisc", "del", "dev", link, "root")
        assert said().endswith(f"Failed to find qdisc: {link} has no TBF")
        node.run(*limit, "rate", "8mbit", "burst", "100000", "limit", "125000")
        assert said() == "fine"
    node.run("ip", "link", "set", ifb, "down")
    assert said().endswith(f"{ifb} is down")
    node.run("ip", "link", "set", ifb, "up")
    node.run("tc", "filter", "del", "dev", host, "parent", "ffff:")
    assert said().endswith(f"{ifb} does not get what the pod sends")
    node.run("ip", "link", "del", ifb)
    assert "get ifb device" in said()


def test_gc(node):
    one, two = (start(node, name, chain(**limits(egress=8 * MEGABIT))) for name in ("one", "two"))
    both = ifbs(node)
    node.run("ip", "link", "add", "bwpsomebodys", "type", "ifb")

    def collect(*valid, name="mynet"):
        node.cni("GC", {"cniVersion": "1.1.0", "name": name, "type": "bandwidth", "cni.dev/valid-attachments": [
            {"containerID": pod.id, "ifname": "eth0"} for pod in valid]}).expect_success()
        return ifbs(node)

    assert set(collect(one, two)) == set(collect(name="my")) == {*both, "bwpsomebodys"}
    [left] = set(collect(two)) - {"bwpsomebodys"}
    assert left in both
    assert collect() == ["bwpsomebodys"]
    assert one.id != two.id


@pytest.mark.parametrize("keys, message", [
    ({"ingressRate": 8}, "if rate is set, burst must also be set"),
    ({"egressBurst": 8}, "if burst is set, rate must also be set"),
    ({"ingressRate": 8, "ingressBurst": 8 * (2**32 - 1)}, "burst cannot be more than 4GB"),
    ({"ingressRate": -8, "ingressBurst": 8}, "ingressRate: want a whole number"),
    ({"ingressRate": 2**64, "ingressBurst": 8}, "ingressRate: want a whole number"),
    ({"cniVersion": "0.2.0"}, 'incompatible CNI versions: cniVersion is "0.2.0"'),
    (None, "must be called as chained plugin"),
    (limits(8), "container interface lo has no veth peer"),
])
def test_bad_configuration(node, keys, message):
    node.sh("ip netns add one")
    before = snapshot.of(node)
    request = {"cniVersion": "1.0.0", "name": "mynet", "type": "bandwidth", **(keys or {})}
    if keys is not None:
        request["prevResult"] = {"ips": []}
    variables = {"containerid": "x", "netns": "/var/run/netns/one", "ifname": "lo"}
    answer = node.cni("ADD", request, **variables)
    assert answer.returncode == 1 and message in answer.json["msg"]
    assert node.cni("DEL", request, **variables).returncode == ("cniVersion" in (keys or {}))
    assert not snapshot.changes(before, snapshot.of(node))


def test_versions_and_status(node):
    versions = node.cni("VERSION", {"cniVersion": "1.0.0"}, plugin="bandwidth").json["supportedVersions"]
    assert versions == ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
    before = snapshot.of(node)
    conf = {"cniVersion": "1.1.0", "name": "mynet", "type": "bandwidth"}
    node.cni("STATUS", conf).expect_success()
    assert node.cni("STATUS", {**conf, "ingressRate": 8}).json["code"] == 7
    assert not snapshot.changes(before, snapshot.of(node))
