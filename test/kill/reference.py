"""Debian's reference plugins, killed at points spread over their runs: what a DEL and the next ADD leave or lose.

	/usr/bin/python3 test/kill/reference.py [POINTS]     of each verb of each case
"""

import re
import sys
from collections import Counter
from pathlib import Path

import cases
import trials
from lab import configs
from points import Act
from program import REFERENCE
from trials import Trials
from world import Point

BRIDGE = {**cases.BRIDGE, "isDefaultGateway": False, "isGateway": True}  # the routes are the IPAM's
VERSION = "1.0.0"  # Debian's know no later one
CASES = (
    cases.Case("bridge, ipMasq, host-local", (BRIDGE,), version=VERSION),
    cases.Case("ptp, ipMasq, host-local", ({"type": "ptp", "ipMasq": True, "ipam": cases.RANGES},), version=VERSION),
    cases.Case("host-local", ({"type": "host-local", "ipam": cases.RANGES},), version=VERSION),
    *(cases.Case(case.name, (BRIDGE, case.plugins[-1]), case.others, version=VERSION)
      for case in cases.CASES if case.name in ("portmap", "firewall", "bandwidth", "tuning")),
)
LOSSES = (("a lease", r"/networks/"), ("a link", r"(veth|bwp)\w+"), ("a rule", r"-A |jump|accept|chain |masquerade|dnat|elements"),
          ("a file", r"/(run|tmp|var)/"), ("an address twice", r"an address twice"), ("DEL fails", r"DEL"), ("ADD fails", r"ADD"))


class Sampled(Trials):
    """A run of theirs has thousands of calls, in a dozen threads, in another order each time."""

    def __init__(self, case, cnibox, count):
        super().__init__(case, cnibox)
        self.directory, self.count = REFERENCE, count

    def acts(self, points):
        calls = [point for point in points if point.kind == "call"]
        for number in range(1, len(calls) + 1, max(1, len(calls) // self.count)):
            yield Act("killed", Point("call", 0, number, "any"))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    trials.FAILURES_MAX = sys.maxsize
    every = Counter()
    for case in CASES:
        for verb in ("ADD", "DEL"):
            tried = Sampled(case, Path(configs.REPOSITORY / "build" / "cnibox"), count)
            try:
                tried.run(verb)
            finally:
                tried.close()
            lost = Counter(kind_of(failure) for failure in tried.failures)
            every["points"] += tried.tally[verb, "killed"]
            every["lost"] += len(tried.failures)
            said = ", ".join(f"{n} {kind}" for kind, n in sorted(lost.items()))
            print(f"{case.name} {verb}: {tried.tally[verb, 'killed']} points: {said or 'nothing lost'}", flush=True)
    print(f"all: {every['points']} points, something lost at {every['lost']}")


def kind_of(failure):
    said = failure.partition(": ")[2]
    return next((name for name, pattern in LOSSES if re.search(pattern, said)), "other")


if __name__ == "__main__":
    main()
