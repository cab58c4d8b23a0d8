"""A node whose IPv6 routes come by router advertisements, as a cloud's do, begins to forward. It must not lose them."""

import time

import pytest
from conftest import APPLETS
from lab import Lab, configs
from lab.vpc import GATEWAY6

FLAGS = ("--subnet", "10.244.0.0/24", "--subnet6", "fd00:10:244::/64")

# What Google's gateway sends, only oftener: a default route, no prefix to make addresses of.
RADVD = """
interface {link} {{
  AdvSendAdvert on;
  AdvManagedFlag on;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 4;
  AdvDefaultLifetime {lifetime};
}};
"""


class Advertised:
    """A lab whose master has no other way out than what it is told."""

    def __init__(self, lab):
        self.vpc, self.node, self.radvd = lab.vpc, lab.master, None
        self.node.sh("ip -6 route del default; ip -6 route flush dev ens4 proto ra")

    def advertise(self, lifetime=1800):
        """Again, with another lifetime: 0 says that this router is no longer one."""
        if self.radvd:
            self.radvd.kill()
            self.radvd.wait()
        self.vpc.write("/run/radvd.conf", RADVD.format(link=self.node.name, lifetime=lifetime))
        self.radvd = self.vpc.popen("radvd", "--nodaemon", "-C", "/run/radvd.conf", "-p", "/run/radvd.pid", "-m",
                                    "stderr")

    def default_routes(self):
        return [route["protocol"] for route in self.node.json("ip", "-j", "-6", "route", "show", "default")]

    def eventually(self, routes, seconds=20):
        deadline = time.monotonic() + seconds
        while self.default_routes() != routes:
            assert time.monotonic() < deadline, (self.default_routes(), self.radvd.poll())
            time.sleep(0.05)

    def accept_ra(self):
        return self.node.read("/proc/sys/net/ipv6/conf/ens4/accept_ra").strip()


@pytest.fixture
def advertised(cnibox):
    with Lab(ipv6=True) as lab:
        lab.master.install(cnibox, *APPLETS)
        advertised = Advertised(lab)
        advertised.advertise()
        advertised.eventually(["ra"])
        yield advertised


def test_the_kernel_alone_would_lose_the_route(advertised):
    """What this is about: without a word on accept_ra, forwarding takes the default route away."""
    advertised.node.sh("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    assert advertised.default_routes() == []


@pytest.mark.parametrize("way", ["cni-node", "ADD"])
def test_the_route_stays_and_advertisements_are_heard(advertised, way):
    node = advertised.node
    if way == "cni-node":
        said = node.run("cni-node", "up", *FLAGS).stdout
        assert "made       accept_ra=2 where IPv6 routes come by advertisement\n" in said
    else:
        node.add_pod("pod", configs.load(subnet6="fd00:10:244::/64"))
    assert node.read("/proc/sys/net/ipv6/conf/all/forwarding") == "1\n"
    assert advertised.default_routes() == ["ra"] and advertised.accept_ra() == "2"
    assert node.ping(GATEWAY6)
    advertised.advertise(lifetime=0)
    advertised.eventually([])
    advertised.advertise()
    advertised.eventually(["ra"])


def test_down_takes_it_back(advertised):
    node = advertised.node
    node.run("cni-node", "up", *FLAGS)
    node.run("cni-node", "down", *FLAGS)
    assert advertised.accept_ra() == "1"
    assert node.read("/proc/sys/net/ipv6/conf/all/forwarding") == "0\n"
    advertised.eventually(["ra"])


@pytest.mark.parametrize("setting", ["0", "2"])
def test_what_somebody_has_set_stays(advertised, setting):
    """0: a daemon listens in the kernel's place. 2: it is as it has to be."""
    node = advertised.node
    node.sh(f"echo {setting} > /proc/sys/net/ipv6/conf/ens4/accept_ra")
    node.run("cni-node", "up", *FLAGS)
    assert advertised.accept_ra() == setting
    node.run("cni-node", "down", *FLAGS)
    assert advertised.accept_ra() == setting


def test_a_link_without_advertisements_is_left_alone(cnibox):
    with Lab(ipv6=True) as lab:
        lab.master.install(cnibox, *APPLETS)
        lab.master.run("cni-node", "up", *FLAGS)
        assert lab.master.read("/proc/sys/net/ipv6/conf/ens4/accept_ra") == "1\n"
