"""Servers in pods, and clients anywhere: what answers says who asked."""

import subprocess

SERVER = """
import socket, sys
kind, address, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
if kind == "udp":
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        _, peer = s.recvfrom(100)
        s.sendto(peer[0].encode(), peer)
else:
    s = socket.socket(family, socket.SOCK_STREAM, 132 if kind == "sctp" else 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
    s.listen(100)
    print("ready", flush=True)
    while True:
        c, peer = s.accept()
        c.sendall(peer[0].encode())
        c.close()
"""

CLIENT = """
import socket, sys
kind, address, port, source = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM, 132 if kind == "sctp" else 0)
s.settimeout(3)
if source != "0":
    s.bind(("::" if ":" in address else "", int(source)))
try:
    s.connect((address, int(port)))
    if kind == "udp":
        s.send(b"who am I")
    print(s.recv(100).decode())
except OSError as e:
    print(f"({type(e).__name__})")
"""


class Server:
    """A process in a pod that tells whoever asks what address it is seen with."""

    def __init__(self, pod, port=80, kind="tcp", address="0.0.0.0"):
        self.process = pod.node.popen("ip", "netns", "exec", pod.name, "/usr/bin/python3", "-c", SERVER, kind, address,
                                      str(port))
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def stop(self):
        self.process.kill()
        self.process.wait()


def ask(place, address, port, kind="tcp", source=0):
    """Whom the server sees, or None where nobody answers. `place` is a node, a pod or the outside host."""
    said = place.run("/usr/bin/python3", "-c", CLIENT, kind, address, str(port), str(source),
                     stderr=subprocess.STDOUT).stdout.strip()
    return None if said.startswith("(") else said
