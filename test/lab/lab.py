"""The walkthrough's two nodes, the VPC between them and a host outside, all in namespaces."""

from contextlib import ExitStack

from .node import Node
from .vpc import Vpc

NETWORK = "10.244.0.0/16"
OUTSIDE = "203.0.113.10"


class Lab:
    """with Lab() as lab: lab.master, lab.worker, lab.vpc, lab.outside"""

    def __init__(self, own_pids=False):
        self.own_pids = own_pids

    def __enter__(self):
        with ExitStack() as stack:
            self.vpc = stack.enter_context(Vpc())
            self.master = stack.enter_context(Node("k8s-master", own_pids=self.own_pids))
            self.worker = stack.enter_context(Node("k8s-worker", own_pids=self.own_pids))
            self.vpc.attach(self.master, "10.168.0.6")
            self.vpc.attach(self.worker, "10.168.0.7")
            self.outside = stack.enter_context(self.vpc.attach_outside(OUTSIDE))
            self.master.pod_cidr, self.worker.pod_cidr = "10.244.0.0/24", "10.244.1.0/24"
            self.nodes = [self.master, self.worker]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def other(self, node):
        return self.worker if node is self.master else self.master

    def add_vpc_routes(self):
        for node in self.nodes:
            self.vpc.add_route(node.pod_cidr, node)

    def del_vpc_routes(self):
        for node in self.nodes:
            self.vpc.del_route(node.pod_cidr)
