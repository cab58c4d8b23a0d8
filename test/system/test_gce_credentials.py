"""Who gce-routes says it is: key files, refresh tokens, token files, the metadata server; in which order, and that no
secret is seen anywhere."""

import json
import subprocess
import time

import pytest
from conftest import SLOWNESS
from gce import HOSTS, METADATA, Answer
from gce.server import Server

pytestmark = pytest.mark.once

LIST = "gce-routes list"
EMAIL = "routes@demo-project.iam.gserviceaccount.com"
WELL_KNOWN = "/root/.config/gcloud/application_default_credentials.json"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
USER = {"type": "authorized_user", "client_id": "id&1.apps.googleusercontent.com", "client_secret": "GOCSPX-s+e/c=r%et",
        "refresh_token": "1//r e?f&resh", "quota_project_id": "demo-project"}


@pytest.fixture(scope="session")
def rsa(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp("key"))


def make_key(directory):
    """(key in PEM, path of its public half)"""
    key, public = directory / "key", directory / "public"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key], check=True,
                   capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    return key.read_text(), public


def account(key, **changes):
    file = {"type": "service_account", "project_id": "demo-project", "private_key_id": "k1", "private_key": key,
            "client_email": EMAIL, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com", **changes}
    return {name: value for name, value in file.items() if value is not None}


@pytest.fixture
def file(shell, rsa):
    """A service account's file, known to the token endpoint; and its environment."""
    shell.google.oauth.accounts[EMAIL] = rsa[1]
    shell.write("/tmp/key.json", json.dumps(account(rsa[0])), 0o600)
    return {"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/key.json"}


def metadata_requests(shell):
    return len(shell.google.metadata_server.requests)


def test_service_account(shell, file):
    now = time.time()
    shell.type(LIST, env=file)
    claims = shell.google.oauth.claims[0]
    assert claims["iss"] == EMAIL and claims["aud"] == "https://oauth2.googleapis.com/token"
    assert claims["scope"] == "https://www.googleapis.com/auth/compute"
    assert claims["exp"] == claims["iat"] + 3600 and abs(claims["iat"] + 10 - now) < 5
    assert metadata_requests(shell) == 0, "neither the token nor the project is asked for"
    assert shell.google.api.handshakes == 2


def test_token_is_kept(shell, file):
    shell.type("gce-routes create r --destination-range 10.244.0.0/24 --next-hop-address 10.168.0.6", env=file)
    assert len(shell.google.oauth.claims) == 1
    assert shell.google.api.handshakes == 2


@pytest.mark.parametrize("form", ["-traditional", None])
def test_key_in_either_form(shell, rsa, form):
    key = rsa[0]
    if form:
        key = subprocess.run(["openssl", "rsa", form], input=key, text=True, check=True, capture_output=True).stdout
        assert "BEGIN RSA PRIVATE KEY" in key
    shell.google.oauth.accounts[EMAIL] = rsa[1]
    shell.write("/tmp/key.json", json.dumps(account(key)))
    shell.type(LIST, env={"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/key.json"})


def test_account_that_is_refused(shell, file):
    shell.google.oauth.accounts.clear()
    complaint = shell.complains(LIST, env=file)
    assert "invalid_grant: Invalid JWT Signature." in complaint and "clock" in complaint
    assert shell.google.api.count("POST", "/token") == 1, "the same would be refused again"


def test_token_endpoint_in_trouble(shell, file):
    shell.google.api.fault(where=lambda rq: rq.path == "/token", times=2, instead=Answer(503, b"busy"))
    shell.type(LIST, env=file)
    tries = shell.google.api.asked("POST", "/token")
    assert len(tries) == 3


def test_token_endpoint_in_trouble_for_ever(shell, file):
    shell.google.api.fault(where=lambda rq: rq.path == "/token", times=99, instead=Answer(503, b"busy"))
    assert "get an access token: https://oauth2.googleapis.com/token: HTTP status 503" in shell.complains(LIST, env=file)
    assert shell.google.api.count("POST", "/token") == 5
    assert shell.google.api.count("GET") == 0


def test_user(shell):
    shell.google.oauth.users[USER["refresh_token"]] = (USER["client_id"], USER["client_secret"])
    shell.write("/tmp/user.json", json.dumps(USER))
    env = {"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/user.json"}
    shell.type(LIST, env=env)
    shell.google.oauth.users.clear()
    complaint = shell.complains(LIST, env=env)
    assert "Token has been expired or revoked." in complaint and "gcloud auth application-default login" in complaint


# --- the order -------------------------------------------------------------------------------------------

def test_named_file_comes_first(shell, file):
    shell.write("/tmp/token", "no such token\n")
    shell.write(WELL_KNOWN, "not even JSON")
    shell.type(LIST, env={**file, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": "/tmp/token"})


def test_token_file_comes_before_the_well_known_one(shell):
    with_home = {"HOME": "/tmp/home", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": "/tmp/token"}
    shell.write("/tmp/token", shell.google.tokens.issue(SCOPES) + "\n")
    shell.write(WELL_KNOWN.replace("/root", "/tmp/home"), "not even JSON")
    shell.type(LIST, env=with_home)
    assert shell.google.metadata_server.count("GET", "/token") == 0
    shell.type(f"{LIST} --access-token-file /tmp/token", env={"HOME": "/tmp/home"})


def test_well_known_file(shell, rsa):
    shell.google.oauth.accounts[EMAIL] = rsa[1]
    shell.write("/tmp/home/.config/gcloud/application_default_credentials.json", json.dumps(account(rsa[0])))
    shell.type(LIST, env={"HOME": "/tmp/home"})
    assert len(shell.google.oauth.claims) == 1
    shell.write("/tmp/config/application_default_credentials.json", "{}")
    assert "/tmp/config/application_default_credentials.json" in shell.complains(LIST, env={"CLOUDSDK_CONFIG": "/tmp/config"})


def test_token_file_is_read_again_when_it_is_refused(shell):
    good = shell.google.tokens.issue(SCOPES)
    shell.write("/tmp/token", "of yesterday\n")

    def renew(_):
        shell.write("/tmp/token", good)

    shell.google.api.fault(where=renew)
    shell.write("/tmp/token", "yesterdays\n")
    shell.type(LIST, env={"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": "/tmp/token"})
    assert len(shell.google.api.requests) == 2


# --- files that are no good --------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["external_account", "external_account_authorized_user", "impersonated_service_account",
                                  "gdch_service_account", "something"])
def test_kinds_that_are_not_supported(shell, kind):
    shell.write("/tmp/key.json", json.dumps({"type": kind, "audience": "//iam.googleapis.com/x"}))
    complaint = shell.complains(LIST, env={"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/key.json"})
    assert f"type '{kind}' is not supported" in complaint


@pytest.mark.parametrize("content, said", [
    ("", "/tmp/key.json"),
    ("[]", "no JSON object"),
    ("{}", "type is missing"),
    ("x" * 40000, "/tmp/key.json: File too large"),
    (account("x", private_key=None), "private_key is missing"),
    (account("x", client_email=7), "client_email is missing, or no text"),
    (account("x", token_uri="http://oauth2.googleapis.com/token"), "token_uri does not begin with https://"),
    (account("x", universe_domain="example.org"), "universe_domain 'example.org'"),
    (account("very secret"), "private_key"),
    (account("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"), "private_key"),
    ({**USER, "refresh_token": None}, "refresh_token is missing"),
], ids=range(11))
def test_files_that_are_no_good(shell, content, said):
    shell.write("/tmp/key.json", content if isinstance(content, str) else json.dumps(content))
    complaint = shell.complains(LIST, env={"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/key.json"})
    assert said in complaint and "secret" not in complaint and "c2VjcmV0" not in complaint
    assert not shell.google.api.requests, "and no other credentials are used in its place"


def test_named_file_that_is_not_there(shell):
    complaint = shell.complains(LIST, env={"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/nowhere.json"})
    assert "/tmp/nowhere.json: No such file" in complaint and "GOOGLE_APPLICATION_CREDENTIALS" in complaint
    assert not shell.google.api.requests and metadata_requests(shell) == 0


@pytest.mark.parametrize("token", ["", "two words", "line\nline", "a" * 5000, "non-ascii-\u00e4"], ids=range(5))
def test_token_file_that_holds_none(shell, token):
    shell.write("/tmp/token", token)
    assert "/tmp/token" in shell.complains(LIST, env={"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": "/tmp/token"})
    assert not shell.google.api.requests


# --- nobody sees them ------------------------------------------------------------------------------------

def test_no_secret_in_output_or_process_list(shell, file, rsa):
    """With DEBUG, while it runs, and when it fails."""
    shell.google.api.fault(where=lambda rq: rq.method == "GET", delay=0.5)
    child = shell.popen("gce-routes", "list", env={**file, "DEBUG": "1"})
    time.sleep(0.3)
    process = shell.run("sh", "-c", f"tr '\\0' ' ' < /proc/{child.pid}/cmdline; tr '\\0' '\\n' < /proc/{child.pid}/environ").stdout
    said = "".join(child.communicate())
    assert child.returncode == 0 and "oauth2.googleapis.com/token" in said
    secrets = [*shell.google.tokens.issued, rsa[0].splitlines()[1],
               shell.google.api.asked("POST", "/token")[0].body.decode()[-100:]]
    for secret in secrets:
        assert secret not in said and secret not in process


# --- the metadata server -----------------------------------------------------------------------------------

def test_metadata_by_another_address(shell):
    elsewhere = Server(shell, "127.0.0.1", 8080, shell.google.metadata.handle)
    shell.type(LIST, env={"GCE_METADATA_HOST": "127.0.0.1:8080"})
    assert elsewhere.count("GET", "/computeMetadata/v1/instance/service-accounts/default/token") == 1
    assert metadata_requests(shell) == 0
    for request in elsewhere.requests:
        assert request.headers["metadata-flavor"] == "Google" and "x-forwarded-for" not in request.headers
        assert request.headers["host"] == "127.0.0.1:8080"
    elsewhere.close()


def test_metadata_never_through_a_proxy(shell):
    proxy = "http://127.0.0.1:1"
    env = {"http_proxy": proxy, "HTTP_PROXY": proxy, "all_proxy": proxy, "NO_PROXY": ".googleapis.com"}
    shell.type(LIST, env=env)


def portal(_):
    return Answer(200, b"<html>Welcome to our hotel</html>")


def test_somebody_else_in_the_metadata_servers_place(shell):
    hotel = Server(shell, "127.0.0.1", 8080, portal)
    complaint = shell.complains(LIST, env={"GCE_METADATA_HOST": "127.0.0.1:8080"})
    assert "Metadata-Flavor" in complaint and "portal" in complaint
    assert hotel.count() == 1
    hotel.close()


@pytest.mark.parametrize("fault", [{"instead": Answer(503, b"")}, {"instead": Answer(429, b"")}, {"lost": True}, {"cut": 30}])
def test_metadata_server_in_passing_trouble(shell, fault):
    shell.google.metadata_server.fault(times=2, **fault)
    shell.type(LIST, env={"GCE_METADATA_HOST": METADATA})
    assert metadata_requests(shell) == 4, "the project twice in vain, and both values"


def test_metadata_server_in_trouble_for_ever(shell):
    shell.google.metadata_server.fault(times=99, instead=Answer(503, b""))
    assert "HTTP status 503" in shell.complains(LIST, env={"GCE_METADATA_HOST": METADATA})
    assert metadata_requests(shell) == 5


@pytest.mark.parametrize("status", [400, 403])
def test_metadata_server_that_refuses(shell, status):
    shell.google.metadata_server.fault(times=99, instead=Answer(status, b""))
    assert f"HTTP status {status}" in shell.complains(LIST, env={"GCE_METADATA_HOST": METADATA})
    assert metadata_requests(shell) == 1


def test_instance_without_an_account(shell):
    shell.google.cloud.add_instance("here", address=METADATA, scopes=[])
    assert "this instance has no service account" in shell.complains(LIST)


@pytest.mark.parametrize("answer", [b"", b"{}", b"{\"access_token\":\"\",\"expires_in\":3599,\"token_type\":\"Bearer\"}",
                                    b"{\"access_token\":\"secret\",\"expires_in\":0}", b"{\"access_token\":\"secret\"}",
                                    b"{\"access_token\":[\"secret\"],\"expires_in\":9}", b"secret", b"x" * 20000],
                         ids=range(8))
def test_metadata_server_gives_no_token(shell, answer):
    shell.google.metadata_server.fault(where=lambda rq: rq.path.endswith("/token"), times=99,
                                       instead=Answer(200, answer, {"Metadata-Flavor": "Google"}))
    complaint = shell.complains(LIST)
    assert "token" in complaint and "secret" not in complaint
    assert not shell.google.api.requests


def test_not_on_google(shell):
    """Where the metadata server need not be, it is asked once, and what to do is said."""
    shell.run("ip", "address", "del", f"{METADATA}/32", "dev", "lo")
    shell.run("ip", "route", "add", "blackhole", METADATA)
    started = time.monotonic()
    complaint = shell.complains(LIST)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in complaint
    assert time.monotonic() - started < 3 * SLOWNESS


# --- the project -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("line, env", [
    (f"{LIST} --project demo-project", {"CLOUDSDK_CORE_PROJECT": "other"}),
    (LIST, {"CLOUDSDK_CORE_PROJECT": "demo-project", "GOOGLE_CLOUD_PROJECT": "other"}),
    (LIST, {"GOOGLE_CLOUD_PROJECT": "demo-project"}),
])
def test_project(shell, line, env):
    shell.type(line, env=env)
    assert shell.google.metadata_server.count("GET", "/project-id") == 0


def test_other_project(shell):
    assert "projects/other' was not found" in shell.complains(f"{LIST} --project other")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a?b", "A", "a" * 200], ids=range(6))
def test_no_project(shell, name):
    assert "project" in shell.complains(f"{LIST} --project '{name}'", 2)


# --- with nothing in /etc ------------------------------------------------------------------------------------

def test_without_any_file(shell):
    """No resolv.conf, no hosts, no bundle of roots: the API by its address."""
    authority = shell.google.authority.certificate
    shell.copy(authority, "/tmp/ca.pem")
    shell.sh("rm -r /etc/hosts /etc/ssl")
    assert shell.sh("ls /etc") == ""
    shell.type(f"{LIST} --api-endpoint https://199.36.153.8 --ca-file /tmp/ca.pem")
    complaint = shell.complains(f"{LIST} --api-endpoint https://199.36.153.8")
    assert "199.36.153.8" in complaint
    shell.write("/etc/hosts", HOSTS)
    shell.complains(LIST)
    assert len(shell.google.api.requests) == 1, "not a byte for who is not trusted"
