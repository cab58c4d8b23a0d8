"""A Kubernetes node, as the walkthrough finds it after `kubeadm init`: Docker's and Kubernetes' chains, FORWARD DROP."""

import hashlib
import json
import subprocess
from pathlib import Path

from .runtime import PLUGIN_DIR, Attachment, Result, environment
from .space import LabError, Space, require_programs

# `iptables -S FORWARD` prints these rules exactly as the walkthrough shows them.
FILTER_RULES = """\
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:DOCKER -
:DOCKER-ISOLATION -
:KUBE-FORWARD -
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -j DOCKER-ISOLATION
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER-ISOLATION -j RETURN
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
COMMIT
"""

# Everything a user of the walkthrough writes to (/etc, /opt/cni, /var, /tmp, /run) is the node's own and in memory.
# /var/run is a relative link: an absolute one would lead out of the node when read through /proc.
FILES = """
mount -t sysfs none /sys
mount -t tmpfs none /run
mkdir -p /run/.etc/upper /run/.etc/work /run/netns
mount -t overlay none /etc -o lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work
mount -t tmpfs none /tmp
mount -t tmpfs none /var
mount -t tmpfs none /opt
mkdir -p /var/log /var/lib/cni /var/tmp /opt/cni/bin /etc/cni/net.d
rm -rf /etc/cni/net.d/*
ln -s ../run /var/run
"""

FORWARDING = """
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
echo 1 > /proc/sys/net/bridge/bridge-nf-call-ip6tables
"""

NETWORK = f"""
ip link set lo up
ip link add docker0 type bridge
iptables-restore <<'END'
{FILTER_RULES}END
"""


class Node(Space):
    """One node. Without a VPC its only links are lo and docker0, which is all that a test of a plugin needs."""

    def __init__(self, name="node", firewall=True, own_pids=False):
        require_programs("ip", "iptables", "nft", "ping")
        load_br_netfilter()
        self.pods = {}
        network = NETWORK if firewall else "ip link set lo up\n"
        super().__init__(name, FILES + FORWARDING + network, own_pids)

    def install(self, binary, *names):
        """Put a plugin into /opt/cni/bin under its names: one file, and links to it."""
        first, *others = names
        self.copy(binary, f"{PLUGIN_DIR}/{first}", 0o755)
        for name in others:
            self.run("ln", "-sf", first, f"{PLUGIN_DIR}/{name}")

    def configuration(self):
        """The network configuration a runtime would pick: the first file of /etc/cni/net.d, in order of names."""
        names = self.sh("cd /etc/cni/net.d && ls").split()
        if not names:
            raise LabError(f"{self.name}: no network configuration in /etc/cni/net.d")
        return json.loads(self.read(f"/etc/cni/net.d/{names[0]}"))

    def pod(self, name):
        """An empty pod: a named network namespace with only lo in it, up."""
        self.sh(f"ip netns add {name} && ip -n {name} link set lo up")
        return self.register_pod(name)

    def register_pod(self, name):
        """A pod whose namespace is there already."""
        self.pods[name] = Pod(self, name)
        return self.pods[name]

    def add_pod(self, name, conf=None):
        """A pod with its network: what kubelet's `RunPodSandbox` comes down to."""
        pod = self.pod(name)
        pod.add(conf).expect_success()
        return pod

    def cni(self, command, conf, env=None, plugin=None, **variables):
        """Run one plugin once. `conf` is text, or is written as JSON; a variable that is None is left out."""
        return Result.of(self._start_cni(command, conf, env, plugin, variables), input=text_of(conf))

    def cni_at_once(self, calls):
        """Run [(command, conf, variables)] all at the same time."""
        children = [self._start_cni(command, conf, None, None, variables) for command, conf, variables in calls]
        return Result.of_all(children, [text_of(conf) for _, conf, _ in calls])

    def _start_cni(self, command, conf, env, plugin, variables):
        path = Path(PLUGIN_DIR, plugin or conf["type"])  # a path stays what it is
        return self.popen(path, env={**environment(command, **variables), **(env or {})}, stdin=subprocess.PIPE)

    def chains(self, table="filter", chain="FORWARD"):
        """`iptables -S CHAIN`, line by line."""
        return self.run("iptables", "-t", table, "-S", chain).stdout.splitlines()


class Pod:
    def __init__(self, node, name):
        self.node = node
        self.name = name
        self.id = hashlib.sha256(f"{node.name}/{name}".encode()).hexdigest()
        self.netns = f"/var/run/netns/{name}"
        self.attachment = Attachment(node, self.id, self.netns)
        self.ip = self.ip6 = None

    def add(self, conf=None, **variables):
        result = self.attachment.add(conf or self.node.configuration(), **variables)
        ips = [ip.split("/")[0] for ip in result.ips] if result.returncode == 0 else []
        self.ip, self.ip6 = (*ips, None, None)[:2]
        return result

    def delete(self, conf=None, **variables):
        return self.attachment.delete(conf or self.node.configuration(), **variables)

    def check(self, conf=None, **variables):
        return self.attachment.check(conf or self.node.configuration(), **variables)

    def remove(self):
        """The network is gone already; take the namespace away too."""
        self.node.run("ip", "netns", "del", self.name)
        del self.node.pods[self.name]

    def run(self, *command, **options):
        return self.node.run("ip", "netns", "exec", self.name, *command, **options)

    def json(self, *command):
        return json.loads(self.run(*command).stdout or "[]")

    def ping(self, address, timeout=3):
        return self.node.ping(address, netns=self.name, timeout=timeout)

    def start_ping(self, address, timeout=1):
        return self.node.start_ping(address, netns=self.name, timeout=timeout)


def text_of(conf):
    return conf if isinstance(conf, (str, type(None))) else json.dumps(conf)


def load_br_netfilter():
    """Bridged frames pass FORWARD on the walkthrough's nodes. Where that takes a module, load it, but leave the
    machine's own bridges as they were: its switches come up as 1."""
    switches = Path("/proc/sys/net/bridge")
    if switches.exists():
        return
    subprocess.run(["modprobe", "br_netfilter"], check=False, capture_output=True)
    if not switches.exists():
        raise LabError("this kernel has no br_netfilter: bridged frames would pass no rules")
    for switch in switches.glob("bridge-nf-call-*"):
        switch.write_text("0\n")
