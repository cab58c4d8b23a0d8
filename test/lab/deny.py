#!/usr/bin/python3
"""Run a command whose system calls are refused as a sandbox (or an old kernel) would: with seccomp.

usage: deny.py CALL[:ARGUMENT=VALUE] ERROR COMMAND...     deny.py socket:0=10 EAFNOSUPPORT ping ::1
"""

import ctypes
import errno
import os
import struct
import sys

CALLS = {
    "x86_64": {"socket": 41, "getsockopt": 55, "close_range": 436},
    "aarch64": {"socket": 198, "getsockopt": 209, "close_range": 436},
}

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, ARGUMENTS = 0, 16  # offsets in struct seccomp_data


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def instruction(code, k, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, k)


def filter_of(call, error):
    """Allow everything but that call, or that call with that argument."""
    name, _, condition = call.partition(":")
    tests = [(NUMBER, CALLS[os.uname().machine][name])]
    if condition:
        argument, value = map(int, condition.split("="))
        tests.append((ARGUMENTS + 8 * argument, value))
    code = []
    for i, (offset, value) in enumerate(tests):
        to_allow = 2 * (len(tests) - i) - 1
        code += [instruction(LOAD, offset), instruction(JUMP_EQUAL, value, 0, to_allow)]
    return code + [instruction(RETURN, RET_ERRNO | getattr(errno, error)), instruction(RETURN, RET_ALLOW)]


def main():
    call, error, *command = sys.argv[1:]
    code = filter_of(call, error)
    program = Program(len(code), b"".join(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program)):
        sys.exit(f"deny: seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
