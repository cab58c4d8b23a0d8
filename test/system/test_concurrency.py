"""256 pods at once on a /24: every address once, and a clear refusal to those that get none."""

import time
from collections import Counter

import pytest
from lab import configs, snapshot

PODS = 256
ROOM = 253  # 256 less network, gateway and broadcast address
ROUNDS = 20
PATIENCE = 150  # seconds, after which a slow machine begins no other round


@pytest.fixture
def calls(node):
    """The parameters of 256 attachments; their namespaces serve all rounds."""
    names = [f"pod{i}" for i in range(PODS)]
    node.run("ip", "-batch", "-", input="".join(f"netns add {name}\n" for name in names))
    return [node.register_pod(name).attachment.parameters for name in names]


@pytest.mark.no_valgrind
def test_256_at_once(node, calls):
    conf = configs.load()
    deadline = time.monotonic() + PATIENCE
    for _ in range(ROUNDS):
        if time.monotonic() > deadline:
            break
        results = node.cni_at_once([("ADD", conf, parameters) for parameters in calls])
        given = [result.address for result in results if result.returncode == 0]
        refused = [result for result in results if result.returncode]
        assert len(given) == ROOM and not [ip for ip, times in Counter(given).items() if times > 1]
        assert [(r.returncode, r.json["code"]) for r in refused] == [(1, 11)] * (PODS - ROOM)
        assert all("10.244.0." in r.json["msg"] for r in refused)
        assert set(snapshot.leases(node)) == set(given)
        assert len(veths(node)) == ROOM, "a refused ADD leaves no link"

        results = node.cni_at_once([("DEL", conf, parameters) for parameters in calls])
        assert [result.returncode for result in results] == [0] * PODS
        assert snapshot.leases(node) == {} and veths(node) == []


@pytest.mark.no_valgrind
def test_add_and_del_of_many_at_once(node, calls):
    """While half of the pods go, the other half comes: nobody's lease is lost, nobody's is left."""
    conf = configs.load()
    old, new = calls[:100], calls[100:200]
    for result in node.cni_at_once([("ADD", conf, parameters) for parameters in old]):
        result.expect_success()
    mixed = [call for pair in zip(old, new) for call in ((("DEL", conf, pair[0]), ("ADD", conf, pair[1])))]
    results = [result.expect_success() for result in node.cni_at_once(mixed)]
    owners = {result.address: (parameters["containerid"], "eth0")
              for result, (verb, _, parameters) in zip(results, mixed) if verb == "ADD"}
    assert snapshot.leases(node) == owners and len(owners) == len(new)


def test_bridge_and_rules_are_made_once(node, calls):
    """The very first ADDs find a bare node, all of them at the same time."""
    conf = configs.load()
    for result in node.cni_at_once([("ADD", conf, parameters) for parameters in calls[:32]]):
        result.expect_success()
    [bridge] = node.json("ip", "-j", "address", "show", "dev", "cni0")
    assert [a["local"] for a in bridge["addr_info"] if a["family"] == "inet"] == ["10.244.0.1"]
    accepts = [line for line in node.chains() if "10.244.0.0/16" in line]
    assert accepts == ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"]


def veths(node):
    return node.json("ip", "-j", "link", "show", "type", "veth")
