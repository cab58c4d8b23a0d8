"""What is compared: networks as users configure them, each by the plugins of one maker."""

import json
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BASH_PLUGIN = REPOSITORY / "test" / "system" / "fixtures" / "bash-plugin"
GO_DIRECTORY = Path("/usr/lib/cni")  # Debian's containernetworking-plugins

CNIBOX, GO, BASH, FLOOR = "cnibox", "Go plugins", "bash", "floor"


@dataclass
class Network:
    """A chain of plugins with its configurations. The label is what the tables say of it."""
    label: str
    maker: str
    plugins: list
    subnet: str = "10.1.0.0/16"
    leases: int = 0  # of pods that are there already, as far as the store knows
    changes: dict = field(default_factory=dict)

    @property
    def name(self):
        """Of network, bridge and directory: short, and its own."""
        return self.label.replace(" ", "-").replace("+", "-").lower()


def ipam(network):
    return {"type": "host-local", "ranges": [[{"subnet": network.subnet}]], "routes": [{"dst": "0.0.0.0/0"}]}


def configuration(network, plugin, bridge):
    common = {"cniVersion": "1.0.0", "name": network.name, "type": plugin}
    if plugin == "bash-cni":
        return {**common, "cniVersion": "0.3.1", "network": "10.0.0.0/8", "subnet": network.subnet, "bridge": bridge,
                **network.changes}
    if plugin == "bridge":
        return {**common, "bridge": bridge, "isGateway": True, "ipam": ipam(network), **network.changes}
    return {**common, **network.changes.get(plugin, {})}


def install(node, number, network, build):
    """Write what tools/bench/runtime.c wants to a node. Gives the directory."""
    directory = f"/opt/bench/{number}"
    binaries = f"{directory}/bin"
    node.run("mkdir", "-p", binaries)
    for i, plugin in enumerate(network.plugins):
        _put_program(node, network, plugin, binaries, build)
        node.run("ln", "-s", f"bin/{plugin}", f"{directory}/{i}.plugin")
        node.write(f"{directory}/{i}.conf", json.dumps(configuration(network, plugin, f"br{number}")))
    if "bridge" in network.plugins:
        _put_program(node, network, "host-local", binaries, build)
    return directory


def _put_program(node, network, plugin, binaries, build):
    if network.maker == CNIBOX:
        if not node.exists(f"{binaries}/cnibox"):
            node.copy(build / "cnibox", f"{binaries}/cnibox", 0o755)
        node.run("ln", "-sf", "cnibox", f"{binaries}/{plugin}")
        return
    source = {GO: GO_DIRECTORY / plugin, BASH: BASH_PLUGIN, FLOOR: build / "bench" / "floor"}[network.maker]
    node.copy(source, f"{binaries}/{plugin}", 0o755)


def fill_store(node, network):
    """Leases of pods that are elsewhere in the store only."""
    script = ("import os, sys, ipaddress\n"
              "place, first, count = sys.argv[1], ipaddress.ip_address(sys.argv[2]), int(sys.argv[3])\n"
              "os.makedirs(place, exist_ok=True)\n"
              "for i in range(count):\n"
              "    with open(f'{place}/{first + i}', 'w') as lease:\n"
              "        lease.write(f'other{i}\\r\\neth0')\n"
              "with open(f'{place}/last_reserved_ip.0', 'w') as last:\n"
              "    last.write(str(first + count - 1))\n")
    first = network.subnet.split("/")[0].removesuffix("0.0") + "0.2"
    node.run("/usr/bin/python3", "-c", script, f"/var/lib/cni/networks/{network.name}", first, network.leases)
