"""TLS with other people: OpenSSL and GnuTLS as servers, in each suite and kind of key, and clients' certificates."""

import shutil
import socket
import subprocess
import time

import httpget
import pytest
from cryptography.hazmat.primitives import hashes
from lab import pki, web

pytestmark = pytest.mark.once

SUITES = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"]
KINDS = ["rsa2048", "rsa4096", "p256", "p384", "p521"]


@pytest.fixture(scope="module")
def root():
    return pki.Certificate("Test Root", ca=True)


@pytest.fixture
def ca_file(root, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(root.pem)
    return path


def get(port, ca_file, *words):
    return httpget.run("--ca-file", ca_file, *words, f"https://localhost:{port}/")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Peer:
    """A server of another program, until the end of the block."""

    def __init__(self, *command, port):
        self.port = port
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, command
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def openssl(pem, key, between, *words):
    port = free_port()
    return Peer("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert_chain", between, "-cert", pem, "-key", key,
                "-www", "-tls1_2", *words, port=port)


def gnutls(pem, key, priority, *words):
    port = free_port()
    return Peer("gnutls-serv", "--http", "--port", port, "--x509certfile", pem, "--x509keyfile", key,
                "--priority", priority, *words, port=port)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suite", SUITES)
def test_openssl(root, ca_file, tmp_path, kind, suite):
    server = pki.Certificate("server", pki.Certificate("Between", root, ca=True), kind=kind, names=["localhost"])
    name = f"ECDHE-{'RSA' if kind.startswith('rsa') else 'ECDSA'}-{suite}"
    between, _ = server.issuer.write(tmp_path, "between")
    with openssl(*server.write(tmp_path, "server"), between, "-cipher", name) as peer:
        said = get(peer.port, ca_file, "--print")
    assert said.lines[0].startswith("200 ")
    assert any("Cipher is " + name in line or line.strip() == f"Cipher    : {name}" for line in said.lines), said


GNUTLS = {"AES128-GCM-SHA256": ("AES-128-GCM", "AES-128-GCM"), "AES256-GCM-SHA384": ("AES-256-GCM", "AES-256-GCM"),
          "CHACHA20-POLY1305": ("CHACHA20-POLY1305", "CHACHA20-POLY1305")}


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384"])
@pytest.mark.parametrize("suite", SUITES)
def test_gnutls(root, ca_file, tmp_path, kind, suite):
    assert shutil.which("gnutls-serv"), "gnutls-bin is not there: run make deps"
    server = pki.Certificate("server", pki.Certificate("Between", root, ca=True), kind=kind, names=["localhost"])
    exchange = "ECDHE-RSA" if kind.startswith("rsa") else "ECDHE-ECDSA"
    cipher, shown = GNUTLS[suite]
    priority = f"NONE:+VERS-TLS1.2:+{exchange}:+{cipher}:+AEAD:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:+CTYPE-ALL"
    with gnutls(*server.write(tmp_path, "server"), priority) as peer:
        said = get(peer.port, ca_file, "--print")
    text = "\n".join(said.lines)
    assert said.lines[0].startswith("200 "), said
    assert shown in text and exchange in text.replace("</TD><TD>", " "), said


@pytest.mark.parametrize("root_kind", ["rsa2048", "rsa4096", "p384", "p521"])
def test_kinds_of_roots(tmp_path, ca_file, root_kind):
    """What signs a chain: each kind of key, with each hash."""
    top = pki.Certificate("Top", kind=root_kind, ca=True)
    between = pki.Certificate("Between", top, kind="rsa2048", ca=True, hash=hashes.SHA384())
    server = pki.Certificate("server", between, names=["localhost"], hash=hashes.SHA512())
    ca_file.write_bytes(top.pem)
    with web.Server(web.always(web.answer()), web.context(server, tmp_path)) as running:
        assert get(running.port, ca_file).lines == ["200 5", "handshakes 1"]


# --- clients' certificates -----------------------------------------------------------------------


def who(connection, server):
    server.read_request(connection)
    subject = dict(pair[0] for pair in connection.getpeercert()["subject"])
    connection.sendall(web.answer(subject["commonName"].encode()))


@pytest.mark.parametrize("kind", ["rsa2048", "rsa4096", "p256", "p384", "p521"])
@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("one_file", [False, True])
def test_client_certificate(root, ca_file, tmp_path, kind, form, one_file):
    server = pki.Certificate("server", root, names=["localhost"])
    between = pki.Certificate("Clients", root, ca=True, kind="rsa2048")
    client = pki.Certificate("me", between, kind=kind, purposes=[pki.CLIENT])
    pem, key = client.write(tmp_path, "client", form)
    words = ["--cert", pem, "--key", key]
    if one_file:
        pem.write_bytes(pem.read_bytes() + key.read_bytes())
        words = ["--cert", pem]
    context = web.context(server, tmp_path, client_ca=root.pem)
    with web.Server(who, context) as running:
        said = get(running.port, ca_file, "--print", *words)
    assert said.lines == ["200 2", "me", "handshakes 1"], said


def test_client_certificate_wanted(root, ca_file, tmp_path):
    server = pki.Certificate("server", root, names=["localhost"])
    stranger = pki.Certificate("stranger", pki.Certificate("Stranger Root", ca=True))
    pem, key = stranger.write(tmp_path, "stranger")
    with web.Server(web.always(web.answer()), web.context(server, tmp_path, client_ca=root.pem)) as running:
        assert "client certificate" in get(running.port, ca_file).error
        assert "does not accept the client certificate" in get(running.port, ca_file, "--cert", pem, "--key", key).error
        assert running.connections == 2 and running.application_bytes == 0


def test_client_key_faults(root, ca_file, tmp_path):
    """No byte of a key in a message, and nothing sent."""
    client = pki.Certificate("me", root)
    pem, key = client.write(tmp_path, "client")
    url = f"https://localhost:{free_port()}/"
    with web.Server(web.always(web.answer()), web.context(client, tmp_path)) as server:
        url = f"https://localhost:{server.port}/"
        for content, words in ((b"", "there is no private key"), (b"x" * 20000, "File too large"),
                               (key.read_bytes().replace(b"M", b"!", 1), "damaged"),
                               (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                                "ENCRYPTED PRIVATE KEY")):
            (tmp_path / "bad.key").write_bytes(content)
            said = httpget.run("--ca-file", ca_file, "--cert", pem, "--key", tmp_path / "bad.key", url)
            assert words in said.error, said
            secret = key.read_text().splitlines()[1]
            assert secret[:16] not in said.error
        assert "No such file" in httpget.run("--ca-file", ca_file, "--cert", "/nowhere", "--key", key, url).error
        assert server.application_bytes == 0
