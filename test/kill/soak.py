"""Thousands of operations by a seeded schedule, 64 at once, and what must be true after each round of them.

Runs in a node (test_soak.py). A pod's attachment is made, checked and removed by cnibox or by the reference plugins, all
on one store; calls are killed, pods die without a DEL, namespaces vanish in the middle of an ADD, tables are flushed,
bridges deleted, GC and cni-gc called. A round depends on the seed and on its number, and on what the pods are at its
beginning: the same seed does the same again, as far as 64 processes at once can.

	soak.py SEED OPERATIONS SECONDS DIRECTORY     DIRECTORY: of the plugins under test
"""

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

AT_ONCE = 64
PODS = 192
STORES = Path("/var/lib/cni/networks")
CACHE = Path("/var/lib/cni/results")
REFERENCE = "/usr/lib/cni"
NETWORKS = ("net", "mynet")
PATIENCE = 60
CHECKS = 10  # tries of one, while it says "try again later" (11)

RATES = {"ingressRate": 8_000_000, "ingressBurst": 800_000, "egressRate": 8_000_000, "egressBurst": 800_000}
IPAM = {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/23"}], [{"subnet": "fd00:10:244::/64"}]]}
BRIDGE = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipMasq": True, "ipam": IPAM}
BASH = {"type": "bash-cni", "subnet": "10.245.0.0/23"}


class Kind:
    """A list of plugins, and who runs it."""

    def __init__(self, name, network, plugins, adds, removes, checks=True, ported=False):
        self.name, self.network, self.plugins = name, network, plugins
        self.adds, self.removes = adds, removes  # directories to choose from
        self.checks, self.ported = checks, ported


def kinds(ours):
    rich = [{"type": "portmap"}, {"type": "firewall"}, {"type": "bandwidth", **RATES}]
    if ours == REFERENCE:
        return [Kind("bridge", "net", [BRIDGE], [ours], [ours]),
                Kind("bridge and chain", "net", [BRIDGE, *rich], [ours], [ours], ported=True)]
    return [
        Kind("bridge", "net", [BRIDGE], [ours], [ours]),
        Kind("bridge and chain", "net", [BRIDGE, *rich], [ours], [ours], ported=True),
        Kind("the reference's bridge", "net", [{**BRIDGE, "ipMasq": False}], [REFERENCE], [REFERENCE, ours], checks=False),
        Kind("bash-cni", "mynet", [BASH], [ours], [ours]),
        Kind("bash-cni and chain", "mynet", [BASH, *rich], [ours], [ours], ported=True),
        Kind("bash-cni", "mynet", [BASH], [ours], [ours]),
        Kind("the reference's host-local", "mynet", [{"type": "host-local", "ipam": {
            "type": "host-local", "subnet": "10.245.0.0/23"}}], [REFERENCE], [REFERENCE, ours], checks=False),
    ]


class Pod:
    """none: nobody knows it. added: its ADD was successful. unsure: a call was killed. dead: it has no namespace."""

    def __init__(self, number, kind):
        self.number, self.kind = number, kind
        self.id, self.name = f"pod-{number}", f"soak{number}"
        self.netns = f"/run/netns/{self.name}"
        self.forget()

    def forget(self):
        self.state, self.results, self.disturbed = "none", [], False

    @property
    def linked(self):
        return self.kind.name != "the reference's host-local"

    @property
    def result(self):
        return self.results[-1] if self.results else None

    @property
    def addresses(self):
        return {ip["address"].split("/")[0] for ip in (self.result or {}).get("ips", ())}

    @property
    def cached(self):
        return CACHE / f"{self.kind.network}-{self.id}-eth0"

    def request(self, index):
        plugin = dict(self.kind.plugins[index])
        if plugin["type"] == "portmap":
            plugin["runtimeConfig"] = {"portMappings": [
                {"hostPort": 20000 + self.number, "containerPort": 80, "protocol": "tcp"}]}
        return {"cniVersion": "1.0.0", "name": self.kind.network, **plugin}


class Wrong(Exception):
    pass


class Soak:
    def __init__(self, seed, ours):
        self.seed, self.ours = seed, ours
        self.reference = ours == REFERENCE  # then it is counted what is lost, in the end, and nothing is demanded
        every = kinds(ours)
        self.pods = [Pod(i, every[i % len(every)]) for i in range(PODS)]
        self.done = Counter()
        self.round = 0
        self.pool = ThreadPoolExecutor(AT_ONCE + 8)
        self.sh("mkdir -p /run/netns " + str(CACHE))
        self.foreign = self.sh("iptables-save")
        subprocess.run(["ip", "-batch", "-"], input="".join(f"netns add {pod.name}\n" for pod in self.pods), text=True,
                       check=True)

    @staticmethod
    def sh(script, check=True):
        return subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=check).stdout

    # --- calls ------------------------------------------------------------------------------------

    def call(self, verb, pod, index, directory, previous=None, doom=None, **more):
        """One plugin, once; doom: seconds until it is killed. Gives (exit status, what it said)."""
        request = {**pod.request(index), **more}
        if previous:
            request["prevResult"] = previous
        if verb == "GC":
            request["cniVersion"] = "1.1.0"
        path = f"{directory}/{request['type']}"
        env = {"CNI_COMMAND": verb, "CNI_CONTAINERID": pod.id, "CNI_NETNS": pod.netns, "CNI_IFNAME": "eth0",
               "CNI_PATH": directory, "PATH": os.environ["PATH"]}
        process = subprocess.Popen([path], env=env, stdin=-1, stdout=-1, stderr=-1, text=True)
        try:
            said, _ = process.communicate(json.dumps(request), timeout=doom or PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            if not doom:
                raise Wrong(f"{verb} of {pod.id} by {path} takes more than {PATIENCE} seconds") from None
        return process.returncode, said

    def add(self, pod, rng, doom=None, vanish=False):
        directory = rng.choice(pod.kind.adds)
        vanishing = subprocess.Popen(["ip", "netns", "del", pod.name]) if vanish else None
        last = len(pod.kind.plugins) - 1
        for index in range(last + 1):
            status, said = self.call("ADD", pod, index, directory, pod.result, doom if index == last else None)
            if status:
                break
            pod.results.append(json.loads(said))
        if vanishing:
            vanishing.wait()
        pod.state = "dead" if vanish else "added" if status == 0 else "unsure"
        if status == 0:
            pod.cached.write_text(json.dumps({
                "kind": "cniCacheV1", "containerId": pod.id, "ifName": "eth0", "networkName": pod.kind.network,
                "netns": pod.netns, "result": pod.result}))
        elif not doom and not vanish:
            raise Wrong(f"ADD of {pod.id} ({pod.kind.name}) by {directory}: {status} {said}")

    def delete(self, pod, rng, doom=None):
        """As a runtime: backward, with the result if it has one."""
        directory = rng.choice(pod.kind.removes)
        previous = pod.result if len(pod.results) == len(pod.kind.plugins) else None
        for index in reversed(range(len(pod.kind.plugins))):
            status, said = self.call("DEL", pod, index, directory, previous, doom if index == 0 else None)
            if status:
                break
        if status and not doom:
            raise Wrong(f"DEL of {pod.id} ({pod.kind.name}) by {directory}: {status} {said}")
        if status:
            pod.state = "unsure" if pod.state != "dead" else "dead"
            return
        pod.cached.unlink(missing_ok=True)
        if pod.state == "dead":
            self.sh(f"ip netns add {pod.name}")
        pod.forget()

    def check(self, pod):
        for index in range(len(pod.kind.plugins)):
            for _ in range(CHECKS):
                status, said = self.call("CHECK", pod, index, self.ours, pod.result)
                if not status or json.loads(said)["code"] != 11:
                    break
                self.done["CHECK, tried again"] += 1  # it could not look, as others changed the rules all the time
                time.sleep(0.5)
            if status and not pod.disturbed:
                raise Wrong(f"CHECK of {pod.id} ({pod.kind.name}): {status} {said}")

    def add_again(self, pod):
        """Without a DEL: refused, or not; but what is there stays."""
        status, said = self.call("ADD", pod, 0, pod.kind.adds[0])
        if status == 0:
            raise Wrong(f"a second ADD of {pod.id} ({pod.kind.name}) succeeded: {said}")

    def die(self, pod):
        """No DEL. The kernel takes its links a little later."""
        self.sh(f"ip netns del {pod.name}")
        pod.state = "dead"

    # --- a round ------------------------------------------------------------------------------------

    def operate(self, pod, rng):
        luck = rng.random()
        doom = rng.uniform(0.0005, 0.02) if rng.random() < 0.08 else None
        if pod.state == "none":
            what = "vanish" if luck < 0.04 and pod.linked else "ADD" if luck < 0.96 else "DEL of nothing"
        elif pod.state == "added":
            what = ("DEL" if luck < 0.6 else "CHECK" if luck < 0.85 and pod.kind.checks else
                    "death" if luck < 0.95 else "second ADD" if pod.kind.adds == [self.ours] else "DEL")
        else:
            what = "DEL"
        self.done[what] += 1
        self.done["killed"] += bool(doom) and what in ("ADD", "DEL")
        if what in ("ADD", "vanish"):
            self.add(pod, rng, doom if what == "ADD" else None, what == "vanish")
        elif what.startswith("DEL"):
            self.delete(pod, rng, doom)
        elif what == "CHECK":
            self.check(pod)
        elif what == "death":
            self.die(pod)
        else:
            self.add_again(pod)

    def sweep(self):
        """cni-gc, while pods come and go."""
        done = subprocess.run([f"{self.ours}/cni-gc"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise Wrong(f"cni-gc: {done}")

    def disturb(self, rng):
        """What happens to a node between two rounds."""
        luck = rng.random()
        if luck < 0.04:
            self.done["tables flushed"] += 1
            self.sh(f"nft flush ruleset; iptables-restore <<'END'\n{self.foreign}END")
        elif luck < 0.08:
            self.done["bridge deleted"] += 1
            self.sh(f"ip link del {rng.choice(['br0', 'cni0'])} 2>/dev/null || :")
        elif luck < 0.20 and not self.reference:  # they have none
            self.done["GC"] += 1
            self.collect()
            return
        else:
            return
        for pod in self.pods:
            pod.disturbed = True

    def collect(self):
        """GC, with nobody else at work; who is dead or unsure is not alive."""
        for network in NETWORKS:
            pods = [pod for pod in self.pods if pod.kind.network == network]
            alive = [{"containerID": pod.id, "ifname": "eth0"} for pod in pods if pod.state == "added"]
            richest = next(pod for pod in pods if pod.kind.ported)
            for index in range(len(richest.kind.plugins)):
                status, said = self.call("GC", richest, index, self.ours, **{"cni.dev/valid-attachments": alive})
                if status:
                    raise Wrong(f"GC of {network}: {status} {said}")
        for pod in self.pods:
            if pod.state in ("dead", "unsure"):
                # A runtime throws the sandbox away, and with it what is in there.
                if pod.state == "unsure":
                    self.sh(f"ip netns del {pod.name}")
                self.sh(f"ip netns add {pod.name}")
                pod.cached.unlink(missing_ok=True)
                left = self.leases().get(pod.kind.network, {})
                if any(owner == (pod.id, "eth0") for owner in left.values()):
                    raise Wrong(f"GC has left a lease of {pod.id}")
                pod.forget()

    def one_round(self):
        rng = random.Random(f"{self.seed}/{self.round}")
        self.disturb(rng)
        chosen = rng.sample(self.pods, AT_ONCE)
        seeds = [rng.random() for _ in chosen]
        # An hour passes: whoever is not of this round is not young.
        self.sh(f"find {STORES} -type f -exec touch -d '1 hour ago' {{}} + 2>/dev/null || :")
        work = [self.pool.submit(self.operate, pod, random.Random(seed)) for pod, seed in zip(chosen, seeds)]
        if rng.random() < 0.15 and not self.reference:
            self.done["cni-gc"] += 1
            work.append(self.pool.submit(self.sweep))
        wrong = [error for error in (job.exception() for job in work) if error]
        self.round += 1
        if self.reference:
            self.done["calls that failed"] += len(wrong)
            return
        if wrong:
            raise wrong[0]
        self.invariants()

    # --- what must be true ----------------------------------------------------------------------------

    @staticmethod
    def leases():
        """{network: {address: (container ID, interface)}}"""
        found = {}
        for network in NETWORKS:
            found[network] = {}
            for file in (STORES / network).glob("*"):
                if re.fullmatch(r"lock|boot_id|last_reserved_ip\.\d", file.name):
                    continue
                owner = tuple(file.read_bytes().decode().split("\r\n"))
                found[network][file.name] = owner
        return found

    def invariants(self):
        by_id = {pod.id: pod for pod in self.pods}
        leases = self.leases()
        for network, held in leases.items():
            uncertain = any(pod.state in ("unsure", "dead") for pod in self.pods if pod.kind.network == network)
            for address, owner in held.items():
                pod = by_id.get(owner[0])
                if not pod and (owner != ("",) or not uncertain):
                    raise Wrong(f"the lease {network}/{address} is nobody's: {owner}")
                if pod and pod.state == "none":
                    raise Wrong(f"{pod.id} ({pod.kind.name}) is gone, its lease {network}/{address} is there")
        for pod in self.pods:
            if pod.state != "added":
                continue
            own = {address for address, owner in leases[pod.kind.network].items() if owner[0] == pod.id}
            if own != pod.addresses:
                raise Wrong(f"{pod.id} ({pod.kind.name}) has {pod.addresses}, but the leases {own}")
        self.look_at_links()
        self.look_at_rules(by_id)

    def look_at_links(self):
        links = {link["ifname"]: link for link in json.loads(self.sh("ip -j link"))}
        expected = set()
        for pod in self.pods:
            if pod.state != "added" or not pod.linked:
                continue
            hosts = [i["name"] for i in pod.result["interfaces"] if not i.get("sandbox") and i["name"] != "br0"]
            missing = {name for name in hosts if name not in links}
            if missing:
                # A result names links of the host only for bridge and bandwidth.
                raise Wrong(f"{pod.id} ({pod.kind.name}): {missing} not there")
            expected.update(hosts)
        uncertain = sum(pod.state in ("unsure", "dead") for pod in self.pods)
        silent = sum(pod.state == "added" and pod.kind.name == "bash-cni" for pod in self.pods)
        ported = sum(pod.state == "added" and pod.kind.name == "bash-cni and chain" for pod in self.pods)
        others = [name for name in links if re.match(r"veth|bwp", name) and name not in expected]
        # bash-cni does not tell its host ends; of each pod that is unsure a link and an IFB may be there.
        if len(others) > 2 * uncertain + silent + ported:
            raise Wrong(f"{len(others)} links that are nobody's: {others[:5]}; {uncertain} pods are unsure")

    def look_at_rules(self, by_id):
        rules = self.sh("nft list ruleset 2>/dev/null")
        for container in set(re.findall(r'"(?:net|mynet) (pod-\d+) eth0', rules)):
            if by_id[container].state == "none":
                raise Wrong(f"{container} ({by_id[container].kind.name}) is gone, its rules are there")
        ports = {int(port) - 20000 for port in re.findall(r"\b(20\d\d\d)\b", rules)}
        for pod in self.pods:
            if pod.kind.ported and pod.state == "added" and not pod.disturbed and pod.number not in ports:
                raise Wrong(f"{pod.id} has lost its host port")
            if pod.state == "none" and pod.number in ports:
                raise Wrong(f"{pod.id} is gone, its host port is there")

    def state(self):
        text = self.sh("ip -o link | sed 's/^[0-9]*: //; s/ state [A-Z]*//; s/,*NO-CARRIER//; s/,*LOWER_UP//'; "
                       "nft -s list ruleset 2>/dev/null; iptables-save -t filter 2>/dev/null | grep -v '^[:#]'; "
                       f"find {STORES} {CACHE} /run/cni /tmp -type f | grep -v last_reserved; ls /run/netns | wc -l")
        return [line for line in text.splitlines() if not re.match(r"(br0|cni0)[:@]", line)]

    # --- all of it ------------------------------------------------------------------------------------

    def all_gone(self):
        for pod in self.pods:
            try:
                if pod.state != "none":
                    self.delete(pod, random.Random(0))
            except Wrong:
                if not self.reference:
                    raise
        time.sleep(0.3)  # for the links of namespaces that have just gone

    def begin(self):
        """What is the node's is made by the first pods: all kinds, once, at both plugins' hands."""
        for pod in self.pods[:14]:
            self.add(pod, random.Random(0))
        self.all_gone()
        return self.state()

    def run(self, operations, seconds):
        """Gives what went wrong, or None."""
        deadline = time.monotonic() + seconds
        before = self.begin()
        try:
            while sum(self.count().values()) < operations and time.monotonic() < deadline:
                self.one_round()
            self.all_gone()
            if self.reference:
                return self.left(before, self.state())
            self.begin()  # the node's own again, if it was flushed or deleted
            self.invariants()
            after = self.state()
            if sorted(after) != sorted(before):
                raise Wrong("at the end:" + "".join(f"\n  gone: {line}" for line in before if line not in after) +
                            "".join(f"\n  new: {line}" for line in after if line not in before))
        except Wrong as wrong:
            return f"round {self.round}: {wrong}"
        return None

    @staticmethod
    def left(before, after):
        """How much of what kind the reference plugins have left behind."""
        kinds = Counter()
        for line in (Counter(after) - Counter(before)).elements():
            kinds["leases" if line.startswith(str(STORES)) else "files" if line.startswith("/") else
                  "links" if re.match(r"veth|bwp", line) else "rules and chains"] += 1
        return dict(kinds)

    def count(self):
        return Counter({what: n for what, n in self.done.items() if what not in ("killed", "calls that failed", "CHECK, tried again")})


def main():
    seed, operations, seconds, directory = sys.argv[1:]
    soak = Soak(int(seed), directory)
    begun = time.monotonic()
    wrong = soak.run(int(operations), int(seconds))
    print(json.dumps({"wrong": wrong, "rounds": soak.round, "operations": sum(soak.count().values()),
                      "seconds": round(time.monotonic() - begun), "of": dict(sorted(soak.done.items()))}))
    sys.stdout.flush()
    os._exit(wrong is not None)


if __name__ == "__main__":
    main()
