"""HTTP/1.1, over TLS or not, on a socket in a namespace; with the faults that networks and front ends have."""

import ctypes
import json
import os
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from .acceptor import Acceptor

CLONE_NEWNET = 0x40000000
REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 412: "Precondition Failed",
           429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


@dataclass
class Request:
    method: str
    path: str  # unescaped
    query: dict
    headers: dict  # names in lower case
    body: bytes
    peer: str  # the client's address
    at: float = field(default_factory=time.monotonic)

    def json(self):
        return json.loads(self.body)


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)

    @classmethod
    def of_json(cls, value, status=200, **headers):
        text = json.dumps(value, indent=1).encode() + b"\n"
        return cls(status, text, {"Content-Type": "application/json; charset=UTF-8", **headers})


def everything(_):
    return True


@dataclass
class Fault:
    """What goes wrong with the next requests that `where` is true for."""
    where: callable = everything
    times: int = 1
    instead: Answer = None  # in place of the service's answer; it has not acted
    delay: float = 0  # seconds before the answer
    lost: bool = False  # the service has acted, but the connection is cut before a byte of its answer
    cut: int = None  # the connection is cut behind that many bytes of the answer
    drip: float = 0  # seconds between one byte of the answer and the next


class Server:
    """Serves `handle(request)` at an address of a namespace, until it is closed."""

    def __init__(self, space, address, port, handle, certificate=None):
        self.handle = handle
        self.requests = []  # all there were, in their order
        self.handshakes = 0
        self.faults = []
        self.chunked = False  # answers in chunks of several sizes, in place of Content-Length
        self.keep_alive = True
        self.lock = threading.Lock()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        listener = listen_in(space, address, port)
        self.port = listener.getsockname()[1]
        self.acceptor = Acceptor(listener, self._serve)

    def close(self):
        self.acceptor.close()

    @property
    def connections(self):
        return self.acceptor.connections

    def fault(self, **what):
        self.faults.append(Fault(**what))

    def count(self, method=None, path=None):
        """How many requests there were with that method, and that in their path."""
        return len(self.asked(method, path))

    def asked(self, method=None, path=None):
        return [rq for rq in self.requests if method in (None, rq.method) and (path is None or path in rq.path)]

    def _serve(self, connection, peer):
        connection.settimeout(120)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                with self.lock:
                    self.handshakes += 1
            reader = connection.makefile("rb")
            while self._one(connection, reader, peer):
                pass
        except (OSError, ValueError):
            pass  # the client has gone, or has sent what is no HTTP
        finally:
            connection.close()

    def _one(self, connection, reader, peer):
        """One request and its answer. Gives whether another may follow."""
        request = read_request(reader, peer)
        if not request:
            return False
        with self.lock:
            self.requests.append(request)
            fault = next((f for f in self.faults if f.times > 0 and f.where(request)), Fault())
            fault.times -= 1
        answer = fault.instead or self.handle(request)
        time.sleep(fault.delay)
        if fault.lost:
            reset(connection)
            return False
        text = self._frame(answer)
        if fault.drip:
            for byte in text:
                connection.sendall(bytes([byte]))
                time.sleep(fault.drip)
        else:
            connection.sendall(text[:fault.cut])
        if fault.cut is not None:
            reset(connection)
            return False
        return self.keep_alive and request.headers.get("connection", "").lower() != "close"

    def _frame(self, answer):
        headers = {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), **answer.headers}
        body = answer.body
        if not self.keep_alive:
            headers["Connection"] = "close"
        if self.chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts(body)) + b"0\r\nX-Trailer: t\r\n\r\n"
        else:
            headers["Content-Length"] = str(len(body))
        head = f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return head.encode() + b"\r\n" + body


def parts(body):
    """Cut into pieces of 1, 2, 4, ... bytes, up to 4096."""
    at, size = 0, 1
    while at < len(body):
        yield body[at:at + size]
        at += size
        size = min(2 * size, 4096)


def read_request(reader, peer):
    line = reader.readline(65536).decode("ascii")
    if not line:
        return None
    method, target, version = line.split()
    if version != "HTTP/1.1":
        raise ValueError(version)
    headers = {}
    while (line := reader.readline(65536).decode("ascii").rstrip("\r\n")):
        name, _, value = line.partition(":")
        if name.lower() in headers:
            raise ValueError(f"{name} twice")
        headers[name.lower()] = value.strip()
    if "host" not in headers or "transfer-encoding" in headers:
        raise ValueError("a client here sends Host, and no chunks")
    body = reader.read(int(headers.get("content-length", 0)))
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    return Request(method, unquote(url.path), query, headers, body, peer)


def reset(connection):
    """End it as a crashed host does: with RST, and without TLS's goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket(fileno=connection.detach()).close()


def listen_in(space, address, port):
    """A listening socket in the network namespace of a space; in this one if that is None."""
    made = []

    def make():
        try:
            if space:
                enter(space.pid)
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(64)
            made.append(listener)
        except OSError as error:
            made.append(error)

    # A namespace is a thread's own; the socket stays in the one where it was made.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def enter(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)
