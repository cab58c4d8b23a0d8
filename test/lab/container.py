"""What container engines have in common: what a node must have for them, and a container as a test sees it."""

import itertools
import json
import subprocess
import time
from pathlib import Path

from . import image
from .space import LabError, require_programs

ARCHIVE = "/var/tmp/image.tar"
PROGRAMS = "/opt/lab"
RUNC = f"{PROGRAMS}/runc"
RECORDS = "/var/tmp/records"
RESULTS = "/var/lib/cni/results"
PATIENCE = 60  # seconds until a command that should take one has failed

# Engines want to see cgroups, but these are the machine's: all is read-only, and runc is told to do without. It is
# mounted from a cgroup namespace, as a plain mount would change the options of the machine's own.
SETUP = f"""
mount -t tmpfs none /dev/shm
unshare --cgroup mount -t cgroup2 none /sys/fs/cgroup
mount -o remount,bind,ro /sys/fs/cgroup
mkdir -p {PROGRAMS} {RECORDS}
mkdir -p -m 700 {RESULTS}
printf '#!/bin/sh\\nexec /usr/sbin/runc --rootless=true "$@"\\n' > {RUNC}
chmod +x {RUNC}
"""

serial = itertools.count(1)


def prepare(node):
    """Once for a node, whatever engines it is to have. The node has processes of its own, as engines leave daemons."""
    require_programs("busybox", "unshare")
    assert node.own_pids
    if not node.exists(PROGRAMS):
        node.sh(SETUP)
        node.write(ARCHIVE, image.archive())


def record(node):
    """From now on, bash-cni's calls are written down."""
    node.run("rm", "/opt/cni/bin/bash-cni")
    node.copy(Path(__file__).with_name("recorder.sh"), "/opt/cni/bin/bash-cni", 0o755)


def records(node):
    """[(variables, stdin)] of the calls so far, oldest first."""
    read = []
    for name in node.sh(f"ls {RECORDS}").split():
        variables = node.read(f"{RECORDS}/{name}/variables").splitlines()
        read.append((dict(line.split("=", 1) for line in variables), json.loads(node.read(f"{RECORDS}/{name}/stdin"))))
    return read


def cached_results(node):
    return node.sh(f"ls {RESULTS}").split()


def eventually(what, condition):
    """Wait for what comes by itself, but not for long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.02)


def kill(node, pid):
    """kill -9 of one process of a node's. An engine says 0 where there is none: that would be every process here."""
    assert int(pid) > 0
    node.run("kill", "-9", pid)


class Container:
    """A running container. Engines say with `inside` how a command is run in it, and as whom plugins know it."""

    def __init__(self, engine, name, owner):
        self.engine = engine
        self.node = engine.node
        self.name = name
        self.owner = owner
        self.ip = self.address_inside()

    def inside(self, *command):
        return [*self.engine.inside(self), *command]

    def run(self, *command, **options):
        return self.node.run(*self.inside(*command), timeout=PATIENCE, **options)

    def says(self, *command):
        """What a command prints. Asked again where that is nothing: on a busy machine, ctr 1.6 may lose it."""
        said = ""
        for _ in range(3):
            said = said or self.run(*command).stdout
        return said

    def address_inside(self):
        [line] = self.says("ip", "-4", "-o", "address", "show", "dev", "eth0").splitlines()
        return line.split()[3].split("/")[0]

    def start_ping(self, address, timeout=2):
        return self.node.popen(*self.inside("ping", "-q", "-c1", f"-W{timeout}", str(address)),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ping(self, address):
        return self.start_ping(address).wait(PATIENCE) == 0

    def kill(self):
        """kill -9 of its first process, behind the engine's back."""
        kill(self.node, self.engine.pid(self))

    def stop(self):
        """As a user of the engine stops a container and removes it."""
        self.engine.stop(self)

    def bury(self):
        """The container was killed: do what is left to do for whoever uses the engine, and wait for the engine."""
        self.engine.bury(self)
