"""test/unit/http_get.c, which drives the HTTP client, and what it says."""

import os
import subprocess
from pathlib import Path

from lab import configs

PROGRAM = Path(os.environ.get("HTTP_GET", configs.REPOSITORY / "build" / "http_get"))


class Said:
    def __init__(self, done):
        self.exit_status = done.returncode
        self.trace = done.stderr
        self.lines = done.stdout.splitlines()
        self.handshakes = next((int(line.split()[1]) for line in self.lines if line.startswith("handshakes ")), None)
        self.errors = [line for line in self.lines if line.startswith("error ")]
        self.error = self.errors[0] if self.errors else None

    def __repr__(self):
        return f"{self.exit_status}: {self.lines}\n{self.trace}"


def run(*words, env=None, prefix=(), timeout=60):
    """Without the caller's proxies and bundles."""
    done = subprocess.run([*prefix, PROGRAM, *map(str, words)], env={"PATH": os.environ["PATH"], **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    said = Said(done)
    assert done.returncode in (0, 1), said
    assert (done.returncode == 1) == bool(said.errors), said
    return said
