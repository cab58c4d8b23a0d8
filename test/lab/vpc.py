"""The network between the nodes, as Google's does it: no shared segment, only routes, and a look at every source."""

from .space import Space

GATEWAY = "10.168.0.1"
OUTSIDE_LINK = "outside"
MTU = 1460

# A packet may leave a node with a source that is not the node's, or reach one for an address that is not the node's,
# only if that node may forward (`gcloud compute instances create --can-ip-forward`). The way out of the VPC is for
# the nodes' own addresses alone: the Internet gateway translates those and knows no others.
RULES = f"""
table ip fabric {{
    set addresses {{ type ifname . ipv4_addr; }}
    set forwarders {{ type ifname; }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        iifname "{OUTSIDE_LINK}" oifname . ip daddr @addresses accept
        oifname "{OUTSIDE_LINK}" iifname . ip saddr @addresses accept
        oifname "{OUTSIDE_LINK}" drop
        iifname . ip saddr != @addresses iifname != @forwarders counter drop
        oifname . ip daddr != @addresses oifname != @forwarders counter drop
        accept
    }}
}}
"""

SETUP = f"""
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f - <<'END'
{RULES}END
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
        self.run("nft", "add", "element", "ip", "fabric", "addresses", f'{{ "{node.name}" . {address} }}')
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

    def _plug(self, link, space, name, address):
        self.sh(f"ip link add {link} mtu {MTU} type veth peer name {name} mtu {MTU} netns {space.pid}\n"
                f"ip address add {GATEWAY}/32 dev {link}\n"
                f"ip link set {link} up\n"
                f"ip route add {address} dev {link} scope link")
        self.addresses[link] = address

    def can_ip_forward(self, node, allowed):
        verb = "add" if allowed else "delete"
        self.run("nft", verb, "element", "ip", "fabric", "forwarders", f'{{ "{node.name}" }}', check=allowed)

    def add_route(self, prefix, node):
        """gcloud compute routes create --destination-range PREFIX --next-hop-instance NODE"""
        self.run("ip", "route", "add", prefix, "via", self.addresses[node.name], "dev", node.name, "onlink")

    def del_route(self, prefix):
        self.run("ip", "route", "del", prefix)
