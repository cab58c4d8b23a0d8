"""The cases: which networks are compared in which situation, and which ratios are to be what."""

from dataclasses import dataclass, field

from networks import BASH, CNIBOX, FLOOR, GO, Network


@dataclass
class Goal:
    """The median of `candidate` over that of `base`, paired by round, is to be at most (or at least) so much."""
    verb: str  # "add", "del"; "cpu": processor time of an ADD; "all": of many ADDs at once, until the last is done
    candidate: str
    base: str
    at_most: float = None
    at_least: float = None  # said as "so many times faster": base over candidate

    @property
    def words(self):
        return f"at least {self.at_least:g} times faster" if self.at_least else f"at most {self.at_most:g}"


@dataclass
class Scenario:
    name: str
    title: str
    networks: list
    goals: list = field(default_factory=list)
    at_once: int = 1
    rounds: int = 100
    settle: int = 30  # ms between calls: removing a veth keeps the kernel busy about 20 ms longer


FLOOR_NETWORK = Network("floor", FLOOR, ["floor"])
BASH_CNI = Network("bash-cni", CNIBOX, ["bash-cni"])
# It knows one bridge, cni0, which is there.
SEED = Network("bash", BASH, ["bash-cni"], subnet="10.244.0.0/24")
GO_BRIDGE = Network("Go bridge", GO, ["bridge"])


def with_leases(label, plugin, count):
    return Network(f"{label} {count}", CNIBOX, [plugin], leases=count, changes={"masquerade": "none"})


SCENARIOS = [
    Scenario("one", "One pod at a time", [FLOOR_NETWORK, BASH_CNI, GO_BRIDGE, SEED], [
        Goal("add", "bash-cni", "floor", at_most=1.3),
        Goal("add", "bash-cni", "Go bridge", at_least=8),
        Goal("del", "bash-cni", "Go bridge", at_least=20),
        Goal("cpu", "bash-cni", "Go bridge", at_least=10),
    ]),
    Scenario("many32", "32 pods at once", [FLOOR_NETWORK, BASH_CNI, GO_BRIDGE], [
        Goal("all", "bash-cni", "Go bridge", at_least=5),
    ], at_once=32, rounds=5, settle=500),
    Scenario("many128", "128 pods at once", [FLOOR_NETWORK, BASH_CNI, GO_BRIDGE], [
        Goal("all", "bash-cni", "Go bridge", at_least=5),
    ], at_once=128, rounds=3, settle=2000),
    Scenario("leases", "Leases in the store of a /16", [with_leases("bash-cni", "bash-cni", count)
                                                        for count in (10, 1000, 10000, 60000, 64800)], [
        Goal(verb, f"bash-cni {count}", "bash-cni 10", at_most=1.3) for count in (60000, 64800) for verb in ("add", "del")
    ], rounds=60),
]
