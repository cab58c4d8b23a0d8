"""Pod sandboxes as kubelet has them made: containerd's CRI, by gRPC over its socket.

Three calls with a handful of fields are no reason to generate code: messages are dicts {field number: value}.
"""

import grpc

from .container import PATIENCE, Container, eventually, serial

SOCKET = "/run/containerd/containerd.sock"


class Cri:
    namespace = "k8s.io"

    def __init__(self, containerd):
        self.containerd = containerd
        self.node = containerd.node

    def call(self, method, message):
        """One call. An error of containerd's is a grpc.RpcError, its text in details()."""
        with grpc.insecure_channel(f"unix:/proc/{self.node.pid}/root{SOCKET}") as channel:
            return decode(channel.unary_unary(f"/runtime.v1.RuntimeService/{method}")(
                encode(message), timeout=PATIENCE, wait_for_ready=True))

    def start(self, name, ports=()):
        """ports: [(protocol, port of the pod, port of the host)]"""
        metadata = {1: name, 2: f"uid-{name}", 3: "default"}  # name, uid, namespace
        mappings = [{1: ("tcp", "udp", "sctp").index(protocol), 2: pod, 3: host} for protocol, pod, host in ports]
        config = {1: metadata, 2: name, 5: mappings}  # metadata, hostname, port_mappings
        [owner] = self.call("RunPodSandbox", {1: config})[1]
        return Container(self, name, owner.decode())

    def inside(self, container):
        return ["ctr", "-n", self.namespace, "task", "exec", "--exec-id", f"exec{next(serial)}", container.owner]

    def pid(self, container):
        return self.containerd.tasks(self.namespace)[container.owner][0]

    def stop_sandbox(self, container):
        self.call("StopPodSandbox", {1: container.owner})

    def stop(self, container):
        self.stop_sandbox(container)
        self.call("RemovePodSandbox", {1: container.owner})

    def status(self, container):
        [status] = self.call("PodSandboxStatus", {1: container.owner})[1]
        return decode(status)

    def is_ready(self, container):
        return 3 not in self.status(container)  # state: SANDBOX_READY is 0, which is left out

    def addresses(self, container):
        network = decode(self.status(container)[5][0])
        return [ip.decode() for ip in [*network[1], *(decode(other)[1][0] for other in network.get(2, []))]]

    def bury(self, container):
        """kubelet's part: it sees a sandbox that is not ready, and stops it."""
        eventually("the sandbox is not ready", lambda: not self.is_ready(container))
        self.stop(container)


def encode(message):
    """A protobuf message of texts, numbers, messages and lists of them."""
    parts = []
    for field, value in message.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int):
                parts += [varint(field << 3), varint(each)]
                continue
            content = encode(each) if isinstance(each, dict) else each.encode()
            parts += [varint(field << 3 | 2), varint(len(content)), content]
    return b"".join(parts)


def varint(number):
    written = bytearray()
    while number > 0x7f:
        written.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes([*written, number])


def decode(data):
    """{field number: [values]}: numbers, or bytes, which may be a text or a message."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        field, kind = divmod(number(), 8)
        value = number()
        if kind == 2:
            value, at = data[at:at + value], at + value
        fields.setdefault(field, []).append(value)
    return fields
