"""Calls of host-local, ours and the reference's: a process, its environment and its standard input. No namespace needed."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from program import REFERENCE, binary

THEIRS = REFERENCE / "host-local"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

ENV, IO, DECODE, CONFIG, TRY_AGAIN, UNAVAILABLE, STATE = 4, 5, 6, 7, 11, 50, 101

DUAL = {"ranges": [[{"subnet": "10.1.2.0/24"}], [{"subnet": "fd00::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0", "gw": "fd00::1"}]}
TINY = {"subnet": "10.1.3.0/30"}
EXHAUSTED = "no IP addresses available in range set: 10.1.3.1-10.1.3.2"


@dataclass
class Answer:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def addresses(self):
        """Without prefix length, in the order of the result."""
        return [ip["address"].partition("/")[0] for ip in self.json["ips"]]

    @property
    def error(self):
        assert self.status == 1, self
        return self.json["code"], self.json["msg"]

    def ok(self):
        assert self.status == 0, self
        return self


def environment(verb, container="c1", ifname="eth0", args=None):
    env = {
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": container,
        "CNI_NETNS": "/nowhere",
        "CNI_IFNAME": ifname,
        "CNI_PATH": "/nowhere",
        "PATH": os.environ["PATH"],
    }
    return env if args is None else {**env, "CNI_ARGS": args}


def call(program, verb, conf, container="c1", ifname="eth0", args=None):
    stdin = conf if isinstance(conf, str) else json.dumps(conf)
    done = subprocess.run(["host-local"], executable=program, input=stdin, capture_output=True, text=True, timeout=60,
                          env=environment(verb, container, ifname, args), check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


class Network:
    """A network with a store of its own, and calls for it."""

    name = "net"

    def __init__(self, data_dir, program=None, version="1.0.0", **ipam):
        self.program = program or binary()
        self.version = version
        self.data_dir = data_dir
        self.ipam = ipam or {"subnet": "10.1.2.0/24"}
        self.extra = {}
        self.dir = data_dir / self.name

    def by(self, program):
        """The same network, as another program sees it."""
        other = Network(self.data_dir, program, self.version, **self.ipam)
        other.extra = self.extra
        return other

    @property
    def conf(self):
        ipam = {"type": "host-local", "dataDir": str(self.data_dir), **self.ipam}
        return {"cniVersion": self.version, "name": self.name, "type": "bridge", "ipam": ipam, **self.extra}

    def call(self, verb, container="c1", ifname="eth0", args=None, **extra):
        return call(self.program, verb, {**self.conf, **extra}, container, ifname, args)

    def add(self, container="c1", ifname="eth0", args=None, **extra):
        """The addresses of an ADD that must succeed."""
        return self.call("ADD", container, ifname, args, **extra).ok().addresses

    def delete(self, container="c1", ifname="eth0", **extra):
        answer = self.call("DEL", container, ifname, **extra).ok()
        assert answer.stdout == ""

    def put(self, name, content):
        self.dir.mkdir(parents=True, exist_ok=True)
        (self.dir / name).write_bytes(content)

    @property
    def leases(self):
        """{address: content} of every file that is named like one."""
        return {f.name: f.read_bytes() for f in self.dir.glob("*") if f.name[0].isdigit() or ":" in f.name}

    @property
    def files(self):
        return {f.name: f.read_bytes() for f in self.dir.glob("*")}
