"""firewall behind bash-cni: what passes FORWARD, and what `iptables -S` says about it."""

import json

import pytest
from conftest import needs
from lab import Node, snapshot
from lab.runtime import PLUGIN_DIR, Result, environment
from program import REFERENCE, needs_reference

pytestmark = needs("nf_tables")

FIREWALL = REFERENCE / "firewall"
ADMIN = "CNI-FORWARD -m comment --comment \"CNI firewall plugin admin overrides\" -j CNI-ADMIN"


@pytest.fixture
def node(node):
    node.run("/opt/cni/bin/cnibox", "install", "--force")
    return node


def chain(name="mynet", six=False, subnet="10.244.0.0/24", bridge="cni0", version="1.0.0", **keys):
    # bash-cni must not admit anything by itself.
    first = {"type": "bash-cni", "subnet": subnet, "bridge": bridge, "accept": "own", "masquerade": "none"}
    if six:
        first["subnet6"] = "fd00:10:244::/64"
    return {"cniVersion": version, "name": name, "plugins": [first, {"type": "firewall", **keys}]}


def start(node, name, conf):
    pod = node.add_pod(name, conf)
    pod.conf = conf
    return pod


def stop(pod):
    pod.delete(pod.conf).expect_success()
    pod.remove()


def listed(node, *chains, program="iptables"):
    """Rules as iptables would add them."""
    return [line.removeprefix("-A ") for name in chains for line in node.run(program, "-S", name).stdout.splitlines()
            if line.startswith("-A")]


def admitting(ip, bits=32):
    return [f"CNI-FORWARD -d {ip}/{bits} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            f"CNI-FORWARD -s {ip}/{bits} -j ACCEPT"]


def asked(pod, conf, previous=True, **more):
    request = {"cniVersion": conf["cniVersion"], "name": conf["name"], **conf["plugins"][1], **more}
    if previous:
        request["prevResult"] = pod.attachment.result
    return request, {"containerid": pod.id, "netns": pod.netns, "ifname": "eth0"}


def test_what_iptables_lists(node):
    before = listed(node, "FORWARD")
    one, two = (start(node, name, chain(six=True)) for name in ("one", "two"))
    assert listed(node, "FORWARD") == [
        'FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD', *before]
    assert listed(node, "CNI-FORWARD", "CNI-ADMIN") == [ADMIN, *admitting(one.ip), *admitting(two.ip)]
    assert listed(node, "CNI-FORWARD", program="ip6tables") == [ADMIN, *admitting(one.ip6, 128), *admitting(two.ip6, 128)]
    stop(one)
    assert listed(node, "CNI-FORWARD") == [ADMIN, *admitting(two.ip)]
    assert listed(node, "CNI-FORWARD", program="ip6tables") == [ADMIN, *admitting(two.ip6, 128)]
    # iptables knows them as its own.
    for rule in admitting(two.ip):
        node.run("iptables", "-D", *rule.split())
    assert listed(node, "CNI-FORWARD") == [ADMIN]


@pytest.mark.once
def test_what_others_change_meanwhile_is_not_in_the_way(node):
    """A pod's rules disturb nobody's: they are not begun again because somebody has changed any others."""
    start(node, "one", chain())
    pod = start(node, "two", {**chain(), "plugins": chain()["plugins"][:1]})
    slow_add(node, pod, "while :; do nft add table ip another; nft delete table ip another; sleep 0.05; done")
    assert node.read("/tmp/trace").count("sendto(") == 3, "look at two chains, add"
    assert listed(node, "CNI-FORWARD")[-2:] == admitting(pod.ip)


@pytest.mark.once
def test_a_chain_that_goes_meanwhile_is_made_again(node):
    start(node, "one", chain())
    pod = start(node, "two", {**chain(), "plugins": chain()["plugins"][:1]})
    slow_add(node, pod, "sleep 1; nft delete table ip filter")  # after the second look, before it adds
    assert listed(node, "CNI-FORWARD") == [ADMIN, *admitting(pod.ip)]


def slow_add(node, pod, meanwhile):
    """firewall's ADD, each message to the kernel 400 ms late, beside a shell script."""
    request, variables = asked(pod, chain())
    node.popen("sh", "-c", meanwhile)
    slow = node.popen("strace", "-qq", "-o", "/tmp/trace", "-e", "inject=sendto:delay_enter=400ms", f"{PLUGIN_DIR}/firewall",
                      env=environment("ADD", **variables), stdin=-1)
    Result.of(slow, json.dumps(request)).expect_success()


def test_packets_pass(node):
    """FORWARD drops; bridged packets pass it as well. The answers come by conntrack."""
    first = {**chain(), "plugins": chain()["plugins"][:1]}
    out, pod = start(node, "out", first), start(node, "one", chain())
    two = start(node, "two", chain())
    assert pod.ping(two.ip) and two.ping(pod.ip)
    assert not out.ping(pod.ip, timeout=1), "nothing admits what it sends"
    assert pod.ping(out.ip), "the answer is to something that is admitted"
    node.run("iptables", "-A", "CNI-ADMIN", "-d", two.ip, "-j", "DROP")
    assert not pod.ping(two.ip, timeout=1)
    stop(pod)
    stop(two)


@needs_reference
@pytest.mark.parametrize("keys", [{}, {"iptablesAdminChainName": "MINE"}, {"ingressPolicy": "open"},
                                  {"ingressPolicy": "same-bridge"}])
def test_as_the_reference_lists_them(cnibox, keys):
    """The same chains and rules in the same order, in both families, and the policies as they were."""
    said = []
    for program in (None, FIREWALL):
        with Node() as node:
            node.install(cnibox, "cnibox", "bash-cni", "firewall")
            first = {**chain(six=True), "plugins": chain(six=True)["plugins"][:1]}
            for name in ("one", "two"):
                pod = start(node, name, first)
                request, variables = asked(pod, chain(backend="iptables", **keys))
                request["prevResult"] = on_bridge(pod, "cni0")
                node.cni("ADD", request, plugin=program, **variables).expect_success()
            said.append([by_chain(node.run(tables, "-S").stdout) for tables in ("iptables", "ip6tables")])
    assert said[0] == said[1]


def on_bridge(pod, bridge):
    """The result as the bridge plugin gives it: the bridge comes first."""
    ips = [{"address": ip["address"]} for ip in pod.attachment.result["ips"]]
    return {"cniVersion": "1.0.0", "interfaces": [{"name": bridge}], "ips": ips}


def by_chain(text):
    """What iptables lists, whichever chain was made first. Of the release that knows "isolated", comments say so."""
    found = {}
    for line in text.replace("same-bridge|isolated", "same-bridge").splitlines():
        found.setdefault(line.split()[1], []).append(line)
    return found


def test_isolated(node):
    pod = start(node, "one", {**chain(), "plugins": chain()["plugins"][:1]})
    request, variables = asked(pod, chain(ingressPolicy="isolated"))
    request["prevResult"] = on_bridge(pod, "cni0")
    for _ in range(2):
        node.cni("ADD", request, **variables).expect_success()
    comment = '-m comment --comment "CNI firewall plugin rules (ingressPolicy: {})"'.format
    both = comment("same-bridge|isolated")
    assert listed(node, "FORWARD")[:2] == [
        f"FORWARD {both} -j CNI-ISOLATION-STAGE-1", 'FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD']
    assert listed(node, "CNI-ISOLATION-STAGE-1", "CNI-ISOLATION-STAGE-2") == [
        f"CNI-ISOLATION-STAGE-1 -i cni0 -o cni0 {comment('isolated')} -j DROP",
        f"CNI-ISOLATION-STAGE-1 -i cni0 ! -o cni0 {comment('isolated')} -j CNI-ISOLATION-STAGE-2",
        f"CNI-ISOLATION-STAGE-1 {both} -j RETURN",
        f"CNI-ISOLATION-STAGE-2 -o cni0 {both} -j DROP", f"CNI-ISOLATION-STAGE-2 {both} -j RETURN"]


@needs_reference
@pytest.mark.parametrize("adds, deletes", [(None, FIREWALL), (FIREWALL, None)])
def test_mixed(node, adds, deletes):
    """The one adds, the other checks and takes away."""
    first = {**chain(six=True), "plugins": chain(six=True)["plugins"][:1]}
    conf = chain(six=True, backend="iptables")
    pod, stays = start(node, "one", first), start(node, "two", chain(six=True))
    request, variables = asked(pod, conf)
    node.cni("ADD", request, plugin=adds, **variables).expect_success()
    assert set(admitting(pod.ip)) < set(listed(node, "CNI-FORWARD"))
    for program in (adds, deletes):
        node.cni("CHECK", request, plugin=program, **variables).expect_success()
    node.cni("DEL", request, plugin=deletes, **variables).expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN, *admitting(stays.ip)]
    assert listed(node, "CNI-FORWARD", program="ip6tables") == [ADMIN, *admitting(stays.ip6, 128)]


def test_add_again(node):
    pod = start(node, "one", chain())
    request, variables = asked(pod, pod.conf)
    before = snapshot.of(node)
    node.cni("ADD", request, **variables).expect_success()
    assert not snapshot.changes(before, snapshot.of(node))
    node.run("iptables", "-D", *admitting(pod.ip)[1].split())
    node.cni("ADD", request, **variables).expect_success()
    assert sorted(listed(node, "CNI-FORWARD")) == sorted([ADMIN, *admitting(pod.ip)])


def test_an_address_that_moves(node):
    """The DEL of a container that had the address before leaves the rules of the one that has it now."""
    old = start(node, "old", chain())
    request, variables = asked(old, old.conf)
    new = {**variables, "containerid": "new"}
    node.cni("ADD", request, **new).expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN, *admitting(old.ip)]
    node.cni("DEL", request, **variables).expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN, *admitting(old.ip)]
    node.cni("DEL", request, **new).expect_success()
    assert listed(node, "CNI-FORWARD") == [ADMIN]


@pytest.mark.parametrize("gone", ["ip netns del one", "ip link del cni0", "nft delete table ip filter", "nft flush ruleset",
                                  "iptables -F CNI-FORWARD", "rm -rf /var/lib/cni/*",
                                  "iptables -F; iptables -X CNI-FORWARD"])
@pytest.mark.parametrize("previous", [True, False])
def test_del_of_what_is_gone(node, gone, previous):
    pod = start(node, "one", chain())
    node.sh(gone)
    request, variables = asked(pod, pod.conf, previous)
    for netns in (pod.netns, ""):
        assert node.cni("DEL", request, **{**variables, "netns": netns}).returncode == 0
    assert pod.ip not in node.sh("nft list ruleset")


def test_check(node):
    pod = start(node, "one", chain(ingressPolicy="isolated"))
    result = pod.attachment.result
    request, variables = asked(pod, pod.conf)
    node.cni("CHECK", request, **variables).expect_success()
    rules = listed(node, "FORWARD", "CNI-FORWARD", "CNI-ISOLATION-STAGE-1", "CNI-ISOLATION-STAGE-2")
    own = [rule for rule in rules if "CNI-" in rule]
    assert len(own) == 5 + 5 and result
    for rule in own:
        saved = node.run("iptables-save").stdout
        node.sh(f"iptables -D {rule}")
        answer = node.cni("CHECK", request, **variables)
        assert answer.json["msg"].endswith(f"a rule is missing in chain {rule.split()[0]} of iptables' filter"), rule
        node.run("iptables-restore", input=saved)
    node.cni("CHECK", request, **variables).expect_success()
    del request["prevResult"]
    assert node.cni("CHECK", request, **variables).json["msg"] == "missing prevResult from earlier plugin"


def test_gc(node):
    one, two = start(node, "one", chain(six=True)), start(node, "two", chain(six=True))
    other = start(node, "other", chain(name="othernet", subnet="10.245.0.0/24", bridge="cni1"))

    def collect(*valid, name="mynet"):
        node.cni("GC", {"cniVersion": "1.1.0", "name": name, "type": "firewall", "cni.dev/valid-attachments": [
            {"containerID": pod.id, "ifname": "eth0"} for pod in valid]}).expect_success()
        return listed(node, "CNI-FORWARD")[1:]

    node.run("iptables", "-A", "CNI-FORWARD", "-s", "10.1.1.1", "-j", "ACCEPT")
    somebodys = ["CNI-FORWARD -s 10.1.1.1/32 -j ACCEPT"]
    assert collect(one, two) == admitting(one.ip) + admitting(two.ip) + admitting(other.ip) + somebodys
    assert collect(two) == admitting(two.ip) + admitting(other.ip) + somebodys
    assert listed(node, "CNI-FORWARD", program="ip6tables") == [ADMIN, *admitting(two.ip6, 128)]
    assert collect(name="othernet") == admitting(two.ip) + somebodys


@pytest.mark.parametrize("policy", ["open", "same-bridge", "isolated"])
def test_ingress_policy(node, policy):
    """Between two bridges, and on one."""
    node.run("iptables", "-P", "FORWARD", "ACCEPT")
    confs = [chain(name=f"net{n}", subnet=f"10.244.{n}.0/24", bridge=f"cni{n}") for n in range(2)]
    pods = []
    for conf in confs:
        for n in range(2):
            pod = start(node, f"{conf['name']}-{n}", {**conf, "plugins": conf["plugins"][:1]})
            request, variables = asked(pod, conf, ingressPolicy=policy)
            request["prevResult"] = on_bridge(pod, conf["plugins"][0]["bridge"])
            node.cni("ADD", request, **variables).expect_success()
            pods.append(pod)
    assert pods[0].ping(pods[2].ip, timeout=1) == (policy == "open"), "to another bridge"
    assert pods[0].ping(pods[1].ip, timeout=1) == (policy != "isolated"), "on the same bridge"
    assert node.ping(pods[0].ip), "from the host"


@pytest.mark.parametrize("keys, previous, message", [
    ({"ingressPolicy": "zz"}, {"ips": []}, 'unknown ingress policy: "zz"'),
    ({"ingressPolicy": "isolated"}, {"ips": []},
     'interface needs to be set for ingress policy "isolated", make sure to chain "firewall" plugin with "bridge"'),
    ({}, None, "missing prevResult from earlier plugin"),
    ({}, {"ips": 3}, "could not parse prevResult: "),
    ({"cniVersion": "0.3.1"}, {"ips": []}, 'incompatible CNI versions: cniVersion is "0.3.1"'),
])
def test_bad_configuration(node, keys, previous, message):
    before = snapshot.of(node)
    conf = {"cniVersion": "1.0.0", "name": "mynet", "type": "firewall", **keys}
    if previous is not None:
        conf["prevResult"] = previous
    answer = node.cni("ADD", conf, containerid="x", netns="/nowhere", ifname="eth0")
    assert answer.returncode == 1 and answer.json["msg"].startswith(message)
    assert not snapshot.changes(before, snapshot.of(node))


def test_versions_and_status(node):
    versions = node.cni("VERSION", {"cniVersion": "1.0.0"}, plugin="firewall").json["supportedVersions"]
    assert versions == ["0.4.0", "1.0.0", "1.1.0"]
    before = snapshot.of(node)
    conf = {"cniVersion": "1.1.0", "name": "mynet", "type": "firewall"}
    node.cni("STATUS", conf).expect_success()
    node.cni("STATUS", {**conf, "ingressPolicy": "isolated"}).expect_success()
    assert not snapshot.changes(before, snapshot.of(node))


def test_where_legacy_iptables_drops(node):
    """Its FORWARD is another chain that a packet must survive."""
    for program in ("iptables-legacy", "ip6tables-legacy"):
        node.run(program, "-P", "FORWARD", "DROP")
    one, two = start(node, "one", chain(six=True)), start(node, "two", chain(six=True))
    assert one.ping(two.ip) and one.ping(two.ip6)
    one.check(one.conf).expect_success()
    node.run("iptables-legacy", "-D", "CNI-FORWARD", "-s", one.ip, "-j", "ACCEPT")
    assert "legacy iptables" in one.check(one.conf).json["msg"]
    stop(one)
    stop(two)
    assert listed(node, "CNI-FORWARD", program="iptables-legacy") == [ADMIN]


@pytest.mark.parametrize("plugin", ["firewall", "portmap", "bandwidth"])
def test_status_means_it(node, plugin):
    """Where the kernel does not let it do its work, an ADD could not be served."""
    conf = json.dumps({"cniVersion": "1.1.0", "name": "mynet", "type": plugin})
    for dropped, status in (("-chown", 0), ("-net_admin,-sys_admin", 1)):
        done = node.run("setpriv", f"--bounding-set={dropped}", f"/opt/cni/bin/{plugin}", check=False, input=conf,
                        env=environment("STATUS"))
        assert done.returncode == status, done.stdout
    assert json.loads(done.stdout)["code"] == 50
