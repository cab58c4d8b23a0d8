#!/usr/bin/python3
"""Time ADD and DEL of pods: cnibox, the reference plugins, bash, and the least that the kernel takes for it.

All candidates of a scenario run in turn, round by round, as whole processes on a node made of namespaces, as a runtime
calls them (tools/bench/runtime.c). Ratios are medians over the rounds of each round's own ratio, as neighbours in time
share the machine's mood.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test"))

import chart  # noqa: E402 (the path comes first)
import networks  # noqa: E402
from lab import LabError, Node, configs, snapshot  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

WARM_UP = 3  # rounds that do not count: files in the page cache, the bridge made


class Unequal(Exception):
    """cnibox and the floor leave the kernel in different states."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=configs.REPOSITORY / "build", help="where make has built")
    parser.add_argument("--scenario", action="append", choices=[scenario.name for scenario in SCENARIOS],
                        help="this one only; may be repeated")
    parser.add_argument("--rounds", type=int, help="in place of what the scenario says")
    parser.add_argument("--json", action="store_true", help="print JSON, all timings included")
    parser.add_argument("--svg", type=Path, help="write a chart of the first scenario's medians to this file")
    parser.add_argument("--assert", dest="insist", action="store_true", help="exit 1 if a goal is missed")
    return parser.parse_args()


# --- the floor is an honest one ------------------------------------------------------------------

TRANSIENT = ("LOWER_UP", "NO-CARRIER")  # the carrier comes a little later
PORT = ("hairpin", "guard", "root_block", "fastleave", "learning", "flood", "proxy_arp", "isolated", "neigh_suppress")


def link_state(link):
    state = {key: link.get(key) for key in ("mtu", "qdisc", "master", "group", "linkinfo")}
    state["flags"] = sorted(flag for flag in link["flags"] if flag not in TRANSIENT)
    # A bridge port's number and timers tell nothing.
    data = (state["linkinfo"] or {}).get("info_slave_data", {})
    state["linkinfo"] = {"kind": state["linkinfo"]["info_kind"], **{key: data.get(key) for key in PORT}}
    return state


def state(node, pod, host_links_before):
    """What there is for the pod now: its end, addresses, routes, and the new link on the host."""
    new = [link for link in node.json("ip", "-j", "-d", "link") if link["ifname"] not in host_links_before]
    inside, = pod.json("ip", "-j", "-d", "address", "show", "eth0")
    addresses = [{key: address.get(key) for key in ("family", "local", "prefixlen", "broadcast", "scope", "label")}
                 for address in inside["addr_info"] if address["scope"] != "link"]
    return {
        "pod": link_state(inside) | {"mac": inside["address"], "addresses": addresses},
        "routes": pod.json("ip", "-j", "-d", "route"),
        "host": [link_state(link) for link in new],
    }


def floor_environment(node, build):
    """What tools/bench/floor.c must be told: as bash-cni does it, for the same bridge. Both are to do the same."""
    node.copy(build / "cnibox", "/opt/cni/bin/bash-cni", 0o755)
    node.copy(build / "bench" / "floor", "/opt/cni/bin/floor", 0o755)
    conf = configs.load(name="state")
    pod = node.add_pod("bridge", conf)  # which makes the bridge
    names = {link["ifname"] for link in node.json("ip", "-j", "link")}
    pod = node.add_pod("like-bash-cni", conf)
    link, = pod.json("ip", "-j", "link", "show", "eth0")
    bridge, = node.json("ip", "-j", "link", "show", "cni0")
    env = {"FLOOR_BRIDGE": str(bridge["ifindex"]), "FLOOR_ADDRESS": pod.ip, "FLOOR_MTU": str(link["mtu"]),
           "FLOOR_INDEX": str(link["ifindex"])}
    wanted = state(node, pod, names)
    pod.delete(conf).expect_success()
    other = node.pod("like-the-floor")
    node.cni("ADD", {"type": "floor"}, env, containerid="floor", netns=other.netns).expect_success()
    differences = snapshot.changes(wanted, state(node, other, names))
    node.cni("DEL", {"type": "floor"}, env, containerid="floor", netns=other.netns).expect_success()
    if differences:
        raise Unequal("bash-cni and the floor leave different states:\n" + "\n".join(differences))
    return env


# --- the rounds ----------------------------------------------------------------------------------


def measure(scenario, options):
    """Lines of JSON, as tools/bench/runtime.c prints them, without those of the first rounds."""
    with Node() as node:
        env = floor_environment(node, options.build)
        node.copy(options.build / "bench" / "runtime", "/opt/runtime", 0o755)
        directories = []
        for number, network in enumerate(scenario.networks):
            directories.append(networks.install(node, number, network, options.build))
            if network.leases:
                networks.fill_store(node, network)
        env = {**env, "CNI_IFNAME": "eth0"}
        warm_up = WARM_UP if scenario.at_once == 1 else 1
        rounds = (options.rounds or scenario.rounds) + warm_up
        said = node.run("/opt/runtime", rounds, scenario.at_once, scenario.settle, *directories, env=env)
        lines = [json.loads(line) for line in said.stdout.splitlines()]
        labels = {str(number): network.label for number, network in enumerate(scenario.networks)}
        return [{**line, "chain": labels[line["chain"]]} for line in lines if line["round"] >= warm_up]


class Timings:
    """What was measured in one scenario, by candidate and verb: for each round its pods' values, in ms."""

    def __init__(self, lines):
        self.rounds = {}
        self.peak = {}
        for line in lines:
            who, number = line["chain"], line["round"]
            if "all_added_ns" in line:
                self._note(who, "all", number, line["all_added_ns"])
                continue
            self._note(who, "add", number, line["add"]["ns"])
            self._note(who, "del", number, line["del"]["ns"])
            self._note(who, "cpu", number, line["add"]["cpu_ns"])
            self.peak[who] = max(self.peak.get(who, 0), line["add"]["rss_kib"], line["del"]["rss_kib"])

    def _note(self, who, verb, number, nanoseconds):
        self.rounds.setdefault((who, verb), {}).setdefault(number, []).append(nanoseconds / 1e6)

    def values(self, who, verb):
        return sorted(value for pods in self.rounds[who, verb].values() for value in pods)

    def summary(self, who, verb):
        values = self.values(who, verb)
        return {"min": values[0], "median": statistics.median(values), "p95": values[int(len(values) * 0.95)],
                "p99": values[int(len(values) * 0.99)]}

    def ratio(self, verb, who, base):
        mine, other = self.rounds[who, verb], self.rounds[base, verb]
        return statistics.median(statistics.median(mine[number]) / statistics.median(other[number]) for number in mine)


def judged(goal, timings):
    """(the ratio as the goal puts it, is it met)"""
    ratio = timings.ratio(goal.verb, goal.candidate, goal.base)
    if goal.at_least:
        return 1 / ratio, 1 / ratio >= goal.at_least
    return ratio, ratio <= goal.at_most


# --- what is said --------------------------------------------------------------------------------


def print_tables(scenario, timings, goals):
    print(f"\n{scenario.title}: whole processes, ms{'':<13}min  median     p95     p99     CPU   peak KiB")
    for network in scenario.networks:
        for verb in ("add", "del"):
            times = timings.summary(network.label, verb)
            figures = " ".join(f"{times[key]:7.3f}" for key in ("min", "median", "p95", "p99"))
            cpu = f"{timings.summary(network.label, 'cpu')['median']:7.3f} {timings.peak[network.label]:10}" \
                if verb == "add" else ""
            print(f"  {verb.upper():4}{network.label:40}{figures} {cpu}")
        if scenario.at_once > 1:
            seconds = timings.summary(network.label, "all")["median"] / 1000
            print(f"  {'':4}{network.label:40}{scenario.at_once / seconds:7.0f} pods per second")
    for goal, (ratio, met) in goals:
        print(f"  {goal.verb.upper():4}{goal.candidate} to {goal.base}: {ratio:.2f}; goal: {goal.words}: "
              f"{'met' if met else 'MISSED'}")


def run(scenario, options):
    timings = Timings(measure(scenario, options))
    return timings, [(goal, judged(goal, timings)) for goal in scenario.goals]


def as_json(scenario, timings, goals):
    labels = [network.label for network in scenario.networks]
    return {
        "scenario": scenario.name,
        "ms": {who: {verb: {**timings.summary(who, verb), "all": timings.values(who, verb)}
                     for verb in ("add", "del", "cpu", "all")} for who in labels},
        "peak_kib": timings.peak,
        "goals": [{"verb": goal.verb, "candidate": goal.candidate, "base": goal.base, "goal": goal.words,
                   "ratio": ratio, "met": met} for goal, (ratio, met) in goals],
    }


def main():
    options = arguments()
    start = time.monotonic()
    found, missed = [], 0
    try:
        for scenario in SCENARIOS:
            if options.scenario and scenario.name not in options.scenario:
                continue
            timings, goals = run(scenario, options)
            missed += sum(not met for _, (_, met) in goals)
            if options.json:
                found.append(as_json(scenario, timings, goals))
            else:
                print_tables(scenario, timings, goals)
            if options.svg and scenario is SCENARIOS[0]:
                medians = {network.label: {verb: timings.summary(network.label, verb)["median"]
                                           for verb in ("add", "del")} for network in scenario.networks}
                options.svg.write_text(chart.bars(scenario.title, medians))
    except (LabError, Unequal, AssertionError, OSError, subprocess.SubprocessError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"scenarios": found, "seconds": round(time.monotonic() - start, 1)}))
    return 1 if missed and options.insist else 0


if __name__ == "__main__":
    sys.exit(main())
