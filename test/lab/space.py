"""A throwaway network and mount namespace, and commands run in it."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from .kernel import choose_iptables

# What commands in a namespace see of the caller's environment: nothing, so that a stray CNI_* or LANG changes no test.
ENVIRONMENT = {
    "PATH": "/opt/cni/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C",
}


# What is no mount of the space's own is the machine's: nothing in here is to change it.
READ_ONLY = "mount -o remount,bind,ro /\n"


class LabError(Exception):
    """A command that had to succeed did not."""


class Space:
    """Network and mount namespaces that live as long as this object's process does, and no longer.

    A shell makes them and `cat` holds them. It waits on a pipe whose other end only this process has, so it ends when
    this process does, by kill -9 as well, and the kernel then takes away every link, rule and mount in its namespaces.

    With own_pids it has a process namespace, too, with the holder as its init: for what starts daemons, which end
    with it as well.
    """

    def __init__(self, name, setup="", own_pids=False):
        self.name = name
        self.children = []
        self.own_pids = own_pids
        # An init that has no zombies.
        script = f"{choose_iptables()}{setup}\n{READ_ONLY}echo ready\nexec env --ignore-signal=CHLD cat"
        processes = ["--pid", "--fork", "--kill-child", "--mount-proc"] if own_pids else []
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", *processes, "--propagation", "private", "sh", "-euc", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT, text=True)
        self._await_ready()

    def _await_ready(self):
        said = []
        for line in self.holder.stdout:
            if line == "ready\n":
                return
            said.append(line)
        self.close()
        raise LabError(f"{self.name}: set-up failed:\n" + "".join(said))

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.holder.pid

    def _entered(self, command):
        processes = [f"--pid=/proc/{self.pid}/ns/pid_for_children"] if self.own_pids else []
        return ["nsenter", "-t", str(self.pid), "-n", "-m", *processes, "--", *map(str, command)]

    def run(self, *command, check=True, env=None, **options):
        """Run a command in here; its output is captured as text."""
        if "stdin" not in options and "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        options = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        done = subprocess.run(self._entered(command), env={**ENVIRONMENT, **(env or {})}, **options)
        if check and done.returncode:
            raise LabError(f"{self.name}: {shlex.join(map(str, command))}: exit status {done.returncode}\n"
                           f"{done.stdout or ''}{done.stderr or ''}")
        return done

    def popen(self, *command, env=None, **options):
        """Start a command in here; it is killed, at the latest, when the namespaces go."""
        options = {"text": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                   **options}
        child = subprocess.Popen(self._entered(command), env={**ENVIRONMENT, **(env or {})}, **options)
        self.children.append(child)
        return child

    def sh(self, script, **options):
        """Run a shell script in here, as a user would type it."""
        return self.run("sh", "-euc", script, **options).stdout

    def json(self, *command):
        """What a command that prints JSON says. (`ip -j` prints nothing at all for some empty lists.)"""
        return json.loads(self.run(*command).stdout or "[]")

    def read(self, path):
        return self.run("cat", path).stdout

    def exists(self, path):
        return self.run("test", "-e", path, check=False).returncode == 0

    def write(self, path, content, mode=0o644):
        """Write a file. It goes through a command, as a path under /proc/PID/root would follow links out of here."""
        if isinstance(content, str):
            content = content.encode()
        self.run("sh", "-euc", 'mkdir -p "${1%/*}"; cat > "$1"; chmod "$2" "$1"', "write", path, f"{mode:o}",
                 input=content, text=False)

    def copy(self, source, path, mode=0o644):
        self.write(path, Path(source).read_bytes(), mode)

    def ping(self, address, netns=None, timeout=3):
        """Does one echo request sent from here (or from a named namespace in here) get its reply?"""
        return self.start_ping(address, netns, timeout).wait() == 0

    def start_ping(self, address, netns=None, timeout=1):
        inside = ["ip", "netns", "exec", netns] if netns else []
        return self.popen(*inside, "ping", "-n", "-q", "-c1", f"-W{timeout}", str(address),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def require_programs(*programs):
    """Say what is missing now: to a test, a ping that is not installed looks like one that is not answered."""
    if os.geteuid() != 0:
        raise LabError("namespaces, links and rules want root")
    missing = [name for name in programs if not shutil.which(name, path=ENVIRONMENT["PATH"])]
    if missing:
        raise LabError("programs missing: " + " ".join(missing))
