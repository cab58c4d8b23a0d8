"""Certificates for tests of TLS, good and bad ones, by python3-cryptography (which is OpenSSL)."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow()
CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
_keys = {}


def new_key(kind):
    """"rsa2048", "p256", ...; RSA keys, which take long, are made once per process."""
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind]())
    if kind not in _keys:
        _keys[kind] = rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))
    return _keys[kind]


def general_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Certificate:
    """A certificate and its key; issued by another one, or by itself."""

    def __init__(self, common_name, issuer=None, kind="p256", names=(), ca=False, days=(-1, 30), hash=None,
                 usage=None, purposes=None, key=None):
        self.key = key or new_key(kind)
        self.issuer = issuer
        signer = issuer.key if issuer else self.key
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (x509.CertificateBuilder().subject_name(self.name)
                   .issuer_name(issuer.name if issuer else self.name)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(NOW + days[0] * DAY).not_valid_after(NOW + days[1] * DAY))
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), critical=False)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if usage:
            builder = builder.add_extension(key_usage(usage), critical=True)
        self.certificate = builder.sign(signer, hash or hashes.SHA256())

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, form="PKCS8"):
        """PKCS8, or TraditionalOpenSSL: PKCS#1 for RSA, SEC1 for EC."""
        return self.key.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form),
                                      serialization.NoEncryption())

    def chain(self):
        """This one and those above it, without the root."""
        return self.pem + (self.issuer.chain() if self.issuer and self.issuer.issuer else b"")

    def write(self, folder, name, form="PKCS8", chain=None):
        """NAME.pem with the chain and NAME.key. Gives both paths."""
        folder = Path(folder)
        (folder / f"{name}.pem").write_bytes(self.chain() if chain is None else chain)
        (folder / f"{name}.key").write_bytes(self.key_pem(form))
        return folder / f"{name}.pem", folder / f"{name}.key"


def key_usage(*words):
    every = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    wanted = words[0] if words and not isinstance(words[0], str) else words
    return x509.KeyUsage(**{word: word in wanted for word in every})


SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
