"""The cases: which networks are compared in which situation, and which ratios are to be what."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import counts
from networks import BASH, CHAIN, CNIBOX, FLOOR, GO, MASQUERADE, Network, Place
from nodes import Bench
from routes import Routes
from timings import STATISTICS, Goal, Outcome, PeakGoal, Timings
from traffic import Traffic

WARM_UP = 3  # rounds that do not count: files in the page cache, the bridge made


@dataclass
class Timed:
    """Pods that come and go, and how long that takes."""
    name: str
    title: str
    networks: list
    goals: list = field(default_factory=list)
    at_once: int = 1
    each: int = 1  # pods that each of them is, one after the other
    rounds: int = 100
    settle: int = 30  # ms between calls: removing a veth keeps the kernel busy about 20 ms longer
    like: str = "bash-cni"  # what the floor leaves (nodes.py)

    def run(self, options):
        timings, calls = self._measure(options)
        return Outcome(self.name, self.title, self._text(timings, calls), self._data(timings, calls),
                       [self._judge(goal, timings) for goal in self.goals],
                       {network.label: {verb: timings.median(network.label, verb) for verb in ("add", "del")}
                        for network in self.networks})

    def _judge(self, goal, timings):
        judged = goal.judge(timings)
        return replace(judged, case=f"{self.title}: {judged.case}") if self.at_once > 1 else judged

    def _nodes(self, build, stack):
        numbered = dict(enumerate(self.networks))
        places = dict.fromkeys(network.node for network in self.networks)
        return [stack.enter_context(Bench({number: network for number, network in numbered.items()
                                           if network.node == place}, self.like, build)) for place in places]

    def _measure(self, options):
        """Timings without those of the first rounds, and {label: {verb: system calls}}."""
        warm_up = WARM_UP if self.at_once == 1 else 1
        rounds = options.rounds or max(2, self.rounds // (10 if options.quick else 1))
        lines, calls = [], {}
        with ExitStack() as stack:
            nodes = self._nodes(options.build, stack)
            for number in range(1, 1 + warm_up + rounds):
                for i in range(len(nodes)):
                    said = nodes[(number + i) % len(nodes)].round(number, self)
                    lines += [json.loads(line) for line in said] if number > warm_up else []
            for node in nodes:
                for number, network in node.networks.items():
                    attachment = node.attach(number)
                    calls[network.label] = {verb: sum(counts.calls(attachment, verb).values())
                                            for verb in counts.VERBS}
        return Timings(lines, {str(number): network.label for number, network in enumerate(self.networks)}), calls

    def _text(self, timings, calls):
        said = [f"{self.title}: ms of whole processes",
                f"  {'':46}" + "".join(f"{name:>9}" for name in (*STATISTICS, "CPU")) + "  peak KiB  calls"]
        for network in self.networks:
            for verb, cpu in (("add", "cpu"), ("del", "cpu_del")):
                times = timings.summary(network.label, verb)
                figures = "".join(f"{times[name]:9.3f}" for name in STATISTICS)
                said.append(f"  {verb.upper():5}{network.label:41}{figures}{timings.median(network.label, cpu):9.3f}"
                            f"{timings.peak[network.label]:10}{calls[network.label][verb.upper()]:7}")
            if self.at_once > 1:
                seconds = timings.median(network.label, "all") / 1000
                what = "added and removed" if self.each > 1 else "added"
                said.append(f"  {'':5}{network.label:41}{self.at_once * self.each / seconds:9.0f} pods per second {what}")
        return "\n".join(said)

    def _data(self, timings, calls):
        labels = [network.label for network in self.networks]
        return {"ms": {who: {verb: {**timings.summary(who, verb), "all": timings.values(who, verb)}
                             for verb in ("add", "del", "cpu", "cpu_del", "all")} for who in labels},
                "peak_kib": timings.peak, "system_calls": calls}


NOTHING = Network("a process that does nothing", FLOOR, ["nothing"])
FLOOR_NETWORK = Network("floor", FLOOR, ["floor"])
FLOOR_STORE = Network("floor and a lease store", FLOOR, ["floor-store"])
FLOOR_BRIDGE = Network("floor and bridge's duties", FLOOR, ["floor-bridge"])
BASH_CNI = Network("bash-cni", CNIBOX, ["bash-cni"])
BRIDGE = Network("bridge", CNIBOX, ["bridge"])
# It knows one bridge, cni0, which is there.
SEED = Network("bash", BASH, ["bash-cni"], subnet="10.244.0.0/24", alone=True)
GO_BRIDGE = Network("Go bridge", GO, ["bridge"])
BRIDGE_MASQ = Network("bridge, ipMasq", CNIBOX, ["bridge"], changes=MASQUERADE)
GO_MASQ = Network("Go bridge, ipMasq", GO, ["bridge"], changes=MASQUERADE)
NETWORKS = (FLOOR_NETWORK, FLOOR_BRIDGE, BASH_CNI, BRIDGE, GO_BRIDGE)
OURS = ("bash-cni", "bridge")
LEAST = {"bash-cni": "floor and a lease store", "bridge": "floor and bridge's duties"}


def against_go(candidate, base, add, delete, limit=None):
    return [Goal("add", candidate, base, at_least=add, limit=limit),
            Goal("del", candidate, base, at_least=delete, limit=limit)]


def with_leases(count):
    return Network(f"bash-cni, {count} leases", CNIBOX, ["bash-cni"], leases=count,
                   changes={"bash-cni": {"masquerade": "none"}})


def with_host_ports(count):
    return Network(f"bridge+portmap, {count} host ports", CNIBOX, ["bridge", "portmap"], host_ports=(30080,),
                   node=Place(host_ports=count), alone=True)


def on_a_node_with(pods, *chosen):
    """The pods are on cni0, where the others' will be, too; Go's want a bridge without a second address."""
    return [replace(network, label=f"{network.label}, {pods} pods", node=Place(pods=pods),
                    bridge=None if network.maker == GO else "cni0") for network in chosen]


LEASES = (10, 1000, 10000, 60000, 64800)  # the last: 99 % of what a /16 has
HOST_PORTS = (0, 100, 1000, 5000)

SCENARIOS = [
    Timed("one", "One pod at a time", [NOTHING, FLOOR_NETWORK, FLOOR_STORE, FLOOR_BRIDGE, BASH_CNI, BRIDGE,
                                       GO_BRIDGE, SEED], [
        *(Goal("add", ours, "floor", at_most=1.3, limit=LEAST[ours]) for ours in OURS),
        *(goal for ours in OURS for goal in against_go(ours, "Go bridge", 8, 20, LEAST[ours])),
        *(Goal("cpu", ours, "Go bridge", at_least=10, limit=LEAST[ours]) for ours in OURS),
        PeakGoal(OURS, 1024),
    ]),
    Timed("masquerade", "Masquerading for the pod", [
        Network("floor, ipMasq", FLOOR, ["floor"]),
        Network("floor, ipMasq, and bridge's duties", FLOOR, ["floor-bridge"]),
        BRIDGE_MASQ,
        GO_MASQ,
    ], [
        Goal("add", "bridge, ipMasq", "floor, ipMasq", at_most=1.3,
             limit="floor, ipMasq, and bridge's duties"),
        *against_go("bridge, ipMasq", "Go bridge, ipMasq", 25, 60, "floor, ipMasq, and bridge's duties"),
    ], rounds=50, like="ipMasq"),
    Timed("chain", "bridge, portmap, firewall, bandwidth", [
        Network("chain of four", CNIBOX, CHAIN, changes=MASQUERADE, host_ports=(30080,)),
        Network("Go chain of four", GO, CHAIN, changes=MASQUERADE, host_ports=(30090,)),
    ], [*against_go("chain of four", "Go chain of four", 15, 15), PeakGoal(["chain of four"], 1024)], rounds=30),
    Timed("many32", "32 pods at once", [FLOOR_NETWORK, BASH_CNI, BRIDGE, GO_BRIDGE], [
        Goal("all", "bash-cni", "Go bridge", at_least=5),
    ], at_once=32, rounds=5, settle=400),
    Timed("many128", "128 pods at once", [FLOOR_NETWORK, BASH_CNI, GO_BRIDGE], [
        Goal("all", "bash-cni", "Go bridge", at_least=5),
        Goal("add", "bash-cni", "floor", at_most=3, statistic="p99"),
    ], at_once=128, rounds=3, settle=1500),
    Timed("churn", "Eight that each add and remove eight pods", [
        FLOOR_NETWORK, BASH_CNI, BRIDGE, GO_BRIDGE, BRIDGE_MASQ, GO_MASQ,
    ], [
        Goal("all", "bridge, ipMasq", "Go bridge, ipMasq", at_least=5),
    ], at_once=8, each=8, rounds=5, settle=300),
    Timed("leases", "Leases in the store of a /16", [with_leases(count) for count in LEASES], [
        Goal(verb, f"bash-cni, {count} leases", "bash-cni, 10 leases", at_most=1.3)
        for count in LEASES[3:] for verb in ("add", "del")
    ], rounds=60),
    Timed("hostports", "Host ports on the node", [with_host_ports(count) for count in HOST_PORTS], [
        Goal("add", "bridge+portmap, 5000 host ports", "bridge+portmap, 0 host ports", at_most=1.2),
    ], rounds=40),
    Timed("pods", "Pods on the node", [each for count in (0, 1000) for each in on_a_node_with(count, *NETWORKS)], [
        Goal("add", "bash-cni, 1000 pods", "floor, 1000 pods", at_most=1.3),
        Goal("add", "bridge, 1000 pods", "floor, 1000 pods", at_most=1.3, limit="floor and bridge's duties, 1000 pods"),
    ], rounds=30),
    Traffic(),
    Routes(),
]
