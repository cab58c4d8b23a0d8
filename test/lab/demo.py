#!/usr/bin/python3
"""The walkthrough, end to end: two nodes, four pods, six pings, first by hand and then the short way.

usage: demo.py [PATH OF CNIBOX]
"""

import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import OUTSIDE, Google, Lab, LabError, configs, matrix, snapshot  # noqa: E402 (the path comes first)
from lab.narrator import Narrator  # noqa: E402

PODS = ("pod-a", "pod-b")
FILES = {"k8s-master": configs.MASTER, "k8s-worker": configs.WORKER}
PLUGIN = "/opt/cni/bin/bash-cni"
HOME = "/tmp/cnibox"  # where a user would have copied it to


class Surprise(Exception):
    """Something is not as the walkthrough says."""


class Demo:
    def __init__(self, lab, google, binary, narrator):
        self.lab = lab
        self.google = google
        self.binary = binary
        self.tell = narrator
        self.fresh = {node.name: snapshot.of(node)["host"] for node in lab.nodes}

    def expect(self, condition, text):
        self.tell.verdict(condition, text)
        if not condition:
            raise Surprise(text)

    # --- by hand ----------------------------------------------------------------------------------

    def by_hand(self):
        self.tell.heading("Two nodes, as kubeadm leaves them: Docker's and Kubernetes' chains, FORWARD DROP")
        for node in self.lab.nodes:
            self.tell.run(node, "ip -brief -4 address show dev ens4")
        self.tell.run(self.lab.worker, "iptables -S FORWARD")
        self.tell.heading("Create the configuration, with the node's set-up left to us")
        for node in self.lab.nodes:
            self.write_configuration(node, nodeSetup="manual")
        self.tell.heading("Create the bridge")
        for node in self.lab.nodes:
            gateway = node.pod_cidr.replace("0/24", "1/24")
            self.tell.run(node, "brctl addbr cni0")
            self.tell.run(node, "ip link set cni0 up")
            self.tell.run(node, f"ip addr add {gateway} dev cni0")
            self.tell.run(node, "ip route | grep cni0")
        self.install_binary()
        self.tell.heading("Deploy two pods per node, as a container runtime would")
        self.add_pods()
        self.tell.heading("Test connectivity")
        self.show_matrix(matrix.BEFORE, "only the own host and the own container answer")

    def write_configuration(self, node, **changes):
        text = json.dumps(configs.load(FILES[node.name], **changes), indent=2)
        self.tell.typed(node, f"cat {configs.INSTALLED}")
        node.write(configs.INSTALLED, text + "\n")
        self.tell.show(text)

    def install_binary(self):
        self.tell.heading("Install the plugin: one file, static")
        for node in self.lab.nodes:
            node.copy(self.binary, HOME, 0o755)
            self.tell.run(node, f"install -m 755 {HOME} {PLUGIN}")
            self.tell.run(node, "ln -sf bash-cni /opt/cni/bin/cni-node; ln -sf bash-cni /opt/cni/bin/cni-check")

    def configure(self):
        self.tell.heading("Configure host, container and external networking: cni-node up, once per node")
        for node in self.lab.nodes:
            self.tell.run(node, f"cni-node up --conf {configs.INSTALLED}")
            chain = self.tell.run(node, "iptables -S FORWARD | grep 10.244")
            self.expect(chain.splitlines() == ["-A FORWARD -s 10.244.0.0/16 -j ACCEPT",
                                               "-A FORWARD -d 10.244.0.0/16 -j ACCEPT"],
                        "the walkthrough's two rules stand in FORWARD")
        self.show_matrix(matrix.WITHOUT_ROUTES, "all but the other node's containers answer")

    def route(self):
        self.tell.heading("Configure GCP routes, in a regular cloud-shell window (the API's answers come from the lab)")
        self.google.install(self.binary, "gcloud")
        for node in self.lab.nodes:
            self.tell.run(self.google.shell, f"gcloud compute routes create {node.name} "
                          f"--destination-range {node.pod_cidr} --network default "
                          f"--next-hop-instance-zone us-west2-b --next-hop-instance {node.name}")
        self.show_matrix(matrix.ALL, "all six answer")

    def delete_routes(self):
        self.tell.heading("Delete GCP routes")
        self.tell.run(self.google.shell, "gcloud compute routes delete k8s-master k8s-worker --quiet")
        self.show_matrix(matrix.WITHOUT_ROUTES, "all but the other node's containers answer, again")

    # --- the short way ----------------------------------------------------------------------------

    def the_short_way(self):
        self.tell.heading("The short way: two files, and pods. The first ADD makes what the node lacks")
        for node in self.lab.nodes:
            self.write_configuration(node)
        self.add_pods()
        self.show_matrix(matrix.WITHOUT_ROUTES, "all but the other node's containers answer")
        self.tell.heading("And the routes: each node makes its own, by its metadata server's word")
        for node in self.lab.nodes:
            self.google.introduce(node)
            self.tell.run(node, "ln -sf bash-cni /opt/cni/bin/gce-routes; gce-routes ensure")
        self.show_matrix(matrix.ALL, "all six answer")
        self.tell.run(self.google.shell, "gcloud compute routes list")
        self.tell.run(self.google.shell, "gcloud compute routes delete $(gcloud compute routes list --format='value(name)') --quiet")

    # --- pods and pings ---------------------------------------------------------------------------

    def add_pods(self):
        for node in self.lab.nodes:
            for name in PODS:
                self.tell.run(node, f"ip netns add {name}; ip -n {name} link set lo up")
                pod = node.register_pod(name)
                first = node is self.lab.master and name == PODS[0]
                result = json.loads(self.tell.run(node, cni_command("ADD", name), quiet=not first))
                pod.ip = result["ips"][0]["address"].split("/")[0]
                self.tell.say(f"    {name} has {pod.ip}")

    def delete_pods(self):
        for node in self.lab.nodes:
            for name in PODS:
                self.tell.run(node, f"{cni_command('DEL', name)}; ip netns del {name}")
                del node.pods[name]

    def show_matrix(self, expected, text):
        """The six pings from a pod of each node: by cni-check, and by plain ping to see whether that is true."""
        pods = [node.pods[PODS[0]] for node in self.lab.nodes]
        checks = [pod.node.popen("sh", "-c", self.check_command(pod, "--format=json")) for pod in pods]
        table = pods[0].node.popen("sh", "-c", self.check_command(pods[0]))
        plain = matrix.answering(self.lab, *pods)
        self.tell.typed(pods[0].node, self.check_command(pods[0]))
        self.tell.show(table.communicate()[0])
        for pod, check, answering in zip(pods, checks, plain):
            said, complaint = check.communicate()
            if check.returncode not in (0, 1):
                raise Surprise(f"cni-check on {pod.node.name}: exit status {check.returncode}\n{complaint}")
            by_address = {ping["address"]: ping["answered"] for ping in json.loads(said)["pings"]}
            checked = {target.name for target in matrix.targets(self.lab, pod) if by_address.get(target.address)}
            self.expect(checked == answering, f"{pod.node.name}: cni-check and ping agree")
            self.expect(answering == expected, f"{pod.node.name}: {text}" + difference(answering, expected))

    def check_command(self, pod, *options):
        """cni-check knows own host and own pod by looking; the others it is told."""
        told = (matrix.OTHER_HOST, matrix.NEIGHBOUR, matrix.REMOTE)
        peers = [target.address for target in matrix.targets(self.lab, pod) if target.name in told]
        return " ".join([f"cni-check --conf {configs.INSTALLED} --netns {pod.netns}",
                         *(f"--peer {peer}" for peer in peers), f"--outside {OUTSIDE}", *options])

    # --- clean-up ---------------------------------------------------------------------------------

    def clean_up(self, bridge_is_ours):
        self.tell.heading("Clean up")
        self.delete_pods()
        for node in self.lab.nodes:
            self.tell.run(node, f"cni-node down --conf {configs.INSTALLED}")
            if bridge_is_ours:
                self.tell.run(node, "ip link set cni0 down; brctl delbr cni0")
        for node in self.lab.nodes:
            left = snapshot.changes(self.fresh[node.name], snapshot.of(node)["host"])
            self.expect(not left, "\n       ".join([f"{node.name}: links, addresses, routes and rules are as at the start",
                                                   *left]))
            self.expect(not snapshot.leases(node), f"{node.name}: no address is reserved")


def cni_command(verb, name):
    return (f"CNI_COMMAND={verb} CNI_CONTAINERID={name} CNI_NETNS=/var/run/netns/{name} CNI_IFNAME=eth0 "
            f"CNI_PATH=/opt/cni/bin {PLUGIN} < {configs.INSTALLED}")


def difference(found, expected):
    return "".join(f"\n       {matrix.sentence(name, name in found)}, against what it says"
                   for name in sorted(found ^ expected))


def machine_links():
    listing = subprocess.run(["ip", "-j", "link"], check=True, capture_output=True, text=True).stdout
    return sorted(link["ifname"] for link in json.loads(listing))


def walk(binary, narrator):
    with Lab() as lab, Google(lab) as google:
        demo = Demo(lab, google, binary, narrator)
        demo.by_hand()
        demo.configure()
        demo.route()
        demo.delete_routes()
        demo.clean_up(bridge_is_ours=True)
        demo.the_short_way()
        demo.clean_up(bridge_is_ours=False)


def main(arguments):
    binary = Path(arguments[0]) if arguments else configs.REPOSITORY / "build" / "cnibox"
    narrator, started, links = Narrator(), time.monotonic(), machine_links()
    try:
        if not binary.exists():
            raise Surprise(f"{binary} is not there: run make")
        walk(binary, narrator)
        if machine_links() != links:
            raise Surprise(f"links of this machine have changed: {machine_links()}, before: {links}")
    except (Surprise, LabError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted. Its namespaces are gone, and with them all that was in them", file=sys.stderr)
        return 130
    narrator.say(f"\nAll as the walkthrough says, in {time.monotonic() - started:.1f} s. Nothing is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
