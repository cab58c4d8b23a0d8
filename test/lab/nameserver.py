"""A name server for tests (RFC 1035), which answers as it is told and notes what it was asked.

	nameserver.py ADDRESS ANSWERS.json

ANSWERS: {"name": {"A": [...], "AAAA": [...], "CNAME": "target", "how": WORD}}; what is not there does not exist. how:
"servfail", "silent", "truncated" (by UDP), "wrong id", "wrong name", "wrong type" (followed by the right one). Each
question is a line on standard output: "udp|tcp NAME TYPE".
"""

import ipaddress
import json
import socket
import sys
import threading

A, CNAME, AAAA = 1, 5, 28
SERVFAIL, NXDOMAIN = 2, 3


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def decode_question(message):
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), int.from_bytes(message[at + 1:at + 3], "big")


def record(name, kind, data):
    return encode_name(name) + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data


def records(answers, name, kind):
    found, seen = [], 0
    while "CNAME" in answers.get(name.lower(), {}) and seen < 8:
        target = answers[name.lower()]["CNAME"]
        found.append(record(name, CNAME, encode_name(target)))
        name, seen = target, seen + 1
    for text in answers.get(name.lower(), {}).get({A: "A", AAAA: "AAAA"}.get(kind, ""), []):
        found.append(record(name, kind, ipaddress.ip_address(text).packed))
    return found


def reply(query, rcode=0, found=(), flags=0x8180, question=None, id=None):
    question = question or query[12:]
    header = (id or query[:2]) + (flags | rcode).to_bytes(2, "big") + b"\0\1" + len(found).to_bytes(2, "big") + b"\0" * 4
    return header + question + b"".join(found)


def replies(answers, query, by_udp):
    name, kind = decode_question(query)
    print("udp" if by_udp else "tcp", name, {A: "A", AAAA: "AAAA"}[kind], flush=True)
    known = answers.get(name.lower())
    how = (known or {}).get("how")
    if how == "silent":
        return
    if how == "servfail":
        yield reply(query, SERVFAIL)
        return
    if known is None:
        yield reply(query, NXDOMAIN)
        return
    evil = [record(name, kind, ipaddress.ip_address("192.0.2.66" if kind == A else "2001:db8::66").packed)]
    if how == "wrong id":
        yield reply(query, 0, evil, id=bytes(byte ^ 0xff for byte in query[:2]))
    if how == "wrong name":
        yield reply(query, 0, evil, question=encode_name("evil.example") + query[-4:])
    if how == "wrong type":
        yield reply(query, 0, evil, question=query[12:-4] + b"\0\x0f\0\1")
    if how == "wrong owner":
        yield reply(query, 0, [record("evil.example", kind, evil[0][-(4 if kind == A else 16):])] + records(answers, name, kind))
        return
    if how == "truncated" and by_udp:
        yield reply(query, 0, flags=0x8380)
        return
    yield reply(query, 0, records(answers, name, kind))


def serve_tcp(listener, answers):
    while True:
        connection, _ = listener.accept()
        with connection:
            length = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
            for message in replies(answers, connection.recv(length, socket.MSG_WAITALL), False):
                connection.sendall(len(message).to_bytes(2, "big") + message)


def main():
    address, answers = sys.argv[1], json.loads(sys.argv[2])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 53), family=family)
    threading.Thread(target=serve_tcp, args=(listener, answers), daemon=True).start()
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((address, 53))
    print("ready", flush=True)
    while True:
        query, peer = udp.recvfrom(512)
        for message in replies(answers, query, True):
            udp.sendto(message, peer)


if __name__ == "__main__":
    main()
