"""A node for soak.py: SOAK_SEED, SOAK_OPERATIONS, SOAK_SECONDS in the environment say how long, and which schedule."""

import json
import os

import pytest
import soak
from cases import APPLETS
from lab import Node

SEED = int(os.environ.get("SOAK_SEED", "1"))
OPERATIONS = int(os.environ.get("SOAK_OPERATIONS", "2000"))
SECONDS = int(os.environ.get("SOAK_SECONDS", "40"))


@pytest.mark.timeout(SECONDS + 300)
def test_soak(cnibox, record_property):
    with Node(firewall=True) as node:
        node.install(cnibox, *APPLETS)
        for kind in soak.kinds("/opt/cni/bin"):
            if kind.ported:  # what cni-gc reads
                node.write(f"/etc/cni/net.d/{kind.network}.conflist", json.dumps(
                    {"cniVersion": "1.0.0", "name": kind.network, "plugins": kind.plugins}))
        node.copy(soak.__file__, "/tmp/soak.py")  # it need not see where that is: it has a /var and more of its own
        done = node.run("/usr/bin/python3", "/tmp/soak.py", SEED, OPERATIONS, SECONDS, "/opt/cni/bin",
                        check=False)
        said = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"wrong": done.stderr, "operations": 0, "of": {}}
    record_property("tried", {f"soak, seed {SEED}: {what}": n for what, n in said["of"].items()})
    assert said["wrong"] is None, f"make soak SEED={SEED} OPERATIONS={OPERATIONS}: {said}"
    assert said["operations"] >= min(OPERATIONS, 64)

