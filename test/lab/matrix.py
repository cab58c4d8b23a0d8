"""The walkthrough's six pings from a pod, and which of them are to answer at each step."""

from dataclasses import dataclass

from .lab import OUTSIDE, OUTSIDE6

OWN_HOST = "own host"
OTHER_HOST = "different host"
OWN_POD = "own container"
NEIGHBOUR = "a different container on the same host"
REMOTE = "a container on a different host"
EXTERNAL = "any external address"

BEFORE = {OWN_HOST, OWN_POD}
ALL = {OWN_HOST, OTHER_HOST, OWN_POD, NEIGHBOUR, REMOTE, EXTERNAL}
WITHOUT_ROUTES = ALL - {REMOTE}


@dataclass
class Target:
    name: str
    address: str


def targets(lab, pod, family=4):
    """The six addresses, seen from a pod of a lab where each node has two pods at least."""
    node, other = pod.node, lab.other(pod.node)
    neighbour = next(p for p in node.pods.values() if p is not pod)
    remote = next(iter(other.pods.values()))
    of_node, of_pod, outside = ("address", "ip", OUTSIDE) if family == 4 else ("address6", "ip6", OUTSIDE6)
    return [
        Target(OWN_HOST, getattr(node, of_node)),
        Target(OTHER_HOST, getattr(other, of_node)),
        Target(OWN_POD, getattr(pod, of_pod)),
        Target(NEIGHBOUR, getattr(neighbour, of_pod)),
        Target(REMOTE, getattr(remote, of_pod)),
        Target(EXTERNAL, outside),
    ]


def answering(lab, *pods, family=4):
    """For each pod, the names of the targets that answer: by plain ping, and all of them at once."""
    pings = [{target.name: pod.start_ping(target.address) for target in targets(lab, pod, family)} for pod in pods]
    return [{name for name, ping in each.items() if ping.wait() == 0} for each in pings]


def sentence(name, answered):
    """The walkthrough's wording."""
    return f"Can ping {name}" if answered else f"Can't ping {name}"
