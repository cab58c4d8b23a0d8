#!/usr/bin/env python3
"""Make the C source of the roots that are built in (src/http/trust.h) from Debian's ca-certificates.

	tools/roots.py >roots.c

Google's own roots and GlobalSign's, by which Google's are cross-signed: what *.googleapis.com needs
on a node that has no bundle. A name that the installed package does not have is an error: then
Google's list of roots has changed, and this one must follow.
"""
import base64
import pathlib
import re
import sys

FOLDER = pathlib.Path("/usr/share/ca-certificates/mozilla")
ROOTS = [
    "GTS_Root_R1", "GTS_Root_R2", "GTS_Root_R3", "GTS_Root_R4",
    "GlobalSign_Root_CA", "GlobalSign_Root_CA_-_R3", "GlobalSign_Root_CA_-_R6",
    "GlobalSign_ECC_Root_CA_-_R4", "GlobalSign_ECC_Root_CA_-_R5",
]
SEQUENCE, INTEGER, OID, BIT_STRING, VERSION = 0x30, 0x02, 0x06, 0x03, 0xA0
RSA = bytes.fromhex("2a864886f70d010101")
CURVES = {bytes.fromhex("2a8648ce3d030107"): "BR_EC_secp256r1", bytes.fromhex("2b81040022"): "BR_EC_secp384r1"}


def take(der, tag=None):
    """The first element of der: its tag, its content, all of it, and what follows."""
    length, head = der[1], 2
    if length >= 0x80:
        head += length - 0x80
        length = int.from_bytes(der[2:head], "big")
    if tag is not None and der[0] != tag:
        sys.exit(f"roots: a certificate has {der[0]:#x} where {tag:#x} belongs")
    end = head + length
    return der[0], der[head:end], der[:end], der[end:]


def parse(der):
    """The subject of a certificate, as DER, and its key: ("RSA", n, e) or (curve, point)."""
    rest = take(take(der, SEQUENCE)[1], SEQUENCE)[1]
    if rest[0] == VERSION:
        rest = take(rest)[3]
    for _ in "serial signature issuer validity".split():
        rest = take(rest)[3]
    _, _, subject, rest = take(rest, SEQUENCE)
    _, algorithm, _, bits = take(take(rest, SEQUENCE)[1], SEQUENCE)
    _, oid, _, parameters = take(algorithm, OID)
    bits = take(bits, BIT_STRING)[1][1:]
    if oid != RSA:
        return subject, (CURVES[take(parameters, OID)[1]], bits)
    _, n, _, rest = take(take(bits, SEQUENCE)[1], INTEGER)
    return subject, ("RSA", n.lstrip(b"\0"), take(rest, INTEGER)[1].lstrip(b"\0"))


def array(name, data):
    rows = [data[i:i + 16] for i in range(0, len(data), 16)]
    body = ",\n".join("\t" + ", ".join(f"0x{b:02x}" for b in row) for row in rows)
    return f"static const unsigned char {name}[] = {{\n{body},\n}};\n"


def main():
    arrays, entries = [], []
    for i, name in enumerate(ROOTS):
        path = FOLDER / f"{name}.crt"
        if not path.exists():
            sys.exit(f"roots: {path} is missing: ca-certificates has no longer this root of Google's or GlobalSign's."
                     " Compare with https://pki.goog/roots.pem and change ROOTS in tools/roots.py")
        pem = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", path.read_text(), re.S).group(1)
        subject, key = parse(base64.b64decode(pem))
        arrays.append(f"\n/* {name} */\n" + array(f"dn_{i}", subject))
        if key[0] == "RSA":
            arrays.append(array(f"n_{i}", key[1]) + array(f"e_{i}", key[2]))
            value = (f"{{BR_KEYTYPE_RSA, {{.rsa = {{(unsigned char *)n_{i}, sizeof(n_{i}), "
                     f"(unsigned char *)e_{i}, sizeof(e_{i})}}}}}}")
        else:
            arrays.append(array(f"q_{i}", key[1]))
            value = f"{{BR_KEYTYPE_EC, {{.ec = {{{key[0]}, (unsigned char *)q_{i}, sizeof(q_{i})}}}}}}"
        entries.append(f"\t{{{{(unsigned char *)dn_{i}, sizeof(dn_{i})}}, BR_X509_TA_CA, {value}}},\n")
    print("/* Made by tools/roots.py from Debian's ca-certificates. */")
    print('#include "http/trust.h"')
    print("".join(arrays))
    print("const br_x509_trust_anchor trust_builtin[] = {\n" + "".join(entries) + "};")
    print(f"const size_t trust_builtin_count = {len(ROOTS)};")


main()
