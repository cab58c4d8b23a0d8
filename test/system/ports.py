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


class Place:
    """A namespace as a place to run programs of the machine's in: `inside` are the words that lead there."""

    def __init__(self, node, *inside):
        self.node = node
        self.inside = inside

    def run(self, *command, **options):
        return self.node.run(*self.inside, *command, **options)

    def popen(self, *command, **options):
        return self.node.popen(*self.inside, *command, **options)


def place_of(somewhere):
    """Of a pod, of an engine's container; a node, or the host outside, is one itself."""
    if hasattr(somewhere, "engine"):
        return Place(somewhere.node, "nsenter", "-t", somewhere.engine.pid(somewhere), "-n")
    if hasattr(somewhere, "netns"):
        return Place(somewhere.node, "ip", "netns", "exec", somewhere.name)
    return somewhere


class Server:
    """A process somewhere that tells whoever asks what address it is seen with."""

    def __init__(self, somewhere, port=80, kind="tcp", address="0.0.0.0"):
        self.process = place_of(somewhere).popen("/usr/bin/python3", "-c", SERVER, kind, address, str(port))
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def stop(self):
        self.process.kill()
        self.process.wait()


def ask(somewhere, address, port, kind="tcp", source=0):
    """Whom the server sees, or None where nobody answers."""
    said = place_of(somewhere).run("/usr/bin/python3", "-c", CLIENT, kind, address, str(port), str(source),
                                   stderr=subprocess.STDOUT).stdout.strip()
    return None if said.startswith("(") else said


# --- rates ----------------------------------------------------------------------------------------

SINK = """
import socket, time
s = socket.socket()
s.bind(("0.0.0.0", 5001))
s.listen(1)
print("ready", flush=True)
c, _ = s.accept()
got, begin = 0, None
while True:
    data = c.recv(65536)
    now = time.monotonic()
    if not data:
        break
    got += len(data)
    if begin is None and got > {burst}:
        begin, got = now, 0
    end = now
print(8 * got / (end - begin))
"""

SOURCE = """
import socket, sys, time
s = socket.socket()
s.connect((sys.argv[1], 5001))
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    s.send(bytes(16384))
"""

# Of what passes a limit, Ethernet, IP and TCP headers are 66 bytes in 1514.
PAYLOAD = 1448 / 1514


def rate(source, sink, address, burst=800_000, seconds=3):
    """Bits a second that get from one place to the other by TCP, headers included, once the burst is over."""
    listening = place_of(sink).popen("/usr/bin/python3", "-c", SINK.format(burst=burst // 8))
    assert listening.stdout.readline() == "ready\n"
    place_of(source).run("/usr/bin/python3", "-c", SOURCE.format(seconds=seconds), address)
    return float(listening.stdout.readline()) / PAYLOAD
