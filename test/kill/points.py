"""What is done at which point of a run."""

import errno
from dataclasses import dataclass
from itertools import count

from world import Point

# What a program cannot see fail, or cannot be denied.
CANNOT_FAIL = {"exit", "exit_group", "arch_prctl", "set_tid_address", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
               "clock_gettime", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "umask",
               "sigaltstack", "munmap", "prlimit64", "sched_yield", "restart_syscall"}

# Errors that fit a call.
FILES = ("EIO", "EACCES", "EINTR")
FITS = {
    "openat": ("EMFILE", "EACCES", "ENOSPC", "EIO", "EINTR"), "open": ("EMFILE", "EACCES", "ENOSPC", "EIO", "EINTR"),
    "write": ("ENOSPC", "EIO", "EINTR"), "writev": ("ENOSPC", "EIO", "EINTR"),
    "read": ("EIO", "EINTR"), "pread64": ("EIO", "EINTR"),
    "mmap": ("ENOMEM",), "brk": ("ENOMEM",), "mremap": ("ENOMEM",), "mprotect": ("ENOMEM",),
    "socket": ("EMFILE", "ENOMEM", "EACCES"), "bind": ("ENOMEM", "EBUSY"), "connect": ("EACCES", "EINTR", "EIO"),
    "sendto": ("ENOMEM", "EINTR"), "sendmsg": ("ENOMEM", "EINTR"), "recvmsg": ("ENOMEM", "EINTR"),
    "recvfrom": ("ENOMEM", "EINTR"), "setsockopt": ("ENOMEM", "EBUSY"), "getsockopt": ("ENOMEM", "EACCES"),
    "poll": ("EINTR", "ENOMEM"), "ppoll": ("EINTR", "ENOMEM"),
    "flock": ("EINTR", "EIO", "ENOMEM"), "fcntl": ("EMFILE", "EACCES"),
    "unlink": ("EIO", "EACCES", "EBUSY"), "unlinkat": ("EIO", "EACCES", "EBUSY"), "rmdir": ("EBUSY", "EIO"),
    "rename": ("ENOSPC", "EIO", "EBUSY"), "renameat": ("ENOSPC", "EIO", "EBUSY"), "linkat": ("ENOSPC", "EIO"),
    "mkdir": ("ENOSPC", "EACCES", "EIO"), "mkdirat": ("ENOSPC", "EACCES", "EIO"), "symlink": ("ENOSPC", "EACCES"),
    "ftruncate": ("ENOSPC", "EIO", "EINTR"), "fallocate": ("ENOSPC", "EIO", "EINTR"),
    "fsync": ("EIO", "ENOSPC"), "fchmod": ("EACCES", "EIO"), "utimensat": ("EACCES", "EIO"),
    "fstat": ("EIO", "ENOMEM"), "stat": FILES, "lstat": FILES, "newfstatat": FILES, "getdents64": ("EIO", "ENOMEM"),
    "setns": ("ENOMEM", "EACCES"), "clone": ("ENOMEM", "EAGAIN"), "fork": ("ENOMEM", "EAGAIN"),
    "vfork": ("ENOMEM", "EAGAIN"), "execve": ("ENOMEM", "EACCES"), "wait4": ("EINTR",),
    "close": ("EIO", "EINTR"), "chdir": ("EACCES", "EIO"), "dup2": ("EMFILE", "EBUSY"), "pipe2": ("EMFILE",),
}
OTHERS = ("EIO", "ENOMEM")
REFUSALS = ("EPERM", "ENOMEM", "EBUSY", "EIO")

# So a kernel speaks that has never heard of it. Of nf_tables' questions, and of what is new to it, a program believes that, and
# goes on as where there is none: it has legacy iptables' tables, or nothing to remove. Of a way to an address: that there is none.
NEVER_HEARD = ("EINVAL", "EOPNOTSUPP")
RTM_GETROUTE = 26
NFNL = 0x100  # messages of nfnetlink's are above it: subsystem, and number within that
DELETIONS = {0x0102, *(0x0a00 | number for number in (2, 5, 8, 11, 14))}  # a flow; a table, chain, rule, set, element

# As the program says them: musl's words.
WORDS = {"EPERM": "Operation not permitted", "ENOMEM": "Out of memory", "EBUSY": "Resource busy", "EIO": "I/O error",
         "EINVAL": "Invalid argument", "EOPNOTSUPP": "Not supported", "EACCES": "Permission denied", "ENOSPC": "No space left on device",
         "EINTR": "Interrupted system call", "EMFILE": "No file descriptors available", "EAGAIN": "Resource temporarily unavailable"}


@dataclass(frozen=True)
class Act:
    """killed: before a call. failed: a call. refused: a message; the kernel has not done it. denied: it has, but its
    answer says no."""
    what: str
    point: Point
    error: str = ""

    def __str__(self):
        return f"{self.what} {self.error + ' ' if self.error else ''}at {self.point}"

    @property
    def options(self):
        letter = {"killed": "-k", "failed": "-f", "refused": "-r", "denied": "-a"}[self.what]
        error = ("-e", str(getattr(errno, self.error))) if self.error else ()
        only = ("-w", str(self.point.code)) if self.point.code >= 0 else ()
        return ("-p", str(self.point.process), *only, letter, str(self.point.number), *error)


def can_be_unheard_of(message):
    message = int(message)
    return message in DELETIONS if message > NFNL else message != RTM_GETROUTE


def acts(points, every=1, offset=0):
    """All that can be done; or of each kind every so manyth, with one of the errors that fit."""
    calls = [point for point in points if point.kind == "call"]
    faulty = [point for point in calls if point.what not in CANNOT_FAIL]
    requests = [point for point in points if point.kind == "request"]
    answers = [point for point in points if point.kind == "answer"]
    whole = every == 1
    found = [Act("killed", point) for point in calls[offset % every::every]]
    rotation = count(offset)
    for point in faulty[offset % every::every]:
        errors = FITS.get(point.what, OTHERS)
        turn = next(rotation)
        found += [Act("failed", point, error) for error in (errors if whole else [errors[turn % len(errors)]])]
    for what, some in (("refused", requests), ("denied", answers)):
        for point, turn in zip(some[offset % every::every], rotation):
            kinds = [REFUSALS, NEVER_HEARD] if can_be_unheard_of(point.what) else [REFUSALS]
            kinds = kinds if whole else [kinds[turn % len(kinds)]]
            found += [Act(what, point, errors[turn // 2 % len(errors)]) for errors in kinds]
    return found
