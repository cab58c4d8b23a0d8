"""Addresses that a runtime asks for: by CNI_ARGS, args.cni and runtimeConfig, as the reference plugins take them."""

import pytest
from lab import configs, snapshot

CONFIG, ENVIRONMENT, STATE = 7, 4, 101
MAC = "02:00:5e:00:00:99"


def conf(**changes):
    return configs.load(cniVersion="1.0.0", **changes)


def add(node, asked=None, file=configs.MASTER, args=None):
    keys = {"cniVersion": "1.0.0", **(asked or {})}
    request = configs.load(file, **keys)
    if "plugins" in request:
        request["plugins"][0].update(asked or {})
    return node.pod("pod").add(request, args=args)


WAYS = {
    "CNI_ARGS": {"args": "IgnoreUnknown=1;K8S_POD_NAME=p;IP={ip};MAC={mac}"},
    "CNI_ARGS without IgnoreUnknown": {"args": "IP={ip};MAC={mac};OTHER=1"},
    "args": {"asked": {"args": {"cni": {"ips": ["{ip}"], "mac": "{mac}"}}}},
    "runtimeConfig": {"asked": {"runtimeConfig": {"ips": ["{ip}"], "mac": "{mac}"}}},
}


def filled(value, **words):
    """A value with its {words} filled in, at any depth."""
    if isinstance(value, dict):
        return {key: filled(each, **words) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, **words) for each in value]
    for word, text in words.items():
        value = value.replace(f"{{{word}}}", text)
    return value


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_asked_for_and_given(node, way):
    result = add(node, **filled(way, ip="10.244.0.77", mac=MAC)).expect_success()
    assert result.ips == ["10.244.0.77/24"] and result.json["interfaces"][0]["mac"] == MAC
    [link] = node.pods["pod"].json("ip", "-j", "address", "show", "dev", "eth0")
    assert link["address"] == MAC and "10.244.0.77" in [each["local"] for each in link["addr_info"]]
    assert list(snapshot.leases(node)) == ["10.244.0.77"]
    assert node.pods["pod"].ping("10.244.0.1")
    node.pods["pod"].check(conf()).expect_success()


def test_the_address_alone_decides_the_mac(node):
    result = add(node, args="IP=10.244.0.77/16").expect_success()
    assert result.ips == ["10.244.0.77/24"] and result.json["interfaces"][0]["mac"] == "0a:58:0a:f4:00:4d"


def test_one_of_each_family(node):
    result = add(node, {"runtimeConfig": {"ips": ["fd00:10:244::77", "10.244.0.77"]}}, configs.DUAL_STACK)
    assert result.expect_success().ips == ["10.244.0.77/24", "fd00:10:244::77/64"]


def test_one_of_one_family(node):
    result = add(node, {"runtimeConfig": {"ips": ["fd00:10:244::77"]}}, configs.DUAL_STACK)
    assert result.expect_success().ips == ["10.244.0.2/24", "fd00:10:244::77/64"]


@pytest.mark.parametrize("args, code, words", [
    ("IP=10.244.0.2", STATE, "10.244.0.2 is not available"),
    ("IP=10.244.0.1", STATE, "10.244.0.1 is subnet's gateway"),
    ("IP=10.244.1.7", STATE, "10.244.1.7 is not available in range set 10.244.0.1-10.244.0.254"),
    ("IP=fd00::7", CONFIG, "fd00::7"),
    ("IP=seven", ENVIRONMENT, "invalid IP address seven"),
    ("MAC=seven", ENVIRONMENT, "invalid MAC address seven"),
    ("MAC=01:00:5e:00:00:01", ENVIRONMENT, "01:00:5e:00:00:01"),
    ("MAC=00:00:00:00:00:00", ENVIRONMENT, "00:00:00:00:00:00"),
    ("IP", ENVIRONMENT, 'invalid pair "IP"'),
])
def test_asked_for_and_refused(node, args, code, words):
    node.add_pod("other", conf())
    before = snapshot.of(node)
    result = add(node, args=args)
    assert (result.returncode, result.json["code"]) == (1, code) and words in result.json["msg"], result
    node.pods["pod"].remove()
    assert not snapshot.changes(before, snapshot.of(node))


@pytest.mark.parametrize("asked, words", [
    ({"runtimeConfig": {"ips": ["10.244.0.7", "10.244.0.8"]}}, "10.244.0.8"),
    ({"runtimeConfig": {"ips": "10.244.0.7"}}, "runtimeConfig.ips"),
    ({"runtimeConfig": {"mac": "seven"}}, "runtimeConfig.mac"),
    ({"args": {"cni": {"ips": ["seven"]}}}, "args.cni.ips"),
])
def test_bad_requests(node, asked, words):
    result = add(node, asked)
    assert (result.returncode, result.json["code"]) == (1, CONFIG) and words in result.json["msg"], result


def test_del_does_not_read_it(node):
    """A pod must be removable whatever it asked for."""
    add(node, args="IP=10.244.0.77").expect_success()
    node.pods["pod"].delete(conf(runtimeConfig={"ips": "nonsense"}), args="IP").expect_success()
    assert snapshot.leases(node) == {}
