"""The walkthrough's two nodes, the VPC between them and a host outside, all in namespaces."""

from contextlib import ExitStack

from .node import Node
from .vpc import Vpc

NETWORK = "10.244.0.0/16"
OUTSIDE = "203.0.113.10"
NETWORK6 = "fd00:10:244::/48"
OUTSIDE6 = "2001:db8:203::10"


class Lab:
    """with Lab() as lab: lab.master, lab.worker, lab.vpc, lab.outside

    With ipv6, addresses and ranges of both families; the node's are then address6 and pod_cidr6.
    """

    def __init__(self, own_pids=False, ipv6=False):
        self.own_pids = own_pids
        self.ipv6 = ipv6

    def __enter__(self):
        with ExitStack() as stack:
            self.vpc = stack.enter_context(Vpc(self.ipv6))
            self.master = stack.enter_context(Node("k8s-master", own_pids=self.own_pids))
            self.worker = stack.enter_context(Node("k8s-worker", own_pids=self.own_pids))
            self.vpc.attach(self.master, *self._of_both("10.168.0.6", "fd20:168::6"))
            self.vpc.attach(self.worker, *self._of_both("10.168.0.7", "fd20:168::7"))
            self.outside = stack.enter_context(self.vpc.attach_outside(*self._of_both(OUTSIDE, OUTSIDE6)))
            self.master.pod_cidr, self.worker.pod_cidr = "10.244.0.0/24", "10.244.1.0/24"
            self.master.pod_cidr6, self.worker.pod_cidr6 = "fd00:10:244::/64", "fd00:10:244:1::/64"
            self.nodes = [self.master, self.worker]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _of_both(self, ipv4, ipv6):
        return (ipv4, ipv6) if self.ipv6 else (ipv4,)

    def other(self, node):
        return self.worker if node is self.master else self.master

    def routed(self):
        """What the VPC has to know: [(range of pods, node)]."""
        return [(prefix, node) for node in self.nodes for prefix in self._of_both(node.pod_cidr, node.pod_cidr6)]

    def add_vpc_routes(self):
        for prefix, node in self.routed():
            self.vpc.add_route(prefix, node)

    def del_vpc_routes(self):
        for prefix, _ in self.routed():
            self.vpc.del_route(prefix)
