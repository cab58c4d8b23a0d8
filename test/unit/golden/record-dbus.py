#!/usr/bin/python3
"""Record messages of D-Bus as GLib writes them: test/unit/golden/record-dbus.py. Writes test/fuzz/corpus/dbus."""

from pathlib import Path

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

CORPUS = Path(__file__).parents[2] / "fuzz/corpus/dbus"
ORDERS = {"": Gio.DBusMessageByteOrder.LITTLE_ENDIAN, "big-": Gio.DBusMessageByteOrder.BIG_ENDIAN}
BUS = "org.freedesktop.DBus"


def answer(kind, body, error=None):
    message = Gio.DBusMessage()
    message.set_message_type(kind)
    message.set_serial(0x1234)
    message.set_sender(BUS)
    message.set_destination(":1.7")
    message.set_reply_serial(0x01020304)
    if error:
        message.set_error_name(error)
    if body:
        message.set_body(body)
    return message


def messages():
    greeting = Gio.DBusMessage.new_signal("/org/freedesktop/DBus", BUS, "NameAcquired")
    greeting.set_serial(2)
    greeting.set_body(GLib.Variant("(s)", (":1.7",)))
    returned = Gio.DBusMessageType.METHOD_RETURN
    return {
        "yes": answer(returned, GLib.Variant("(b)", (True,))),
        "zone": answer(returned, GLib.Variant("(s)", ("trusted",))),
        "nothing": answer(returned, None),
        "list": answer(returned, GLib.Variant("(asu)", (["trusted", "public"], 1))),
        "refusal": answer(Gio.DBusMessageType.ERROR, GLib.Variant("(s)", ("INVALID_ZONE: zz",)),
                          "org.fedoraproject.FirewallD1.Exception"),
        "greeting": greeting,
    }


for prefix, order in ORDERS.items():
    for name, message in messages().items():
        message.set_byte_order(order)
        (CORPUS / f"{prefix}{name}").write_bytes(message.to_blob(Gio.DBusCapabilityFlags.NONE))
