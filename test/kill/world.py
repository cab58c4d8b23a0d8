"""A node on which programs are killed and failed at chosen points, and all that they could leave there, as lines of text.

What ip, nft, tc and find say, without what changes by itself (indexes, carriers, counters, link-local addresses).
"""

import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab import Node, configs
from lab.runtime import PLUGIN_DIR, Result, environment

INJECT = "/opt/inject"
LIST = "/opt/list"
NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
NAMES = {int(n): name for name, n in re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())}

NETWORK = """ip -o link; ip -o address; ip route show table all; ip -6 route show table all
cat /proc/sys/net/ipv4/conf/*/route_localnet /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"""
HOST = f"""{NETWORK}
nft -s list ruleset 2>&1; tc qdisc; iptables-legacy-save; ip6tables-legacy-save; iptables -S FORWARD; ip6tables -S FORWARD
find /tmp /var/lib /var/tmp /run/cni /run/cnibox /run/netns /etc/cni /opt/cni /opt/other ! -type d -printf '%y %m %p\\n' 2>/dev/null
find /var/lib/cni /run/cni /tmp /etc/cni -type f -exec tail -v -n +1 {{}} +"""

# By design there from the first look on: the lock, the marks of the boot and of the search, what is remembered in /run.
FURNITURE = r"/(lock|boot_id|last_reserved_ip\.\d|leases-[0-9a-f]+-[0-9a-f]+|node-\w+)$"
VOLATILE = [
    (r"^\d+: ", ""), (r"@\S+:", ":"), (r" link-netns\w* \S+", ""), (r" state \w+| operstate \w+", ""),
    (r"NO-CARRIER,|,?LOWER_UP|,M-DOWN", ""), (r" linkdown| dead", ""), (r" tentative| dadfailed", ""),
    (r" pref medium", ""), (r" refcnt \d+", ""), (r"\s+$", ""), (r" \[\d+:\d+\]$", ""), (r" handle \w+", ""),
]
SKIPPED = re.compile(r"^(local|anycast) \S+ dev .* proto kernel|fe80:|ff00::|multicast|^#|^:\w+ ACCEPT( |$)|^\*\w+$|^COMMIT$|^$")


def settled(line):
    for pattern, instead in VOLATILE:
        line = re.sub(pattern, instead, line)
    if "elements = {" in line:
        head, _, rest = line.partition("{")
        line = head + ", ".join(sorted(part.strip() for part in rest.strip(" }").split(", ")))
    return line


def settled_lines(text):
    """In the order in which rules stand; the rest sorted by whoever compares."""
    text = re.sub(r"(elements = \{[^}]*)\}", lambda m: re.sub(r"\s*\n\s*", " ", m.group(1)) + "}", text)
    lines, skipping = [], False
    for line in text.splitlines():
        if line.startswith("==> "):
            skipping = bool(re.search(FURNITURE, line[4:-4]))
        if skipping or SKIPPED.search(line) or re.search(FURNITURE, line):
            continue
        lines.append(settled(line))
    return lines


@dataclass(frozen=True)
class Point:
    """One place in a run at which something can be done to it."""
    kind: str  # call, request, answer
    process: int
    number: int  # among those that are the same
    what: str  # the system call's name, or a message's type
    code: int = -1  # the system call's number; -1: all are counted

    def __str__(self):
        return f"{self.kind} {self.what} {self.number} of process {self.process}"


class World:
    def __init__(self, cnibox, applets, setup=""):
        self.node = Node()
        self.node.install(cnibox, *applets)
        self.node.copy(Path(cnibox).parent / "inject", INJECT, 0o755)
        self.node.sh("mkdir -p /run/cni /run/cnibox /opt/other\n" + setup)
        self.pods = []

    def close(self):
        self.node.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def pod(self, name):
        pod = self.node.pod(name)
        self.pods.append(name)
        return pod

    # --- running ----------------------------------------------------------------------------------

    def run(self, command, options=(), env=None, text=None):
        """A command, under injection when there are options for it."""
        if options:
            command = [INJECT, *options, *command]
        child = self.node.popen(*command, env=env, stdin=-1)
        try:
            return Result.of(child, text or "")
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return Result(-1, "", "it hangs")
        finally:
            self.node.children.remove(child)

    def cni(self, verb, plugin, conf, options=(), **parameters):
        path = plugin if "/" in plugin else f"{PLUGIN_DIR}/{plugin}"
        return self.run([path], options, environment(verb, **parameters), json.dumps(conf))

    def points(self):
        """Of the run that was made with the options LISTING."""
        found, before = [], Counter()
        for line in self.node.read(LIST).splitlines():
            kind, process, _, what = line.split()
            before[kind, process, what] += 1
            name = NAMES.get(int(what), what) if kind == "call" else what
            found.append(Point(kind, int(process), before[kind, process, what], name, int(what)))
        self.node.run("rm", LIST)
        return found

    # --- looking ----------------------------------------------------------------------------------

    def state(self):
        """{where: lines}"""
        script = HOST + "".join(f"\nprintf '\\0'; ip netns exec {name} sh -c '{NETWORK}'" for name in self.pods)
        texts = self.node.run("sh", "-c", script, check=False).stdout.split("\0")
        return {where: settled_lines(text) for where, text in zip(["host", *self.pods], texts)}


def changes(before, after):
    """What differs, a line for each; empty when nothing does."""
    found = []
    for where in sorted({*before, *after}):
        was, now = before.get(where, []), after.get(where, [])
        if was == now or sorted(was) == sorted(now):
            continue
        left, right = list(was), list(now)
        for line in was:
            if line in right:
                right.remove(line)
                left.remove(line)
        found += [f"{where}: gone: {line}" for line in left] + [f"{where}: new: {line}" for line in right]
    return found


LISTING = ("-o", LIST)


def load(**changes_):
    return configs.load(cniVersion="1.1.0", **changes_)
