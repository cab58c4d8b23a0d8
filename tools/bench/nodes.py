"""Nodes to measure on: what is there before the first call, and what the floor is told so that it does the same."""

import networks
from lab import Node, snapshot
from networks import CNIBOX, FLOOR, GO, Attachment, Network

# Installed at places of their own, beside those of the networks that are measured.
REFERENCE, OTHERS = 90, 95


class Unequal(Exception):
    """cnibox and the floor leave the kernel in different states."""


# What bridge changes of the settings that links have: (whose, family, key).
SETTINGS = (("host", "ipv6", "accept_ra"), ("pod", "ipv6", "accept_dad"), ("pod", "ipv4", "arp_notify"))


# --- the floor is an honest one ------------------------------------------------------------------

TRANSIENT = ("LOWER_UP", "NO-CARRIER")  # the carrier comes a little later
PORT = ("hairpin", "guard", "root_block", "fastleave", "learning", "flood", "proxy_arp", "isolated", "neigh_suppress")
MASQUERADE_TABLE, MASQUERADE_SET = "cnibox-masquerade", "pods"


def link_state(link):
    state = {key: link.get(key) for key in ("mtu", "qdisc", "master", "group", "linkinfo")}
    state["flags"] = sorted(flag for flag in link["flags"] if flag not in TRANSIENT)
    # A bridge port's number and timers tell nothing.
    state["queues"] = link["num_tx_queues"], link["num_rx_queues"]
    data = (state["linkinfo"] or {}).get("info_slave_data", {})
    state["linkinfo"] = {"kind": state["linkinfo"]["info_kind"], **{key: data.get(key) for key in PORT}}
    return state


def masqueraded(node):
    """Addresses in the set."""
    ruleset = node.json("nft", "-j", "list", "ruleset")["nftables"]
    sets = [item["set"] for item in ruleset if item.get("set", {}).get("table") == MASQUERADE_TABLE]
    elements = [element["elem"]["val"] if isinstance(element, dict) else element
                for each in sets for element in each.get("elem", [])]
    return sorted(elements)


def settings(node, pod, host_link):
    places = {"host": (node, host_link), "pod": (pod, "eth0")}
    return {" ".join(each): places[each[0]][0].run("cat", f"/proc/sys/net/{each[1]}/conf/{places[each[0]][1]}/{each[2]}").stdout
            for each in SETTINGS}


def state(node, pod, before, program):
    """What there is for the pod now: its end, addresses, routes, and the new link and set element on the host."""
    links, elements = before
    new = [link for link in node.json("ip", "-j", "-d", "link") if link["ifname"] not in links]
    inside, = pod.json("ip", "-j", "-d", "address", "show", "eth0")
    addresses = [{key: address.get(key) for key in ("family", "local", "prefixlen", "broadcast", "scope", "label")}
                 for address in inside["addr_info"] if address["scope"] != "link"]
    return {
        "pod": link_state(inside) | {"mac": inside["address"], "addresses": addresses},
        "routes": pod.json("ip", "-j", "-d", "route"),
        "host": [link_state(link) for link in new],
        "masqueraded": [element for element in masqueraded(node) if element not in elements],
        "settings": [settings(node, pod, link["ifname"]) for link in new] if program == "floor-bridge" else [],
    }


def all_before(node):
    return {link["ifname"] for link in node.json("ip", "-j", "link")}, masqueraded(node)


# For each: what it is compared with, the floor's name then, and what is in the environment beside the usual.
IPMASQ = {"FLOOR_TABLE": MASQUERADE_TABLE, "FLOOR_SET": MASQUERADE_SET}
LIKE = {
    "bash-cni": [("bash-cni", {}, "floor", {}), ("bridge", {}, "floor-bridge", {})],
    "ipMasq": [("bridge", networks.MASQUERADE, "floor", IPMASQ), ("bridge", networks.MASQUERADE, "floor-bridge", IPMASQ)],
}


def floor_environment(node, like, build):
    """What tools/bench/floor.c must be told to do for the bridge cni0 what a plugin does. What both leave is compared."""
    node.run("mkdir", "-p", "/var/lib/cni/floor")
    for i, (plugin, changes, program, more) in enumerate(LIKE[like]):
        network = Network("like", CNIBOX, [plugin], subnet="10.244.0.0/24", bridge="cni0", changes=changes)
        networks.install(node, REFERENCE + i, network, build)
        node.copy(build / "bench" / "floor", f"/opt/cni/bin/{program}", 0o755)
        Attachment(node, REFERENCE + i, network).call("ADD")  # makes the bridge, and stays
        env = compare(node, program, more, Attachment(node, REFERENCE + i, network))
    return env


def compare(node, program, more, attachment):
    """Have a plugin and the floor do the same. Gives what the floor was told."""
    before = all_before(node)
    attachment.call("ADD")
    link, = attachment.pod.json("ip", "-j", "link", "show", "eth0")
    bridge, = node.json("ip", "-j", "link", "show", "cni0")
    env = {"FLOOR_BRIDGE": str(bridge["ifindex"]), "FLOOR_MTU": str(link["mtu"]), "FLOOR_INDEX": str(link["ifindex"]),
           "FLOOR_ADDRESS": attachment.result["ips"][0]["address"].split("/")[0], "FLOOR_STORE": "/var/lib/cni/floor",
           **more}
    wanted = state(node, attachment.pod, before, program)
    attachment.call("DEL")
    other = node.pod(f"like-the-{program}")
    call = {"containerid": program, "netns": other.netns}
    node.cni("ADD", {"type": program}, env, **call).expect_success()
    differences = snapshot.changes(wanted, state(node, other, before, program))
    node.cni("DEL", {"type": program}, env, **call).expect_success()
    if all_before(node) != before:
        differences.append("the floor's DEL leaves something")
    if differences:
        raise Unequal(f"{attachment.network.plugins[0]} and {program} leave different states:\n" + "\n".join(differences))
    return env


# --- who is there already ------------------------------------------------------------------------


def add_neighbour(node, number, network):
    """A pod that stays, so that bridge and rules are there whoever else comes and goes."""
    if network.maker == FLOOR or network.alone:
        return
    neighbour = Attachment(node, number, network.with_ports(*(port + 1 for port in network.host_ports)))
    neighbour.call("ADD")


def publish(node, count, network, build):
    """So many host ports, all of one other pod on the same network."""
    if count:
        others = network.with_ports(*range(10000, 10000 + count))
        networks.install(node, OTHERS, others, build)
        Attachment(node, OTHERS, others).call("ADD")


def populate(node, count, build):
    """So many pods on the bridge cni0."""
    if count:
        network = Network("live", CNIBOX, ["bash-cni"], subnet="10.9.0.0/16", bridge="cni0")
        networks.install(node, OTHERS, network, build)
        node.run("/opt/runtime", "keep", count, networks.place(OTHERS), env={"CNI_IFNAME": "eth0"}, timeout=300)


class Bench(Node):
    """A node with networks installed and the runtime that times them. All of its processes end with it."""

    def __init__(self, chosen, like, build):
        super().__init__("bench", own_pids=True)
        self.networks = chosen
        try:
            self._prepare(like, build)
        except BaseException:
            self.close()
            raise

    def _prepare(self, like, build):
        self.copy(build / "bench" / "runtime", "/opt/runtime", 0o755)
        self.env = {**floor_environment(self, like, build), "CNI_IFNAME": "eth0"}
        for number, network in self.networks.items():
            networks.install(self, number, network, build)
        what = next(iter(self.networks.values())).node
        populate(self, what.pods, build)
        for number, network in self.networks.items():
            publish(self, what.host_ports, network, build)
            add_neighbour(self, number, network)

    def round(self, number, scenario):
        """One round of all networks: lines of JSON as runtime.c prints them."""
        places = [networks.place(each) for each in self.networks]
        return self.run("/opt/runtime", number, scenario.at_once, scenario.each, scenario.settle, *places, env=self.env,
                        timeout=300).stdout.splitlines()

    def attach(self, number):
        """A pod that is called for by hand."""
        return Attachment(self, number, self.networks[number], self.env)


def makers_missing(chosen):
    """Plugins that are not installed on this machine."""
    return [plugin for network in chosen if network.maker == GO for plugin in network.plugins
            if not (networks.GO_DIRECTORY / plugin).exists()]
