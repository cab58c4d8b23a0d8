"""The network between the nodes, as Google's does it: no shared segment, only routes, and a look at every source."""

from .space import Space

GATEWAY = "10.168.0.1"
OUTSIDE_LINK = "outside"
SHELL_LINK = "cloud-shell"
MTU = 1460

# Files of its own where a user writes, and where programs look: /etc/hosts, the roots to trust, /opt/cni/bin, $HOME.
SHELL_SETUP = """
for directory in etc opt root tmp; do mount -t tmpfs none /$directory; done
ip link set lo up
"""

# A packet may leave a node with a source that is not the node's, or reach one for an address that is not the node's,
# only if that node may forward (`gcloud compute instances create --can-ip-forward`). The way out of the VPC is for
# the nodes' own addresses alone: the Internet gateway translates those and knows no others. So FROM lets pass what
# comes by a link rightly and TO what leaves by it rightly; each link puts its rules before the DROP.
SETUP = f"""
mount -t tmpfs none /run
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
iptables -P FORWARD DROP
iptables -N FROM
iptables -N TO
iptables -A FORWARD -j FROM
iptables -A FORWARD -j TO
iptables -A FORWARD -j ACCEPT
iptables -A FROM -i {OUTSIDE_LINK} -j RETURN
iptables -A FROM -j DROP
iptables -A TO -o {OUTSIDE_LINK} -j RETURN
iptables -A TO -j DROP
"""


class Vpc(Space):
    def __init__(self):
        super().__init__("vpc", SETUP)
        self.addresses = {}

    def attach(self, node, address, can_ip_forward=True):
        """Give a node its interface: ens4, a /32, and everything else by the gateway."""
        self._plug(node.name, node, "ens4", address)
        node.address = address
        node.sh(f"ip address add {address}/32 dev ens4\n"
                f"ip link set ens4 up\n"
                f"ip route add {GATEWAY} dev ens4 scope link\n"
                f"ip route add default via {GATEWAY} dev ens4")
        self.sh(f"iptables -I FROM -i {node.name} -s {address} -j RETURN\n"
                f"iptables -I TO -o {node.name} -d {address} -j RETURN")
        self.can_ip_forward(node, can_ip_forward)

    def attach_outside(self, address):
        """A host of the Internet, with the VPC's default route leading to it."""
        outside = Space(OUTSIDE_LINK, "ip link set lo up")
        self._plug(OUTSIDE_LINK, outside, "eth0", address)
        outside.sh(f"ip address add {address}/32 dev eth0\n"
                   f"ip link set eth0 up\n"
                   f"ip route add {GATEWAY} dev eth0 scope link\n"
                   f"ip route add default via {GATEWAY} dev eth0")
        self.run("ip", "route", "add", "default", "via", address, "dev", OUTSIDE_LINK)
        return outside

    def attach_shell(self, address):
        """A machine that administers the cloud, and is not in it."""
        shell = Space(SHELL_LINK, SHELL_SETUP)
        self._plug(SHELL_LINK, shell, "eth0", address)
        shell.sh(f"ip address add {address}/32 dev eth0\n"
                 f"ip link set eth0 up\n"
                 f"ip route add {GATEWAY} dev eth0 scope link\n"
                 f"ip route add default via {GATEWAY} dev eth0")
        return shell

    def _plug(self, link, space, name, address):
        self.sh(f"ip link add {link} mtu {MTU} type veth peer name {name} mtu {MTU} netns {space.pid}\n"
                f"ip address add {GATEWAY}/32 dev {link}\n"
                f"ip link set {link} up\n"
                f"ip route add {address} dev {link} scope link")
        self.addresses[link] = address

    def can_ip_forward(self, node, allowed):
        verb = "-I" if allowed else "-D"
        self.run("iptables", verb, "FROM", "-i", node.name, "!", "-o", OUTSIDE_LINK, "-j", "RETURN", check=allowed)
        self.run("iptables", verb, "TO", "-o", node.name, "!", "-i", OUTSIDE_LINK, "-j", "RETURN", check=allowed)

    def set_route(self, prefix, priority, names):
        """What becomes of packets for prefix: they go to one of the nodes of these names, or nowhere if there is none;
        None: there is no such route."""
        if names is None:
            self.run("ip", "route", "del", prefix, "metric", priority, check=False)
        elif not names:
            self.run("ip", "route", "replace", "blackhole", prefix, "metric", priority)
        else:
            hops = [word for name in names
                    for word in ("nexthop", "via", self.addresses[name], "dev", name, "onlink")]
            self.run("ip", "route", "replace", prefix, "metric", priority, *hops)

    def add_route(self, prefix, node):
        """A route that is there without anybody's having asked the API for it."""
        self.run("ip", "route", "add", prefix, "via", self.addresses[node.name], "dev", node.name, "onlink")

    def del_route(self, prefix):
        self.run("ip", "route", "del", prefix)
