"""The cloud that the lab's nodes are in: its API, at its own address, programs the lab's VPC."""

import shlex

from gce import HOSTS, Emulator, Fabric

from .space import Space
from .vpc import SHELL_SETUP

ZONE = "us-west2-b"
SHELL_ADDRESS = "203.0.113.20"
ROOTS = "/etc/ssl/certs/ca-certificates.crt"
PLUGIN_DIR = "/opt/cni/bin"


class VpcFabric(Fabric):
    def __init__(self, lab):
        self.lab = lab

    def program(self, prefix, priority, hops):
        if self.lab.ipv6 or ":" not in prefix:
            self.lab.vpc.set_route(prefix, priority, None if hops is None else [hop.name for hop in hops])

    def may_forward(self, instance):
        node = next(node for node in self.lab.nodes if node.name == instance.name)
        self.lab.vpc.can_ip_forward(node, instance.can_ip_forward)


class Google(Emulator):
    """with Google(lab) as google: google.shell is a machine to administer it from, as Cloud Shell is."""

    def __init__(self, lab):
        super().__init__(lab.vpc)
        for node in lab.nodes:
            self.cloud.add_instance(node.name, ZONE, node.address, ipv6=lab.ipv6)
        self.cloud.fabric = VpcFabric(lab)
        self.shell = lab.vpc.attach_shell(SHELL_ADDRESS)
        self.introduce(self.shell)

    def introduce(self, space):
        """What a machine knows of Google: names, which are in no DNS here, and a root to trust."""
        space.write("/etc/hosts", HOSTS)
        space.copy(self.authority.certificate, ROOTS)

    def install(self, binary, *names):
        """The program, for who types in Cloud Shell."""
        self.shell.copy(binary, f"{PLUGIN_DIR}/cnibox", 0o755)
        for name in names:
            self.shell.run("ln", "-s", "cnibox", f"{PLUGIN_DIR}/{name}")

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.shell.close()


class CloudShell(Space):
    """A machine on which gce-routes is typed, with a cloud of its own behind it: shell.google."""

    def __init__(self, binary):
        super().__init__("cloud-shell", SHELL_SETUP)
        self.google = Emulator(self)
        self.write("/etc/hosts", HOSTS)
        self.copy(self.google.authority.certificate, ROOTS)
        self.copy(binary, f"{PLUGIN_DIR}/cnibox", 0o755)
        for name in ("gce-routes", "gcloud"):
            self.run("ln", "-s", "cnibox", f"{PLUGIN_DIR}/{name}")
        for name, address in (("k8s-master", "10.168.0.6"), ("k8s-worker", "10.168.0.7")):
            self.google.cloud.add_instance(name, ZONE, address)

    def close(self):
        self.google.__exit__()
        super().close()

    def type(self, line, status=0, **options):
        """Type a command line; its exit status is looked at."""
        done = self.run(*shlex.split(line), check=False, **options)
        assert done.returncode == status, done
        return done

    def says(self, line, status=0, **options):
        return self.type(line, status, **options).stdout

    def complains(self, line, status=1, **options):
        return self.type(line, status, **options).stderr
