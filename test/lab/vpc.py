"""The network between the nodes, as Google's does it: no shared segment, only routes, and a look at every source."""

from .space import Space

GATEWAY = "10.168.0.1"
GATEWAY6 = "fd20:168::1"
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
FILTER = f"""
{{0}} -P FORWARD DROP
{{0}} -N FROM
{{0}} -N TO
{{0}} -A FORWARD -j FROM
{{0}} -A FORWARD -j TO
{{0}} -A FORWARD -j ACCEPT
{{0}} -A FROM -i {OUTSIDE_LINK} -j RETURN
{{0}} -A FROM -j DROP
{{0}} -A TO -o {OUTSIDE_LINK} -j RETURN
{{0}} -A TO -j DROP
"""
SETUP = "mount -t tmpfs none /run\nip link set lo up\necho 1 > /proc/sys/net/ipv4/ip_forward" + FILTER.format("iptables")
SETUP6 = "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding" + FILTER.format("ip6tables")


class Vpc(Space):
    """ipv6: beside IPv4, and then each attach() takes an address of both."""

    def __init__(self, ipv6=False):
        self.filters = ["iptables", "ip6tables"] if ipv6 else ["iptables"]
        super().__init__("vpc", SETUP + (SETUP6 if ipv6 else ""))
        self.addresses = {}

    def attach(self, node, *addresses, can_ip_forward=True):
        """Give a node its interface: ens4, a host address, and everything else by the gateway."""
        self._plug(node.name, node, "ens4", addresses)
        node.address, node.address6 = (*addresses, None)[:2]
        for filter, address in zip(self.filters, addresses):
            self.sh(f"{filter} -I FROM -i {node.name} -s {address} -j RETURN\n"
                    f"{filter} -I TO -o {node.name} -d {address} -j RETURN")
        self.can_ip_forward(node, can_ip_forward)

    def attach_outside(self, *addresses):
        """A host of the Internet, with the VPC's default route leading to it."""
        outside = Space(OUTSIDE_LINK, "ip link set lo up")
        self._plug(OUTSIDE_LINK, outside, "eth0", addresses)
        for address in addresses:
            self.run("ip", "route", "add", "default", "via", address, "dev", OUTSIDE_LINK)
        return outside

    def attach_shell(self, address):
        """A machine that administers the cloud, and is not in it."""
        shell = Space(SHELL_LINK, SHELL_SETUP)
        self._plug(SHELL_LINK, shell, "eth0", (address,))
        return shell

    def _plug(self, link, space, name, addresses):
        self.sh(f"ip link add {link} mtu {MTU} type veth peer name {name} mtu {MTU} netns {space.pid}")
        self._configure(self, link, zip((GATEWAY, GATEWAY6), addresses))
        self._configure(space, name, zip(addresses, (GATEWAY, GATEWAY6)))
        for gateway in (GATEWAY, GATEWAY6)[:len(addresses)]:
            space.run("ip", "route", "add", "default", "via", gateway, "dev", name)
        self.addresses[link] = addresses

    @staticmethod
    def _configure(space, link, pairs):
        """One end, each address of which has one at the other end. None needs to be looked for in use first."""
        lines = [f"echo 0 > /proc/sys/net/ipv6/conf/{link}/accept_dad", f"ip link set {link} up"]
        for own, other in pairs:
            lines += [f"ip address add {own} dev {link}", f"ip route add {other} dev {link} scope link"]
        space.sh("\n".join(lines))

    def can_ip_forward(self, node, allowed):
        verb = "-I" if allowed else "-D"
        for filter in self.filters:
            self.run(filter, verb, "FROM", "-i", node.name, "!", "-o", OUTSIDE_LINK, "-j", "RETURN", check=allowed)
            self.run(filter, verb, "TO", "-o", node.name, "!", "-i", OUTSIDE_LINK, "-j", "RETURN", check=allowed)

    def set_route(self, prefix, priority, names):
        """What becomes of packets for prefix: they go to one of the nodes of these names, or nowhere if there is none;
        None: there is no such route."""
        if names is None:
            self.run("ip", "route", "del", prefix, "metric", priority, check=False)
        elif not names:
            self.run("ip", "route", "replace", "blackhole", prefix, "metric", priority)
        else:
            hops = [word for name in names
                    for word in ("nexthop", "via", self.addresses[name][":" in prefix], "dev", name, "onlink")]
            self.run("ip", "route", "replace", prefix, "metric", priority, *hops)

    def add_route(self, prefix, node):
        """A route that is there without anybody's having asked the API for it."""
        address = self.addresses[node.name][":" in prefix]
        self.run("ip", "route", "add", prefix, "via", address, "dev", node.name, "onlink")

    def del_route(self, prefix):
        self.run("ip", "route", "del", prefix)
