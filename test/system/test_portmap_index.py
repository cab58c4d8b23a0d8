"""portmap's index: nobody reads through what others have."""

import pytest
from conftest import needs
from hostports import NODE, attachment, chain, collect, elements, mapping, portmap_lab, start, stop, table_of

pytestmark = needs("nf_tables")

lab = pytest.fixture(portmap_lab)
node = pytest.fixture(lambda lab: lab.master)


def index(node):
    """{address that mappings lead to: whose, as its comment says}; and how many owners are noted."""
    [found] = [item["set"] for item in table_of(node) if "set" in item]
    entries = [entry["elem"] for entry in found.get("elem", []) if "elem" in entry]
    return {entry["val"]: entry["comment"] for entry in entries}, len(found.get("elem", [])) - len(entries)


def test_index(node):
    one, two = (start(node, name, chain(mapping(port), mapping(port + 1, hostIP=NODE)))
                for name, port in (("one", 8080), ("two", 8090)))
    assert index(node) == ({f"::ffff:{pod.ip}": f"eth0 of container {pod.id} in network mynet" for pod in (one, two)}, 2)
    stop(one)
    assert index(node)[1] == 1 and f"::ffff:{one.ip}" not in index(node)[0]
    assert elements(node) == {(None, "tcp", 8090): (two.ip, 80), (NODE, "tcp", 8091): (two.ip, 80)}
    stop(two)
    assert not table_of(node)


def test_more_than_is_noted(node):
    """A pod's ports go all the same, and nobody else's."""
    other = start(node, "other", chain(mapping(9000)))
    pod = start(node, "one", chain(*(mapping(8000 + n, 1 + n) for n in range(200))))
    assert len(elements(node)) == 201
    stop(pod)
    assert elements(node) == {(None, "tcp", 9000): (other.ip, 80)}
    assert index(node)[1] == 1


def map_of(node):
    [name] = [item["map"]["name"] for item in table_of(node) if "map" in item]
    return "ip", "cnibox_hostport", name


def test_removed_by_hand(node):
    """What is noted is not there: the rest goes, and the other's stays."""
    other = start(node, "other", chain(mapping(9000)))
    pod = start(node, "one", chain(mapping(8080), mapping(8081)))
    node.run("nft", "delete", "element", *map_of(node), "{", "tcp", ".", "8080", "}")
    assert "1 of 2 mappings are missing" in pod.check(pod.conf).json["msg"]
    stop(pod)
    assert elements(node) == {(None, "tcp", 9000): (other.ip, 80)}
    assert index(node)[1] == 1


def test_all_removed_by_hand(node):
    other = start(node, "other", chain(mapping(9000), name="othernet", subnet="10.245.0.0/24"))
    pod = start(node, "one", chain(mapping(8080)))
    for item in table_of(node):
        if "map" in item:
            node.run("nft", "flush", "map", "ip", "cnibox_hostport", item["map"]["name"])
    conf = {**chain(mapping(8081))["plugins"][1], "cniVersion": "1.0.0", "name": "mynet", "prevResult": pod.attachment.result}
    node.cni("ADD", conf, containerid=pod.id, netns=pod.netns, ifname="eth0").expect_success()
    assert elements(node) == {(None, "tcp", 8081): (pod.ip, 80)}
    stop(other)
    assert index(node)[1] == 1
    stop(pod)
    assert not table_of(node)


def test_added_by_hand(node):
    """It is nobody's: not to be had, and not taken away."""
    pod = start(node, "one", chain(mapping(8080)))
    node.run("nft", "add", "element", *map_of(node), "{", "tcp", ".", "8081", ":", "10.244.0.200", ".", "80", "}")
    refused = node.pod("two").add(chain(mapping(8081)))
    assert "tcp 8081 is taken by an entry that somebody else made" in refused.json["msg"]
    stop(pod)
    assert elements(node) == {(None, "tcp", 8081): ("10.244.0.200", 80)}


def test_index_flushed_by_hand(node):
    """Whoever gets the address gets it alone, once it is his turn; GC finds what nobody has."""
    pod = start(node, "one", chain(mapping(8080)))
    node.run("nft", "flush", "set", "ip", "cnibox_hostport", "holders")
    start(node, "two", chain(mapping(8081)))
    collect(node, attachment(pod))
    assert elements(node) == {(None, "tcp", 8080): (pod.ip, 80)}
    collect(node)
    assert not table_of(node)


def test_without_an_index(node):
    """All is read, then; and its last user takes the table away."""
    pod = start(node, "one", chain(mapping(8080)))
    node.run("nft", "delete", "set", "ip", "cnibox_hostport", "holders")
    two = node.pod("two")
    assert f"tcp 8080 is taken by eth0 of container {pod.id}" in two.add(chain(mapping(8080))).json["msg"]
    two.delete(chain()).expect_success()
    stop(pod)
    assert not table_of(node)


def test_a_map_that_is_not_in_the_index(node):
    """As an earlier cnibox made them: what is in it is read."""
    old = "ports-0123456789abcdef"
    node.sh(f"nft add table ip cnibox_hostport; nft 'add map ip cnibox_hostport {old} "
            "{ type inet_proto . inet_service : ipv4_addr . inet_service; elements = { tcp . 8080 : 10.244.0.200 . 80 } }'")
    before = elements(node)
    pod = start(node, "one", chain(mapping(8081)))
    refused = node.pod("two").add(chain(mapping(8080)))
    assert "tcp 8080 is taken by an entry that somebody else made" in refused.json["msg"]
    stop(pod)
    assert elements(node) == before
