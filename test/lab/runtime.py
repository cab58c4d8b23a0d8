"""The smallest container runtime: it runs plugins as the CNI specification says and keeps what they answer."""

import json
import os
from dataclasses import dataclass

PLUGIN_DIR = "/opt/cni/bin"
# How much longer than on a machine of its own things may take: on an emulated one, all does.
SLOWNESS = float(os.environ.get("SLOWNESS", "1"))


def environment(command, containerid=None, netns=None, ifname="eth0", args=None, path=PLUGIN_DIR):
    """The CNI_* variables of one call. What is None is not there."""
    given = {"COMMAND": command, "CONTAINERID": containerid, "NETNS": netns, "IFNAME": ifname, "ARGS": args,
             "PATH": path}
    return {f"CNI_{key}": value for key, value in given.items() if value is not None}


@dataclass
class Result:
    """How one call ended."""
    returncode: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, child, input=None):
        stdout, stderr = child.communicate(input, timeout=60 * SLOWNESS)
        return cls(child.returncode, stdout, stderr)

    @classmethod
    def of_all(cls, children, inputs):
        """Plugins read their whole input before they do anything: give it to all that wait, and they run at once."""
        for child, text in zip(children, inputs):
            child.stdin.write(text)
            child.stdin.flush()
        for child in children:
            child.stdin.close()
            child.stdin = None  # communicate() must not close it again
        return [cls.of(child) for child in children]

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def ips(self):
        """Addresses with prefix, in the order of the result, whatever its version."""
        answer = self.json
        if "ips" in answer:
            return [ip["address"] for ip in answer["ips"]]
        return [answer[key]["ip"] for key in ("ip4", "ip6") if key in answer]

    @property
    def address(self):
        """The first address, without its prefix."""
        return self.ips[0].split("/")[0]

    def expect_success(self):
        assert self.returncode == 0, f"exit status {self.returncode}\n{self.stdout}\n{self.stderr}"
        return self


class Attachment:
    """One interface of one container: ADD forward through the plugins, DEL backward, the last result remembered."""

    def __init__(self, node, containerid, netns, ifname="eth0"):
        self.node = node
        self.parameters = {"containerid": containerid, "netns": netns, "ifname": ifname}
        self.result = None

    def add(self, conf, **variables):
        answer, previous = None, None
        for request in requests(conf):
            answer = self._call("ADD", request, previous, variables)
            if answer.returncode:
                return answer
            previous = answer.json
        self.result = previous
        return answer

    def delete(self, conf, **variables):
        for request in reversed(requests(conf)):
            # The result is part of a DEL since 0.4.0.
            known = self.result if version_of(request) >= (0, 4) else None
            answer = self._call("DEL", request, known, variables)
            if answer.returncode:
                return answer
        return answer

    def check(self, conf, **variables):
        for request in requests(conf):
            answer = self._call("CHECK", request, self.result, variables)
            if answer.returncode:
                return answer
        return answer

    def _call(self, command, request, previous, variables):
        if previous is not None:
            request = {**request, "prevResult": previous}
        return self.node.cni(command, request, **{**self.parameters, **variables})


def requests(conf):
    """What each plugin of a configuration, or of a list of them, is to be sent."""
    if "plugins" not in conf:
        return [conf]
    common = {key: conf[key] for key in ("cniVersion", "name")}
    return [{**plugin, **common} for plugin in conf["plugins"]]


def version_of(conf):
    return tuple(int(part) for part in conf.get("cniVersion", "0.1.0").split("."))
