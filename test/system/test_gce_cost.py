"""What gce-routes costs: memory for long lists, processor time and handshakes for a route."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import SLOWNESS

pytestmark = pytest.mark.once

MASTER = ["gce-routes", "create", "k8s-master", "--destination-range", "10.244.0.0/24", "--network", "default",
          "--next-hop-instance-zone", "us-west2-b", "--next-hop-instance", "k8s-master"]
KIB_MOST = 3 * 1024
MS_MOST = 10


def fill(shell, n):
    cloud = shell.google.cloud
    for i in range(n):
        name = f"cnibox-k8s-worker-{i:012d}"
        cloud.routes[name] = {
            "kind": "compute#route", "id": str(i), "creationTimestamp": "2026-11-26T00:00:00.000-07:00", "name": name,
            "description": f"cnibox cluster=kubernetes node=k8s-worker-{i}", "network": cloud.link("global", "networks", "default"),
            "destRange": f"10.{i >> 8}.{i & 255}.0/24", "priority": 1000, "routeType": "STATIC",
            "nextHopInstance": cloud.link("zones", "us-west2-b", "instances", "k8s-master"),
            "selfLink": cloud.link("global", "routes", name)}


def high_water_mark(pid):
    """KiB of memory that a process has had at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"^Name:\t(gce-routes|cnibox)$", status, re.M), status
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M)[1])


@pytest.mark.bare
@pytest.mark.parametrize("form", ["table", "json", "value(name)"])
def test_memory_for_ten_thousand_routes(shell, form):
    """As it is when the last page is asked for, and when the output, which nobody reads yet, has begun. (ru_maxrss of
    wait4 would be that of what started it.)"""
    fill(shell, 10000)
    marks = []

    def look(_):
        if len(shell.google.api.requests) == 20:
            marks.append(high_water_mark(child.pid))

    shell.google.api.fault(where=look)
    child = shell.popen("gce-routes", "list", f"--format={form}", text=False)
    said = os.read(child.stdout.fileno(), 1)
    if form == "table":
        marks.append(high_water_mark(child.pid))
    said += child.communicate()[0]
    assert child.returncode == 0
    assert len(set(re.findall(rb"cnibox-k8s-worker-\d{12}", said))) == 10000
    print(f"{form}: {marks} KiB")
    assert max(marks) < KIB_MOST


def cpu_ms(shell, *command, env=None):
    """User and system time of a command, with that of nsenter before it."""
    with subprocess.Popen(shell._entered(command), env={"PATH": os.environ["PATH"] + ":/opt/cni/bin", **(env or {})},
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return (usage.ru_utime + usage.ru_stime) * 1000


@pytest.mark.bare
def test_processor_time_of_a_route(shell):
    """The least of several rounds, as others disturb and nobody helps; less what starting a program costs."""
    rounds, idle = [], []
    for i in range(12):
        command = [word.replace("k8s-master", f"r{i}") if n == 2 else word for n, word in enumerate(MASTER)]
        idle.append(cpu_ms(shell, "gce-routes", "--version"))
        rounds.append(cpu_ms(shell, *command))
    spent = min(rounds) - min(idle)
    print(f"a route: {spent:.1f} ms, beside {min(idle):.1f} ms for the start")
    assert spent < MS_MOST * SLOWNESS


def test_handshakes_of_a_route(shell):
    shell.run(*MASTER)
    assert shell.google.api.handshakes == 1
