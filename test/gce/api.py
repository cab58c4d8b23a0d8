"""Compute v1 as requests and answers, in front of a Cloud."""

import base64
import json
import re
import secrets

from .schema import ApiError, invalid
from .server import Answer

QUERY = {"filter", "maxResults", "orderBy", "pageToken", "returnPartialSuccess", "requestId", "fields", "alt", "prettyPrint",
         "key", "quotaUser"}


class Compute:
    """The service of compute.googleapis.com."""

    def __init__(self, cloud, tokens):
        self.cloud, self.tokens = cloud, tokens
        self.requests_per_minute = None  # then 403 rateLimitExceeded

    def handle(self, request):
        try:
            self.admit(request)
            return Answer.of_json(self.dispatch(request))
        except ApiError as error:
            return Answer.of_json(error.body(), error.status)

    def admit(self, request):
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.tokens.valid(token):
            raise ApiError(401, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        scopes = self.tokens.scopes(token)
        allowed = ("/auth/cloud-platform", "/auth/compute") + (("/auth/compute.readonly",) if request.method == "GET" else ())
        if not any(scope.endswith(allowed) for scope in scopes):
            raise ApiError(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        if self.requests_per_minute is not None:
            if self.requests_per_minute == 0:
                raise ApiError(403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per "
                                                         "minute' of service 'compute.googleapis.com'.")
            self.requests_per_minute -= 1
        for name in request.query:
            if name not in QUERY:
                raise ApiError(400, "badRequest", f'Invalid JSON payload received. Unknown name "{name}"')

    def dispatch(self, request):
        found = re.fullmatch(r"/compute/v1/projects/([^/]+)(?:/(.*))?", request.path)
        if not found:
            raise ApiError(404, "notFound", f"The requested URL {request.path} was not found on this server.")
        cloud = self.cloud
        if found[1] != cloud.project:
            raise ApiError(404, "notFound", f"The resource 'projects/{found[1]}' was not found")
        request_id = request.query.get("requestId")
        match request.method, *(found[2] or "").split("/"):
            case "GET", "":
                return cloud.project_body()
            case "GET", "global", "routes":
                return self.listed(request, "compute#routeList", cloud.routes, cloud.route_body)
            case "POST", "global", "routes":
                return cloud.operation_body(cloud.insert_route(body_of(request), request_id))
            case "GET", "global", "routes", name:
                return cloud.route_body(name)
            case "DELETE", "global", "routes", name:
                return cloud.operation_body(cloud.delete_route(name, request_id))
            case "GET", "global", "firewalls":
                return self.listed(request, "compute#firewallList", cloud.firewalls, cloud.firewalls.get)
            case "POST", "global", "firewalls":
                return cloud.operation_body(cloud.insert_firewall(body_of(request), request_id))
            case "GET", "global", "firewalls", name:
                if name not in cloud.firewalls:
                    raise cloud.not_found("global", "firewalls", name)
                return cloud.firewalls[name]
            case "PATCH", "global", "firewalls", name:
                return cloud.operation_body(cloud.patch_firewall(name, body_of(request), request_id))
            case "DELETE", "global", "firewalls", name:
                return cloud.operation_body(cloud.delete_firewall(name, request_id))
            case "GET", "global", "networks", name:
                if name not in cloud.networks:
                    raise cloud.not_found("global", "networks", name)
                return fields_of(request, cloud.network_body(cloud.networks[name]))
            case "GET", "global", "operations", name:
                return cloud.operation_body(cloud.find_operation(name))
            case "POST", "global", "operations", name, "wait":
                if request.body or request.headers.get("content-length") != "0":
                    raise ApiError(400, "badRequest", "wait has an empty body")
                operation = cloud.find_operation(name)
                operation.done.wait(cloud.wait_limit)
                return cloud.operation_body(operation)
            case "GET", "zones", zone, "instances", name:
                if (zone, name) not in cloud.instances:
                    raise cloud.not_found("zones", zone, "instances", name)
                return fields_of(request, cloud.instance_body(cloud.instances[zone, name]))
        raise ApiError(404, "notFound", f"The requested URL {request.path} was not found on this server.")

    def listed(self, request, kind, names, body):
        size = request.query.get("maxResults", "500")
        if not size.isdigit() or int(size) > 500:
            raise invalid("maxResults", size, "Must be between 0 and 500, inclusive")
        wanted = request.query.get("filter", "")
        matching = [name for name in sorted(names) if not wanted or matches(wanted, body(name))]
        token = request.query.get("pageToken", "")
        start = page_start(token) if token else 0
        page = [body(name) for name in matching[start:start + int(size)]]
        answer = {"kind": kind, "id": f"projects/{self.cloud.project}/global/routes",
                  "selfLink": self.cloud.link("global", "routes")}
        if page:
            answer["items"] = page
        if start + int(size) < len(matching):
            answer["nextPageToken"] = base64.urlsafe_b64encode(f"at {start + int(size)}".encode()).decode()
        return answer


def page_start(token):
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("at "))
    except ValueError:
        raise invalid("pageToken", token, "The page token is not valid.") from None


def body_of(request):
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ApiError(400, "badRequest", "The body must be application/json")
    try:
        return request.json()
    except ValueError as error:
        raise ApiError(400, "parseError", f"Parse Error: {error}") from None


def fields_of(request, body):
    """The partial answer that `fields` asks for; of the top level only."""
    wanted = request.query.get("fields")
    if not wanted:
        return body
    names = re.sub(r"\([^()]*\)|/[^,]*", "", wanted).split(",")
    return {name: value for name, value in body.items() if name in names}


def matches(text, item):
    """The two kinds of filters, which do not mix: `name eq REGEX`, several in brackets; `name = "x" AND ...`."""
    text = text.strip()
    if not text:
        return True
    regex = re.compile(r"\(?\s*([\w.]+)\s+(eq|ne)\s+(.+?)\s*\)?")
    terms = re.findall(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", text) if text.startswith("(") else [text]
    found = [regex.fullmatch(term) for term in terms]
    if all(found):
        return all(matches_regex(item, *term.groups()) for term in found)
    results = []
    for term in re.split(r"\s+AND\s+", text):
        parts = re.fullmatch(r'\(?([\w.]+)\s*(!?=)\s*"?([^"()]*)"?\)?', term)
        if not parts:
            raise invalid("filter", text, "Invalid list filter expression.")
        results.append((str(item.get(parts[1], "")) == parts[3]) == (parts[2] == "="))
    return all(results)


def matches_regex(item, name, operator, pattern):
    if pattern[:1] in "\"'" and pattern[-1:] == pattern[:1]:
        pattern = pattern[1:-1]
    try:
        return bool(re.fullmatch(pattern, str(item.get(name, "")))) == (operator == "eq")
    except re.error:
        raise invalid("filter", pattern, "Invalid list filter expression.") from None


class Tokens:
    """Access tokens that have been given out, and until when they are good."""

    def __init__(self):
        self.issued = {}

    def issue(self, scopes):
        token = "ya29." + secrets.token_urlsafe(100)
        self.issued[token] = scopes
        return token

    def valid(self, token):
        return token in self.issued

    def scopes(self, token):
        return self.issued[token]

    def expire(self):
        """All that were given out until now are refused from now on."""
        self.issued.clear()


def json_error(error, description):
    return json.dumps({"error": error, "error_description": description}).encode()
