"""One project of Google's cloud: networks, instances, routes, firewall rules, operations, quotas. No HTTP in here."""

import ipaddress
import re
import threading
import time
import uuid
from dataclasses import dataclass, field

from .schema import ApiError, check_firewall, check_request_id, check_route, invalid

PREFIX = "https://www.googleapis.com/compute/v1/"
AUTO_MODE = ipaddress.ip_network("10.128.0.0/9")


@dataclass
class Network:
    name: str
    auto: bool = False
    subnets: list = field(default_factory=list)


@dataclass
class Instance:
    name: str
    zone: str
    address: str
    network: str = "default"
    can_ip_forward: bool = True
    status: str = "RUNNING"
    tags: list = field(default_factory=list)
    ipv6: bool = False
    scopes: list = field(default_factory=lambda: ["https://www.googleapis.com/auth/cloud-platform"])
    attributes: dict = field(default_factory=dict)


@dataclass
class Operation:
    """What has been asked for and is under way."""
    kind: str  # insert, delete, patch
    target: str  # "projects/..."
    request_id: str
    name: str
    delay: float
    finish: callable
    error: dict = None
    warnings: list = field(default_factory=list)
    inserted: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)

    def status(self):
        if self.done.is_set():
            return "DONE"
        return "PENDING" if time.monotonic() < self.inserted + self.delay / 2 else "RUNNING"


@dataclass
class Outcome:
    """How an operation of the near future ends, otherwise than well."""
    code: str
    message: str = "It did not work out."
    status: int = 400
    text: str = "BAD REQUEST"


class Fabric:
    """Where routes have an effect: nowhere. That of the lab is lab.google.VpcFabric."""

    def program(self, prefix, priority, hops):
        """Packets for prefix go to one of hops (instances), or are dropped if there is none; None: no such route."""

    def may_forward(self, instance):
        """Whether packets with other addresses than its own may come from it and reach it has changed."""


class Cloud:
    def __init__(self, project="demo-project", number=123456789012):
        self.project, self.number = project, number
        self.networks = {"default": Network("default", auto=True, subnets=["10.168.0.0/20"])}
        self.instances, self.routes, self.operations = {}, {}, {}
        self.firewalls = {"default-allow-internal": self.default_allow_internal()}
        self.by_request_id = {}
        self.quota = {"ROUTES": 250, "FIREWALLS": 100}
        self.operation_delay = 0.02  # seconds from the request until it is done
        self.wait_limit = 120.0  # seconds until `wait` gives up; 0: it returns at once
        self.outcomes = []  # of the next operations
        self.forget_operations = False  # they are not found when asked for
        self.fabric = Fabric()
        self.lock = threading.RLock()
        self.serial = 1000

    # --- names ------------------------------------------------------------------------------------

    def path(self, *parts):
        return "/".join(("projects", self.project, *parts))

    def link(self, *parts):
        return PREFIX + self.path(*parts)

    def resolve(self, url, field):
        """The part from "projects/" on of a URL in any of the forms that the API takes."""
        url = re.sub(r"https://[^/]+/compute/v1/", "", url)
        if url.startswith(("global/", "zones/")):
            url = self.path(url)
        if not url.startswith("projects/"):
            raise invalid(field, url, "The URL is malformed.")
        return url

    def default_allow_internal(self):
        """The rule that the network of this name comes with."""
        rule = {"name": "default-allow-internal", "direction": "INGRESS", "priority": 65534, "disabled": False,
                "allowed": [{"IPProtocol": "tcp", "ports": ["0-65535"]}, {"IPProtocol": "udp", "ports": ["0-65535"]},
                            {"IPProtocol": "icmp"}], "sourceRanges": [str(AUTO_MODE)]}
        return {"kind": "compute#firewall", "id": "4", "network": self.link("global", "networks", "default"), **rule,
                "selfLink": self.link("global", "firewalls", rule["name"])}

    # --- machines ---------------------------------------------------------------------------------

    def add_instance(self, name, zone="us-west2-b", address="10.168.0.6", **rest):
        self.instances[zone, name] = Instance(name, zone, address, **rest)
        self.apply_all()
        return self.instances[zone, name]

    def change_instance(self, name, zone="us-west2-b", **changes):
        for key, value in changes.items():
            setattr(self.instances[zone, name], key, value)
        if "can_ip_forward" in changes:
            self.fabric.may_forward(self.instances[zone, name])
        self.apply_all()

    def remove_instance(self, name, zone="us-west2-b"):
        del self.instances[zone, name]
        self.apply_all()

    def instance_body(self, instance):
        body = {"kind": "compute#instance", "id": "42", "name": instance.name, "zone": self.link("zones", instance.zone),
                "status": instance.status, "tags": {"items": instance.tags, "fingerprint": "x"},
                "metadata": {"kind": "compute#metadata", "items": [{"key": "startup-script", "value": "#!/bin/sh\n" * 5000}]},
                "networkInterfaces": [{"name": "nic0", "network": self.link("global", "networks", instance.network),
                                       "networkIP": instance.address,
                                       "stackType": "IPV4_IPV6" if instance.ipv6 else "IPV4_ONLY"}],
                "selfLink": self.link("zones", instance.zone, "instances", instance.name)}
        if instance.can_ip_forward:
            body["canIpForward"] = True
        return body

    def network_body(self, network):
        return {"kind": "compute#network", "id": "7", "name": network.name, "autoCreateSubnetworks": network.auto,
                "selfLink": self.link("global", "networks", network.name)}

    def project_body(self):
        usage = {"ROUTES": len(self.routes), "FIREWALLS": len(self.firewalls)}
        return {"kind": "compute#project", "name": self.project, "id": str(self.number),
                "quotas": [{"metric": metric, "limit": float(limit), "usage": float(usage[metric])}
                           for metric, limit in self.quota.items()]}

    # --- operations -------------------------------------------------------------------------------

    def begin(self, kind, target, request_id, start, finish, undo):
        """start() now, finish() when the operation is done, undo() in its place if it fails."""
        check_request_id(request_id)
        with self.lock:
            known = self.by_request_id.get(request_id)
            if known:
                return known
            start()
            self.serial += 1
            operation = Operation(kind, target, request_id, f"operation-{self.serial}-{uuid.uuid4().hex[:8]}",
                                  self.operation_delay, finish)
            outcome = self.outcomes.pop(0) if self.outcomes else None
            self.operations[operation.name] = operation
            if request_id:
                self.by_request_id[request_id] = operation
        threading.Timer(self.operation_delay, self._end, (operation, outcome, undo)).start()
        return operation

    def _end(self, operation, outcome, undo):
        with self.lock:
            if outcome:
                operation.error = outcome
                undo()
            else:
                operation.warnings = operation.finish() or []
        operation.done.set()

    def find_operation(self, name):
        if self.forget_operations or name not in self.operations:
            raise self.not_found("global", "operations", name)
        return self.operations[name]

    def operation_body(self, o):
        status = o.status()
        body = {"kind": "compute#operation", "id": o.name.split("-")[1], "name": o.name, "operationType": o.kind,
                "targetLink": PREFIX + o.target, "targetId": "99", "status": status, "user": "someone@example.com",
                "progress": {"PENDING": 0, "RUNNING": 40, "DONE": 100}[status], "insertTime": "2026-11-26T00:00:00.000-07:00",
                "selfLink": self.link("global", "operations", o.name)}
        if o.request_id:
            body["clientOperationId"] = o.request_id
        if status == "DONE" and o.error:
            body["error"] = {"errors": [{"code": o.error.code, "message": o.error.message}]}
            body["httpErrorStatusCode"], body["httpErrorMessage"] = o.error.status, o.error.text
        if status == "DONE" and o.warnings:
            body["warnings"] = o.warnings
        return body

    # --- routes -----------------------------------------------------------------------------------

    def not_found(self, *parts):
        return ApiError(404, "notFound", f"The resource '{self.path(*parts)}' was not found")

    def exists(self, *parts):
        return ApiError(409, "alreadyExists", f"The resource '{self.path(*parts)}' already exists")

    def find_network(self, url):
        path = self.resolve(url, "resource.network")
        name = path.rsplit("/", 1)[1]
        if path != self.path("global", "networks", name) or name not in self.networks:
            raise ApiError(404, "notFound", f"The resource '{path}' was not found")
        return self.networks[name]

    def insert_route(self, body, request_id):
        check_request_id(request_id)
        if request_id in self.by_request_id:
            return self.by_request_id[request_id]
        check_route(body)
        network = self.find_network(body["network"])
        for subnet in network.subnets:
            if inside(body["destRange"], subnet):
                raise invalid("resource.destRange", body["destRange"],
                              f"The destination range hides the address space of the network, {subnet}.")
        if body["name"] in self.routes:
            raise self.exists("global", "routes", body["name"])
        self.check_quota("ROUTES", len(self.routes))
        route = {"kind": "compute#route", "id": str(self.serial * 7919), "creationTimestamp": "2026-11-26T00:00:00.000-07:00",
                 "priority": 1000, **body, "network": self.link("global", "networks", network.name), "routeType": "STATIC",
                 "selfLink": self.link("global", "routes", body["name"])}
        if "nextHopInstance" in body:
            route["nextHopInstance"] = PREFIX + self.resolve(body["nextHopInstance"], "resource.nextHopInstance")

        def start():
            self.routes[body["name"]] = route

        def finish():
            self.apply(route["destRange"], route["priority"])
            return self.route_warnings(route)

        def undo():
            self.routes.pop(body["name"], None)

        return self.begin("insert", self.path("global", "routes", body["name"]), request_id, start, finish, undo)

    def delete_route(self, name, request_id):
        check_request_id(request_id)
        if request_id in self.by_request_id:
            return self.by_request_id[request_id]
        if name not in self.routes:
            raise self.not_found("global", "routes", name)
        route = self.routes[name]

        def finish():
            self.routes.pop(name, None)
            self.apply(route["destRange"], route["priority"])

        return self.begin("delete", self.path("global", "routes", name), request_id, lambda: None, finish, lambda: None)

    def route_body(self, name):
        if name not in self.routes:
            raise self.not_found("global", "routes", name)
        route = self.routes[name]
        warnings = self.route_warnings(route)
        return {**route, "warnings": warnings} if warnings else route

    def hop_of(self, route):
        """The instance that a route leads to, or None."""
        if "nextHopIp" in route:
            return next((i for i in self.instances.values() if i.address == route["nextHopIp"]), None)
        parts = route.get("nextHopInstance", "").removeprefix(PREFIX + self.path("")).split("/")
        return self.instances.get((parts[1], parts[3])) if len(parts) == 4 else None

    def route_warnings(self, route):
        hop = self.hop_of(route)
        where = route.get("nextHopInstance", route.get("nextHopIp", "")).removeprefix(PREFIX)
        if not hop and "nextHopIp" in route:
            return [warning("NEXT_HOP_ADDRESS_NOT_ASSIGNED", f"Next hop address '{where}' is not assigned.")]
        if not hop:
            return [warning("NEXT_HOP_INSTANCE_NOT_FOUND", f"Next hop instance '{where}' not found.")]
        found = []
        if hop.network != route["network"].rsplit("/", 1)[1]:
            found.append(warning("NEXT_HOP_INSTANCE_NOT_ON_NETWORK", f"Next hop instance '{where}' is on another network."))
        if not hop.can_ip_forward:
            found.append(warning("NEXT_HOP_CANNOT_IP_FORWARD", f"Next hop instance '{where}' cannot forward Ip traffic."))
        if hop.status != "RUNNING":
            found.append(warning("NEXT_HOP_NOT_RUNNING", f"Next hop instance '{where}' is not running."))
        if ":" in route["destRange"] and not hop.ipv6:
            found.append(warning("NEXT_HOP_INSTANCE_HAS_NO_IPV6_INTERFACE", f"Next hop instance '{where}' has no IPv6."))
        return found

    # --- firewall rules ---------------------------------------------------------------------------

    def insert_firewall(self, body, request_id):
        check_request_id(request_id)
        if request_id in self.by_request_id:
            return self.by_request_id[request_id]
        check_firewall(body)
        network = self.find_network(body.get("network", "global/networks/default"))
        name = body["name"]
        if name in self.firewalls:
            raise self.exists("global", "firewalls", name)
        self.check_quota("FIREWALLS", len(self.firewalls))
        rule = {"kind": "compute#firewall", "id": "5", "direction": "INGRESS", "priority": 1000, "disabled": False, **body,
                "network": self.link("global", "networks", network.name), "selfLink": self.link("global", "firewalls", name)}

        def start():
            self.firewalls[name] = rule

        return self.begin("insert", self.path("global", "firewalls", name), request_id, start, lambda: None,
                          lambda: self.firewalls.pop(name, None))

    def patch_firewall(self, name, body, request_id):
        """A merge: fields that are not there stay as they were."""
        if name not in self.firewalls:
            raise self.not_found("global", "firewalls", name)
        merged = {key: value for key, value in {**self.firewalls[name], **body}.items() if value is not None}
        check_firewall(merged)

        def finish():
            self.firewalls[name] = merged

        return self.begin("patch", self.path("global", "firewalls", name), request_id, lambda: None, finish, lambda: None)

    def delete_firewall(self, name, request_id):
        if name not in self.firewalls:
            raise self.not_found("global", "firewalls", name)
        def finish():
            self.firewalls.pop(name, None)

        return self.begin("delete", self.path("global", "firewalls", name), request_id, lambda: None, finish, lambda: None)

    def check_quota(self, metric, used):
        if used >= self.quota[metric]:
            raise ApiError(403, "quotaExceeded", f"Quota '{metric}' exceeded.  Limit: {self.quota[metric]:.1f} globally.")

    # --- the effect -------------------------------------------------------------------------------

    def apply(self, prefix, priority):
        """Tell the fabric where packets for prefix go now. Routes for tagged senders only are not known to it."""
        routes = [r for r in self.routes.values()
                  if (r["destRange"], r["priority"]) == (prefix, priority) and not r.get("tags")]
        hops = [self.hop_of(route) for route in routes]
        alive = [hop for hop in hops if hop and hop.status == "RUNNING"]
        self.fabric.program(prefix, priority, alive if routes else None)

    def apply_all(self):
        with self.lock:
            for prefix, priority in {(r["destRange"], r["priority"]) for r in self.routes.values()}:
                self.apply(prefix, priority)


def inside(prefix, subnet):
    one, other = ipaddress.ip_network(prefix), ipaddress.ip_network(subnet)
    return one.version == other.version and one.subnet_of(other)


def warning(code, message):
    return {"code": code, "message": message, "data": [{"key": "instance", "value": message.split("'")[1]}]}
