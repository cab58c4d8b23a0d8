"""Names to addresses, in namespaces with name servers and files of their own, or without any."""

import json
import sys
import time
from pathlib import Path

import httpget
import pytest
from conftest import SLOWNESS
from lab import pki, web
from lab.space import Space

pytestmark = pytest.mark.once

# Seconds that the resolver waits for a server. It has ten for all.
PAUSE = min(4, max(1, round(SLOWNESS)))
NAMESERVER = Path(web.__file__).parent / "nameserver.py"
LOOPBACK = """
ip link set lo up
ip addr add 2001:db8::1/128 dev lo
for i in 1 2 3; do ip addr add 192.0.2.$i/32 dev lo; done
"""
# An /etc with nothing in it; hidden files cannot be written by accident either.
BARE = LOOPBACK + "mount -t tmpfs none /etc\n"

EVERYTHING = {
    "both.example": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
    "four.example": {"A": ["192.0.2.1"]},
    "six.example": {"AAAA": ["2001:db8::1"]},
    "empty.example": {},
    "alias.example": {"CNAME": "alias2.example"},
    "alias2.example": {"CNAME": "four.example"},
    "loop.example": {"CNAME": "loop.example"},
    "servfail.example": {"how": "servfail"},
    "truncated.example": {"how": "truncated", "A": [f"192.0.2.{i}" for i in range(1, 7)]},
    "id.example": {"how": "wrong id", "A": ["192.0.2.1"]},
    "name.example": {"how": "wrong name", "A": ["192.0.2.1"]},
    "type.example": {"how": "wrong type", "A": ["192.0.2.1"]},
    "owner.example": {"how": "wrong owner", "A": ["192.0.2.1"]},
    "host.search.example": {"A": ["192.0.2.2"]},
    "a.b.search.example": {"A": ["192.0.2.3"]},
    "host.second.example": {"A": ["192.0.2.3"]},
    "only.second.example": {"A": ["192.0.2.3"]},
}


@pytest.fixture
def bare():
    with Space("bare", BARE) as space:
        yield space


class Names:
    """A name server in a namespace."""

    def __init__(self, space, address, answers):
        self.process = space.popen(sys.executable, NAMESERVER, address, json.dumps(answers))
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def asked(self):
        """What it was asked, up to now: it ends with this."""
        self.process.kill()
        return self.process.stdout.read().splitlines()


def resolve(space, *names, words=(), env=None):
    prefix = ["nsenter", "-t", str(space.pid), "-n", "-m", "--"]
    said = httpget.run("--resolve", *words, *[f"http://{name}/" for name in names], prefix=prefix, env=env)
    said.lines = [line for line in said.lines if not line.startswith("handshakes")]
    return said


@pytest.fixture
def named(bare):
    """One with a server that knows everything, and a resolv.conf."""
    bare.names = Names(bare, "192.0.2.1", EVERYTHING)
    bare.write("/etc/resolv.conf", "# ours\nnameserver 192.0.2.1\nsearch search.example second.example\n"
                                   "options timeout:1 attempts:2\n")
    return bare


@pytest.mark.parametrize("name, addresses", [
    ("both.example", "2001:db8::1 192.0.2.1 192.0.2.2"), ("four.example", "192.0.2.1"), ("six.example", "2001:db8::1"),
    ("FOUR.Example.", "192.0.2.1"), ("alias.example", "192.0.2.1"), ("192.0.2.9", "192.0.2.9"), ("[::5]", "::5"),
    ("localhost", "::1 127.0.0.1"), ("a.localhost", "::1 127.0.0.1"),
    ("truncated.example", " ".join(f"192.0.2.{i}" for i in range(1, 7))),
    ("id.example", "192.0.2.1"), ("name.example", "192.0.2.1"), ("type.example", "192.0.2.1"), ("owner.example", "192.0.2.1"),
    ("host", "192.0.2.2"), ("only", "192.0.2.3"), ("a.b", "192.0.2.3"),
])
def test_names(named, name, addresses):
    assert resolve(named, name).lines == [addresses]


@pytest.mark.parametrize("name, code, words", [
    ("nowhere.example", 101, "there is no such name"), ("empty.example", 101, "it has no address"),
    ("loop.example", 101, "it has no address"), ("servfail.example", 11, "no usable answer from 192.0.2.1"),
])
def test_no_address(named, name, code, words):
    said = resolve(named, name)
    assert said.error.startswith(f"error {code}: resolve: {name}: {words}"), said


def questions(space, name):
    resolve(space, name)
    return [line for line in space.names.asked() if line.endswith(" A")]


@pytest.mark.parametrize("options, name, asked", [
    ("", "host", ["host.search.example"]),
    ("", "only", ["only.search.example", "only.second.example"]),
    ("", "none", ["none.search.example", "none.second.example", "none"]),
    ("", "a.b", ["a.b", "a.b.search.example"]),
    ("options ndots:2\n", "a.b", ["a.b.search.example"]),
    ("options ndots:0\n", "host", ["host", "host.search.example"]),
    ("domain second.example\n", "host", ["host.second.example"]),
    ("search\n", "host", ["host"]),
])
def test_search_list(named, options, name, asked):
    """As resolv.conf(5) has it."""
    named.run("sh", "-c", "printf %s \"$1\" >>/etc/resolv.conf", "sh", options)
    assert questions(named, name) == [f"udp {full} A" for full in asked]


def test_truncated_is_asked_again_by_tcp(named):
    assert questions(named, "truncated.example") == ["udp truncated.example A", "tcp truncated.example A"]


def test_both_families_are_asked_at_once(named):
    resolve(named, "four.example")
    assert sorted(named.names.asked()) == ["udp four.example A", "udp four.example AAAA"]


def test_second_server(bare):
    """One that is not there, or does not know, or is silent is no end."""
    second = Names(bare, "192.0.2.2", EVERYTHING)
    troubled = Names(bare, "192.0.2.3", {"four.example": {"how": "servfail"}, "six.example": {"how": "silent"}})
    bare.write("/etc/resolv.conf", "nameserver 192.0.2.1\nnameserver 192.0.2.3\nnameserver 192.0.2.2\n"
                                  f"options timeout:{PAUSE}\n")
    began = time.monotonic()
    assert resolve(bare, "four.example").lines == ["192.0.2.1"]
    assert time.monotonic() - began < 0.9 * PAUSE
    assert resolve(bare, "six.example").lines == ["2001:db8::1"]
    assert 0.9 * PAUSE < time.monotonic() - began < 4 * PAUSE
    assert len(troubled.asked()) >= 2 and len(second.asked()) >= 2


def test_attempts_are_bounded(bare):
    silent = Names(bare, "192.0.2.1", {"four.example": {"how": "silent"}})
    bare.write("/etc/resolv.conf", f"nameserver 192.0.2.1\noptions timeout:{PAUSE} attempts:2\n")
    began = time.monotonic()
    assert "no usable answer" in resolve(bare, "four.example").error
    assert 1.8 * PAUSE < time.monotonic() - began < 5 * PAUSE
    assert len(silent.asked()) == 4
    began = time.monotonic()
    assert "no usable answer" in resolve(bare, "four.example", words=("--connect", "300")).error
    assert time.monotonic() - began < PAUSE


def test_hosts_file(named):
    named.write("/etc/hosts", "127.0.0.1 localhost\n# 9.9.9.9 four.example\n192.0.2.2\tmetadata.google.internal metadata # GCE\n"
                              "2001:db8::1 METADATA\nnonsense metadata\n192.0.2.3 four.example")
    assert resolve(named, "metadata.google.internal").lines == ["192.0.2.2"]
    assert resolve(named, "metadata").lines == ["192.0.2.2 2001:db8::1"]
    assert resolve(named, "four.example").lines == ["192.0.2.3"]
    assert named.names.asked() == []


def test_without_files(bare):
    """No resolv.conf: the server is on the loopback. No server: said at once."""
    began = time.monotonic()
    said = resolve(bare, "four.example")
    assert "no usable answer from 127.0.0.1" in said.error and "resolv.conf" in said.error
    assert time.monotonic() - began < 2 * SLOWNESS
    Names(bare, "127.0.0.1", EVERYTHING)
    assert resolve(bare, "four.example").lines == ["192.0.2.1"]


@pytest.mark.no_valgrind
def test_ports_and_ids_differ(named):
    """By what is sent: strace sees each question's ID and, of the sockets, that none is bound by us."""
    trace = ["strace", "-f", "-e", "trace=sendto,bind", "-xx", "-s", "4"]
    ids = set()
    for _ in range(6):
        prefix = ["nsenter", "-t", str(named.pid), "-n", "-m", "--", *trace]
        said = httpget.run("--resolve", "http://four.example/", prefix=prefix)
        assert "bind(" not in said.trace
        ids |= {line.split('"')[1][:8] for line in said.trace.splitlines() if "sendto(" in line}
    assert len(ids) == 12, ids


SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
from lab import web
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
context.maximum_version = ssl.TLSVersion.TLSv1_2
print(web.Server(web.always(web.answer()), context).port, flush=True)
sys.stdin.read()
"""


def test_https_without_any_file(bare, tmp_path):
    """No resolv.conf, no hosts, no bundle: by address and with a CA file it works; without, the roots built in count."""
    root = pki.Certificate("Test Root", ca=True)
    pem, key = pki.Certificate("server", root, names=["127.0.0.1"]).write(tmp_path, "server")
    (tmp_path / "ca.pem").write_bytes(root.pem)
    bare.run("sh", "-euc", "test ! -e /etc/resolv.conf; test ! -e /etc/hosts; test ! -e /etc/ssl")
    server = bare.popen(sys.executable, "-c", SERVER, Path(web.__file__).parent.parent, pem, key, stdin=-1)
    url = f"https://127.0.0.1:{server.stdout.readline().strip()}/"
    prefix = ["nsenter", "-t", str(bare.pid), "-n", "-m", "--"]
    said = httpget.run("--ca-file", tmp_path / "ca.pem", url, prefix=prefix)
    assert said.lines == ["200 5", "handshakes 1"], said
    said = httpget.run(url, prefix=prefix)
    assert '"Test Root", is not among the trusted ones (the roots built into cnibox)' in said.error


def test_falls_back_to_the_family_that_works(named):
    """The name has an address of each family, and only IPv4 is served (RFC 8305)."""
    code = "import socket; s = socket.create_server(('192.0.2.1', 80)); print(flush=True); c = s.accept()[0]; c.recv(9999); " \
           "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')"
    server = named.popen(sys.executable, "-c", code)
    server.stdout.readline()
    prefix = ["nsenter", "-t", str(named.pid), "-n", "-m", "--"]
    assert httpget.run("http://both.example/", prefix=prefix).lines[0] == "200 0"


def test_falls_back_from_silence(named):
    """An address that swallows packets costs a quarter of a second, not the whole time."""
    code = "import socket; s = socket.create_server(('192.0.2.1', 80)); print(flush=True); c = s.accept()[0]; c.recv(9999); " \
           "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')"
    server = named.popen(sys.executable, "-c", code)
    server.stdout.readline()
    named.sh("nft add table ip6 t; nft 'add chain ip6 t c { type filter hook input priority 0; }'; "
             "nft add rule ip6 t c tcp dport 80 drop")
    prefix = ["nsenter", "-t", str(named.pid), "-n", "-m", "--"]
    began = time.monotonic()
    assert httpget.run("http://both.example/", prefix=prefix).lines[0] == "200 0"
    assert 0.2 < time.monotonic() - began < 2 * SLOWNESS
