"""What ADD and DEL cost, whatever the machine is busy with: system calls, and instructions in user space.

strace counts the first and valgrind's callgrind the second, of all processes of a call. Waiting is not counted: how
often somebody polls depends on when the kernel's answer comes. What remains is the same under load, for two at once
and on another machine with this kernel, compiler and libc; budgets.txt holds it for fixed cases, and
test/system/test_budgets.py compares.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab import Node
from networks import CHAIN, CNIBOX, MASQUERADE, Attachment, Network, install

BUDGETS = Path(__file__).with_name("budgets.txt")
VERBS = ("ADD", "DEL")
ATTEMPTS = 3

# How many host ports others have in the cases' node.
HOST_PORTS = {"portmap-5000": 5000}

CASES = {
    "bash-cni": Network("bash-cni", CNIBOX, ["bash-cni"]),
    "bridge": Network("bridge", CNIBOX, ["bridge"]),
    "bridge-ipMasq": Network("masq", CNIBOX, ["bridge"], changes=MASQUERADE),
    "chain": Network("chain", CNIBOX, CHAIN, changes=MASQUERADE, host_ports=(30080,)),
    "host-local": Network("host-local", CNIBOX, ["host-local"]),
    "portmap": Network("ports", CNIBOX, ["bash-cni", "portmap"], host_ports=(30080,), bridge="br0"),
    "portmap-5000": Network("ports", CNIBOX, ["bash-cni", "portmap"], host_ports=(30080,), bridge="br0"),
}


@dataclass
class Cost:
    calls: int
    instructions: int

    def least(self, other):
        return Cost(min(self.calls, other.calls), min(self.instructions, other.instructions))

    def within(self, other, share, more_calls):
        """At most so much more than the other one."""
        return self.instructions <= other.instructions * (1 + share) and self.calls <= other.calls + more_calls


class Counted:
    """A network on a node, and one pod that comes and goes."""

    def __init__(self, node, network, build, number=0):
        self.node = node
        install(node, number, network, build)
        self.pod = Attachment(node, number, network)
        for verb in VERBS:  # the first one makes bridge, rules and store
            self.pod.call(verb)

    def calls(self, verb):
        pause(self.node)
        return sum(calls(self.pod, verb).values())

    def instructions(self, verb):
        pause(self.node)
        said = self.pod.call(verb, ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"])
        return sum(int(number) for number in re.findall(r"Collected : (\d+)", said))

    def costs(self, before=None):
        """{verb: Cost}, an ADD and a DEL for each tool; the least of this and what was found before.

        It is less only by what has not been there by chance: a link's state may be announced in the middle of a call.
        """
        counted = {verb: self.calls(verb) for verb in VERBS}
        instructions = {verb: self.instructions(verb) for verb in VERBS}
        costs = {verb: Cost(counted[verb], instructions[verb]) for verb in VERBS}
        return {verb: cost.least(before[verb]) for verb, cost in costs.items()} if before else costs


def pause(node):
    """As if nobody had removed rules lately: who has just heard of it has a child close its socket (netlink/linger.h)."""
    node.sh("touch -d '1 hour ago' /run/cnibox")


TRACE = "/tmp/strace"
WAITING = ("poll", "ppoll", "wait4", "nanosleep")
LOOK = "SIOCGIFFLAGS"  # asked for between pauses, until there is a carrier


def calls(pod, verb):
    """System calls of all processes, by name; without those that wait."""
    pod.node.write(TRACE, "")
    pod.call(verb, ["strace", "-f", "-qq", "-A", "-s", "0", "-e", "signal=none", "-o", TRACE])
    return count_calls(pod.node.read(TRACE))


def count_calls(trace):
    """{name: how often} from strace's lines. A call that another process's interrupts is two lines."""
    counted = Counter()
    for line in trace.splitlines():
        match = re.match(r"\d+ +(?:<\.\.\. )?(\w+)(\(| resumed)", line)
        if not match or match[1] in WAITING or LOOK in line:
            continue
        if match[2] == "(":
            counted[match[1]] += 1
        if "EAGAIN" in line:
            counted[match[1]] -= 1
    return counted


def prepare(node, case, build):
    """A pod of the case, on a node that is as the case says."""
    network = CASES[case]
    ports = HOST_PORTS.get(case, 0)
    if ports:
        others = network.with_ports(*range(10000, 10000 + ports))
        install(node, 1, others, build)
        Attachment(node, 1, others).call("ADD")
    return Counted(node, network, build)


def count_all(build):
    """{case: {verb: Cost}}, each on a node of its own."""
    costs = {}
    for case in CASES:
        with Node() as node:
            counted = prepare(node, case, build)
            for _ in range(ATTEMPTS):
                costs[case] = counted.costs(costs.get(case))
    return costs


# --- the file ------------------------------------------------------------------------------------

HEAD = """\
# What ADD and DEL may cost: system calls (but those that wait), and instructions in user space, as counts.py counts
# them on Debian 12 for x86-64. test/system/test_budgets.py fails above calls + {calls} or instructions + {share:.0%}; and below
# calls - {less_calls} or instructions - {less_share:.0%}, as then the budget is to be lowered. Written by make bench B=--write-budgets
#
#               ADD: calls instructions   DEL: calls instructions
"""
HEADROOM = {"calls": 1, "share": 0.03, "less_calls": 4, "less_share": 0.06}


def read_budgets():
    lines = [line.split() for line in BUDGETS.read_text().splitlines() if line and not line.startswith("#")]
    return {case: {"ADD": Cost(int(a), int(b)), "DEL": Cost(int(c), int(d))} for case, a, b, c, d in lines}


def table(costs):
    return "".join(f"{case:15} {cost['ADD'].calls:10} {cost['ADD'].instructions:12} {cost['DEL'].calls:12} "
                   f"{cost['DEL'].instructions:12}\n" for case, cost in costs.items())


def write_budgets(costs):
    BUDGETS.write_text(HEAD.format(**HEADROOM) + table(costs))


def verdict(what, cost, budget):
    """None, or what is to be done."""
    figures = (f"{what}: {cost.calls} system calls and {cost.instructions} instructions, of a budget of "
               f"{budget.calls} and {budget.instructions}")
    if not cost.within(budget, HEADROOM["share"], HEADROOM["calls"]):
        return (f"{figures}. It has become dearer: find out by what (`strace -f`, or `valgrind --tool=callgrind` of "
                "build/obj/cnibox), and undo that; if it is worth it, make bench B=--write-budgets, and the commit "
                "says why")
    if cost.calls < budget.calls - HEADROOM["less_calls"] or \
            cost.instructions < budget.instructions * (1 - HEADROOM["less_share"]):
        return f"{figures}. It has become cheaper: make bench B=--write-budgets, so that it stays so"
    return None
