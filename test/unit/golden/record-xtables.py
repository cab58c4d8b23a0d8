#!/usr/bin/python3
"""Write xtables.hex: legacy tables as iptables-legacy leaves them in the kernel, a line each: name, family, struct
ipt_getinfo, entries. As root: test/unit/golden/record-xtables.py (it makes its own namespaces)."""

import ctypes
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

OUT = Path(__file__).with_name("xtables.hex")
GET_INFO, GET_ENTRIES = 64, 65  # IPT_SO_*, IP6T_SO_*
INFO_SIZE, NAME_SIZE, ENTRIES_AT = 84, 32, 40
libc = ctypes.CDLL(None, use_errno=True)

# What stands in FORWARD of a busy node, with extensions that cnibox does not know; {} is where its rules would be.
BUSY = """\
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:USER -
:DEEP -
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m comment --comment "no target"
-A FORWARD -m limit --limit 5/sec -j LOG --log-prefix "seen: "
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lo ! -o docker0 -j USER
-A FORWARD -p udp -g DEEP
-A FORWARD -m comment --comment "no target, and the last"
{}-A OUTPUT -m mark --mark 0x4000/0x4000 -j RETURN
-A USER -p tcp -j DEEP
-A USER -m comment --comment "no target"
-A USER -j RETURN
-A DEEP -j REJECT
COMMIT
"""
DROPPING = BUSY.replace("{}", "{}-A FORWARD -j REJECT\n-A FORWARD -j LOG\n")
ACCEPTS = "-A FORWARD -s {0} -j ACCEPT\n-A FORWARD -d {0} -j ACCEPT\n"
EMPTY = "*filter\n:INPUT ACCEPT\n:FORWARD {policy}\n:OUTPUT ACCEPT\n{rules}COMMIT\n"
NAT = "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n{}COMMIT\n"

# Ports of the host: all that cnibox itself can write, in chains; {0} is the pod's subnet, {1} its address as a target.
PORTS = """\
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
:A-CHAIN -
:POD -
:SHARED -
-A PREROUTING -m addrtype --dst-type LOCAL -j SHARED
-A OUTPUT -m conntrack --ctstate DNAT -m comment --comment "a comment" -j ACCEPT
-A POSTROUTING -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A POD ! -s {0} -j RETURN
-A POD ! -i eth0 -j RETURN
-A POD -s {0} -p tcp -m tcp --dport 8080 -j A-CHAIN
-A POD -p tcp -m tcp --dport 8080 -j DNAT --to-destination {1}
-A POD -p udp -m udp --dport 53 -j DNAT --to-destination {1}
-A POD -p sctp -m sctp --dport 9 -j DNAT --to-destination {1}
-A A-CHAIN -j MARK --set-xmark 0x2000/0x2000
-A SHARED -p tcp -m comment --comment "whose" -m multiport --dports 8080,9090 -j POD
COMMIT
"""

# What a rule does, one a line, for the reader's test.
KINDS = [
    "-j ACCEPT", "-j DROP", "-j REJECT", "-j RETURN", "-j LOG", "", "-j USER", "-g USER", "-j NFQUEUE",
    "-s {0} -j ACCEPT", "-d {0} -j ACCEPT", "! -s {0} -j ACCEPT", "! -d {0} -j DROP", "-s {0} -d {0} -j ACCEPT",
    "-s {1} -j ACCEPT", "-i lo -j DROP", "! -o cni0 -j DROP", "-i eth+ -j DROP", "-p tcp -j DROP",
    "-m comment --comment c -j DROP", "-m comment --comment c -m limit --limit 5/sec -j DROP",
]


def hexes(level, family, table):
    """The table as the kernel gives it: struct ipt_getinfo, then the entries."""
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        info = ask(sock, level, GET_INFO, table, b"", INFO_SIZE)
        size = struct.unpack_from("=I", info, INFO_SIZE - 4)[0]
        entries = ask(sock, level, GET_ENTRIES, table, struct.pack("=I", size), ENTRIES_AT + size)
    return f"{info.hex()} {entries[ENTRIES_AT:].hex()}"


def ask(sock, level, option, table, rest, size):
    buf = ctypes.create_string_buffer(table.encode().ljust(NAME_SIZE, b"\0") + rest, size)
    length = ctypes.c_uint32(size)
    if libc.getsockopt(sock.fileno(), level, option, buf, ctypes.byref(length)):
        raise OSError(ctypes.get_errno(), f"getsockopt {option}")
    return buf.raw


def record(out, version, name, text, table="filter"):
    tool = "iptables-legacy-restore" if version == 4 else "ip6tables-legacy-restore"
    subprocess.run(["unshare", "-n", sys.executable, __file__, "inside", tool, str(version), table],
                   input=text, text=True, check=True, stdout=out.open("a"),
                   env={**os.environ, "NAME": name, "XTABLES_LOCKFILE": "/dev/null"})


def inside(tool, version, table):
    subprocess.run([tool], input=sys.stdin.read(), text=True, check=True)
    level, family = (socket.SOL_IP, socket.AF_INET) if version == "4" else (socket.IPPROTO_IPV6, socket.AF_INET6)
    print(os.environ["NAME"], version, hexes(level, family, table))


def main():
    OUT.write_text("")
    for version, network, subnet, odd in ((4, "10.244.0.0/16", "10.244.0.0/24", "10.0.0.1/255.0.0.255"),
                                          (6, "fd00:10:244::/48", "fd00:10:244::/64", "fd00::1/ff00::ff")):
        accepts = ACCEPTS.format(network)
        record(OUT, version, "empty", EMPTY.format(policy="DROP", rules=""))
        record(OUT, version, "empty+", EMPTY.format(policy="DROP", rules=accepts))
        record(OUT, version, "busy", BUSY.format(""))
        record(OUT, version, "busy+", BUSY.format(accepts))
        record(OUT, version, "dropping", DROPPING.format(""))
        record(OUT, version, "dropping+", DROPPING.format(accepts))
        kinds = "".join(f"-A FORWARD {kind.format(network, odd)}\n" for kind in KINDS)
        record(OUT, version, "kinds", EMPTY.format(policy="DROP", rules=":USER -\n" + kinds))
        record(OUT, version, "nat", NAT.format(""), "nat")
        record(OUT, version, "all", NAT.format(f"-A POSTROUTING -s {subnet} ! -o cni0 -j MASQUERADE\n"), "nat")
        record(OUT, version, "ports", PORTS.format(subnet, "10.244.0.2:80" if version == 4 else "[fd00:10:244::2]:80"), "nat")
        record(OUT, version, "outside", NAT.format(f"-A POSTROUTING -s {subnet} ! -d {network} -j MASQUERADE\n"), "nat")


if __name__ == "__main__":
    inside(*sys.argv[2:]) if sys.argv[1:2] == ["inside"] else main()
