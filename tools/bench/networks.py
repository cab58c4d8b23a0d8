"""What is compared: networks as users configure them, each by the plugins of one maker."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BASH_PLUGIN = REPOSITORY / "test" / "system" / "fixtures" / "bash-plugin"
GO_DIRECTORY = Path("/usr/lib/cni")  # Debian's containernetworking-plugins

CNIBOX, GO, BASH, FLOOR = "cnibox", "Go plugins", "bash", "floor"

CHAIN = ["bridge", "portmap", "firewall", "bandwidth"]
MASQUERADE = {"bridge": {"ipMasq": True}}
RATES = {"ingressRate": 1_000_000_000, "ingressBurst": 10_000_000, "egressRate": 1_000_000_000,
         "egressBurst": 10_000_000}


@dataclass(frozen=True)
class Place:
    """What is on a node beside the networks that are measured."""
    pods: int = 0
    host_ports: int = 0


@dataclass
class Network:
    """A chain of plugins with its configurations. The label is what the tables say of it."""
    label: str
    maker: str
    plugins: list
    subnet: str = "10.1.0.0/16"
    leases: int = 0  # of pods that are there already, as far as the store knows
    changes: dict = field(default_factory=dict)  # of plugins' configurations
    host_ports: tuple = ()  # mapped by portmap for each pod
    bridge: str = None  # if it is not to be its own
    node: Place = Place()
    alone: bool = False  # without a neighbour that stays: not even rules are there before it

    def with_ports(self, *ports):
        return replace(self, host_ports=ports)

    @property
    def name(self):
        """Of network, bridge and directory: short, and its own."""
        return self.label.replace(" ", "-").replace("+", "-").replace(",", "").lower()


def ipam(network):
    return {"type": "host-local", "ranges": [[{"subnet": network.subnet}]], "routes": [{"dst": "0.0.0.0/0"}]}


def configuration(network, plugin, bridge="br0"):
    """What a runtime sends to one plugin of the chain, but for prevResult."""
    bridge = network.bridge or bridge
    conf = {"cniVersion": "1.0.0", "name": network.name, "type": plugin}
    if plugin == "bash-cni":
        # 0.3.1 is what the walkthrough has; a chain is a list, and in one every plugin gets the list's version.
        version = "0.3.1" if len(network.plugins) == 1 else "1.0.0"
        conf |= {"cniVersion": version, "network": "10.0.0.0/8", "subnet": network.subnet, "bridge": bridge}
    elif plugin == "bridge":
        conf |= {"bridge": bridge, "isGateway": True, "ipam": ipam(network)}
    elif plugin == "host-local":
        conf |= {"type": "bridge", "ipam": ipam(network)}
    elif plugin == "portmap":
        ports = [{"hostPort": port, "containerPort": 80, "protocol": "tcp"} for port in network.host_ports]
        conf |= {"capabilities": {"portMappings": True}, "runtimeConfig": {"portMappings": ports}}
    elif plugin == "bandwidth":
        conf |= RATES
    return {**conf, **network.changes.get(plugin, {})}


def place(number):
    return f"/opt/bench/{number}"


def install(node, number, network, build):
    """Write what tools/bench/runtime.c wants to a node: to its place()."""
    directory = place(number)
    node.run("mkdir", "-p", f"{directory}/bin")
    for i, plugin in enumerate(network.plugins):
        _put_program(node, network, plugin, f"{directory}/bin", build)
        node.run("ln", "-s", f"bin/{plugin}", f"{directory}/{i}.plugin")
        node.write(f"{directory}/{i}.conf", json.dumps(configuration(network, plugin, f"br{number}")))
    if "bridge" in network.plugins:
        _put_program(node, network, "host-local", f"{directory}/bin", build)
    if network.leases:
        fill_store(node, network)


class Attachment:
    """A pod of an installed network, called for by hand as runtime.c does it in a hurry."""

    def __init__(self, node, number, network, env=None):
        self.node = node
        self.network = network
        self.number = number
        self.env = env or {}
        self.pod = node.pod(f"pod-{number}-{len(node.pods)}")
        self.result = None

    def call(self, verb, prefix=()):
        """A verb of all plugins, each behind other words. Gives what they said on standard error."""
        plugins = self.network.plugins if verb == "ADD" else reversed(self.network.plugins)
        if verb == "ADD":
            self.result = None
        env = {**self.env, "CNI_COMMAND": verb, "CNI_CONTAINERID": f"id-{self.pod.name}", "CNI_NETNS": self.pod.netns,
               "CNI_IFNAME": "eth0", "CNI_PATH": f"{place(self.number)}/bin"}
        said = []
        for plugin in plugins:
            conf = configuration(self.network, plugin, f"br{self.number}")
            if self.result:
                conf["prevResult"] = self.result
            done = self.node.run(*prefix, f"{place(self.number)}/bin/{plugin}", env=env, input=json.dumps(conf))
            said.append(done.stderr)
            if verb == "ADD" and done.stdout:
                self.result = json.loads(done.stdout)
        return "".join(said)


def _put_program(node, network, plugin, binaries, build):
    if network.maker == CNIBOX:
        if not node.exists(f"{binaries}/cnibox"):
            node.copy(build / "cnibox", f"{binaries}/cnibox", 0o755)
        node.run("ln", "-sf", "cnibox", f"{binaries}/{plugin}")
        return
    source = {GO: GO_DIRECTORY / plugin, BASH: BASH_PLUGIN, FLOOR: build / "bench" / "floor"}[network.maker]
    node.copy(source, f"{binaries}/{plugin}", 0o755)


FILL = """
import os, sys, ipaddress
place, first, count = sys.argv[1], ipaddress.ip_address(sys.argv[2]), int(sys.argv[3])
os.makedirs(place, exist_ok=True)
for i in range(count):
    with open(f'{place}/{first + i}', 'w') as lease:
        lease.write(f'other{i}\\r\\neth0')
with open(f'{place}/last_reserved_ip.0', 'w') as last:
    last.write(str(first + count - 1))
"""


def fill_store(node, network):
    """Leases of pods that are elsewhere in the store only."""
    first = network.subnet.split("/")[0].removesuffix("0.0") + "0.2"
    node.run("/usr/bin/python3", "-c", FILL, f"/var/lib/cni/networks/{network.name}", first, network.leases)
