"""What rights are left to a process of ours when it reads what comes from elsewhere, and what is left of its secrets."""

import json
import os
import platform
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import APPLETS, SLOWNESS
from gce.server import Server
from lab import Node, configs
from lab.node import PLUGIN_DIR
from test_gce_credentials import EMAIL, SCOPES, USER, account, make_key

pytestmark = pytest.mark.once

# linux/capability.h: DAC_OVERRIDE, DAC_READ_SEARCH, NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN.
KEPT = sum(1 << number for number in (1, 2, 12, 13, 19, 21))
ALONE = ("bash-cni", "tuning", "host-local", "static", "loopback", "portmap", "firewall", "bandwidth")


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds * SLOWNESS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def rights(status):
    """Of /proc/PID/status."""
    found = dict(re.findall(r"^(\w+):\s+(\w+)$", status, re.MULTILINE))
    return {name: int(found[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} | {
        name: int(found[name]) for name in ("NoNewPrivs", "Seccomp")}


def has_nothing(status):
    return rights(status) == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0, "NoNewPrivs": 1, "Seccomp": 2}


def status_of(process):
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return file.read()


# --- plugins --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def place(cnibox):
    with Node() as node:
        node.install(cnibox, *APPLETS, "portmap", "firewall", "bandwidth")
        yield node


@pytest.mark.bare
@pytest.mark.parametrize("plugin", ALONE)
def test_plugin_has_what_it_needs_before_it_reads(place, plugin):
    child = place.popen(plugin, stdin=subprocess.PIPE, env={
        "CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_IFNAME": "eth0", "CNI_NETNS": "/none", "CNI_PATH": "/none"})
    until(lambda: rights(status_of(child.pid))["NoNewPrivs"])
    until(lambda: "\nState:\tS" in status_of(child.pid))
    had = rights(status_of("self"))["CapPrm"]
    assert rights(status_of(child.pid)) == {"CapInh": 0, "CapPrm": had & KEPT, "CapEff": had & KEPT, "CapAmb": 0,
                                            "NoNewPrivs": 1, "Seccomp": 0}
    child.communicate("")
    assert child.returncode == 1


# The kernel answers such a one but once, however many questions were asked.
@pytest.mark.parametrize("command", ["cni-node status", "cni-node up", "cni-node down", "bash-cni"])
def test_who_is_not_root_is_told_at_once(place, command):
    place.write("/etc/cni/net.d/10-bash-cni-plugin.conf", json.dumps(configs.load()))
    place.run("cni-node", "up")
    pod = place.pod(f"pod-{len(place.pods)}")
    begin = time.monotonic()
    done = place.run("setpriv", "--reuid=65534", "--clear-groups", *command.split(), check=False,
                     input=json.dumps(configs.load()), env={"CNI_COMMAND": "ADD", "CNI_CONTAINERID": pod.id, "CNI_IFNAME": "eth0",
                                                            "CNI_NETNS": pod.netns, "CNI_PATH": PLUGIN_DIR})
    assert time.monotonic() - begin < 10 * SLOWNESS
    assert done.returncode == 1
    assert "Operation not permitted" in done.stdout + done.stderr and "run it as root" in done.stdout + done.stderr


def calls(node, conf, command="ADD", inject=(), **variables):
    """(What the plugin answered, its system calls): under strace."""
    trace = "/tmp/trace"
    env = {"CNI_COMMAND": command, "CNI_PATH": PLUGIN_DIR, "CNI_IFNAME": "eth0", **variables}
    done = node.run("strace", "-f", "-qq", "-o", trace, *(f"--inject={order}" for order in inject), conf["type"],
                    check=False, env=env, input=json.dumps(conf))
    return done, node.read(trace).splitlines()


BRIDGE = {"cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "br0",
          "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}}


@pytest.mark.bare
@pytest.mark.parametrize("conf", [configs.load(), BRIDGE], ids=lambda conf: conf["type"])
def test_rights_cost_two_calls(node, conf):
    pod = node.pod("pod")
    done, made = calls(node, conf, CNI_CONTAINERID=pod.id, CNI_NETNS=pod.netns)
    assert done.returncode == 0, done
    assert [line.split()[1].split("(")[0] for line in made if re.search(r" (prctl|capset|capget)\(", line)] == \
        ["prctl", "capset"]


@pytest.mark.no_valgrind
@pytest.mark.parametrize("inject", [
    ("prctl:error=EINVAL", "capset:error=ENOSYS", "capget:error=ENOSYS"),  # an old kernel
    ("prctl:error=EPERM", "capset:error=EPERM"),                           # somebody's filter
], ids=["unknown", "refused"])
def test_works_where_rights_cannot_be_given_up(node, inject):
    pod = node.pod("pod")
    for command in ("ADD", "DEL"):
        done, _ = calls(node, configs.load(), command, inject, CNI_CONTAINERID=pod.id, CNI_NETNS=pod.netns)
        assert done.returncode == 0, done


def test_works_with_few_rights(node):
    """In a container that has been given what networks take, and no more."""
    pod = node.pod("pod")
    env = {"CNI_COMMAND": "ADD", "CNI_PATH": PLUGIN_DIR, "CNI_IFNAME": "eth0", "CNI_CONTAINERID": pod.id,
           "CNI_NETNS": pod.netns}
    done = node.run("setpriv", "--no-new-privs", "--bounding-set=-all,+net_admin,+net_raw,+sys_admin", "bash-cni",
                    check=False, env=env, input=json.dumps(configs.load()))
    assert done.returncode == 0, done
    assert pod.ping("10.244.0.1")


def test_namespace_by_a_process_that_may_all(node):
    """/proc/PID/ns/net of a process that has capabilities which the plugin has given up."""
    pod = node.pod("pod")
    holder = subprocess.Popen(["nsenter", "-t", str(node.pid), "-n", "-m", "ip", "netns", "exec", pod.netns.split("/")[-1],
                               "sleep", "600"], stdin=subprocess.DEVNULL)
    try:
        until(lambda: "\nName:\tsleep" in "\n" + status_of(holder.pid))
        assert rights(status_of(holder.pid))["CapEff"] & ~KEPT
        netns = f"/proc/{holder.pid}/ns/net"
        conf = configs.load(cniVersion="1.0.0")
        given = {"plugin": "bash-cni", "containerid": pod.id, "netns": netns}
        conf["prevResult"] = node.cni("ADD", conf, **given).expect_success().json
        for command in ("CHECK", "DEL"):
            node.cni(command, conf, **given).expect_success()
    finally:
        holder.kill()
        holder.wait()


def test_store_of_somebody_else(node):
    node.sh("mkdir -p -m 700 /tmp/store; chown 1000:1000 /tmp/store")
    conf = configs.load(dataDir="/tmp/store")
    pod = node.add_pod("pod", conf)
    pod.delete(conf).expect_success()


FOREIGN = """#!/bin/sh
cat > /dev/null
[ "$CNI_COMMAND" = ADD ] || { cat /proc/self/status > /tmp/status; exit 0; }
cat /proc/self/status > /tmp/status
echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.1.0.9/24"}]}'
"""


@pytest.mark.no_valgrind
@pytest.mark.parametrize("plugin", ["bridge", "ptp"])
def test_executed_plugin_has_all_rights(node, plugin):
    """Nobody knows what it needs: dhcp talks to a daemon, others mount. Also for the DEL after an ADD that failed."""
    node.write(f"{PLUGIN_DIR}/foreign", FOREIGN, 0o755)
    conf = {"cniVersion": "1.0.0", "name": "net", "type": plugin, "ipam": {"type": "foreign"}}
    mine = rights(status_of("self"))
    pod = node.pod("pod")
    pod.attachment.add(conf).expect_success()
    assert rights(node.read("/tmp/status")) == mine
    node.sh("rm /tmp/status")
    pod.delete(conf).expect_success()
    assert rights(node.read("/tmp/status")) == mine


@pytest.fixture(scope="module")
def key_pair(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp("key"))


# --- gce-routes -----------------------------------------------------------------------------------

@pytest.mark.bare
@pytest.mark.parametrize("line", ["gce-routes list", "gcloud compute routes list"])
def test_client_has_nothing_before_the_first_byte(shell, line):
    """What the filter lets pass is unit/test_confine.c's. Asked when the first server of all has its request, and has not answered yet."""
    seen = []

    def answer(request):
        for child in shell.children:
            seen.append(status_of(child.pid))
        return shell.google.metadata.handle(request)

    server = Server(shell, "127.0.0.1", 8080, answer)
    child = shell.popen(*line.split(), env={"GCE_METADATA_HOST": "127.0.0.1:8080"})
    child.communicate()
    server.close()
    assert child.returncode == 0 and seen
    assert all(has_nothing(status) for status in seen)


@pytest.mark.parametrize("inject", [("prctl:error=EINVAL",), ("prctl:error=EINVAL", "capset:error=EPERM")],
                         ids=["no seccomp", "nothing"])
def test_client_works_where_rights_cannot_be_given_up(shell, inject):
    done = shell.run("strace", "-qq", "-o", "/dev/null", *(f"--inject={order}" for order in inject), "gce-routes", "list",
                     check=False)
    assert done.returncode == 0, done


@pytest.mark.parametrize("name", ["key", "token"])
def test_files_of_others_are_read_before(shell, key_pair, name):
    """sudo gce-routes, with a user's own file: root may read it by a capability only."""
    shell.google.oauth.accounts[EMAIL] = key_pair[1]
    content = json.dumps(account(key_pair[0])) if name == "key" else shell.google.tokens.issue(SCOPES) + "\n"
    shell.write("/tmp/secret", content, 0o400)
    shell.sh("chown 1000:1000 /tmp/secret")
    variable = {"key": "GOOGLE_APPLICATION_CREDENTIALS", "token": "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"}[name]
    shell.type("gce-routes list", env={variable: "/tmp/secret", "CLOUDSDK_CORE_PROJECT": "demo-project"})


# --- secrets --------------------------------------------------------------------------------------

def memory(process):
    """All that a process can write to."""
    found = b""
    with open(f"/proc/{process}/maps", encoding="ascii") as maps, open(f"/proc/{process}/mem", "rb") as file:
        for line in maps:
            ends, flags = line.split()[:2]
            if flags.startswith("rw"):
                low, high = (int(part, 16) for part in ends.split("-"))
                file.seek(low)
                found += file.read(high - low)
    return found


def numbers(pem):
    """The private numbers of an RSA key, as openssl has them."""
    text = subprocess.run(["openssl", "pkey", "-noout", "-text"], input=pem, check=True, capture_output=True, text=True).stdout
    parts = re.findall(r"^(\w+):\n((?: +[0-9a-f:]+\n)+)", text, re.MULTILINE)
    return {name: bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0") for name, digits in parts if name != "modulus"}


SIGTIMEDWAIT = {"x86_64": "128", "aarch64": "137"}[platform.machine()]


def rests(process):
    """It waits for the next round, not within one, and its connections are closed."""
    files = Path(f"/proc/{process}/fd")
    return Path(f"/proc/{process}/syscall").read_text().split()[0] == SIGTIMEDWAIT and \
        not any(os.readlink(file).startswith("socket:") for file in files.iterdir())


@pytest.mark.bare
@pytest.mark.parametrize("kind", ["service account", "user"])
def test_nothing_is_left_of_secrets_between_rounds(shell, key_pair, kind):
    """A watch that rests: its key, what it signed and what it sent are gone; the token, which it goes on with, is there once."""
    google = shell.google
    google.cloud.remove_instance("k8s-master")
    google.cloud.add_instance("k8s-master", address="169.254.169.254")
    if kind == "user":
        google.oauth.users[USER["refresh_token"]] = (USER["client_id"], USER["client_secret"])
        shell.write("/tmp/file", json.dumps(USER))
        secrets = {name: USER[name].encode() for name in ("client_secret", "refresh_token")}
    else:
        google.oauth.accounts[EMAIL] = key_pair[1]
        shell.write("/tmp/file", json.dumps(account(key_pair[0])))
        secrets = {f"line {n}": line.encode() for n, line in enumerate(key_pair[0].splitlines()[1:-1])}
        for name, number in numbers(key_pair[0]).items():
            secrets[name], secrets[f"{name}, little end first"] = number[:24], number[::-1][:24]
    child = shell.popen("gce-routes", "ensure", "--pod-cidr", "10.244.0.0/24", "--watch", "600",
                        env={"GOOGLE_APPLICATION_CREDENTIALS": "/tmp/file"})
    until(lambda: google.cloud.routes)
    until(lambda: rests(child.pid))
    left = memory(child.pid)
    body = google.api.asked("POST", "/token")[0].body
    secrets["what was sent"] = body[-64:]
    token = [*google.tokens.issued][-1].encode()
    assert [name for name, secret in secrets.items() if secret in left] == []
    assert left.count(token) == 1
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=10 * SLOWNESS)
    assert child.returncode == 0
