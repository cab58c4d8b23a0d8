"""What is killed and failed: each plugin behind those that it needs, and every verb of it. The commands are in
commands.py."""

import copy
from dataclasses import dataclass

APPLETS = ("cnibox", "bash-cni", "bridge", "ptp", "tuning", "host-local", "static", "loopback", "portmap", "firewall",
           "bandwidth", "cni-node", "cni-gc", "cni-check")
VERBS = ("ADD", "DEL", "DEL0", "CHECK", "GC", "STATUS")
SUBNET, SUBNET6 = "10.244.0.0/24", "fd00:10:244::/64"
RANGES = {"type": "host-local", "ranges": [[{"subnet": SUBNET}], [{"subnet": SUBNET6}]],
          "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}
BASH = {"type": "bash-cni", "subnet": SUBNET, "network": "10.244.0.0/16", "subnet6": SUBNET6}
BRIDGE = {"type": "bridge", "bridge": "br0", "isDefaultGateway": True, "ipMasq": True, "ipam": RANGES}
EMPTY_BRIDGE = "ip link add br0 address 02:00:00:00:00:01 type bridge; ip link set br0 up"
FORWARDING = "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
PORT = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
RATES = {"ingressRate": 8_000_000, "ingressBurst": 800_000, "egressRate": 8_000_000, "egressBurst": 800_000}


@dataclass
class Case:
    name: str
    plugins: tuple  # the last one is what is tried
    others: tuple = ()  # what differs for the second pod
    ipam: dict = None  # the reference's host-local shares the store
    verbs: tuple = VERBS
    ifname: str = "eth0"
    setup: str = ""
    applets: tuple = APPLETS
    version: str = "1.1.0"
    with_link: bool = False  # rates are set on the host end of the pod's link, and go with that
    first: str = ""  # each pod is the first of its node: what takes away what a DEL leaves there
    forgiving: bool = False  # a DEL does not fail for what the kernel will never put back

    def conf(self, pod):
        plugins = copy.deepcopy(list(self.plugins))
        if pod == "other" and self.others:
            plugins[-1].update(self.others)
        return {"cniVersion": self.version, "name": "net", "plugins": plugins}

    @property
    def store(self):
        return self.ipam and {"cniVersion": "1.0.0", "name": "net", "type": "bridge", "ipam": self.ipam}


CASES = (
    Case("bash-cni", (BASH,), ipam=RANGES),
    Case("bridge", (BRIDGE,), ipam=RANGES),
    Case("first on bridge", (BRIDGE,), ipam=RANGES, verbs=("ADD",), first="ip link del br0", setup=FORWARDING),
    Case("gateway on bridge", (BRIDGE,), ipam=RANGES, verbs=("ADD",), first=f"ip link del br0; {EMPTY_BRIDGE}",
         setup=f"{FORWARDING}; {EMPTY_BRIDGE}"),
    Case("ptp", ({"type": "ptp", "ipMasq": True, "ipam": RANGES},), ipam=RANGES),
    Case("bridge with static", ({**BRIDGE, "ipam": {"type": "static", "addresses": [
        {"address": "10.244.0.9/24", "gateway": "10.244.0.1"}]}},), verbs=("ADD", "DEL"),
        others={"ipam": {"type": "static", "addresses": [{"address": "10.244.0.10/24", "gateway": "10.244.0.1"}]}}),
    Case("host-local", ({"type": "host-local", "ipam": RANGES},), ipam=RANGES),
    Case("static", ({"type": "static", "ipam": {"type": "static", "addresses": [{"address": "10.244.0.9/24"}]}},),
         others={"ipam": {"type": "static", "addresses": [{"address": "10.244.0.10/24"}]}}),
    Case("loopback", ({"type": "loopback"},), ifname="lo", verbs=("ADD", "DEL", "CHECK", "STATUS")),
    Case("portmap", (BASH, {"type": "portmap", "runtimeConfig": {"portMappings": [PORT]}}),
         others={"runtimeConfig": {"portMappings": [{**PORT, "hostPort": 8081}]}}),
    Case("firewall", (BASH, {"type": "firewall", "ingressPolicy": "same-bridge"})),
    Case("bandwidth", (BASH, {"type": "bandwidth", **RATES}), with_link=True),
    Case("tuning", (BASH, {"type": "tuning", "mtu": 1400, "promisc": True, "mac": "02:00:00:00:00:07",
                           "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}}),
         forgiving=True),
)
