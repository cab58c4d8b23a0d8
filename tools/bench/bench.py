#!/usr/bin/python3
"""Time of a pod's ADD and DEL with everything in place, beside that of the netlink messages it cannot do without.

Candidate and floor (tools/bench/floor.c) run in turn as whole processes on a node made of namespaces, a new network
namespace for every pod. That both leave the kernel in the same state is checked first; of a plugin that is named, the
differences are printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test"))

from lab import LabError, Node, configs, snapshot  # noqa: E402 (the path comes first)

WARM_UP = 5  # rounds that do not count: files in the page cache, the bridge made
SETTLE = 30  # ms between calls: removing a veth keeps the kernel busy about 20 ms longer


class Unequal(Exception):
    """Candidate and floor leave the kernel in different states."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=configs.REPOSITORY / "build", help="where make has built")
    parser.add_argument("--plugin", type=Path, help="the candidate: bash-cni of the build, unless another is named")
    parser.add_argument("--conf", type=Path, help="its configuration file; a bridge with a /24 of IPv4")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON, all timings included")
    parser.add_argument("--assert-ratio", type=float, metavar="MAX",
                        help="exit 1 if the median over the rounds of ADD's time by the floor's is above")
    return parser.parse_args()


# --- the same state ------------------------------------------------------------------------------

TRANSIENT = ("LOWER_UP", "NO-CARRIER")  # the carrier comes a little later


def link_state(link):
    return {key: link.get(key) for key in ("mtu", "qdisc", "master", "group", "linkinfo")} | {
        "flags": sorted(flag for flag in link["flags"] if flag not in TRANSIENT)}


def without_what_differs(link):
    """A bridge port's number and timers tell nothing."""
    data = link["linkinfo"].get("info_slave_data", {})
    kept = ("hairpin", "guard", "root_block", "fastleave", "learning", "flood", "proxy_arp", "isolated", "neigh_suppress")
    link["linkinfo"]["info_slave_data"] = {key: data.get(key) for key in kept}
    return link


def state(node, pod, host_links_before):
    """What there is for the pod now: its end, addresses, routes, and the new link on the host."""
    links = {link["ifname"]: link for link in node.json("ip", "-j", "-d", "link")}
    new = [link for name, link in links.items() if name not in host_links_before]
    inside, = pod.json("ip", "-j", "-d", "address", "show", "eth0")
    addresses = [{key: address.get(key) for key in ("family", "local", "prefixlen", "broadcast", "scope", "label")}
                 for address in inside["addr_info"] if address["scope"] != "link"]
    return {
        "pod": link_state(inside) | {"mac": inside["address"], "addresses": addresses},
        "routes": pod.json("ip", "-j", "-d", "route"),
        "host": [without_what_differs(link_state(link)) for link in new],
    }


def compare_states(node, conf, plugin, floor_environment):
    """What differs after an ADD of either, a line for each."""
    names = {link["ifname"] for link in node.json("ip", "-j", "link")}
    env = dict(floor_environment)
    found = []
    for who, path in (("candidate", plugin), ("floor", "/opt/floor")):
        pod = node.pod(f"state-{who}")
        result = node.cni("ADD", conf, env, path, containerid=who, netns=pod.netns).expect_success()
        found.append(state(node, pod, names))
        node.cni("DEL", conf, env, path, containerid=who, netns=pod.netns).expect_success()
        if result.stdout:
            env["FLOOR_ADDRESS"] = result.address
    return snapshot.changes(*found)


# --- the rounds ----------------------------------------------------------------------------------


def first_add(node, conf, plugin):
    """An ADD that makes whatever is missing; what it says tells the floor what to do."""
    pod = node.pod("first")
    result = node.cni("ADD", conf, None, plugin, containerid="first", netns=pod.netns).expect_success()
    link, = pod.json("ip", "-j", "link", "show", "eth0")
    node.cni("DEL", conf, None, plugin, containerid="first", netns=pod.netns).expect_success()
    bridge, = node.json("ip", "-j", "link", "show", conf.get("bridge", "cni0"))
    return {"FLOOR_BRIDGE": str(bridge["ifindex"]), "FLOOR_ADDRESS": result.address, "FLOOR_MTU": str(link["mtu"]),
            "FLOOR_INDEX": str(link["ifindex"])}


def measure(options):
    with Node() as node:
        conf = json.loads(options.conf.read_text()) if options.conf else configs.load()
        plugin = f"/opt/cni/bin/{conf['type']}"
        node.install(options.plugin or options.build / "cnibox", conf["type"])
        if conf.get("ipam"):
            node.copy(Path("/usr/lib/cni") / conf["ipam"]["type"], f"/opt/cni/bin/{conf['ipam']['type']}", 0o755)
        for name in ("floor", "rounds"):
            node.copy(options.build / "bench" / name, f"/opt/{name}", 0o755)
        node.write("/opt/conf", json.dumps(conf))

        floor_environment = first_add(node, conf, plugin)
        differences = compare_states(node, conf, plugin, floor_environment)
        if differences and not options.plugin:
            raise Unequal("candidate and floor leave different states:\n" + "\n".join(differences))
        for line in differences:
            print(f"bench: candidate to floor: {line}", file=sys.stderr)
        env = {**floor_environment, "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin"}
        said = node.run("/opt/rounds", options.rounds + WARM_UP, SETTLE, "/opt/conf", plugin, "/opt/floor", env=env)
        return [tuple(map(int, line.split())) for line in said.stdout.splitlines()][WARM_UP:]


def summary(nanoseconds):
    ms = sorted(n / 1e6 for n in nanoseconds)
    return {"min": ms[0], "median": statistics.median(ms), "p95": ms[int(len(ms) * 0.95)]}


def evaluate(rounds):
    add, delete, floor_add, floor_del = zip(*rounds)
    return {
        verb: {
            "candidate": summary(candidate),
            "floor": summary(floor),
            # Neighbours in time share the machine's mood: each round's own ratio, and of those the median.
            "ratio": statistics.median(c / f for c, f in zip(candidate, floor)),
        }
        for verb, candidate, floor in (("add", add, floor_add), ("del", delete, floor_del))
    }


def print_table(found, rounds):
    print(f"{rounds} rounds, whole processes, ms     min  median     p95")
    for verb in found:
        for who in ("candidate", "floor"):
            times = found[verb][who]
            print(f"{verb.upper():4} {who:30} {times['min']:7.3f} {times['median']:7.3f} {times['p95']:7.3f}")
        print(f"{verb.upper():4} {'median of candidate / floor':30} {found[verb]['ratio']:15.2f}")


def main():
    options = arguments()
    start = time.monotonic()
    try:
        rounds = measure(options)
    except (LabError, Unequal, AssertionError, OSError, subprocess.SubprocessError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    found = evaluate(rounds)
    if options.json:
        print(json.dumps({**found, "rounds": rounds, "seconds": round(time.monotonic() - start, 1)}))
    else:
        print_table(found, len(rounds))
    if options.assert_ratio and found["add"]["ratio"] > options.assert_ratio:
        print(f"bench: ADD takes {found['add']['ratio']:.2f} times the floor's time, at most {options.assert_ratio} "
              "is allowed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
