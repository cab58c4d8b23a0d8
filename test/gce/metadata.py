"""The metadata server, as an instance sees it at 169.254.169.254, and OAuth2's token endpoint."""

import base64
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qsl

from .api import json_error
from .server import Answer

FLAVOR = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
ROOT = "/computeMetadata/v1/"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Metadata:
    def __init__(self, cloud, tokens):
        self.cloud, self.tokens = cloud, tokens
        self.lifetime = 3599  # seconds, of tokens
        self.kept = {}  # the token that an instance is given until it is about to expire

    def handle(self, request):
        if request.headers.get("metadata-flavor") != "Google" or "x-forwarded-for" in request.headers:
            return Answer(403, b"Missing Metadata-Flavor:Google header.\n", {"Content-Type": "text/html; charset=UTF-8"})
        if request.method != "GET":
            return Answer(405, b"", FLAVOR)
        if request.path == "/":
            return text("0.1/\ncomputeMetadata/\n")
        instance = next((i for i in self.cloud.instances.values() if i.address == request.peer), None)
        value = self.value(request.path.removeprefix(ROOT), instance)
        if value is None:
            return Answer(404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>\n",
                          {**FLAVOR, "Content-Type": "text/html; charset=UTF-8"})
        return text(value) if isinstance(value, str) else Answer.of_json(value, **FLAVOR)

    def value(self, path, instance):
        """Of this instance, or of Cloud Shell where there is none at that address: a project, and an account."""
        cloud = self.cloud
        if path == "project/project-id":
            return cloud.project
        if path == "project/numeric-project-id":
            return str(cloud.number)
        if path.startswith("instance/service-accounts/default/"):
            return self.account(path.rsplit("/", 1)[1], instance)
        if not instance:
            return None
        interface = "instance/network-interfaces/0/"
        values = {"instance/name": instance.name, "instance/id": "42", "instance/hostname": f"{instance.name}.c.internal",
                  "instance/zone": f"projects/{cloud.number}/zones/{instance.zone}", "instance/tags": instance.tags,
                  interface + "network": f"projects/{cloud.number}/networks/{instance.network}",
                  interface + "ip": instance.address, "instance/network-interfaces/": "0/\n"}
        for key, value in instance.attributes.items():
            values[f"instance/attributes/{key}"] = value
        return values.get(path)

    def account(self, what, instance):
        scopes = instance.scopes if instance else ["https://www.googleapis.com/auth/cloud-platform"]
        if not scopes:
            return None
        if what == "email":
            return f"{self.cloud.number}-compute@developer.gserviceaccount.com"
        if what == "scopes":
            return "".join(f"{scope}\n" for scope in scopes)
        if what == "token":
            name = instance.name if instance else ""
            if not self.tokens.valid(self.kept.get(name)):
                self.kept[name] = self.tokens.issue(scopes)
            return {"access_token": self.kept[name], "expires_in": self.lifetime, "token_type": "Bearer"}
        return None


def text(value):
    return Answer(200, value.encode(), {**FLAVOR, "Content-Type": "application/text"})


class Oauth:
    """The token endpoint: accounts by their public keys, users by their refresh tokens."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.accounts = {}  # e-mail -> path of the public key
        self.users = {}  # refresh token -> (client id, client secret)
        self.audience = "https://oauth2.googleapis.com/token"
        self.claims = []  # of the assertions that were accepted
        self.lifetime = 3599

    def handle(self, request):
        if request.method != "POST" or request.path != "/token":
            return Answer(404, b"<html>Not Found</html>", {"Content-Type": "text/html"})
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return refused("invalid_request", "Content-Type")
        form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        if form.get("grant_type") == GRANT:
            return self.by_assertion(form["assertion"])
        if form.get("grant_type") == "refresh_token":
            if self.users.get(form["refresh_token"]) != (form["client_id"], form["client_secret"]):
                return refused("invalid_grant", "Token has been expired or revoked.")
            return self.give(["https://www.googleapis.com/auth/cloud-platform"])
        return refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")

    def by_assertion(self, jwt):
        parts = jwt.split(".")
        if len(parts) != 3 or not all(re.fullmatch(r"[\w-]+", part) for part in parts):
            return refused("invalid_grant", "Invalid JWT")
        header, claims = (json.loads(decode(part)) for part in parts[:2])
        now = time.time()
        if header.get("alg") != "RS256" or header.get("typ") != "JWT" or not header.get("kid"):
            return refused("invalid_grant", "Invalid JWT header")
        if claims["aud"] != self.audience:
            return refused("invalid_grant", "Invalid JWT: wrong audience")
        if not (claims["iat"] <= now <= claims["exp"] <= claims["iat"] + 3600):
            return refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                                            "timeframe. Check your iat and exp values in the JWT claim.")
        key = self.accounts.get(claims["iss"])
        if not key or not verified(key, ".".join(parts[:2]).encode(), decode(parts[2])):
            return refused("invalid_grant", "Invalid JWT Signature.")
        self.claims.append(claims)
        return self.give(claims["scope"].split())

    def give(self, scopes):
        return Answer.of_json({"access_token": self.tokens.issue(scopes), "expires_in": self.lifetime, "token_type": "Bearer"})


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(key, message, signature):
    """By openssl: what signs is not what checks."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "signature"
        path.write_bytes(signature)
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(key), "-signature", str(path)],
                              input=message, capture_output=True).returncode == 0


def refused(error, description):
    return Answer(400, json_error(error, description), {"Content-Type": "application/json; charset=utf-8"})
