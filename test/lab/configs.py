"""The configurations of configs/cni: what users copy is what tests and demo run."""

import json
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DIRECTORY = REPOSITORY / "configs" / "cni"

MASTER = "10-bash-cni-plugin.master.conf"
WORKER = "10-bash-cni-plugin.worker.conf"
LIST = "10-bash-cni.conflist"
DUAL_STACK = "10-bash-cni-dual-stack.conflist"
CONTAINERD = "10-containerd-net.conflist"
PODMAN = "87-podman.conflist"
HOSTPORT = "10-hostport.conflist"

# Where the walkthrough puts its file.
INSTALLED = "/etc/cni/net.d/10-bash-cni-plugin.conf"


def load(file=MASTER, /, **changes):
    """A configuration with some keys changed; None removes one."""
    conf = {**json.loads((DIRECTORY / file).read_text()), **changes}
    return {key: value for key, value in conf.items() if value is not None}
