#!/usr/bin/python3
"""A bus of D-Bus in a node, and on it a firewalld that remembers what it was asked: this file, run as a program."""

import json
import sys
from pathlib import Path

SOCKET = "/run/dbus/system_bus_socket"
CALLS = "/tmp/firewalld-calls"
# Whoever comes may do anything on it: nobody else can come.
CONFIGURATION = """\
<busconfig>
  <type>system</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/> <allow receive_sender="*"/> <allow own="*"/> <allow user="*"/>
  </policy>
</busconfig>
"""


def start_bus(node, path=SOCKET):
    """dbus-daemon, when it listens."""
    node.write("/tmp/bus.conf", CONFIGURATION.format(path))
    node.run("mkdir", "-p", path.rsplit("/", 1)[0])
    bus = node.popen("dbus-daemon", "--config-file=/tmp/bus.conf", "--nofork", "--nopidfile", "--print-address")
    assert path in bus.stdout.readline()
    return bus


def start(node, *said, path=SOCKET):
    """A firewalld, when it has its name. `said`: what it answers to addSource in place of doing it."""
    program = Path(__file__).read_text()  # a node need not see where it is: it has a /tmp of its own
    child = node.popen("/usr/bin/python3", "-c", program, *said, env={"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}"})
    assert child.stdout.readline() == "ready\n"
    return child


def stop(child):
    child.kill()
    child.wait()


def calls(node):
    """What it was asked since the last look: [method, zone, source]."""
    asked = [json.loads(line) for line in node.sh(f"cat {CALLS} 2>/dev/null || true").splitlines()]
    node.run("rm", "-f", CALLS)
    return asked


def serve(refusal=None):
    import dbus
    import dbus.mainloop.glib
    import dbus.service
    from gi.repository import GLib

    zones = {"trusted": set(), "pods": set()}

    class Refused(dbus.DBusException):
        _dbus_error_name = "org.fedoraproject.FirewallD1.Exception"

    def demand(true, *words):
        if not true:
            raise Refused(": ".join(words))

    def asked(method, zone, source):
        with open(CALLS, "a", encoding="utf-8") as file:
            print(json.dumps([method, zone, source]), file=file)
        demand(zone in zones, "INVALID_ZONE", zone)

    class FirewallD1(dbus.service.Object):
        """As firewalld's own: server/firewalld.py, core/fw_zone.py."""
        @dbus.service.method("org.fedoraproject.FirewallD1.zone", in_signature="ss", out_signature="s")
        def addSource(self, zone, source):
            asked("addSource", zone, source)
            demand(not refusal, refusal or "")
            demand(source not in zones[zone], "ZONE_ALREADY_SET", f"'{source}' already bound to '{zone}'")
            zones[zone].add(source)
            return zone

        @dbus.service.method("org.fedoraproject.FirewallD1.zone", in_signature="ss", out_signature="s")
        def removeSource(self, zone, source):
            asked("removeSource", zone, source)
            demand(source in zones[zone], "UNKNOWN_SOURCE", source)
            zones[zone].remove(source)
            return zone

        @dbus.service.method("org.fedoraproject.FirewallD1.zone", in_signature="ss", out_signature="b")
        def querySource(self, zone, source):
            asked("querySource", zone, source)
            return source in zones[zone]

    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    name = dbus.service.BusName("org.fedoraproject.FirewallD1", bus)
    FirewallD1(name, "/org/fedoraproject/FirewallD1")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
