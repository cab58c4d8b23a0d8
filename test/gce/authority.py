"""A certificate authority for one run of the tests: its key never leaves a directory that goes with the process."""

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path


class Authority:
    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="gce-authority-"))
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.certificate = self.directory / "ca.pem"
        self.key = self.directory / "ca.key"
        openssl("req", "-x509", *new_key(self.key), "-out", self.certificate, "-days", "2", "-subj", "/CN=Throw-away root",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    @functools.cache
    def issue(self, *names):
        """A certificate for these names and addresses, with its key: the path of a file that holds both."""
        stem = self.directory / names[0]
        alternatives = ",".join(f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in names)
        openssl("req", "-new", *new_key(stem.with_suffix(".key")), "-out", stem.with_suffix(".csr"), "-subj", "/CN=server")
        stem.with_suffix(".ext").write_text(f"subjectAltName={alternatives}\nbasicConstraints=critical,CA:FALSE\n")
        openssl("x509", "-req", "-in", stem.with_suffix(".csr"), "-CA", self.certificate, "-CAkey", self.key, "-days", "2",
                "-CAcreateserial", "-extfile", stem.with_suffix(".ext"), "-out", stem.with_suffix(".crt"))
        both = stem.with_suffix(".pem")
        both.write_text(stem.with_suffix(".crt").read_text() + stem.with_suffix(".key").read_text())
        return both


@functools.cache
def authority():
    """The one of this process."""
    return Authority()


def is_address(name):
    return ":" in name or name.replace(".", "").isdigit()


def new_key(path):
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path)


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)
