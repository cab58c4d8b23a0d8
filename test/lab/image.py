"""A container image made of busybox alone: an OCI archive, as `ctr image import` and `podman load` read it."""

import functools
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
NAME = "localhost/lab:1"

DIRECTORIES = ("dev", "etc", "proc", "sys", "tmp")
COMMANDS = ("ip", "ping", "sh", "sleep")
# Ends when it is told to: init of a process namespace gets only the signals that it asks for.
COMMAND = ["sh", "-c", "trap exit TERM; echo ready; sleep 3600 & wait"]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}

OCI = "application/vnd.oci.image"


@functools.cache
def archive():
    """The archive's bytes, the same every time."""
    layer = tar({"bin/busybox": BUSYBOX.read_bytes()}, DIRECTORIES, {f"bin/{name}": "busybox" for name in COMMANDS})
    blobs = {}

    def blob(kind, content):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    layers = [blob("layer.v1.tar", layer)]
    config = blob("config.v1+json", {
        "architecture": ARCHITECTURE[platform.machine()], "os": "linux",
        "config": {"Cmd": COMMAND, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in layers]}})
    manifest = blob("manifest.v1+json", {"schemaVersion": 2, "config": config, "layers": layers})
    manifest["annotations"] = {"org.opencontainers.image.ref.name": NAME, "io.containerd.image.name": NAME}
    index = {"schemaVersion": 2, "manifests": [manifest]}
    return tar({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode(), **blobs})


def tar(files, directories=(), links=None):
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as into:
        for name in directories:
            into.addfile(member(name, tarfile.DIRTYPE))
        for name, content in files.items():
            entry = member(name, tarfile.REGTYPE)
            entry.size = len(content)
            into.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = member(name, tarfile.SYMTYPE)
            entry.linkname = target
            into.addfile(entry)
    return written.getvalue()


def member(name, kind):
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = 0o755
    return entry
