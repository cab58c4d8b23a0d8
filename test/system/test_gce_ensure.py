"""gce-routes ensure, firewall, prune: what they make, what they leave alone, what they warn of."""

import json
import re
import signal
import time

import pytest
from conftest import APPLETS, SLOWNESS
from gce import Answer
from lab import NETWORK, NETWORK6, Google, Lab, configs, matrix

pytestmark = pytest.mark.once

ENSURE = "gce-routes ensure --pod-cidr 10.244.0.0/24"
FIREWALL = "gce-routes firewall --source-range 10.244.0.0/16"
RULE = "cnibox-kubernetes-pods"


@pytest.fixture
def here(shell):
    """The machine that we type on is an instance: k8s-master."""
    shell.google.cloud.remove_instance("k8s-master")
    shell.google.cloud.add_instance("k8s-master", address="169.254.169.254")
    return shell


def routes(shell):
    return shell.google.cloud.routes


def only(shell):
    (route,) = routes(shell).values()
    return route


def add_route(shell, name, hop, description="", cidr="10.244.0.0/24", **rest):
    cloud = shell.google.cloud
    body = {"name": name, "network": "global/networks/default", "destRange": cidr, "description": description,
            "nextHopInstance": f"zones/us-west2-b/instances/{hop}", **rest}
    cloud.insert_route(body, None)
    shell.google.api.requests.clear()


def ours(node="k8s-master", cluster="kubernetes"):
    return f"cnibox cluster={cluster} node={node}"


def count(shell, method, path):
    return shell.google.api.count(method, path)


# --- ensure ----------------------------------------------------------------------------------------------

def test_makes_a_route(here):
    done = here.type(ENSURE)
    route = only(here)
    assert done.stdout == "10.244.0.0/24      -> k8s-master\n"
    assert route["destRange"] == "10.244.0.0/24" and route["priority"] == 1000
    assert route["nextHopInstance"].endswith("/projects/demo-project/zones/us-west2-b/instances/k8s-master")
    assert route["network"].endswith("/projects/demo-project/global/networks/default")
    assert route["description"] == ours() != "k8s-node-route"
    assert route["name"].startswith("cnibox-k8s-master-") and len(route["name"]) <= 63


def test_once_there_it_stays_as_it_is(here):
    here.type(ENSURE)
    before, here.google.api.requests[:] = dict(only(here)), []
    here.type(ENSURE)
    assert only(here) == before
    assert not [rq for rq in here.google.api.requests if rq.method != "GET"]
    assert count(here, "GET", "/routes") == 1, "one list"


def test_names_differ_by_cluster_node_and_range(here):
    here.type("gce-routes ensure --pod-cidr 10.244.0.0/24 --pod-cidr fd00:10:244::/64", 1)
    here.google.cloud.change_instance("k8s-master", ipv6=True)
    here.type("gce-routes ensure --pod-cidr 10.244.0.0/24 --pod-cidr fd00:10:244::/64")
    assert sorted(r["destRange"] for r in routes(here).values()) == ["10.244.0.0/24", "fd00:10:244::/64"]
    here.type("gce-routes ensure --pod-cidr 10.245.0.0/24 --cluster other")
    here.google.cloud.remove_instance("k8s-master")
    here.google.cloud.add_instance("k8s-master", zone="us-west2-a", address="169.254.169.254")
    here.type("gce-routes ensure --pod-cidr 10.246.0.0/24")
    assert len(routes(here)) == 4


def test_a_long_name(here):
    here.google.cloud.remove_instance("k8s-master")
    here.google.cloud.add_instance("n" * 63, address="169.254.169.254")
    here.type(ENSURE)
    assert len(only(here)["name"]) <= 63


def test_ranges_of_the_configuration(here):
    here.copy(configs.DIRECTORY / configs.MASTER, configs.INSTALLED)
    here.type("gce-routes ensure")
    assert only(here)["destRange"] == "10.244.0.0/24"


def test_without_ranges(here):
    assert "--pod-cidr" in here.complains("gce-routes ensure")


@pytest.mark.parametrize("words, said", [
    ("--pod-cidr 10.244.0.1/24", "host bits"), ("--pod-cidr x", "'x'"),
])
def test_wrong_ranges(here, words, said):
    assert said in here.complains(f"gce-routes ensure {words}", 2)


def test_ours_that_leads_elsewhere_is_made_anew(here):
    """The range was another node's once: half of the flows would go there."""
    add_route(here, "cnibox-k8s-worker-0123456789ab", "k8s-worker", ours("k8s-worker"))
    done = here.type(ENSURE)
    assert "Deleted route [cnibox-k8s-worker-0123456789ab]" in done.stderr
    assert only(here)["nextHopInstance"].endswith("/k8s-master")
    changes = [rq.method for rq in here.google.api.requests if rq.method != "GET" and "/wait" not in rq.path]
    assert changes == ["DELETE", "POST"]


def test_a_duplicate_of_ours_beside_the_right_one_goes(here):
    here.type(ENSURE)
    add_route(here, "cnibox-k8s-worker-0123456789ab", "k8s-worker", ours("k8s-worker"))
    here.type(ENSURE)
    assert only(here)["nextHopInstance"].endswith("/k8s-master")


@pytest.mark.parametrize("description", ["", "k8s-node-route", "by hand", ours("k8s-worker", "other"), "cnibox cluster=kubernetes"])
def test_somebody_elses_stays(here, description):
    add_route(here, "theirs", "k8s-worker", description)
    done = here.type(ENSURE)
    assert "warning: route theirs, which is not ours, leads packets for 10.244.0.0/24 to k8s-worker" in done.stderr
    assert sorted(routes(here))[1] == "theirs" and len(routes(here)) == 2


def test_somebody_elses_that_leads_here_will_do(here):
    add_route(here, "k8s-master", "k8s-master")
    here.type(ENSURE)
    assert list(routes(here)) == ["k8s-master"]


@pytest.mark.parametrize("change", [{"cidr": "10.244.0.0/16"}, {"tags": ["a"]}, {"network": "global/networks/other"}])
def test_routes_that_are_none_of_this(here, change):
    here.google.cloud.networks["other"] = type(here.google.cloud.networks["default"])("other")
    add_route(here, "unrelated", "k8s-worker", ours("k8s-worker"), **change)
    here.type(ENSURE)
    assert len(routes(here)) == 2 and "unrelated" in routes(here)


def test_our_name_for_something_else(here):
    here.type(ENSURE)
    name = only(here)["name"]
    routes(here).clear()
    add_route(here, name, "k8s-master", cidr="10.99.0.0/24")
    assert f"a route {name} is there, and another one: its range is 10.99.0.0/24" in here.complains(ENSURE)


def test_an_instance_that_may_not_forward(here):
    """Said before anything is made."""
    here.google.cloud.change_instance("k8s-master", can_ip_forward=False)
    complaint = here.complains(ENSURE)
    assert "--can-ip-forward" in complaint and not routes(here)


def test_quota_is_looked_at_before_anything_is_deleted(here):
    for i in range(3):
        add_route(here, f"other-{i}", "k8s-worker", cidr=f"10.99.{i}.0/24")
    here.google.cloud.quota["ROUTES"] = 3
    complaint = here.complains(ENSURE)
    assert "ROUTES is 3, and 3 are used" in complaint
    assert not [rq for rq in here.google.api.requests if rq.method != "GET"]
    # One that is made anew needs no more than there are.
    routes(here).pop("other-0")
    add_route(here, "cnibox-old", "k8s-worker", ours("k8s-worker"))
    here.type(ENSURE)


@pytest.mark.parametrize("path, said", [
    ("/networks/default", "look at the network default: Not yours."),
    ("/firewalls", "list the firewalls: Not yours."),
    ("/projects/demo-project", ""),
])
def test_what_it_may_not_look_at_is_no_hindrance(here, path, said):
    body = {"error": {"code": 403, "message": "Not yours.", "errors": [{"reason": "forbidden"}]}}
    here.google.api.fault(where=lambda rq: rq.path.rstrip("/").endswith(path), times=9, instead=Answer.of_json(body, 403))
    assert said in here.type(ENSURE).stderr
    assert only(here) and count(here, "GET", path) >= 1


def test_auto_mode(here):
    said = "network default is in auto mode, and 10.244.0.0/24 lies in 10.128.0.0/9"
    assert said in here.type(ENSURE).stderr
    assert said not in here.type("gce-routes ensure --pod-cidr 10.99.0.0/24").stderr
    here.google.cloud.networks["default"].auto = False
    assert said not in here.type(ENSURE).stderr


def test_shared_vpc(here):
    """A network of another project: its routes are to be made there."""
    fault = Answer(200, b"projects/999/networks/shared", {"Metadata-Flavor": "Google"})
    here.google.metadata_server.fault(where=lambda rq: rq.path.endswith("/network"), times=9, instead=fault)
    assert "--project HOST" in here.complains(ENSURE)


def test_not_on_an_instance(shell):
    assert "instance/zone is not defined" in shell.complains(ENSURE)


# --- what the firewall lets in ------------------------------------------------------------------------------

def rule(name, **body):
    return {"name": name, "network": "global/networks/default", **body}


ALL = [{"IPProtocol": "all"}]
TCP, UDP, ICMP = {"IPProtocol": "tcp"}, {"IPProtocol": "udp"}, {"IPProtocol": "icmp"}


@pytest.mark.parametrize("rules, closed", [
    ([], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL, sourceRanges=["10.244.0.0/24"])], ""),
    ([rule("a", allowed=ALL, sourceRanges=["10.0.0.0/8"])], ""),
    ([rule("a", allowed=ALL)], ""),
    ([rule("a", allowed=ALL, sourceRanges=["192.0.2.0/24", "0.0.0.0/0"])], ""),
    ([rule("a", allowed=ALL, sourceRanges=["10.244.0.0/25"])], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL, sourceRanges=["::/0"])], "tcp, udp, icmp"),
    ([rule("a", allowed=[TCP, {"IPProtocol": "17"}, ICMP], sourceRanges=["10.0.0.0/8"])], ""),
    ([rule("a", allowed=[TCP, ICMP], sourceRanges=["10.0.0.0/8"])], "udp"),
    ([rule("a", allowed=[{"IPProtocol": "tcp", "ports": ["22"]}, UDP, ICMP], sourceRanges=["10.0.0.0/8"])], "tcp"),
    ([rule("a", allowed=[{"IPProtocol": "tcp", "ports": ["0-65535"]}, UDP, ICMP], sourceRanges=["10.0.0.0/8"])], ""),
    ([rule("a", allowed=ALL, sourceTags=["node"])], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL, targetTags=["web"])], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL, targetTags=["web", "node"])], ""),
    ([rule("a", allowed=ALL, direction="EGRESS")], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL, disabled=True)], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL, network="global/networks/other")], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL), rule("b", denied=[TCP], priority=999)], "tcp"),
    ([rule("a", allowed=ALL), rule("b", denied=[TCP], priority=1000)], "tcp"),
    ([rule("a", allowed=ALL), rule("b", denied=[TCP], priority=1001)], ""),
    ([rule("a", allowed=ALL), rule("b", denied=ALL, sourceRanges=["10.244.0.128/25"], priority=1)], "tcp, udp, icmp"),
    ([rule("a", allowed=ALL), rule("b", denied=ALL, sourceRanges=["10.245.0.0/16"], priority=1)], ""),
    ([rule("a", allowed=ALL), rule("b", denied=ALL, targetTags=["web"], priority=1)], ""),
])
def test_firewall_that_lets_nothing_in(here, rules, closed):
    cloud = here.google.cloud
    cloud.networks["other"] = type(cloud.networks["default"])("other")
    cloud.change_instance("k8s-master", tags=["node"])
    cloud.firewalls.clear()
    for body in rules:
        cloud.insert_firewall(body, None)
    complaint = here.type(ENSURE).stderr
    said = f"the firewall of network default lets no {closed} in from 10.244.0.0/24"
    assert (said + "\n" in complaint or said + ", see b\n" in complaint) if closed else "firewall" not in complaint
    assert ("see b" in complaint) == (bool(closed) and len(rules) == 2)


def test_the_default_network_lets_pods_in(here):
    """default-allow-internal has 10.128.0.0/9, and 10.244.0.0/16 lies in it."""
    assert "firewall" not in here.type(ENSURE).stderr


def test_firewall(shell):
    assert shell.says(f"{FIREWALL} --check", 1) == f"{RULE}: missing\n"
    assert RULE not in shell.google.cloud.firewalls
    shell.type(FIREWALL)
    made = shell.google.cloud.firewalls[RULE]
    assert made["sourceRanges"] == ["10.244.0.0/16"] and made["allowed"] == ALL and made["direction"] == "INGRESS"
    assert shell.says(f"{FIREWALL} --check") == f"{RULE}: there, as wanted: all from 10.244.0.0/16\n"
    shell.google.api.requests.clear()
    shell.type(FIREWALL)
    assert [rq.method for rq in shell.google.api.requests] == ["GET"]


def test_firewall_for_both_families(shell):
    shell.type(f"{FIREWALL} --source-range fd00:10:244::/56 --cluster c1")
    made = {name: rule["sourceRanges"] for name, rule in shell.google.cloud.firewalls.items() if name.startswith("cnibox")}
    assert made == {"cnibox-c1-pods": ["10.244.0.0/16"], "cnibox-c1-pods6": ["fd00:10:244::/56"]}


@pytest.mark.parametrize("change, said", [
    ({"sourceRanges": ["10.9.0.0/16"]}, "its source ranges are others"),
    ({"sourceRanges": ["10.244.0.0/16", "10.9.0.0/16"]}, "its source ranges are others"),
    ({"disabled": True}, "it is switched off"),
    ({"allowed": [{"IPProtocol": "tcp"}]}, "it does not allow all protocols"),
    ({"targetTags": ["web"]}, "it is for some instances only"),
])
def test_another_rule_of_that_name(shell, change, said):
    shell.type(FIREWALL)
    shell.google.cloud.firewalls[RULE].update(change)
    assert said in shell.complains(FIREWALL)
    assert shell.says(f"{FIREWALL} --check", 1) == f"{RULE}: {said}\n"
    shell.type(f"{FIREWALL} --replace")
    assert shell.says(f"{FIREWALL} --check") == f"{RULE}: there, as wanted: all from 10.244.0.0/16\n"


# --- prune ---------------------------------------------------------------------------------------------------

def test_prune(shell):
    for name, hop, description in [("dead", "gone", ours("gone")), ("alive", "k8s-master", ours()),
                                   ("foreign", "gone", ours("gone", "other")), ("by-hand", "gone", "by hand"),
                                   ("controllers", "gone", "k8s-node-route")]:
        add_route(shell, name, hop, description)
    shell.google.cloud.change_instance("k8s-master", status="TERMINATED")
    said = "{} dead: instance gone is gone\n"
    assert shell.says("gce-routes prune --cluster kubernetes --dry-run") == said.format("would delete")
    assert len(routes(shell)) == 5
    assert shell.says("gce-routes prune --cluster kubernetes") == said.format("deleted")
    assert sorted(routes(shell)) == ["alive", "by-hand", "controllers", "foreign"]


@pytest.mark.parametrize("status", [403, 500])
def test_prune_spares_what_it_cannot_judge(shell, status):
    add_route(shell, "unknown", "gone", ours("gone"))
    shell.google.api.fault(where=lambda rq: "/instances/" in rq.path, times=99, instead=Answer(status, b"{}"))
    shell.complains("gce-routes prune --cluster kubernetes")
    assert "unknown" in routes(shell) and not count(shell, "DELETE", "/routes")


def test_prune_wants_to_know_whose(shell):
    assert "--cluster" in shell.complains("gce-routes prune", 2)


# --- watch ---------------------------------------------------------------------------------------------------

def watch(shell, seconds=10):
    return shell.popen("gce-routes", "ensure", "--pod-cidr", "10.244.0.0/24", "--watch", str(seconds))


def until(condition, seconds=15):
    deadline = time.monotonic() + seconds * SLOWNESS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_watch_heals(here):
    child = watch(here)
    until(lambda: len(routes(here)) == 1)
    until(lambda: count(here, "GET", "/firewalls") == 1)
    tokens, looked = here.google.metadata_server.count("GET", "/token"), count(here, "GET", "/instances/")
    routes(here).clear()
    until(lambda: len(routes(here)) == 1)
    assert here.google.metadata_server.count("GET", "/token") == tokens, "the token is kept"
    assert count(here, "GET", "/instances/") == looked, "and what does not change, known"
    child.send_signal(signal.SIGTERM)
    said, complaint = child.communicate(timeout=5 * SLOWNESS)
    assert child.returncode == 0
    assert said == "10.244.0.0/24      -> k8s-master\n" * 2
    assert complaint.count("Created route") == 2


def test_watch_goes_on_after_a_failure(here):
    here.google.api.fault(times=1, instead=Answer(403, b"{}"))
    child = watch(here)
    until(lambda: len(routes(here)) == 1)
    child.send_signal(signal.SIGINT)
    _, complaint = child.communicate(timeout=5 * SLOWNESS)
    assert child.returncode == 0 and "HTTP status 403" in complaint


def test_the_unit(here):
    """configs/systemd: its command line, on a node that has no configuration yet, and then has."""
    unit = (configs.REPOSITORY / "configs" / "systemd" / "gce-routes.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    child = here.popen(*command.split())
    time.sleep(0.3 * SLOWNESS)
    here.copy(configs.DIRECTORY / configs.MASTER, configs.INSTALLED)
    until(lambda: len(routes(here)) == 1)
    child.send_signal(signal.SIGTERM)
    _, complaint = child.communicate(timeout=5 * SLOWNESS)
    assert child.returncode == 0 and configs.INSTALLED in complaint


def test_watch_ends_when_the_words_are_wrong(here):
    child = here.popen("gce-routes", "ensure", "--pod-cidr", "x", "--watch", "10")
    child.communicate(timeout=5 * SLOWNESS)
    assert child.returncode == 2


@pytest.mark.parametrize("fault", [None, {"instead": Answer(503, b"")}, {"lost": True}], ids=["well", "503", "lost"])
def test_watch_finishes_what_it_has_begun(here, fault):
    """Told to end between the deletion and the making anew, it makes it anew first; at the second try if need be."""
    add_route(here, "cnibox-old", "k8s-worker", ours("k8s-worker"))
    here.google.cloud.operation_delay = 0.5
    if fault:
        here.google.api.fault(where=lambda rq: rq.method == "POST" and rq.path.endswith("/routes"), times=2, **fault)
    child = watch(here)
    until(lambda: count(here, "DELETE", "/routes/cnibox-old") == 1)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=10 * SLOWNESS)
    assert child.returncode == 0
    assert only(here)["nextHopInstance"].endswith("/k8s-master")


# --- and it works ----------------------------------------------------------------------------------------------

def test_in_the_lab(lab, google, cnibox):
    """Routes carry packets, and not to a node that may not forward."""
    for node, file in zip(lab.nodes, (configs.MASTER, configs.WORKER)):
        node.install(cnibox, *APPLETS)
        node.copy(configs.DIRECTORY / file, configs.INSTALLED)
        for name in ("pod-a", "pod-b"):
            node.add_pod(name)
    pods = [node.pods["pod-a"] for node in lab.nodes]
    assert matrix.answering(lab, *pods) == [matrix.WITHOUT_ROUTES] * 2
    for node in lab.nodes:
        node.run("gce-routes", "ensure")
    assert matrix.answering(lab, *pods) == [matrix.ALL] * 2
    google.cloud.change_instance("k8s-worker", can_ip_forward=False)
    assert matrix.answering(lab, *pods) == [matrix.WITHOUT_ROUTES] * 2
    google.cloud.change_instance("k8s-worker", can_ip_forward=True)
    assert matrix.answering(lab, *pods) == [matrix.ALL] * 2
    google.cloud.change_instance("k8s-worker", status="TERMINATED")
    assert matrix.REMOTE not in matrix.answering(lab, *pods)[0]
    google.install(cnibox, "gcloud")
    names = google.shell.sh("gcloud compute routes list --format='value(name)'").split()
    google.shell.run("gcloud", "compute", "routes", "delete", "--quiet", *names)
    assert matrix.answering(lab, *pods) == [matrix.WITHOUT_ROUTES] * 2


def test_both_families_in_the_lab(cnibox):
    """A route for each of a node's ranges, and pods reach each other by either address."""
    with Lab(ipv6=True) as lab, Google(lab) as google:
        for node in lab.nodes:
            google.introduce(node)
            node.install(cnibox, *APPLETS)
            node.run("cni-node", "up", "--subnet", node.pod_cidr, "--network", NETWORK, "--subnet6", node.pod_cidr6,
                     "--network6", NETWORK6)
            conf = configs.load(subnet=node.pod_cidr, network=NETWORK, subnet6=node.pod_cidr6, network6=NETWORK6)
            node.write(configs.INSTALLED, json.dumps(conf))
            node.add_pod("pod-a")
        far = addresses_of(lab.worker.pods["pod-a"])
        pod = lab.master.pods["pod-a"]
        assert not any(pod.ping(address, timeout=1) for address in far)
        for node in lab.nodes:
            assert node.run("gce-routes", "ensure").stdout.count(f"-> {node.name}") == 2
        assert len(google.cloud.routes) == 4
        assert all(pod.ping(address) for address in far), far


def addresses_of(pod):
    (link,) = pod.json("ip", "-j", "address", "show", "dev", "eth0")
    found = [entry["local"] for entry in link["addr_info"] if entry["scope"] == "global"]
    assert len(found) == 2
    return found
