"""What is done at which point of a run."""

import errno
from dataclasses import dataclass
from itertools import cycle

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
# Not EINVAL, EOPNOTSUPP: so a kernel speaks that has never heard of it.
REFUSALS = ("EPERM", "ENOMEM", "EBUSY", "EIO")


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
        return ("-p", str(self.point.process), letter, str(self.point.number), *error)


def acts(points, every=1, offset=0):
    """All that can be done; or of each kind every so manyth, with one of the errors that fit."""
    calls = [point for point in points if point.kind == "call"]
    faulty = [point for point in calls if point.what not in CANNOT_FAIL]
    requests = [point for point in points if point.kind == "request"]
    answers = [point for point in points if point.kind == "answer"]
    whole = every == 1
    found = [Act("killed", point) for point in calls[offset % every::every]]
    rotation = cycle(range(offset, offset + 5))
    for point in faulty[offset % every::every]:
        errors = FITS.get(point.what, OTHERS)
        turn = next(rotation)
        found += [Act("failed", point, error) for error in (errors if whole else [errors[turn % len(errors)]])]
    for what, some in (("refused", requests), ("denied", answers)):
        found += [Act(what, point, REFUSALS[turn % len(REFUSALS)])
                  for point, turn in zip(some[offset % every::every], rotation)]
    return found
