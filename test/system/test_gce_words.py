"""gce-routes as it is typed: what goes out, what is said where, exit statuses.

What gcloud says stands here as gcloud 528 itself said it, asked the same of the same emulator.
"""

import json

import pytest

pytestmark = pytest.mark.once

URL = "https://www.googleapis.com/compute/v1/projects/demo-project/"
CREATE = ("gcloud compute routes create {0} --destination-range {1} --network default "
          "--next-hop-instance-zone us-west2-b --next-hop-instance {0}")
MASTER = CREATE.format("k8s-master", "10.244.0.0/24")
WORKER = CREATE.format("k8s-worker", "10.244.1.0/24")
TABLE = """\
NAME        NETWORK  DEST_RANGE     NEXT_HOP                         PRIORITY
k8s-master  default  10.244.0.0/24  us-west2-b/instances/k8s-master  1000
"""
MASTER_JSON = """\
  {
    "creationTimestamp": "2026-11-26T00:00:00.000-07:00",
    "description": "some: text",
    "destRange": "10.244.0.0/24",
    "id": "7919000",
    "kind": "compute#route",
    "name": "k8s-master",
    "network": "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/default",
    "nextHopInstance": "https://www.googleapis.com/compute/v1/projects/demo-project/zones/us-west2-b/instances/k8s-master",
    "priority": 1000,
    "routeType": "STATIC",
    "selfLink": "https://www.googleapis.com/compute/v1/projects/demo-project/global/routes/k8s-master",
    "tags": [
      "a",
      "b"
    ]
  }"""
MASTER_YAML = """\
creationTimestamp: '2026-11-26T00:00:00.000-07:00'
description: 'some: text'
destRange: 10.244.0.0/24
id: '7919000'
kind: compute#route
name: k8s-master
network: https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/default
nextHopInstance: https://www.googleapis.com/compute/v1/projects/demo-project/zones/us-west2-b/instances/k8s-master
priority: 1000
routeType: STATIC
selfLink: https://www.googleapis.com/compute/v1/projects/demo-project/global/routes/k8s-master
tags:
- a
- b
"""


def without_margin(text):
    return "".join(line[2:] + "\n" for line in text.splitlines())


def test_the_walkthroughs_lines(shell):
    done = shell.type(MASTER)
    assert done.stdout == TABLE
    assert done.stderr == f"Created [{URL}global/routes/k8s-master].\n"
    shell.type(WORKER)
    route = shell.google.cloud.routes["k8s-worker"]
    assert route["destRange"] == "10.244.1.0/24" and route["priority"] == 1000
    assert route["nextHopInstance"] == f"{URL}zones/us-west2-b/instances/k8s-worker"
    done = shell.type("gcloud compute routes delete k8s-master k8s-worker --quiet")
    assert done.stdout == ""
    assert done.stderr == "".join(f"Deleted [{URL}global/routes/{name}].\n" for name in ("k8s-master", "k8s-worker"))
    assert not shell.google.cloud.routes


@pytest.mark.parametrize("program", ["gce-routes", "cnibox gce-routes", "cnibox gcloud compute routes"])
def test_by_every_name(shell, program):
    assert shell.says(MASTER.replace("gcloud compute routes", program)) == TABLE


def test_create_asks_for_no_more_than_it_must(shell):
    shell.type(MASTER)
    asked = [(rq.method, rq.path.rsplit("/", 2)[-1]) for rq in shell.google.api.requests]
    assert asked == [("POST", "routes"), ("POST", "wait"), ("GET", "k8s-master")]
    insert = shell.google.api.requests[0]
    assert insert.headers["content-type"].startswith("application/json")
    assert insert.headers["user-agent"].startswith("cnibox/")
    assert shell.google.api.handshakes == 1


def test_delete_asks_for_all_before_it_waits(shell):
    shell.type(MASTER)
    shell.type(WORKER)
    shell.google.api.requests.clear()
    shell.type("gcloud compute routes delete k8s-master k8s-worker --quiet")
    assert [rq.method for rq in shell.google.api.requests] == ["DELETE", "DELETE", "POST", "POST"]


@pytest.fixture
def full(shell):
    """Some routes."""
    shell.type(f"{MASTER} --tags a,b --description 'some: text'")
    shell.type(WORKER)
    shell.type("gce-routes create byip --destination-range 10.244.4.0/24 --next-hop-address 10.168.0.6 --priority 5")
    return shell


def test_list_table(full):
    assert full.says("gcloud compute routes list") == """\
NAME        NETWORK  DEST_RANGE     NEXT_HOP                         PRIORITY
byip        default  10.244.4.0/24  10.168.0.6                       5
k8s-master  default  10.244.0.0/24  us-west2-b/instances/k8s-master  1000
k8s-worker  default  10.244.1.0/24  us-west2-b/instances/k8s-worker  1000
"""


def test_list_json(full):
    text = full.says("gcloud compute routes list --format=json")
    assert MASTER_JSON + ",\n" in text
    assert text.startswith("[\n  {\n") and text.endswith("\n  }\n]\n")
    assert json.loads(text) == [full.google.cloud.routes[name] for name in ("byip", "k8s-master", "k8s-worker")]


def test_list_values(full):
    assert full.says("gcloud compute routes list --format='value(name,destRange,nextHopInstance,tags)'") == (
        "byip\t10.244.4.0/24\t\t\n"
        f"k8s-master\t10.244.0.0/24\t{URL}zones/us-west2-b/instances/k8s-master\ta;b\n"
        f"k8s-worker\t10.244.1.0/24\t{URL}zones/us-west2-b/instances/k8s-worker\t\n")
    assert full.says("gcloud compute routes list --format='value(network.basename(),priority)'").splitlines()[0] == "default\t5"


def test_list_other_columns(full):
    assert full.says("gcloud compute routes list --format='table(name,destRange)'") == """\
NAME        DEST_RANGE
byip        10.244.4.0/24
k8s-master  10.244.0.0/24
k8s-worker  10.244.1.0/24
"""


def test_describe(full):
    assert full.says("gcloud compute routes describe k8s-master") == MASTER_YAML
    assert full.says("gcloud compute routes describe k8s-master --format=json") == without_margin(MASTER_JSON)


def test_create_json(shell):
    text = shell.says(f"{MASTER} --tags a,b --description 'some: text' --format=json")
    assert text == f"[\n{MASTER_JSON}\n]\n"


def test_nothing_to_list(shell):
    done = shell.type("gcloud compute routes list")
    assert (done.stdout, done.stderr) == ("", "Listed 0 items.\n")
    assert shell.says("gcloud compute routes list --format=json") == "[]\n"


@pytest.mark.parametrize("terms, names", [
    ("name=k8s-master", ["k8s-master"]),
    ("name~^k8s", ["k8s-master", "k8s-worker"]),
    ("name:k8s*", ["k8s-master", "k8s-worker"]),
    ("name:master", ["k8s-master"]),
    ("destRange:10.244.0.0/24 AND priority=1000", ["k8s-master"]),
    ("network=default", ["byip", "k8s-master", "k8s-worker"]),
    ("priority!=1000", ["byip"]),
    ("description='some: text'", ["k8s-master"]),
    ("tags=b", ["k8s-master"]),
    ("nextHopIp=10.168.0.6 name~y", ["byip"]),
    ("name=nobody", []),
])
def test_filter(full, terms, names):
    done = full.run("gce-routes", "list", "--filter", terms, "--format=value(name)")
    assert done.stdout.split() == names


def test_operands_after_options_and_equals_signs(shell):
    line = ("gce-routes create --quiet --destination-range=10.244.0.0/24 --next-hop-instance-zone=us-west2-b "
            "--next-hop-instance=k8s-master --priority=7 --network=default -- k8s-master")
    assert shell.says(line).endswith(" 7\n")


def test_zone_of_the_environment(shell):
    line = "gce-routes create r --destination-range 10.244.0.0/24 --next-hop-instance k8s-master"
    assert "--next-hop-instance-zone" in shell.complains(line, 2)
    assert "us-west2-b/instances/k8s-master" in shell.says(line, env={"CLOUDSDK_COMPUTE_ZONE": "us-west2-b"})


def test_next_hop_by_its_url(shell):
    assert "us-west2-b/instances/k8s-master" in shell.says(
        f"gce-routes create r --destination-range 10.244.0.0/24 --next-hop-instance {URL}zones/us-west2-b/instances/k8s-master")


# --- prompts ------------------------------------------------------------------------------------------

PROMPT = "The following routes will be deleted:\n - [k8s-master]\n\nDo you want to continue (Y/n)?  \n"


@pytest.mark.parametrize("answer, status", [("", 0), ("\n", 0), ("y\n", 0), ("Y\n", 0), ("n\n", 1), ("N\n", 1), ("what\n", 1)])
def test_delete_asks(shell, answer, status):
    shell.type(MASTER)
    done = shell.type("gcloud compute routes delete k8s-master", status, input=answer)
    assert done.stderr.startswith(PROMPT)
    assert done.stdout == ""
    assert ("k8s-master" in shell.google.cloud.routes) == (status == 1)


# --- idempotent, as gcloud is not ------------------------------------------------------------------------

def test_create_again(shell):
    shell.type(MASTER)
    done = shell.type(MASTER)
    assert done.stdout == TABLE
    assert "Created" not in done.stderr and "there already" in done.stderr


@pytest.mark.parametrize("change, said", [
    ("--destination-range 10.244.9.0/24", "its range is 10.244.0.0/24, not 10.244.9.0/24"),
    ("--next-hop-instance k8s-worker", "its next hop is "),
    ("--priority 900", "its priority is 1000, not 900"),
    ("--tags x", "its tags"),
    ("--network other", "its network is default, not other"),
])
def test_create_another_of_that_name(shell, change, said):
    shell.google.cloud.networks["other"] = type(shell.google.cloud.networks["default"])("other")
    shell.google.cloud.add_instance("elsewhere", network="other")
    shell.type(MASTER)
    before = dict(shell.google.cloud.routes["k8s-master"])
    complaint = shell.complains(f"{MASTER} {change}")
    assert said in complaint and "--replace" in complaint
    assert shell.google.cloud.routes["k8s-master"] == before
    if "other" not in change:
        shell.type(f"{MASTER} {change} --replace")
        assert shell.google.cloud.routes["k8s-master"] != before


def test_delete_what_is_gone(shell):
    done = shell.type("gce-routes delete k8s-master --quiet")
    assert done.stderr == "Route [k8s-master] is gone already.\n"


# --- a route that leads nowhere -----------------------------------------------------------------------

@pytest.mark.parametrize("change, code", [
    (lambda cloud: cloud.remove_instance("k8s-master"), "NEXT_HOP_INSTANCE_NOT_FOUND"),
    (lambda cloud: cloud.change_instance("k8s-master", can_ip_forward=False), "NEXT_HOP_CANNOT_IP_FORWARD"),
    (lambda cloud: cloud.change_instance("k8s-master", status="TERMINATED"), "NEXT_HOP_NOT_RUNNING"),
    (lambda cloud: cloud.change_instance("k8s-master", network="other"), "NEXT_HOP_INSTANCE_NOT_ON_NETWORK"),
], ids=["missing", "may not forward", "stopped", "on another network"])
def test_a_next_hop_that_drops_everything(shell, change, code):
    change(shell.google.cloud)
    done = shell.type(MASTER, 1)
    assert done.stdout == TABLE, "it is there"
    complaint = done.stderr.splitlines()
    assert complaint[0] == f"Created [{URL}global/routes/k8s-master]."
    assert "10.244.0.0/24 are dropped" in complaint[1] and code in complaint[1]
    assert "k8s-master" in shell.google.cloud.routes
    assert code in shell.complains(MASTER), "nor is it as wanted when it is asked for again"


def test_an_address_that_nobody_has(shell):
    line = "gce-routes create r --destination-range 10.244.0.0/24 --next-hop-address 10.168.0.99"
    assert "NEXT_HOP_ADDRESS_NOT_ASSIGNED" in shell.complains(line)


# --- wrong words ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, said", [
    ("", "say what to do"),
    ("frob", "'frob'"),
    ("create", "the name of a route"),
    ("create a b", "'b' is too much"),
    ("create K8S", "'K8S'"),
    ("create a-", "'a-'"),
    ("create " + "a" * 64, "63 at most"),
    ("create x --next-hop-address 10.168.0.6", "--destination-range is missing"),
    ("create x --destination-range 10.0.0.0/8", "exactly one of"),
    ("create x --destination-range 10.0.0.0 --next-hop-address 10.168.0.6", "'10.0.0.0'"),
    ("create x --destination-range 10.0.0.0/8 --next-hop-address x", "'x'"),
    ("create x --destination-range 10.0.0.0/8 --next-hop-address 10.168.0.6 --next-hop-instance i", "exactly one of"),
    ("create x --destination-range 10.0.0.0/8 --next-hop-instance i", "--next-hop-instance-zone"),
    ("create x --destination-range 10.0.0.0/8 --next-hop-address 10.168.0.6 --next-hop-instance-zone z", "goes with"),
    ("create x --priority 65536", "'65536'"),
    ("create x --destination-range 10.0.0.0/8 --next-hop-address 10.168.0.6 --tags A", "'A'"),
    ("create x --destination-range 10.0.0.0/8 --next-hop-address 10.168.0.6 --format xml", "'xml'"),
    ("delete", "the name of a route"),
    ("delete a/b", "'a/b'"),
    ("describe", "the name of a route"),
    ("list x", "'x' is too much"),
    ("list --filter name", "--filter"),
    ("list --filter 'name=\"x'", "quote"),
    ("list --filter 'name~a name~b'", "~"),
    ("list --format 'value()'", "--format"),
    ("list --format 'table(name.upper())'", "basename()"),
    ("list --destination-range 10.0.0.0/8", "list does not take --destination-range"),
    ("list --timeout 0", "'0'"),
    ("ensure --watch 1", "'1'"),
    ("ensure --cluster Big", "'Big'"),
    ("create x --destination-range", "needs a value"),
])
def test_wrong_words(shell, words, said):
    """And nobody is asked anything before they are right."""
    complaint = shell.complains(f"gce-routes {words}", 2)
    assert said in complaint.splitlines()[0]
    assert "--help" in complaint
    assert not shell.google.api.connections and not shell.google.metadata_server.connections


def test_gcloud_is_compute_routes_only(shell):
    for words in ("", "compute", "compute instances list", "version"):
        assert "gcloud compute routes" in shell.complains(f"gcloud {words}", 2)


def test_what_the_api_refuses(shell):
    line = "gce-routes create x --next-hop-address 10.168.0.6 --destination-range "
    assert "hides the address space of the network" in shell.complains(line + "10.168.1.0/24")
    assert "Invalid value for field 'resource.destRange'" in shell.complains(line + "10.0.0.1/8")
    assert "networks/nowhere' was not found" in shell.complains(line + "10.9.0.0/16 --network nowhere")
    assert not shell.google.cloud.routes


def test_full_disk(shell):
    shell.type(MASTER)
    done = shell.run("sh", "-c", "exec gce-routes list > /dev/full", check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr
