"""What Compute answers beside the good: each row of its table of errors, each fault of the network. And how often it is
asked: no trouble makes a storm of requests."""

import json
import time

import pytest
from conftest import SLOWNESS
from gce import Answer, Outcome

pytestmark = pytest.mark.once

MASTER = ("gce-routes create k8s-master --destination-range 10.244.0.0/24 --network default "
          "--next-hop-instance-zone us-west2-b --next-hop-instance k8s-master")
TRIES = 5
HTML = Answer(502, b"<!DOCTYPE html>\n<html lang=en><title>Error 502 (Server Error)!!1</title>", {"Content-Type": "text/html"})


def refusal(status, reason, message="It is like that.", **headers):
    body = {"error": {"code": status, "message": message,
                      "errors": [{"message": message, "domain": "global", "reason": reason}]}}
    return Answer.of_json(body, status, **headers)


def inserts(rq):
    return rq.method == "POST" and rq.path.endswith("/routes")


def count(shell, method="POST", path="/routes"):
    return shell.google.api.count(method, path)


# --- the table -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, reason, hint", [
    (400, "invalid", ""),
    (400, "invalidResourceUsage", ""),
    (400, "required", ""),
    (400, "badRequest", ""),
    (403, "forbidden", "compute.routes.create"),
    (403, "insufficientPermissions", "https://www.googleapis.com/auth/compute"),
    (403, "accessNotConfigured", "gcloud services enable"),
    (403, "quotaExceeded", "quota"),
    (412, "conditionNotMet", "try again"),
    (404, "notFound", ""),
])
def test_final_ones(shell, status, reason, hint):
    """Told at once, in the API's words, with what to do; and never asked again."""
    shell.google.api.fault(where=inserts, times=99, instead=refusal(status, reason, "The very words."))
    complaint = shell.complains(MASTER)
    assert complaint.startswith(f"gce-routes: create the route k8s-master: The very words. ({reason})\n")
    assert hint in complaint
    assert count(shell) == 1


def test_scopes_are_named(shell):
    shell.google.cloud.add_instance("here", address="169.254.169.254",
                                    scopes=["https://www.googleapis.com/auth/compute.readonly", "x"])
    shell.type("gce-routes list")
    complaint = shell.complains(MASTER)
    assert "insufficientPermissions" in complaint
    assert "scopes are https://www.googleapis.com/auth/compute.readonly x;" in complaint


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("reason", ["backendError", "internalError"])
def test_passing_trouble(shell, status, reason):
    shell.google.api.fault(where=inserts, times=2, instead=refusal(status, reason))
    shell.type(MASTER)
    tries = [rq for rq in shell.google.api.requests if inserts(rq)]
    assert len(tries) == 3
    assert len({rq.query["requestId"] for rq in tries}) == 1, "it is the same change each time"


def test_trouble_that_stays(shell):
    """100 ms at most before the second try, double that before the next, ...: 1.5 s in all."""
    shell.google.api.fault(where=inserts, times=99, instead=refusal(503, "backendError"))
    started = time.monotonic()
    assert "backendError" in shell.complains(MASTER)
    assert count(shell) == TRIES
    assert time.monotonic() - started < 3 * SLOWNESS


def test_resource_not_ready(shell):
    shell.google.api.fault(where=inserts, times=1, instead=refusal(400, "resourceNotReady"))
    started = time.monotonic()
    shell.type(MASTER)
    assert count(shell) == 2 and time.monotonic() - started > 0.9


def test_in_use(shell):
    shell.type(MASTER)
    shell.google.api.fault(where=lambda rq: rq.method == "DELETE", times=1,
                           instead=refusal(400, "resourceInUseByAnotherResource"))
    shell.type("gce-routes delete k8s-master --quiet")
    assert count(shell, "DELETE") == 2 and not shell.google.cloud.routes


def test_already_exists_is_looked_at(shell):
    shell.type(MASTER)
    shell.google.api.requests.clear()
    shell.type(MASTER)
    assert count(shell) == 1 and count(shell, "GET", "/routes/k8s-master") == 2


def test_not_found_deletes_well(shell):
    shell.type("gce-routes delete k8s-master --quiet")
    assert count(shell, "DELETE") == 1


def test_stale_fingerprint_is_read_anew(shell):
    """Of a firewall rule, which is changed in place."""
    shell.type("gce-routes firewall --source-range 10.244.0.0/16")
    shell.google.cloud.firewalls["cnibox-kubernetes-pods"]["sourceRanges"] = ["10.9.0.0/16"]
    shell.google.api.fault(where=lambda rq: rq.method == "PATCH", times=1, instead=refusal(412, "conditionNotMet"))
    shell.google.api.requests.clear()
    shell.type("gce-routes firewall --source-range 10.244.0.0/16 --replace")
    assert shell.google.cloud.firewalls["cnibox-kubernetes-pods"]["sourceRanges"] == ["10.244.0.0/16"]
    assert (count(shell, "GET", "/firewalls"), count(shell, "PATCH", "/firewalls")) == (2, 2)


# --- rate and quota ---------------------------------------------------------------------------------------

def test_rate_limit_waits_as_it_is_told(shell):
    shell.google.api.fault(where=inserts, times=1, instead=refusal(403, "rateLimitExceeded", **{"Retry-After": "1"}))
    started = time.monotonic()
    shell.type(MASTER)
    assert count(shell) == 2 and time.monotonic() - started >= 1


def test_rate_limit_beyond_the_time_that_there_is(shell):
    """The next minute is further away than --timeout allows: it is said at once."""
    shell.google.compute.requests_per_minute = 0
    complaint = shell.complains(f"{MASTER} --timeout 1")
    assert "rateLimitExceeded" in complaint and "try again in a minute" in complaint
    assert count(shell) == 1


def test_quota(shell):
    shell.google.cloud.quota["ROUTES"] = 1
    shell.type(MASTER)
    complaint = shell.complains(MASTER.replace("create k8s-master", "create other"))
    assert "Quota 'ROUTES' exceeded.  Limit: 1.0 globally. (quotaExceeded)" in complaint


# --- tokens -----------------------------------------------------------------------------------------------

def test_token_that_is_refused_is_fetched_anew_once(shell):
    def expire(_):
        if len(shell.google.api.requests) == 1:
            shell.google.tokens.expire()

    shell.google.api.fault(where=expire)
    shell.type(MASTER)
    tokens = [rq.headers["authorization"] for rq in shell.google.api.requests if inserts(rq)]
    assert len(tokens) == 2 and tokens[0] != tokens[1]
    assert shell.google.metadata_server.count("GET", "/token") == 2


def test_account_that_is_refused(shell):
    shell.google.api.fault(times=99, instead=refusal(401, "authError", "Invalid Credentials"))
    assert "Invalid Credentials (authError)" in shell.complains(MASTER)
    assert count(shell) == 2


def test_token_lasts_for_all_requests(shell):
    shell.type(MASTER)
    assert shell.google.metadata_server.count("GET", "/token") == 1


def test_token_that_ends_soon_is_not_relied_on(shell):
    """Less than 225 seconds: it is fetched again for the next request."""
    shell.google.metadata.lifetime = 224
    shell.type(MASTER)
    assert shell.google.metadata_server.count("GET", "/token") == 3


# --- operations -------------------------------------------------------------------------------------------

def test_operation_that_takes_its_time(shell):
    """wait may come back before it is done: PENDING, RUNNING, DONE."""
    shell.google.cloud.operation_delay, shell.google.cloud.wait_limit = 1.5, 0.2
    shell.type(MASTER)
    assert 2 <= count(shell, "POST", "/wait") <= 4


def test_operation_that_takes_too_long(shell):
    shell.google.cloud.operation_delay = 30
    shell.google.cloud.wait_limit = 0
    complaint = shell.complains(f"{MASTER} --timeout 3")
    assert "not done yet, and goes on" in complaint and "--timeout" in complaint
    assert count(shell, "POST", "/wait") <= 3


def test_operation_that_fails(shell):
    shell.google.cloud.outcomes = [Outcome("INTERNAL_ERROR", "Code: '4242'")]
    assert "create the route k8s-master: Code: '4242' INTERNAL_ERROR" in shell.complains(MASTER)
    assert count(shell) == 1 and not shell.google.cloud.routes


def test_operation_that_finds_the_name_taken(shell):
    shell.google.cloud.outcomes = [Outcome("RESOURCE_ALREADY_EXISTS", "already exists")]
    shell.google.api.fault(where=lambda rq: rq.method == "GET", times=0)
    complaint = shell.complains(MASTER)
    assert "read the route k8s-master" in complaint, "it is looked at; here it is not there after all"


def test_deletion_that_finds_nothing(shell):
    shell.type(MASTER)
    shell.google.cloud.outcomes = [Outcome("RESOURCE_NOT_FOUND", "not found")]
    shell.type("gce-routes delete k8s-master --quiet")


def test_operation_that_is_forgotten(shell):
    """404 while waiting: the route itself tells."""
    shell.google.cloud.forget_operations = True
    shell.google.cloud.operation_delay = 0
    assert "k8s-master" in shell.says(MASTER)


def test_several_deletions_one_of_which_fails(shell):
    for name in ("a", "b", "c"):
        shell.type(MASTER.replace("create k8s-master", f"create {name}"))
    shell.google.cloud.outcomes = [None, Outcome("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "b is in use")]
    complaint = shell.complains("gce-routes delete a b c --quiet")
    assert "delete the route b: b is in use" in complaint
    assert list(shell.google.cloud.routes) == ["b"]
    assert complaint.count("Deleted [") == 2


def test_several_deletions_one_of_which_is_refused(shell):
    for name in ("a", "b", "c"):
        shell.type(MASTER.replace("create k8s-master", f"create {name}"))
    shell.google.api.fault(where=lambda rq: rq.method == "DELETE" and rq.path.endswith("/a"), instead=refusal(403, "forbidden"))
    assert "delete the route a: It is like that. (forbidden)" in shell.complains("gce-routes delete a b c --quiet")
    assert list(shell.google.cloud.routes) == ["a"]


# --- the network, and what stands before the service --------------------------------------------------------

def test_page_of_html(shell):
    shell.google.api.fault(where=inserts, times=2, instead=HTML)
    shell.type(MASTER)
    assert count(shell) == 3


def test_nothing_but_pages_of_html(shell):
    shell.google.api.fault(times=99, instead=HTML)
    assert "HTTP status 502 without a word of the API" in shell.complains(MASTER)
    assert count(shell) == TRIES


def test_html_that_says_all_is_well(shell):
    shell.google.api.fault(times=99, instead=Answer(200, b"<html>Please log in</html>"))
    assert "want a value" in shell.complains("gce-routes list")
    assert len(shell.google.api.requests) == 1


def test_answer_that_is_lost(shell):
    """The service has acted, the connection broke: the second try is known by its requestId, and there is one route."""
    shell.google.api.fault(where=inserts, lost=True)
    done = shell.type(MASTER)
    assert "Created [" in done.stderr
    ids = [rq.query["requestId"] for rq in shell.google.api.requests if inserts(rq)]
    assert len(ids) == 2 and ids[0] == ids[1]
    assert len(shell.google.cloud.operations) == 1


@pytest.mark.parametrize("cut", [1, 20, 300, 600])
def test_answer_that_is_cut(shell, cut):
    shell.google.api.fault(where=inserts, cut=cut)
    shell.type(MASTER)
    assert count(shell) == 2 and len(shell.google.cloud.operations) == 1


def test_every_answer_is_cut(shell):
    shell.google.api.fault(where=inserts, times=99, cut=100)
    shell.complains(MASTER)
    assert count(shell) <= 2 * TRIES
    assert len(shell.google.cloud.operations) == 1


def test_slow_answer(shell):
    shell.google.api.fault(where=inserts, drip=0.001)
    shell.type(MASTER)
    assert count(shell) == 1


def test_answer_that_does_not_come(shell):
    shell.google.api.fault(times=99, delay=10)
    started = time.monotonic()
    shell.complains(f"{MASTER} --timeout 1")
    assert time.monotonic() - started < 3 * SLOWNESS
    assert count(shell) == 1


def test_chunks(shell):
    shell.google.api.chunked = True
    shell.type(MASTER)
    assert "k8s-master" in shell.says("gce-routes list")


def test_connections_that_do_not_stay(shell):
    shell.google.api.keep_alive = False
    shell.type(MASTER)
    assert shell.google.api.handshakes == 3


def test_no_service(shell):
    shell.google.api.close()
    shell.run("ip", "address", "del", "199.36.153.8/32", "dev", "lo")
    shell.run("ip", "route", "add", "unreachable", "199.36.153.8")
    started = time.monotonic()
    complaint = shell.complains(MASTER)
    assert "compute.googleapis.com" in complaint
    assert time.monotonic() - started < 5 * SLOWNESS


# --- lists -------------------------------------------------------------------------------------------------

def fill(shell, n):
    for i in range(n):
        shell.google.cloud.routes[f"route-{i:05d}"] = {
            "kind": "compute#route", "name": f"route-{i:05d}", "network": shell.google.cloud.link("global", "networks", "default"),
            "destRange": f"10.{i >> 8}.{i & 255}.0/24", "priority": 1000, "routeType": "STATIC", "description": "d" * (i % 50),
            "nextHopInstance": shell.google.cloud.link("zones", "us-west2-b", "instances", "k8s-master")}


def names(shell):
    return shell.says("gce-routes list --format='value(name)'").split()


@pytest.mark.parametrize("n, pages", [(499, 1), (500, 1), (501, 2), (1600, 4)])
def test_pages(shell, n, pages):
    fill(shell, n)
    assert names(shell) == sorted(shell.google.cloud.routes)
    assert len(shell.google.api.requests) == pages


@pytest.mark.parametrize("cut", [500, 5000, 50000, 150000])
def test_page_that_is_cut_gives_no_item_twice(shell, cut):
    fill(shell, 700)
    shell.google.api.fault(times=1, cut=cut)
    assert names(shell) == sorted(shell.google.cloud.routes)
    assert len(shell.google.api.requests) == 3


def test_second_page_that_is_refused_is_asked_for_again(shell):
    fill(shell, 700)
    shell.google.api.fault(where=lambda rq: "pageToken" in rq.query, times=1, instead=refusal(503, "backendError"))
    assert names(shell) == sorted(shell.google.cloud.routes)


def test_list_that_changes_while_it_is_read(shell):
    """Where what was given cannot be told from what comes, it is an error, and no wrong list."""
    fill(shell, 400)

    def cut_and_change(rq):
        if len(shell.google.api.requests) > 1:
            shell.google.cloud.routes.pop("route-00000", None)
        return len(shell.google.api.requests) == 1

    shell.google.api.fault(where=cut_and_change, times=2, cut=50000)
    assert "the list changed while it was read" in shell.complains("gce-routes list")


def test_item_that_is_too_long(shell):
    fill(shell, 3)
    shell.google.cloud.routes["route-00001"]["description"] = "d" * 70000
    assert "longer than" in shell.complains("gce-routes list")


def test_debug_shows_requests_and_no_token(shell):
    done = shell.type(MASTER, env={"DEBUG": "1"})
    token = next(iter(shell.google.tokens.issued))
    assert "https://compute.googleapis.com/compute/v1/projects/demo-project/global/routes?requestId=" in done.stderr
    assert "Authorization" in done.stderr
    assert token not in done.stdout + done.stderr and token[5:30] not in done.stdout + done.stderr
    assert json.dumps(token) not in done.stderr
