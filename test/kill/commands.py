"""The commands, killed and failed: what whoever typed them types again, and what must be true then."""

import base64
import json
from collections import Counter

from cases import APPLETS, BASH, PORT, RATES, SUBNET
from lab import CloudShell
from lab.runtime import PLUGIN_DIR, Result
from points import acts
from trials import FAILURES_MAX, Attachment, Lost, demand, ended_by_signal, same, says, succeeded
from world import INJECT, LISTING, World

FLAGS = ("--subnet", "10.244.0.0/24", "--network", "10.244.0.0/16", "--subnet6", "fd00:244::/64")
CHAIN = {"cniVersion": "1.1.0", "name": "net", "plugins": [
    BASH, {"type": "portmap", "runtimeConfig": {"portMappings": [PORT]}}, {"type": "firewall"},
    {"type": "bandwidth", **RATES}]}


class Command:
    """One command, which is typed again after it was killed or failed."""

    command = ()
    setup = ""

    def __init__(self, cnibox, every=1, offset=0):
        self.cnibox, self.every, self.offset = cnibox, every, offset
        self.tally, self.failures = Counter(), []
        self.world = None

    def begin(self):
        self.close()
        self.world = World(self.cnibox, APPLETS, self.setup)

    def close(self):
        if self.world:
            self.world.close()
        self.world = None

    def run(self):
        self.begin()
        self.prepare()
        succeeded(self.call(LISTING), self.command)
        points = self.world.points()
        self.begin()
        self.prepare()
        for act in acts(points, self.every, self.offset):
            self.tally[act.what] += 1
            try:
                done = self.call(act.options)
                self.expect_an_end(act, done)
                self.judge(act, done)
            except (Lost, AssertionError) as lost:
                self.failures.append(f"{' '.join(self.command)} {act}: {lost}")
                if len(self.failures) >= FAILURES_MAX:
                    return
                self.begin()
                self.prepare()

    def call(self, options=(), command=None):
        program, *arguments = command or self.command
        return self.world.run([f"{PLUGIN_DIR}/{program}", *arguments], options)

    @staticmethod
    def expect_an_end(act, done):
        """Of its own, with a word about it; or by the signal."""
        if done.returncode == 1:
            unheard = act.point.what in ("write", "writev")
            demand(unheard or says(done.stderr, act), "an error that says nothing:", done)
        else:
            demand(done.returncode in (0, 124) or ended_by_signal(act, done), done)

    def repeat(self):
        succeeded(self.call(), "the second time:")

    def prepare(self):
        """What has to be there before each run."""

    def judge(self, act, done):
        """After a run: what must be true; then prepare for the next."""
        raise NotImplementedError


class Up(Command):
    command = ("cni-node", "up", *FLAGS)
    down = ("cni-node", "down", *FLAGS)
    setup = "echo 0 > /proc/sys/net/ipv4/ip_forward; ip6tables -P FORWARD DROP"

    def prepare(self):
        succeeded(self.call(command=Up.command), "up")
        self.full = self.world.state()
        succeeded(self.call(command=self.down), "down")
        self.fresh = self.world.state()

    def judge(self, act, done):
        if done.returncode == 1 and not done.stderr.startswith("cni-node: print: "):
            same(self.fresh, self.world.state(), "up left")
        if done.returncode != 0:
            self.repeat()
        same(self.full, self.world.state(), "up did not make")
        succeeded(self.call(command=self.down), "down:")
        same(self.fresh, self.world.state(), "down left")


class Down(Up):
    command = Up.down

    def prepare(self):
        super().prepare()
        succeeded(self.call(command=Up.command), "up")

    def judge(self, act, done):
        if done.returncode not in (0, 124):
            self.repeat()
        same(self.fresh, self.world.state(), "down left")
        succeeded(self.call(command=Up.command), "up:")


class Collect(Command):
    """One pod is in the runtime's cache, the other one is not any more."""

    command = ("cni-gc", "--grace", "0")
    chain = CHAIN

    def prepare(self):
        chain = self.chain
        other = {**chain, "plugins": [chain["plugins"][0], {
            "type": "portmap", "runtimeConfig": {"portMappings": [{**PORT, "hostPort": 8081}]}}, *chain["plugins"][2:]]}
        self.pod, self.other = (Attachment(self.world, conf, f"id-of-{name}", self.world.pod(name).netns)
                                for name, conf in (("pod", chain), ("other", other)))
        self.world.node.write("/etc/cni/net.d/net.conflist", json.dumps(chain))
        succeeded(self.pod.add(), "ADD")
        self.world.node.write("/var/lib/cni/results/net-id-of-pod-eth0", json.dumps({
            "kind": "cniCacheV1", "containerId": "id-of-pod", "ifName": "eth0", "networkName": "net",
            "config": base64.b64encode(json.dumps(chain).encode()).decode(),
            "netns": self.pod.parameters["netns"], "result": self.pod.result}))
        self.full = self.world.state()
        succeeded(self.other.add(), "ADD")

    def judge(self, act, done):
        if done.returncode not in (0, 124):
            self.repeat()
        same(self.full, self.world.state(), "cni-gc left")
        succeeded(self.pod.check(), "CHECK of the one that is alive:")
        self.other.results = []
        succeeded(self.other.add(), "the next ADD:")


class CollectYoung(Collect):
    """The ADD of the other one may be under way: the runtime has not noted it yet. Its one lease says so."""

    command = ("cni-gc", "--grace=3600")
    chain = {**CHAIN, "plugins": [{"type": "bash-cni", "subnet": SUBNET}, *CHAIN["plugins"][1:]]}

    def prepare(self):
        super().prepare()
        self.both = self.world.state()

    def judge(self, act, done):
        same(self.both, self.world.state(), "cni-gc took")


class Install(Command):
    command = ("cnibox", "install", "/opt/other")

    def prepare(self):
        self.call()
        self.full = self.world.state()
        self.world.node.sh("rm -rf /opt/other/*")

    def judge(self, act, done):
        if done.returncode not in (0, 124):
            self.repeat()
        same(self.full, self.world.state(), "install left")
        self.world.node.sh("rm -rf /opt/other/*")


class Config(Install):
    command = ("cni-node", "config", "--network", "10.244.0.0/16", "--pod-cidr", "10.244.0.0/24")

    def prepare(self):
        succeeded(self.call(), "config")
        self.full = self.world.state()
        self.world.node.sh("rm -rf /etc/cni/net.d/*")

    def judge(self, act, done):
        super().judge(act, done)
        self.world.node.sh("rm -rf /etc/cni/net.d/*")


class Ensure(Command):
    """The cloud has one route to this node in the end, and it is the right one."""

    command = ("gce-routes", "ensure", "--pod-cidr", "10.244.0.0/24")

    def begin(self):
        self.close()
        shell = CloudShell(self.cnibox)
        shell.copy(self.cnibox.parent / "inject", INJECT, 0o755)
        cloud = shell.google.cloud
        cloud.remove_instance("k8s-master")
        cloud.add_instance("k8s-master", address="169.254.169.254")
        self.world = Shell(shell)

    def judge(self, act, done):
        routes = self.world.shell.google.cloud.routes
        if done.returncode in (0, 124):
            demand(len(routes) == 1, "it said it was done:", routes)
        else:
            self.repeat()
        [route] = routes.values()
        demand(route["destRange"] == "10.244.0.0/24" and route["nextHopInstance"].endswith("/k8s-master"), route)
        routes.clear()

    def prepare(self):
        self.world.shell.google.cloud.routes.clear()


class Shell(World):
    """Just enough of a world: the machine on which gce-routes is typed."""

    def __init__(self, shell):
        self.node = self.shell = shell
        self.pods = []

    def run(self, command, options=(), env=None, text=None):
        if options:
            command = [INJECT, *options, *command]
        return Result.of(self.shell.popen(*command))


COMMANDS = (Up, Down, Collect, CollectYoung, Install, Config, Ensure)
