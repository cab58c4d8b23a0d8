"""containerd with runc in a node, and containers started by its client: `ctr run --cni`."""

import select

from . import image
from .container import ARCHIVE, PATIENCE, RUNC, Container, eventually, kill, prepare, serial
from .space import LabError, require_programs

CONFIG = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image.NAME}"
  disable_apparmor = true
  disable_cgroup = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{RUNC}"
"""

LOG = "/var/log/containerd.log"
PIDFILE = "/run/containerd.pid"
NAMESPACES = ("default", "k8s.io")  # ctr's, Kubernetes'


class Containerd:
    """The daemon. Its state, socket and configuration are where they always are, in directories of the node's."""

    def __init__(self, node):
        require_programs("containerd", "ctr", "runc")
        self.node = node
        prepare(node)
        node.write("/etc/containerd/config.toml", CONFIG)
        self.start()
        for namespace in NAMESPACES:
            self.ctr("-n", namespace, "image", "import", "--snapshotter", "native", ARCHIVE)

    def start(self):
        self.daemon = self.node.popen("sh", "-c", f"echo $$ > {PIDFILE}; exec containerd > {LOG} 2>&1")
        eventually("containerd answers", lambda: self.ctr("version", check=False).returncode == 0)

    def kill(self):
        kill(self.node, self.node.read(PIDFILE).strip())
        self.daemon.wait(PATIENCE)

    def ctr(self, *command, **options):
        return self.node.run("ctr", *command, timeout=PATIENCE, **options)

    def tasks(self, namespace):
        """{name: (pid, state)}"""
        lines = self.ctr("-n", namespace, "task", "ls").stdout.splitlines()[1:]
        return {name: (pid, state) for name, pid, state in map(str.split, lines)}


class Ctr:
    """Containers of `ctr run`: the client stays, waits for the container's end and takes its network away."""

    namespace = "default"

    def __init__(self, containerd):
        self.containerd = containerd
        self.node = containerd.node

    def begin(self, name):
        return self.node.popen(
            "ctr", "run", "--rm", "--cni", "--snapshotter", "native", "--runc-binary", RUNC, "--cgroup", "",
            "--cpu-shares", "0", image.NAME, name)

    def start(self, name):
        client = self.begin(name)
        ready, _, _ = select.select([client.stdout], [], [], PATIENCE)
        if not ready or client.stdout.readline() != "ready\n":
            client.kill()
            raise LabError(f"ctr run: {client.communicate(timeout=PATIENCE)}")
        container = Container(self, name, f"{self.namespace}-{name}")
        container.client = client
        return container

    def inside(self, container):
        return ["ctr", "-n", self.namespace, "task", "exec", "--exec-id", f"exec{next(serial)}", container.name]

    def pid(self, container):
        return self.containerd.tasks(self.namespace)[container.name][0]

    def client_pid(self, container):
        """In the node's count: the test's child is the nsenter that waits for it."""
        return self.node.run("pgrep", "-f", f"^ctr run .* {container.name}$").stdout.strip()

    def stop(self, container):
        self.containerd.ctr("task", "kill", "--signal", "SIGTERM", container.name)
        self.bury(container)

    def bury(self, container):
        """Wait for the client."""
        container.client.wait(PATIENCE)
