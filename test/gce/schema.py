"""What may be written into a resource of Compute v1: fields, types, values; and the API's words where it refuses."""

import ipaddress
import re

NAME = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PROTOCOLS = {"tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp", "all"}
HOPS = ("nextHopInstance", "nextHopIp", "nextHopGateway", "nextHopIlb", "nextHopVpnTunnel")

STRINGS = [str]
OUTPUT_ONLY = {"kind": str, "id": str, "creationTimestamp": str, "selfLink": str}
ROUTE = {**OUTPUT_ONLY, "name": str, "network": str, "destRange": str, "priority": int, "tags": STRINGS, "description": str,
         **{hop: str for hop in HOPS}, "nextHopNetwork": str, "nextHopPeering": str, "nextHopHub": str, "routeType": str,
         "routeStatus": str, "warnings": [dict], "asPaths": [dict], "params": dict}
RULES = [{"IPProtocol": str, "ports": STRINGS}]
FIREWALL = {**OUTPUT_ONLY, "name": str, "network": str, "description": str, "direction": str, "priority": int,
            "allowed": RULES, "denied": RULES, "sourceRanges": STRINGS, "destinationRanges": STRINGS, "sourceTags": STRINGS,
            "targetTags": STRINGS, "sourceServiceAccounts": STRINGS, "targetServiceAccounts": STRINGS, "disabled": bool,
            "logConfig": dict}


class ApiError(Exception):
    """An error answer: HTTP status, reason, message."""

    def __init__(self, status, reason, message):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    def body(self):
        return {"error": {"code": self.status, "message": self.message,
                          "errors": [{"message": self.message, "domain": "global", "reason": self.reason}]}}


def invalid(field, value, why):
    return ApiError(400, "invalid", f"Invalid value for field '{field}': '{value}'. {why}")


def check_types(value, wanted, path):
    """Every field is one of the schema's, and of its type."""
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            raise ApiError(400, "badRequest", f"Invalid value at '{path}': want an object")
        for name, member in value.items():
            if name not in wanted:
                raise ApiError(400, "badRequest", f'Invalid JSON payload received. Unknown name "{name}" at \'{path}\': '
                                                  "Cannot find field.")
            check_types(member, wanted[name], f"{path}.{name}")
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            raise ApiError(400, "badRequest", f"Invalid value at '{path}': want a list")
        for i, element in enumerate(value):
            check_types(element, wanted[0], f"{path}[{i}]")
    elif type(value) is not wanted:
        raise ApiError(400, "badRequest", f"Invalid value at '{path}' (TYPE_{wanted.__name__.upper()}), {value!r}")


def check_name(value, field="resource.name"):
    if value is None:
        raise ApiError(400, "required", "Required field 'resource.name' not specified")
    if not re.fullmatch(NAME, value):
        raise invalid(field, value, f"Must be a match of regex '{NAME}'")


def check_range(field, text, family=None):
    """Canonical, and of one family with the others."""
    try:
        prefix = ipaddress.ip_network(text)
    except ValueError:
        raise invalid(field, text, "Must be a CIDR address range.") from None
    if str(prefix) != text:
        raise invalid(field, text, f"Must be a canonical CIDR address range, {prefix}.")
    if family and prefix.version != family:
        raise invalid(field, text, "IPv4 and IPv6 ranges cannot be mixed.")
    return prefix


def check_request_id(text):
    if text is not None and (not UUID.fullmatch(text) or not text.strip("0-")):
        raise invalid("requestId", text, "Must be a valid, non-zero UUID.")


def check_priority(value):
    if not 0 <= value <= 65535:
        raise invalid("resource.priority", value, "Must be between 0 and 65535, inclusive")


def check_route(body):
    check_types(body, ROUTE, "resource")
    check_name(body.get("name"))
    for required in ("network", "destRange"):
        if not body.get(required):
            raise ApiError(400, "required", f"Required field 'resource.{required}' not specified")
    check_range("resource.destRange", body["destRange"])
    check_priority(body.get("priority", 1000))
    for tag in body.get("tags", []):
        check_name(tag, "resource.tags")
    hops = [hop for hop in HOPS if hop in body]
    if len(hops) != 1:
        raise ApiError(400, "invalidResourceUsage", "Invalid resource usage: 'Exactly one next hop must be specified.'")
    if "nextHopIp" in body:
        try:
            ipaddress.ip_address(body["nextHopIp"])
        except ValueError:
            raise invalid("resource.nextHopIp", body["nextHopIp"], "Must be an IP address.") from None


def check_firewall(body):
    check_types(body, FIREWALL, "resource")
    check_name(body.get("name"))
    if body.get("direction", "INGRESS") not in ("INGRESS", "EGRESS"):
        raise invalid("resource.direction", body["direction"], "Must be INGRESS or EGRESS.")
    check_priority(body.get("priority", 1000))
    if ("allowed" in body) == ("denied" in body):
        raise ApiError(400, "required", "Exactly one of 'resource.allowed' and 'resource.denied' must be specified")
    for rule in body.get("allowed", []) + body.get("denied", []):
        protocol = rule.get("IPProtocol")
        if protocol not in PROTOCOLS and not (protocol or "").isdigit():
            raise invalid("resource.allowed[].IPProtocol", protocol, "Must be a protocol's name or number.")
        if "ports" in rule and protocol not in ("tcp", "udp", "sctp", "6", "17", "132"):
            raise invalid("resource.allowed[].ports", rule["ports"], "Ports go with tcp, udp and sctp only.")
    family = None
    for text in body.get("sourceRanges", []):
        family = check_range("resource.sourceRanges", text, family).version
