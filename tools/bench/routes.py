"""`gce-routes list` of a network with 10,000 routes, of the stand-in for Google's API that the tests have."""

import os
import re
import statistics
import subprocess
import time
from pathlib import Path

from lab import CloudShell, LabError
from timings import Outcome

ROUTES = 10000
FORMS = ("table", "json", "value(name)")


def fill(cloud):
    network = cloud.link("global", "networks", "default")
    hop = cloud.link("zones", "us-west2-b", "instances", "k8s-master")
    for i in range(ROUTES):
        name = f"route-{i:05d}"
        cloud.routes[name] = {
            "kind": "compute#route", "id": str(i), "creationTimestamp": "2026-11-26T00:00:00.000-07:00", "name": name,
            "description": "", "network": network, "destRange": f"10.{i >> 8}.{i & 255}.0/24", "priority": 1000,
            "routeType": "STATIC", "nextHopInstance": hop, "selfLink": cloud.link("global", "routes", name)}


class Routes:
    name = "routes"
    title = f"gce-routes list, {ROUTES} routes"
    rounds = 5

    def run(self, options):
        rounds = options.rounds or (2 if options.quick else self.rounds)
        with CloudShell(options.build / "cnibox") as shell:
            fill(shell.google.cloud)
            data = {form: self._measure(shell, form, rounds) for form in FORMS}
        said = [f"{self.title}: ms; what the server, in Python, takes for its pages is in the first figure"
                f"\n  {'':46}    until the end      CPU  peak KiB  requests"]
        for form, got in data.items():
            said.append(f"  --format={form:37}{got['ms']:17.1f}{got['cpu_ms']:9.1f}{got['peak_kib']:10}{got['requests']:10}")
        return Outcome(self.name, self.title, "\n".join(said), data)

    def _measure(self, shell, form, rounds):
        api = shell.google.api
        before = len(api.requests)
        peak = self._peak(shell, form)
        requests = len(api.requests) - before
        times = [self._time(shell, form) for _ in range(rounds)]
        return {"ms": statistics.median(wall for wall, _ in times), "cpu_ms": statistics.median(cpu for _, cpu in times),
                "peak_kib": peak, "requests": requests}

    @staticmethod
    def _start(shell, form):
        return shell.popen("gce-routes", "list", f"--format={form}", text=False, stderr=subprocess.DEVNULL)

    @classmethod
    def _peak(cls, shell, form):
        """As it is when the last of the pages is asked for, and the output, which nobody reads yet, has begun."""
        marks = []

        def look(_):
            status = Path(f"/proc/{child.pid}/status").read_text()
            marks.append(int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M)[1]))

        shell.google.api.fault(where=look)
        child = cls._start(shell, form)
        cls._finish(child)
        shell.google.api.faults.pop()
        return max(marks)

    @staticmethod
    def _finish(child):
        said = child.stdout.read()
        if len(set(re.findall(rb"route-\d{5}", said))) != ROUTES or child.wait():
            raise LabError("gce-routes list: not all routes")

    @classmethod
    def _time(cls, shell, form):
        """(until all is said, processor time), of nsenter before it, too."""
        begin, spent = time.monotonic(), os.times()
        cls._finish(cls._start(shell, form))
        after = os.times()
        cpu = after.children_user + after.children_system - spent.children_user - spent.children_system
        return 1000 * (time.monotonic() - begin), 1000 * cpu
