"""The HTTP client against servers that do as they are told: kept connections, proxies, times, bodies, secrets."""

import socket
import ssl
import threading
import time

import httpget
import pytest
from conftest import SLOWNESS
from lab import pki, web

pytestmark = pytest.mark.once


def get(server, *words, path="/", **options):
    return httpget.run(*words, f"http://127.0.0.1:{server.port}{path}", **options)


@pytest.fixture(scope="module")
def root():
    return pki.Certificate("Test Root", ca=True)


@pytest.fixture
def tls(root, tmp_path):
    """A server's context for localhost and example.com, and where its root is."""
    (tmp_path / "ca.pem").write_bytes(root.pem)
    return web.context(pki.Certificate("server", root, names=["localhost", "example.com"]), tmp_path), tmp_path / "ca.pem"


def echo(connection, server):
    """Answers with the request itself."""
    while True:
        head, body = server.read_request(connection)
        if not head:
            return
        connection.sendall(web.answer(f"{head}\n\n{body}".encode()))


def test_what_a_request_looks_like():
    with web.Server(echo) as server:
        said = get(server, "--print", "--header", "Accept: application/json", path="/a?b=c%20d")
        assert said.lines[1:-1] == ["GET /a?b=c%20d HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "User-Agent: cnibox/0.1.0",
                                    "Accept: application/json", "", ""]
        said = get(server, "--print", "--method", "POST", "--body", "x=y")
        assert said.lines[1] == "POST / HTTP/1.1" and said.lines[4:-1] == ["Content-Length: 3", "", "x=y"]
        said = get(server, "--print", "--method", "POST")
        assert "Content-Length: 0" in said.lines
        said = get(server, "--print", "--method", "DELETE")
        assert not any(line.startswith("Content-Length") for line in said.lines)


@pytest.mark.parametrize("words", [
    ("--header", "A: b\r\nC: d"), ("--header", "A b: c"), ("--header", "Host: x"), ("--header", "content-length: 1"), ("--method", "GET /\r\n"), ("--header", "A: " + "b" * 17000),
])
def test_requests_that_would_be_two(words):
    with web.Server(echo) as server:
        assert get(server, *words).error.startswith("error 2: ")
        assert server.application_bytes == 0


def test_connection_is_kept(tls):
    context, ca_file = tls
    with web.Server(echo, context) as server:
        url = f"https://localhost:{server.port}/"
        said = httpget.run("--ca-file", ca_file, url, url, url)
        assert said.lines[-1] == "handshakes 1" and len(said.lines) == 4
        assert server.connections == 1


def test_connections_by_origin(tls):
    """Another host is another connection, be it the same server."""
    context, ca_file = tls
    with web.Server(echo, context) as server:
        urls = [f"https://localhost:{server.port}/", f"https://LOCALHOST.:{server.port}/", f"http://127.0.0.1:{server.port}/"]
        said = httpget.run("--ca-file", ca_file, *urls)
        assert said.handshakes == 1
        assert server.connections == 2


def test_at_once():
    """Answers are worked on side by side, each on a connection of its own."""
    gate = threading.Barrier(5)

    def talk(connection, server):
        head, _ = server.read_request(connection)
        gate.wait(10)
        connection.sendall(web.answer(head.split()[1].encode()))

    with web.Server(talk) as server:
        urls = [f"http://127.0.0.1:{server.port}/{i}" for i in range(5)]
        said = httpget.run("--at-once", "--print", *urls)
        assert said.lines == [line for i in range(5) for line in ("200 2", f"/{i}")] + ["handshakes 0"]
        assert server.connections == 5


def test_too_many_at_once():
    with web.Server(echo) as server:
        said = httpget.run("--at-once", *[f"http://127.0.0.1:{server.port}/"] * 9)
        assert said.errors == ["error 103: more than 8 requests at once | "]
        assert len([line for line in said.lines if line.startswith("200")]) == 8


def dies_after_one(announce):
    """Serves one request per connection, then closes it: with or without having said so."""
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(web.answer(headers=["Connection: close"] if announce else []))
    return talk


@pytest.mark.parametrize("announce", [True, False])
def test_closed_while_idle(announce):
    """Seen before the next request is sent, so that any method goes on."""
    with web.Server(dies_after_one(announce)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        said = httpget.run("--method", "POST", "--pause", 100, url, url)
        assert said.lines[:2] == ["200 5", "200 5"]
        assert server.connections == 2


def test_announced_close_is_heeded():
    """Even though the server leaves the connection open."""
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(web.answer(headers=["Connection: close"]))
        server.read_request(connection)

    with web.Server(talk) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert httpget.run("--method", "POST", url, url).lines == ["200 5", "200 5", "handshakes 0"]
        assert server.connections == 2


@pytest.mark.parametrize("secure", [False, True])
def test_more_than_was_asked_for(tls, secure):
    """What is behind an answer must not be taken for the next one."""
    room = 4096 - len(web.answer(b"x" * 4000)) + 4000
    # With TLS as much as is taken at once: the rest waits in its record.
    wanted = web.answer(b"x" * room) if secure else web.answer()

    def talk(connection, server):
        while server.read_request(connection)[0]:
            connection.sendall(wanted + web.answer(b"evil", "299 Evil"))

    context, ca_file = tls
    with web.Server(talk, context if secure else None) as server:
        url = f"http{'s' * secure}://localhost:{server.port}/"
        said = httpget.run("--ca-file", ca_file, "--pause", 50, url, url)
        assert [line.split()[0] for line in said.lines[:2]] == ["200", "200"]
        assert server.connections == 2


@pytest.mark.parametrize("words, goes_on", [
    ((), True), (("--method", "DELETE"), True), (("--method", "POST"), False), (("--method", "POST", "--repeatable"), True),
])
def test_closed_under_a_request(words, goes_on):
    """A kept connection that dies unanswered: once more, but only what may be sent twice."""
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(web.answer())
        if server.connections == 1:
            server.read_request(connection)  # and no answer

    with web.Server(talk) as server:
        url = f"http://127.0.0.1:{server.port}/"
        said = httpget.run(*words, url, url)
        if goes_on:
            assert said.lines[:2] == ["200 5", "200 5"], said
            assert server.connections == 2
        else:
            assert said.lines[0] == "200 5" and said.error.startswith("error 11: POST")
            assert server.connections == 1


def test_a_new_connection_that_dies_is_not_tried_again():
    with web.Server(lambda connection, server: server.read_request(connection)) as server:
        assert "has ended before it" in get(server).error
        assert server.connections == 1


def test_bodies():
    body = bytes(range(256)) * 4096
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"".join(b"%x;a=b\r\n%s\r\n" % (n, body[:n]) for n in (1, 15, 4096, 70000)) + b"0\r\nT: u\r\n\r\n"
    for response, length in ((web.answer(body), len(body)), (chunked, 1 + 15 + 4096 + 70000),
                             (b"HTTP/1.0 200 OK\r\n\r\n" + body, len(body)), (web.answer(b""), 0),
                             (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + web.answer(), 5),
                             (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 0)):
        with web.Server(web.once(response)) as server:
            said = get(server)
            status = response.split()[1].decode() if b" 100 " not in response else "200"
            assert said.lines == [f"{status} {length}", "handshakes 0"]


def test_head():
    with web.Server(web.always(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nETag: x\r\n\r\n")) as server:
        url = f"http://127.0.0.1:{server.port}/"
        said = httpget.run("--method", "HEAD", "--field", "etag", url, url)
        assert said.lines == ["200 0", "etag: x"] * 2 + ["handshakes 0"]
        assert server.connections == 1


def test_redirects_are_answers():
    with web.Server(web.always(web.answer(b"", "302 Found", ["Location: http://127.0.0.1:1/"]))) as server:
        said = get(server, "--field", "Location", "--header", "Authorization: Bearer secret")
        assert said.lines[:2] == ["302 0", "Location: http://127.0.0.1:1/"]
        assert server.connections == 1


def test_times():
    def slowly(connection, server):
        server.read_request(connection)
        for byte in web.answer(b"x" * 1000):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with web.Server(slowly) as server:
        began = time.monotonic()
        said = get(server, "--timeout", 400)
        assert 0.35 < time.monotonic() - began < 3 * SLOWNESS
        assert said.error.startswith("error 11:") and "timed out" in said.error


@pytest.mark.parametrize("secure", [False, True])
def test_time_is_over_though_more_comes(tls, secure):
    """A server that never pauses does not get more time for it."""
    def endless(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1\r\nx\r\n" * 100000)

    context, ca_file = tls
    with web.Server(endless, context if secure else None) as server:
        url = f"http{'s' * secure}://localhost:{server.port}/"
        began = time.monotonic()
        said = httpget.run("--ca-file", ca_file, "--timeout", 600, url)
        assert said.error.startswith("error 11:") and "timed out" in said.error
        assert time.monotonic() - began < 5 * SLOWNESS


def test_nobody_there():
    """An address that does not answer; one that refuses."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        port = full.getsockname()[1]
        said = httpget.run(f"http://127.0.0.1:{port}/")
        assert said.error.startswith("error 11:") and "127.0.0.1: Connection refused" in said.error
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        said = httpget.run("--connect", 300, f"http://127.0.0.1:{port}/")
        assert said.error.startswith("error 11:") and "timed out" in said.error
        assert time.monotonic() - began < 3 * SLOWNESS
        for one in waiting:
            one.close()


def test_large_request_to_a_server_that_closes():
    def rude(connection, server):
        connection.recv(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with web.Server(rude) as server:
        said = get(server, "--method", "POST", "--body", "x" * 120000)
        assert said.exit_status == 1 and said.error.startswith("error 11:")


@pytest.mark.no_valgrind
def test_no_broken_pipe_kills(tls):
    """Whatever is sent is sent without SIGPIPE: seen by strace, as the moment is hard to meet."""
    context, ca_file = tls
    with web.Server(echo, context) as secure, web.Server(echo) as plain:
        said = httpget.run("--ca-file", ca_file, "--method", "POST", "--body", "x", f"https://localhost:{secure.port}/",
                           f"http://127.0.0.1:{plain.port}/", prefix=["strace", "-e", "trace=write,sendto,sendmsg,writev"])
    sent = [line for line in said.trace.splitlines() if line.startswith(("write", "send"))]
    assert len(sent) > 5
    assert all("MSG_NOSIGNAL" in line or line.startswith("write(1, ") for line in sent), said.trace


def test_debug_hides_secrets(tls):
    context, ca_file = tls
    with web.Server(echo, context) as server:
        said = httpget.run("--ca-file", ca_file, "--header", "Authorization: Bearer ya29.secret", "--header", "Accept: a/b",
                           "--body", "refresh_token=secret", "--method", "POST", f"https://localhost:{server.port}/p?q=1",
                           env={"DEBUG": "1"})
    assert f"POST https://localhost:{server.port}/p?q=1" in said.trace
    assert "Accept: a/b" in said.trace and "Authorization: (masked)" in said.trace and "status 200" in said.trace
    assert "secret" not in said.trace


# --- proxies -------------------------------------------------------------------------------------


class Proxy(web.Server):
    """An HTTP proxy, which notes each request line it gets."""

    def __init__(self, refusal=None):
        self.asked, self.refusal = [], refusal
        super().__init__(self._proxy)

    def _proxy(self, connection, _):
        head, _ = self.read_request(connection)
        self.asked.append(head.splitlines()[0])
        if self.refusal:
            connection.sendall(self.refusal)
            return
        method, target, _ = self.asked[-1].split()
        if method != "CONNECT":
            connection.sendall(web.answer(b"by proxy"))
            return
        self.up = socket.create_connection(("127.0.0.1", int(target.rpartition(":")[2])))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self._pump, args=(self.up, connection), daemon=True).start()
        self._pump(connection, self.up)

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_connect(tls):
    """TLS goes through the proxy to the server, by name, and the connection is kept."""
    context, ca_file = tls
    with web.Server(echo, context) as server, Proxy() as proxy:
        url = f"https://example.com:{server.port}/"
        for variable in ("HTTPS_PROXY", "https_proxy"):
            for value in (f"http://127.0.0.1:{proxy.port}", f"127.0.0.1:{proxy.port}"):
                proxy.asked.clear()
                said = httpget.run("--ca-file", ca_file, url, url, env={variable: value})
                assert said.handshakes == 1 and said.error is None
                assert proxy.asked == [f"CONNECT example.com:{server.port} HTTP/1.1"]


@pytest.mark.parametrize("status, code, words", [
    ("407 Proxy Authentication Required", 101, "wants a password"), ("403 Forbidden", 101, "refuses with status 403"),
    ("502 Bad Gateway", 11, "refuses with status 502"),
])
def test_proxy_refuses(tls, status, code, words):
    _, ca_file = tls
    with Proxy(web.answer(b"no", status)) as proxy:
        said = httpget.run("--ca-file", ca_file, "https://example.com/", env={"HTTPS_PROXY": f"127.0.0.1:{proxy.port}"})
        assert said.error.startswith(f"error {code}:") and words in said.error


def test_proxy_that_speaks_first(tls):
    _, ca_file = tls
    with Proxy(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nevil") as proxy:
        said = httpget.run("--ca-file", ca_file, "https://example.com/", env={"HTTPS_PROXY": f"127.0.0.1:{proxy.port}"})
        assert "speaks before it is its turn" in said.error


def test_plain_by_proxy():
    with Proxy() as proxy:
        env = {"http_proxy": f"http://127.0.0.1:{proxy.port}"}
        assert httpget.run("--print", "http://example.com/a?b", env=env).lines[:2] == ["200 8", "by proxy"]
        assert proxy.asked == ["GET http://example.com/a?b HTTP/1.1"]


def test_past_the_proxy():
    """--direct is for the metadata server; what is exempt goes direct, and so does the loopback."""
    with Proxy() as proxy, web.Server(echo) as server:
        env = {"http_proxy": f"http://127.0.0.1:{proxy.port}"}
        url = f"http://127.0.0.1:{server.port}/"
        assert httpget.run(url, env=env).error is None
        assert httpget.run("--direct", "--connect", 300, "http://192.0.2.1/", env=env).error
        for exempt in ("192.0.2.0/24", "*", "192.0.2.1", "192.0.2.1:80"):
            assert httpget.run("--connect", 300, "http://192.0.2.1/", env={**env, "NO_PROXY": exempt}).error, exempt
        assert proxy.asked == []
        for listed in ("192.0.2.0/32", "192.0.2.1:81", "example.com"):
            assert httpget.run("http://192.0.2.1/", env={**env, "no_proxy": listed}).error is None, listed
        # A CGI server's HTTP_PROXY comes from the request that it serves.
        cgi = {"HTTP_PROXY": env["http_proxy"], "REQUEST_METHOD": "GET"}
        assert httpget.run("--connect", 300, "http://192.0.2.1/", env=cgi).error
        assert len(proxy.asked) == 3


def test_bad_proxy():
    said = httpget.run("https://example.com/", env={"HTTPS_PROXY": "http://user:secret@127.0.0.1:1"})
    assert "the proxy in HTTPS_PROXY" in said.error and "secret" not in said.error
    assert "not supported" in httpget.run("https://example.com/", env={"HTTPS_PROXY": "https://127.0.0.1:1"}).error


def test_tls_in_small_and_large_records(tls):
    """Records, HTTP's chunks and what is read at a time have nothing to do with each other."""
    context, ca_file = tls
    body = b"0123456789" * 30000

    def talk(connection, server):
        server.read_request(connection)
        response = web.answer(body)
        for size in [1] * 300 + [16384] * 5:
            connection.sendall(response[:size])
            response = response[size:]
        connection.sendall(response)

    with web.Server(talk, context) as server:
        assert isinstance(context, ssl.SSLContext)
        said = httpget.run("--ca-file", ca_file, f"https://localhost:{server.port}/")
        assert said.lines == ["200 300000", "handshakes 1"]
