"""podman with its CNI backend in a node."""

from . import image
from .container import ARCHIVE, PATIENCE, Container, cached_results, eventually, prepare
from .space import require_programs

CONFIG = """\
[containers]
apparmor_profile = "unconfined"
cgroups = "disabled"
default_capabilities = ["NET_RAW"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[network]
cni_plugin_dirs = ["/opt/cni/bin"]
default_network = "mynet"
network_backend = "cni"
"""

STORAGE = """\
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
"""


class Podman:
    def __init__(self, node):
        require_programs("podman", "crun", "conmon")
        self.node = node
        prepare(node)
        node.write("/etc/containers/containers.conf", CONFIG)
        node.write("/etc/containers/storage.conf", STORAGE)
        self.podman("load", "--quiet", "--input", ARCHIVE)

    def podman(self, *command, **options):
        return self.node.run("podman", *command, timeout=PATIENCE, **options)

    def start(self, name, *options):
        owner = self.podman("run", "--detach", "--name", name, *options, image.NAME).stdout.strip()
        return Container(self, name, owner)

    def inside(self, container):
        return ["podman", "exec", container.name]

    def pid(self, container):
        return self.podman("inspect", "--format", "{{.State.Pid}}", container.name).stdout.strip()

    def stop(self, container):
        self.podman("stop", container.name)
        self.podman("rm", container.name)

    def bury(self, container):
        """conmon sees the end and has podman take the network away."""
        eventually("podman's clean-up", lambda: not any(container.owner in name for name in cached_results(self.node)))
        self.podman("rm", container.name)
