"""What a node and its pods look like to ip, nft, iptables and tar: taken before and after what must change nothing."""

import io
import json
import tarfile
from pathlib import PurePath

# Made by whoever first looks into a store, and by design not taken away again: the lock, and the place where the
# search for a free address goes on.
STORE_FURNITURE = ("lock", "boot_id", "last_reserved_ip.")

COMMANDS = {
    "links": "ip -j link",
    "addresses": "ip -j address",
    "routes": "ip -j route show table all",
    "routes6": "ip -j -6 route show table all",
    "rules": "nft -j list ruleset",
}
LEGACY = {"legacy rules": "iptables-legacy-save", "legacy rules6": "ip6tables-legacy-save"}
VOLATILE = ("tentative", "operstate", "counter")
CARRIER = ("LOWER_UP", "NO-CARRIER", "linkdown")  # flags
SYSCTLS = ("net.ipv4.ip_forward", "net.ipv4.conf.all.route_localnet", "net.ipv6.conf.all.forwarding")


def of(node, *pods):
    """All of it, as one dict: {place: {what: state}}."""
    taken = {"host": _network(node), "files": _files(node)}
    for pod in pods:
        taken[pod.name] = _network(pod)
    return taken


def changes(before, after, where=""):
    """What differs, a line for each: empty when nothing does."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [line for key in sorted({*before, *after})
                for line in changes(before.get(key), after.get(key), f"{where} {key}".strip())]
    if isinstance(before, list) and isinstance(after, list):
        had, has = ({repr(item) for item in items} for items in (before, after))
        gone = [f"{where}: gone: {item}" for item in before if repr(item) not in has]
        return gone + [f"{where}: new: {item}" for item in after if repr(item) not in had] or [f"{where}: order changed"]
    return [f"{where}: {before} became {after}"]


def _network(place):
    """One shell for all of it, as there are many snapshots. iproute2 prints nothing at all for some empty lists."""
    commands = [*COMMANDS.values(), *LEGACY.values(), *(f"cat /proc/sys/{name.replace('.', '/')}" for name in SYSCTLS)]
    said = place.run("sh", "-euc", "; printf '\\0'; ".join(commands)).stdout.split("\0")
    state = {name: _settled(json.loads(text or "[]")) for name, text in zip(COMMANDS, said)}
    said = said[len(COMMANDS):]
    state.update((name, _legacy_rules(text)) for name, text in zip(LEGACY, said))
    state["sysctls"] = dict(zip(SYSCTLS, said[len(LEGACY):]))
    return state


def _legacy_rules(text):
    """Rules, chains and policies, each behind its table. That there is a table says nothing: looking makes it."""
    table, found = None, []
    for line in text.splitlines():
        if line.startswith("*"):
            table = line
        elif line.startswith(":"):
            chain = line.split(" [")[0]  # without its counters
            if not chain.endswith(" ACCEPT"):
                found.append(f"{table} {chain}")
        elif not line.startswith("#") and line != "COMMIT":
            found.append(f"{table} {line}")
    return found


def _settled(value):
    """Without what changes by itself: link-local addresses and carriers come a little later, packets are counted."""
    if isinstance(value, list):
        return [_settled(item) for item in value if item not in CARRIER and not _is_link_local(item)]
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items() if key not in VOLATILE}
    return value


def _is_link_local(item):
    if not isinstance(item, dict):
        return False
    address = str(item.get("local") or item.get("dst") or "")
    return address.startswith(("fe80:", "ff00:", "multicast"))


def _files(node):
    """Type, mode and content of everything in the stores, in /tmp and among the named namespaces."""
    archive = node.run("tar", "-C", "/", "-c", "tmp", "var/lib/cni", "run/netns", text=False).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member).read() if member.isreg() else member.linkname
            if not PurePath(member.name).name.startswith(STORE_FURNITURE):
                found[member.name] = (member.type, oct(member.mode), content)
    return found


def leases(node, network="mynet"):
    """The lease files of a network: {address: (container ID, interface)}."""
    found = {}
    for path, (_, _, content) in _files(node).items():
        directory, _, name = path.rpartition("/")
        if directory == f"var/lib/cni/networks/{network}":
            containerid, _, ifname = content.decode().partition("\r\n")
            found[name] = (containerid, ifname)
    return found
