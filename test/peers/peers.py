"""A case, run by cnibox and by the reference plugins in twin nodes, and what each of them looks like afterwards.

A case says what a runtime does: a list of plugins, verbs, what happens between them, and packets that must or must not
pass. Both nodes are told the same. What ip, bridge, tc and tar then see is brought into a form in which only meaning is
left (no indexes, no random names), and compared. Where the two are to differ, differences.py says how and
DIFFERENCES.md why; a case names those that it shows.
"""

import copy
import io
import json
import re
import tarfile
from dataclasses import dataclass, field

import differences
from lab import Node
from lab.runtime import version_of
from ports import Place, Server, ask
from program import REFERENCE

PLUGINS = ("bridge", "ptp", "loopback", "static", "host-local", "tuning", "portmap", "firewall", "bandwidth")
STORES = ("var/lib/cni", "run/cni")

# A host that nobody has told where the pods are: it can answer only whom it knows.
OUTSIDE = """
ip netns add outside
ip link add up0 type veth peer name eth0 netns outside
ip link set up0 up
ip addr add 192.0.2.1/24 dev up0
ip -6 addr add 2001:db8::1/64 dev up0 nodad
ip -n outside link set eth0 up
ip -n outside addr add 192.0.2.9/24 dev eth0
ip -n outside -6 addr add 2001:db8::9/64 dev eth0 nodad
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
"""

SETTINGS = ("/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/core/somaxconn "
            "/proc/sys/net/ipv6/conf/*/accept_ra /proc/sys/net/ipv6/conf/*/disable_ipv6 "
            "/proc/sys/net/ipv6/conf/*/keep_addr_on_down /proc/sys/net/ipv6/conf/*/accept_dad "
            "/proc/sys/net/ipv4/conf/*/arp_notify /proc/sys/net/ipv4/conf/*/arp_filter")
# In a node, "bridge" is the plugin of that name.
COMMANDS = {
    "links": "ip -j -d link",
    "addresses": "ip -j address",
    "routes": "ip -j route show table all",
    "routes6": "ip -j -6 route show table all",
    "ports": "/sbin/bridge -j -d link",
    "vlans": "/sbin/bridge -j vlan",
    "qdiscs": "tc -j qdisc",
    "settings": f"for f in {SETTINGS}; do printf '%s ' $f; cat $f; done",
}
SCRIPT = "; printf '\\0'; ".join(COMMANDS.values())


@dataclass
class Case:
    name: str
    plugins: list
    steps: tuple = ("ADD", "CHECK", "DEL")
    version: str = "1.0.0"
    network: str = "net"
    setup: str = ""  # a shell script, in both nodes, before
    pods: int = 1
    args: str = None  # CNI_ARGS
    ifname: str = "eth0"
    env: dict = field(default_factory=dict)
    reach: tuple = ()  # (from, to, whether), to an address, or to "tcp ADDRESS PORT": after the last ADD
    serve: tuple = ()  # ("tcp", port): servers in every pod
    outside: bool = False
    differs: tuple = ()

    @property
    def conf(self):
        return {"cniVersion": self.version, "name": self.network, "plugins": self.plugins}


class Runtime:
    """One of the twins: a node, its pods, and what they were told."""

    def __init__(self, case, binary):
        self.case = case
        self.node = Node("node", firewall=False)
        if binary:
            self.node.install(binary, "cnibox", *PLUGINS)
        else:
            self.node.run("cp", *(REFERENCE / name for name in PLUGINS), "/opt/cni/bin/")
        # Its own, and as a kernel comes up.
        self.node.sh("echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding")
        if case.outside:
            self.node.sh(OUTSIDE)
        self.pods = [self.node.pod(f"pod{i}") for i in range(case.pods)]
        self.results = [None] * case.pods
        self.node.sh(case.setup)

    def close(self):
        self.node.close()

    def call(self, verb, index, request, previous):
        """(exit status, what it said) of one call of one plugin."""
        case, pod = self.case, self.pods[index]
        if previous is not None:
            request = {**request, "prevResult": previous}
        variables = {"containerid": pod.id, "netns": pod.netns, "ifname": case.ifname, "args": case.args}
        variables.update({key: value for key, value in case.env.items() if key in ("containerid", "netns", "path")})
        done = self.node.cni(verb, request, **variables)
        try:
            said = json.loads(done.stdout) if done.stdout else None
        except ValueError:
            said = done.stdout
        return done.returncode, said

    def attach(self, verb, index):
        """All plugins of the list, as libcni calls them, up to the first that fails."""
        calls = []
        common = {key: self.case.conf[key] for key in ("cniVersion", "name")}
        requests = [{**common, **plugin} for plugin in self.case.plugins]
        result = self.results[index]
        previous = None if verb == "ADD" or version_of(requests[0]) < (0, 4) else result
        for request in reversed(requests) if verb == "DEL" else requests:
            status, said = self.call(verb, index, request, previous)
            calls.append({"plugin": request["type"], "status": status, "said": said})
            if status:
                break
            if verb == "ADD":
                previous = said
        if verb == "ADD":
            self.results[index] = previous
        return calls

    def step(self, step):
        """Do it; give what was said."""
        if step in ("ADD", "CHECK", "DEL", "VERSION"):
            return [call for index in range(len(self.pods)) for call in self.attach(step, index)]
        self.node.sh(step)
        return []

    def state(self):
        """{place: {what: value}} of the node and its pods."""
        places = {"host": self.node.sh(SCRIPT)}
        for pod in self.pods:
            done = pod.run("sh", "-c", SCRIPT, check=False)
            if done.returncode == 0:
                places[pod.name] = done.stdout
        return {place: dict(zip(COMMANDS, text.split("\0"))) for place, text in places.items()}

    def files(self):
        """{name: content} of the stores."""
        archive = self.node.run("sh", "-c", f"cd / && mkdir -p {' '.join(STORES)} && tar -c {' '.join(STORES)}",
                                text=False).stdout
        found = {}
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if member.isreg():
                    found[member.name] = normal_file(member.name, tar.extractfile(member).read().decode())
        return found

    def reaches(self, source, target, wanted):
        """The first packets over a new link may be lost, and those of IPv6 wait for the link's own address."""
        netns = None if source == "host" else source
        if " " in target:
            kind, address, port = target.split()
            somewhere = self.node if not netns else Place(self.node, "ip", "netns", "exec", netns)
            return ask(somewhere, address, int(port), kind) is not None
        return any(self.node.ping(target, netns=netns, timeout=1) for _ in range(3 if wanted else 1))


# --- the same form for both -----------------------------------------------------------------------

def json_of(text):
    return json.loads(text or "[]")


def normal(state, said, asked):
    """(state, said) without what means nothing."""
    names, macs = {}, {}
    for place, found in state.items():
        for link in json_of(found["links"]):
            macs[place, link["ifname"]] = link.get("address")
    for link in sorted(json_of(state["host"]["links"]), key=lambda link: link["ifindex"]):
        if re.fullmatch(r"veth[0-9a-z]{8,11}", link["ifname"]):
            names[link["ifname"]] = f"veth#{len(names)}"
    said = [{**call, "said": normal_result(call["said"], macs, asked)} for call in said]
    return (rename({place: normal_place(found, asked) for place, found in state.items()}, names),
            rename(said, names))


def rename(value, names):
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, list):
        return [rename(item, names) for item in value]
    if isinstance(value, dict):
        return {rename(key, names): rename(item, names) for key, item in value.items()}
    return value


def normal_result(said, macs, asked):
    """MAC addresses: whether they are the links'."""
    if not isinstance(said, dict):
        return said
    said = copy.deepcopy(said)
    for interface in said.get("interfaces", ()):
        place = interface["sandbox"].rpartition("/")[2] if interface.get("sandbox") else "host"
        if interface.get("mac") == macs.get((place, interface["name"])):
            interface["mac"] = "the link's"
        elif "mac" in interface and interface["mac"] not in asked:
            interface["mac"] = "another"
    return said


def normal_file(name, content):
    """A backup of tuning's: MAC addresses are another matter, and so is whose it is."""
    if not name.endswith(".json"):
        return content
    return {key: value if key != "mac" else "a MAC" for key, value in json.loads(content).items() if key != "owner"}


LINK_KEYS = ("mtu", "txqlen", "master")
PORT_KEYS = ("hairpin", "isolated", "learning", "flood")
ROUTE_KEYS = ("gateway", "dev", "scope", "prefsrc", "metric", "table", "protocol", "type", "nexthops",
              "metrics")


def normal_place(found, asked):
    links = {link["ifname"]: link for link in json_of(found["links"])}
    return {
        "links": {name: normal_link(link, asked) for name, link in links.items()},
        "addresses": {link["ifname"]: sorted(filter(None, map(normal_address, link.get("addr_info", ()))))
                      for link in json_of(found["addresses"])},
        "routes": sorted(filter(None, (normal_route(r) for r in json_of(found["routes"]) + json_of(found["routes6"])))),
        "ports": {port["ifname"]: {key: port.get(key) for key in PORT_KEYS} for port in json_of(found["ports"])
                  if port.get("master")},
        "vlans": {port["ifname"]: port["vlans"] for port in json_of(found["vlans"])},
        "qdiscs": sorted(f"{q.get('dev')} {q['kind']} {q.get('handle')} {q['options'] if q['kind'] == 'tbf' else ''}"
                         for q in json_of(found["qdiscs"])),
        "settings": dict(line.split(" ", 1) for line in found["settings"].splitlines()),
    }


def normal_link(link, asked):
    info = link.get("linkinfo", {})
    kept = {key: link.get(key) for key in LINK_KEYS}
    kept["flags"] = sorted(flag for flag in link["flags"] if flag in ("UP", "PROMISC", "ALLMULTI"))
    kept["kind"] = info.get("info_kind")
    kept["vlan_filtering"] = info.get("info_data", {}).get("vlan_filtering")
    if link.get("address") in asked:
        kept["mac"] = link["address"]
    return kept


def normal_address(a):
    """As text; None for link-local ones, which come by themselves."""
    if a["scope"] == "link":
        return None
    flags = " ".join(flag for flag in ("nodad", "noprefixroute", "tentative") if a.get(flag))
    return f"{a['local']}/{a['prefixlen']} brd {a.get('broadcast')} {a['scope']} {flags}".strip()


def normal_route(route):
    if route.get("table") == "local" or route["dst"].startswith(("fe80:", "ff00:", "multicast")):
        return None
    return f"{route['dst']} " + " ".join(f"{key} {route[key]}" for key in ROUTE_KEYS if route.get(key, []) != [])


# --- comparing ------------------------------------------------------------------------------------

@dataclass
class Difference:
    step: str
    path: tuple
    ours: object
    theirs: object
    lists: tuple = ([], [])  # of two lists of texts, of which one is missing in the other: all of both

    def __str__(self):
        return f"{self.step}: {' / '.join(map(str, self.path))}: cnibox {self.ours!r}, the reference {self.theirs!r}"


def compare(step, ours, theirs, path=()):
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [d for key in sorted({*ours, *theirs}, key=str)
                for d in compare(step, ours.get(key), theirs.get(key), (*path, key))]
    if isinstance(ours, list) and isinstance(theirs, list):
        if all(isinstance(item, str) for item in ours + theirs):
            return [Difference(step, path, a, None, (ours, theirs)) for a in ours if a not in theirs] + \
                   [Difference(step, path, None, b, (ours, theirs)) for b in theirs if b not in ours]
        if len(ours) == len(theirs):
            return [d for i, (a, b) in enumerate(zip(ours, theirs)) for d in compare(step, a, b, (*path, i))]
    return [Difference(step, path, ours, theirs)]


def macs_in(case):
    return {mac.lower() for mac in re.findall(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", json.dumps(case.plugins) + str(case.args))}


def observe(runtime, step):
    said = runtime.step(step)
    state, said = normal(runtime.state(), said, macs_in(runtime.case))
    return {"said": said, **state, "files": runtime.files()}


def run(case, binary, used):
    """Run it in both. Fails with every difference that is not accounted for; used counts the ids of those that are."""
    twins = [Runtime(case, binary), Runtime(case, None)]
    found, unreached = [], []
    last_add = max((i for i, step in enumerate(case.steps) if step == "ADD"), default=None)
    try:
        for i, step in enumerate(case.steps):
            ours, theirs = (observe(twin, step) for twin in twins)
            found += compare(step, ours, theirs)
            if i == last_add:
                servers = [Server(pod, port, kind) for twin in twins for pod in twin.pods for kind, port in case.serve]
                unreached += [f"{who}: {source} -> {target} should{'' if want else ' not'} pass"
                              for who, twin in zip(("cnibox", "the reference"), twins)
                              for source, target, want in case.reach if twin.reaches(source, target, want) != want]
                for server in servers:
                    server.stop()
    finally:
        for twin in twins:
            twin.close()
    here = set()
    unknown = [d for d in found if not differences.explain(d, case, here)]
    used.update(here)
    assert not unreached, "\n".join(unreached)
    assert not unknown, "not in DIFFERENCES.md, or not named by the case:\n" + "\n".join(map(str, unknown))
    idle = set(case.differs) - here
    assert not idle, f"named by the case, but not seen: {', '.join(sorted(idle))}"
