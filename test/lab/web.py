"""Servers for tests of the HTTP client, on the loopback: they do as they are told, and count what they get."""

import socket
import ssl
import threading

from gce.acceptor import Acceptor


class Server:
    """Hands each connection to talk(connection, self), which is a socket or, with a context, one of TLS.

    application_bytes counts what it has received of requests; connections how many there were, ended how many are over;
    errors is what went wrong with them.
    """

    def __init__(self, talk, context=None, family=socket.AF_INET):
        self.talk, self.context = talk, context
        self.application_bytes = self.ended = 0
        self.errors = []
        listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self.port = listener.getsockname()[1]
        self.acceptor = Acceptor(listener, self._serve)

    @property
    def connections(self):
        return self.acceptor.connections

    def _serve(self, connection, _):
        connection.settimeout(20)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
            self.talk(connection, self)
        except (OSError, ssl.SSLError) as error:
            self.errors.append(error)
        finally:
            connection.close()
            self.ended += 1

    def read_request(self, connection):
        """A request's head and body, as text; "" when the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read(connection) or b"\r\n\r\n" * (data == b"")
            if data == b"\r\n\r\n":
                return "", ""
        head, body = data.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        while len(body) < length:
            body += self._read(connection)
        return head.decode(), body.decode()

    def _read(self, connection):
        data = connection.recv(65536)
        self.application_bytes += len(data)
        return data

    def close(self):
        self.acceptor.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def answer(body=b"hello", status="200 OK", headers=()):
    """An answer as bytes."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(response):
    """A talk that gives the same answer to each request of a connection."""
    def talk(connection, server):
        while True:
            head, _ = server.read_request(connection)
            if not head:
                return
            connection.sendall(response)
    return talk


def once(response):
    """A talk that gives one answer and closes, with TLS' goodbye."""
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(response)
        if isinstance(connection, ssl.SSLSocket):
            connection = connection.unwrap()
    return talk


def context(certificate, folder, name="server", chain=None, version=ssl.TLSVersion.TLSv1_2, ciphers=None, client_ca=None):
    """A server's context, of exactly that version; anything goes that OpenSSL can, however weak."""
    pem, key = certificate.write(folder, name, chain=chain)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    made.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = version
    made.load_cert_chain(pem, key)
    if client_ca:
        made.load_verify_locations(cadata=client_ca.decode())
        made.verify_mode = ssl.CERT_REQUIRED
    return made


class Relay:
    """Between a client and a server: change(direction, data) gives what goes on; direction "up" or "down"."""

    def __init__(self, port, change):
        self.port_behind, self.change = port, change
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.acceptor = Acceptor(listener, self._serve)

    def _serve(self, client, _):
        server = socket.create_connection(("127.0.0.1", self.port_behind))
        for source, sink, direction in ((client, server, "up"), (server, client, "down")):
            threading.Thread(target=self._pump, args=(source, sink, direction), daemon=True).start()

    def _pump(self, source, sink, direction):
        try:
            while data := source.recv(65536):
                sink.sendall(self.change(direction, data))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.acceptor.close()
