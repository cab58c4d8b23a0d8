"""Packets per second through a node's rules, with and without host ports."""

import statistics
from contextlib import ExitStack
from dataclasses import dataclass

import nodes
from lab import LabError, Node, Space
from networks import CNIBOX, Attachment, Network, install
from timings import Judged, Outcome

OUTSIDE, NODE, HOST_PORT, POD_PORT = "203.0.113.10", "203.0.113.1", 30080, 80
NETWORK = Network("traffic", CNIBOX, ["bash-cni", "portmap"])
LOST = 0.02  # of the packets, at most: else this measures who drops fastest

# Nobody reads: what the socket cannot hold is dropped there, in the pod, behind all rules.
LISTENER = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.bind(("0.0.0.0", 80))
print("ready", flush=True)
time.sleep(3600)
"""
FORGET = "from pyroute2 import NFCTSocket\nNFCTSocket().flush()"


class Wired(Node):
    """A node with a pod that listens, so many host ports of others, and a host outside that sends."""

    def __init__(self, others, mapped, build):
        super().__init__("traffic", firewall=False)
        network = NETWORK.with_ports(HOST_PORT) if mapped else NETWORK
        for mapping in network.host_ports:
            assert mapping == HOST_PORT
        install(self, 0, _udp(network), build)
        self.attachment = Attachment(self, 0, _udp(network))
        self.attachment.call("ADD")
        nodes.publish(self, others, NETWORK, build)
        self.listener = self.attachment.pod.node.popen(
            "ip", "netns", "exec", self.attachment.pod.name, "/usr/bin/python3", "-c", LISTENER)
        assert self.listener.stdout.readline() == "ready\n", self.listener.stderr.read()
        self.address = self.attachment.result["ips"][0]["address"].split("/")[0]
        self._wire(build)

    def _wire(self, build):
        self.outside = Space("outside", "mount -t tmpfs none /opt\nip link set lo up")
        self.outside.copy(build / "bench" / "flood", "/opt/flood", 0o755)
        self.sh(f"ip link add ens4 type veth peer name eth0 netns {self.outside.pid}\n"
                f"ip address add {NODE}/24 dev ens4\nip link set ens4 up")
        self.outside.sh(f"ip address add {OUTSIDE}/24 dev eth0\nip link set eth0 up\nip route add default via {NODE}")

    def close(self):
        if hasattr(self, "outside"):
            self.outside.close()
        super().close()

    def _received(self):
        return int(self.attachment.pod.run("cat", "/sys/class/net/eth0/statistics/rx_packets").stdout)

    def packets_per_second(self, way):
        """Of those that reach the pod. Flows of before are forgotten where all are to be new."""
        if way.flows == "each":
            self.run("/usr/bin/python3", "-c", FORGET)
        address, port = (NODE, HOST_PORT) if way.mapped else (self.address, POD_PORT)
        before = self._received()
        said = self.outside.run("/opt/flood", OUTSIDE, address, port, way.packets, way.flows, timeout=60)
        arrived = self._received() - before
        if arrived < way.packets * (1 - LOST):
            raise LabError(f"of {way.packets} packets, {arrived} reached the pod: {way.label}")
        return arrived / (int(said.stdout) / 1e9)


def _udp(network):
    ports = [{"hostPort": port, "containerPort": POD_PORT, "protocol": "udp"} for port in network.host_ports]
    changes = {"portmap": {"runtimeConfig": {"portMappings": ports}}}
    return Network(network.label, network.maker, network.plugins, changes=changes)


@dataclass(frozen=True)
class Way:
    """What is sent. With no host ports at all there is none to send to: then one is the least."""
    label: str
    flows: str
    packets: int
    mapped: bool

    @property
    def least(self):
        return int(self.mapped)


WAYS = [
    Way("routed to the pod, one flow", "one", 10000, False),
    Way("routed to the pod, each packet a flow", "each", 10000, False),
    Way("to a host port, each packet a flow", "each", 10000, True),
]
ONE, MANY = 1, 5000  # the first host port brings the rules, the others are elements of sets


def median_ratio(few, many):
    return statistics.median(b / a for a, b in zip(few, many))


class Traffic:
    name = "traffic"
    title = "Packets per second from outside to a pod"
    rounds = 16

    def run(self, options):
        rates = self._measure(options)
        said = [f"{self.title}, median{'':17}{'0 or 1':>9}{MANY:>9} host ports"]
        data, goals = {}, []
        for way in WAYS:
            few, many = rates[way, way.least], rates[way, MANY]
            ratio = median_ratio(few, many)
            one = "" if way.mapped else f"{ONE} host port: {median_ratio(few, rates[way, ONE]):.2f}"
            said.append(f"  {way.label:46}{statistics.median(few):12.0f}{statistics.median(many):9.0f}")
            data[way.label] = {"few": few, "many": many, "ratio": ratio}
            goals.append(Judged(f"packets per second: {way.label}, {MANY} host ports against {way.least}", ratio,
                                "at least 0.95", ratio >= 0.95, one))
        return Outcome(self.name, self.title, "\n".join(said), data, goals)

    def _measure(self, options):
        rounds = options.rounds or (3 if options.quick else self.rounds)
        rates = {}
        with ExitStack() as stack:
            places = {(mapped, others): stack.enter_context(Wired(others, mapped, options.build))
                      for mapped, others in ((False, 0), (False, ONE), (False, MANY), (True, 0), (True, MANY))}
            for number in range(rounds + 1):
                for way in WAYS:
                    candidates = [others for mapped, others in places if mapped == way.mapped]
                    for others in candidates if number % 2 else reversed(candidates):
                        rate = places[way.mapped, others].packets_per_second(way)
                        if number:  # the first one warms up
                            rates.setdefault((way, others or way.least), []).append(rate)
        return rates
