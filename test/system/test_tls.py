"""TLS: what must not be trusted is refused before a byte of the request is sent."""

import socket
import ssl
import time

import httpget
import pytest
from conftest import SLOWNESS
from cryptography.hazmat.primitives import hashes
from lab import pki, web

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def root():
    return pki.Certificate("Test Root", kind="p256", ca=True)


@pytest.fixture
def ca_file(root, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(root.pem)
    return path


def get(port, ca_file, *words, host="localhost"):
    return httpget.run("--ca-file", ca_file, *words, f"https://{host}:{port}/secret")


def refused(context, ca_file, *words, host="localhost", family=socket.AF_INET):
    """The error of a request that must not get to the server."""
    with web.Server(web.always(web.answer()), context, family) as server:
        said = get(server.port, ca_file, *words, host=host)
    assert said.error and server.connections == 1, said
    assert server.application_bytes == 0, said
    assert said.handshakes == 0
    return said.error


def test_what_is_right_is_taken(root, ca_file, tmp_path):
    """The counterpart of all refusals: with nothing wrong, the request gets there."""
    good = pki.Certificate("server", root, names=["localhost", "127.0.0.1", "::1"], purposes=[pki.SERVER, pki.CLIENT],
                           usage=["digital_signature"])
    for host, family in (("localhost", socket.AF_INET), ("127.0.0.1", socket.AF_INET), ("[::1]", socket.AF_INET6)):
        with web.Server(web.always(web.answer()), web.context(good, tmp_path), family) as server:
            said = get(server.port, ca_file, host=host)
        assert said.lines == ["200 5", "handshakes 1"]
        assert server.application_bytes > 0


def test_the_server_is_told_its_name(root, ca_file, tmp_path):
    """SNI, for servers of many names; not for addresses (RFC 6066, 3)."""
    told = []
    context = web.context(pki.Certificate("server", root, names=["localhost", "127.0.0.1", "other"]), tmp_path)
    context.sni_callback = lambda connection, name, _: told.append(name)
    with web.Server(web.always(web.answer()), context) as server:
        assert get(server.port, ca_file).error is None
        assert get(server.port, ca_file, host="127.0.0.1").error is None
        assert get(server.port, ca_file, "--server-name", "other", host="127.0.0.1").error is None
        assert get(server.port, ca_file, "--server-name", "127.0.0.1").error is None
    assert told == ["localhost", None, "other", None]


def test_goodbye(root, ca_file, tmp_path):
    """The client says that it is done (close_notify), so that the server need not suspect a cut."""
    certificate = pki.Certificate("server", root, names=["localhost"])
    with web.Server(web.always(web.answer()), web.context(certificate, tmp_path)) as server:
        assert get(server.port, ca_file).error is None
        for _ in range(500):
            if server.ended:
                break
            time.sleep(0.01)
        assert server.ended == 1 and server.errors == []


# What is wrong with the server's own certificate: arguments of lab.pki.Certificate, and words of the error.
WRONG = {
    "expired": (dict(names=["localhost"], days=(-10, -2)), "has expired on 20"),
    "not yet valid": (dict(names=["localhost"], days=(2, 30)), "is not valid before 20"),
    "another name": (dict(names=["example.com", "localhost.example.com"]),
                     "is for example.com, localhost.example.com, not for localhost"),
    "no name": (dict(), "no DNS name and no address, not for localhost"),
    "an address only": (dict(names=["127.0.0.1"]), "is for 127.0.0.1, not for localhost"),
    "weak key": (dict(names=["localhost"], kind="rsa1024"), "RSA key of 1024 bits"),
    "SHA-1": (dict(names=["localhost"], hash=hashes.SHA1()), "signed by an algorithm that is not accepted"),
    "for clients": (dict(names=["localhost"], purposes=[pki.CLIENT]), "not meant for servers"),
}


@pytest.mark.filterwarnings("ignore:SHA1")
@pytest.mark.parametrize("what", WRONG)
def test_wrong_certificate(root, ca_file, tmp_path, what):
    arguments, words = WRONG[what]
    common_name = "localhost" if what == "no name" else "server"
    wrong = pki.Certificate(common_name, root, **{"kind": "p256", **arguments})
    assert words in refused(web.context(wrong, tmp_path), ca_file)


@pytest.mark.parametrize("host, names", [
    ("127.0.0.1", ["127.0.0.2"]), ("127.0.0.1", ["localhost"]), ("[::1]", ["::2", "127.0.0.1"]),
])
def test_wrong_address(root, ca_file, tmp_path, host, names):
    wrong = pki.Certificate(host, root, names=names)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    error = refused(web.context(wrong, tmp_path), ca_file, host=host, family=family)
    assert f"its certificate is for {', '.join(names)}, not for {host.strip('[]')}" in error


def test_an_address_as_dns_name_is_none(root, ca_file, tmp_path):
    from cryptography import x509
    wrong = pki.Certificate("127.0.0.1", root, names=["x"])
    name = x509.DNSName("127.0.0.1")
    builder = (x509.CertificateBuilder().subject_name(wrong.name).issuer_name(root.name).public_key(wrong.key.public_key())
               .serial_number(7).not_valid_before(pki.NOW - pki.DAY).not_valid_after(pki.NOW + pki.DAY)
               .add_extension(x509.SubjectAlternativeName([name]), critical=False))
    wrong.certificate = builder.sign(root.key, hashes.SHA256())
    assert "not for 127.0.0.1" in refused(web.context(wrong, tmp_path), ca_file, host="127.0.0.1")


@pytest.mark.parametrize("pattern, host, fits", [
    ("*.example.com", "a.example.com", True), ("*.example.com", "a.b.example.com", False),
    ("*.example.com", "example.com", False), ("a*.example.com", "ab.example.com", False), ("*.com", "a.example.com", False),
    ("A.EXAMPLE.com", "a.example.com", True),
])
def test_wildcards(root, ca_file, tmp_path, pattern, host, fits):
    certificate = pki.Certificate("server", root, names=[pattern])
    context = web.context(certificate, tmp_path)
    if fits:
        with web.Server(web.always(web.answer()), context) as server:
            assert get(server.port, ca_file, "--server-name", host).lines == ["200 5", "handshakes 1"]
    else:
        assert f"not for {host}" in refused(context, ca_file, "--server-name", host)


def test_self_signed(ca_file, tmp_path):
    alone = pki.Certificate("alone", names=["localhost"], ca=True)
    assert '"alone", is signed by itself' in refused(web.context(alone, tmp_path), ca_file)
    ca_file.write_bytes(alone.pem)
    with web.Server(web.always(web.answer()), web.context(alone, tmp_path)) as server:
        assert get(server.port, ca_file).lines == ["200 5", "handshakes 1"]


def test_unknown_ca(tmp_path, ca_file):
    other = pki.Certificate("Other Root", ca=True)
    server = pki.Certificate("server", other, names=["localhost"])
    error = refused(web.context(server, tmp_path), ca_file)
    assert 'the issuer of its certificate, "Other Root", is not among the trusted ones' in error
    assert str(ca_file) in error


def test_a_root_of_the_same_name_is_not_the_root(root, tmp_path, ca_file):
    """Only the key makes a root; of several with one name, any may be the one."""
    impostor = pki.Certificate("Test Root", ca=True)
    server = pki.Certificate("server", impostor, names=["localhost"])
    refused(web.context(server, tmp_path), ca_file)
    ca_file.write_bytes(root.pem + impostor.pem)
    with web.Server(web.always(web.answer()), web.context(server, tmp_path)) as running:
        assert get(running.port, ca_file).lines == ["200 5", "handshakes 1"]


def chain_of(root, tmp_path, **middle):
    between = pki.Certificate("Between", root, **{"ca": True, **middle})
    return between, pki.Certificate("server", between, names=["localhost"])


@pytest.mark.parametrize("middle, words", [
    (dict(days=(-10, -2)), "its issuer's certificate, \"Between\", has expired"),
    (dict(ca=False), "is not that of a CA"),
    (dict(ca=None), "is not that of a CA"),
    (dict(kind="rsa1024"), "RSA key of 1024 bits"),
    (dict(usage=["digital_signature"]), "keyUsage"),
])
def test_wrong_issuer(root, ca_file, tmp_path, middle, words):
    _, server = chain_of(root, tmp_path, **middle)
    assert words in refused(web.context(server, tmp_path), ca_file)


def test_chain_that_is_not_one(root, ca_file, tmp_path):
    between, server = chain_of(root, tmp_path)
    error = refused(web.context(server, tmp_path, chain=server.pem), ca_file)
    assert '"Between", is not among the trusted ones' in error
    error = refused(web.context(server, tmp_path, chain=server.pem + root.pem + between.pem), ca_file)
    assert "wrong order" in error
    # What is behind the root does no harm.
    with web.Server(web.always(web.answer()), web.context(server, tmp_path, chain=server.pem + between.pem + root.pem)) as running:
        assert get(running.port, ca_file).lines == ["200 5", "handshakes 1"]


def test_weak_root(tmp_path, ca_file):
    weak = pki.Certificate("Weak Root", kind="rsa1024", ca=True)
    ca_file.write_bytes(weak.pem)
    server = pki.Certificate("server", weak, names=["localhost"])
    assert "root whose RSA key has less than 2048 bits" in refused(web.context(server, tmp_path), ca_file)


def test_a_root_that_is_no_ca(tmp_path, ca_file):
    plain = pki.Certificate("plain", names=["localhost"])
    ca_file.write_bytes(plain.pem)
    assert "signed by itself" in refused(web.context(plain, tmp_path), ca_file)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version, words", [
    # None of the suites that are offered exists there, which OpenSSL sees first.
    ("TLSv1", "it has only TLS 1.1 or older"), ("TLSv1_1", "it has only TLS 1.1 or older"),
    ("TLSv1_3", "does not speak TLS 1.2"),
])
def test_other_versions(root, ca_file, tmp_path, version, words):
    server = pki.Certificate("server", root, names=["localhost"], kind="rsa2048")
    assert words in refused(web.context(server, tmp_path, version=getattr(ssl.TLSVersion, version)), ca_file)


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
def test_other_ciphers(root, ca_file, tmp_path, ciphers):
    """No key exchange by RSA, no CBC, no finite fields."""
    server = pki.Certificate("server", root, names=["localhost"], kind="rsa2048")
    assert "no cipher suite or curve in common" in refused(web.context(server, tmp_path, ciphers=ciphers), ca_file)


def records(data):
    """Whole records of TLS at the beginning of data, and what follows them."""
    found = []
    while len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[3:5], "big"):
        end = 5 + int.from_bytes(data[3:5], "big")
        found.append(data[:end])
        data = data[end:]
    return found, data


class Meddler:
    """Changes the server's n-th record by a function."""

    def __init__(self, index, change):
        self.index, self.change, self.rest, self.seen = index, change, b"", 0

    def __call__(self, direction, data):
        if direction == "up":
            return data
        found, self.rest = records(self.rest + data)
        out = b""
        for record in found:
            out += self.change(record) if self.seen == self.index else record
            self.seen += 1
        return out


def flip_last(record):
    return record[:-1] + bytes([record[-1] ^ 1])


def oversized(record):
    return record[:3] + (18500).to_bytes(2, "big") + b"\0" * 18500


def downgraded(record):
    """ServerHello of TLS 1.1."""
    return record[:9] + b"\x03\x02" + record[11:]


@pytest.mark.parametrize("index, change, words", [
    (0, oversized, "longer than TLS allows"),
    (0, downgraded, "another version than TLS 1.2"),
    (2, flip_last, "has not signed its key exchange"),
    (5, flip_last, "was changed on its way"),
])
def test_meddled_handshake(root, ca_file, tmp_path, index, change, words):
    """Records of the server: its hello, certificate, key exchange, that it is done, CCS, finished."""
    certificate = pki.Certificate("server", root, names=["localhost"])
    with web.Server(web.always(web.answer()), web.context(certificate, tmp_path)) as server:
        server.context.options |= ssl.OP_NO_TICKET
        with web.Relay(server.port, Meddler(index, change)) as relay:
            said = get(relay.port, ca_file)
    assert words in said.error
    assert server.application_bytes == 0


@pytest.mark.parametrize("change, words", [(oversized, "longer than TLS allows"), (flip_last, "changed on its way")])
def test_meddled_answer(root, ca_file, tmp_path, change, words):
    certificate = pki.Certificate("server", root, names=["localhost"])
    with web.Server(web.always(web.answer()), web.context(certificate, tmp_path)) as server:
        server.context.options |= ssl.OP_NO_TICKET
        with web.Relay(server.port, Meddler(6, change)) as relay:
            said = get(relay.port, ca_file, "--print")
    assert words in said.error
    assert "hello" not in said.lines


def test_no_tls_at_all(ca_file):
    def shout(connection, server):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(65536)

    with web.Server(shout) as server:
        assert "it may speak plain HTTP" in get(server.port, ca_file).error


def test_cut_answers(root, ca_file, tmp_path):
    """Without close_notify the end may be an attacker's; with a length, it does not matter."""
    certificate = pki.Certificate("server", root, names=["localhost"])
    context = web.context(certificate, tmp_path)
    endless = b"HTTP/1.1 200 OK\r\n\r\nhello"

    def cut(response):
        def talk(connection, server):
            server.read_request(connection)
            connection.sendall(response)
            connection.shutdown(socket.SHUT_WR)  # of TCP alone
        return talk

    with web.Server(web.once(endless), context) as server:
        assert get(server.port, ca_file).lines == ["200 5", "handshakes 1"]
    with web.Server(cut(endless), context) as server:
        assert "closed the connection without saying so" in get(server.port, ca_file).error
    with web.Server(cut(web.answer()), context) as server:
        assert get(server.port, ca_file).lines == ["200 5", "handshakes 1"]
    with web.Server(cut(web.answer()[:-1]), context) as server:
        assert "closed the connection without saying so" in get(server.port, ca_file).error


def test_silent_server(ca_file):
    """The connection's time, not the request's, bounds the handshake."""
    with web.Server(lambda connection, server: connection.recv(65536) and time.sleep(5)) as server:
        began = time.monotonic()
        said = get(server.port, ca_file, "--connect", 300)
    assert "timed out" in said.error and said.error.startswith("error 11:")
    assert time.monotonic() - began < 3 * SLOWNESS


def test_where_roots_come_from(root, ca_file, tmp_path):
    certificate = pki.Certificate("server", root, names=["localhost"])
    with web.Server(web.always(web.answer()), web.context(certificate, tmp_path)) as server:
        url = f"https://localhost:{server.port}/"
        assert httpget.run(url, env={"SSL_CERT_FILE": str(ca_file)}).lines == ["200 5", "handshakes 1"]
        said = httpget.run(url)
        assert "(/etc/ssl/certs/ca-certificates.crt)" in said.error
        # One that was named must be there, and have something in it.
        assert "No such file" in httpget.run("--ca-file", "/nowhere", url).error
        assert "No such file" in httpget.run(url, env={"SSL_CERT_FILE": "/nowhere"}).error
        assert "there is no certificate in PEM" in httpget.run("--ca-file", "/dev/null", url).error
        # Found in the middle of a large bundle.
        bundle = open("/etc/ssl/certs/ca-certificates.crt", "rb").read()
        ca_file.write_bytes(bundle + b"# a comment\r\n" + root.pem.replace(b"\n", b"\r\n") + bundle)
        assert httpget.run("--ca-file", ca_file, url).lines == ["200 5", "handshakes 1"]
