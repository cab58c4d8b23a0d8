"""What a kernel, a sandbox or a bare file system may lack: another way is found, or it is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import configs, deny, snapshot

DENY = "/tmp/deny.py"
NO_IPV6 = ("socket:0=10", "EAFNOSUPPORT")
NO_NETFILTER = ("socket:2=12", "EPROTONOSUPPORT")  # of netlink
NO_CLOSE_RANGE = ("close_range", "EPERM")


def dual_stack(**changes):
    [plugin] = configs.load(configs.DUAL_STACK)["plugins"]
    return {"cniVersion": "1.1.0", "name": "mynet", **plugin, **changes}


@pytest.fixture
def node(node):
    node.copy(deny.__file__, DENY)
    return node


def call(node, pod, command, conf, denied, **options):
    """A CNI call under seccomp."""
    env = {"CNI_COMMAND": command, "CNI_CONTAINERID": pod.id, "CNI_NETNS": pod.netns, "CNI_IFNAME": "eth0",
           "CNI_PATH": "/opt/cni/bin"}
    return node.run(sys.executable, DENY, *denied, "bash-cni", input=json.dumps(conf), env=env, check=False, **options)


def refusal(done):
    assert done.returncode == 1, done
    return json.loads(done.stdout)["msg"]


# --- IPv6 -----------------------------------------------------------------------------------------

def test_no_ipv6_is_named(node):
    pod = node.pod("pod")
    before = snapshot.of(node, pod)
    said = refusal(call(node, pod, "ADD", dual_stack(), NO_IPV6))
    assert "subnet6" in said and "CONFIG_IPV6" in said and "ipv6.disable=1" in said
    assert not snapshot.changes(before, snapshot.of(node, pod))
    status = refusal(call(node, pod, "STATUS", dual_stack(), NO_IPV6))
    assert "CONFIG_IPV6" in status


def test_no_ipv6_is_nothing_to_a_network_without(node):
    pod = node.pod("pod")
    assert call(node, pod, "ADD", configs.load(), NO_IPV6).returncode == 0
    assert pod.ping("10.244.0.1")
    assert call(node, pod, "DEL", configs.load(), NO_IPV6).returncode == 0


def test_cni_check_pings_ipv4_without_ipv6(node):
    pod = node.add_pod("pod", configs.load())
    done = node.run(sys.executable, DENY, *NO_IPV6, "cni-check", "--netns", pod.netns, "--peer", "fd00::9",
                    "--timeout", "5000", "--format=json", check=False)
    answered = {ping["address"]: ping["answered"] for ping in json.loads(done.stdout)["pings"]}
    assert answered == {"10.244.0.1": True, pod.ip: True}, "fd00::9 is left out: the pod has no such address"


@pytest.mark.parametrize("setup", ["auto", "manual"])
def test_ipv6_switched_off_by_default(node, setup):
    """net.ipv6.conf.all.disable_ipv6=1 is what many images come with. Only what needs it is switched on."""
    node.sh("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
    if setup == "manual":
        node.run("cni-node", "up", "--subnet", "10.244.0.0/24", "--subnet6", "fd00:244::/64")
    conf = dual_stack(nodeSetup=setup, subnet6="fd00:244::/64", network6="fd00:244::/48")
    pod = node.pod("pod")
    pod.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
    pod.add(conf).expect_success()
    assert pod.ping("fd00:244::1") and pod.ping("10.244.0.1")
    assert node.read("/proc/sys/net/ipv6/conf/cni0/disable_ipv6") == "0\n"
    assert node.read("/proc/sys/net/ipv6/conf/docker0/disable_ipv6") == "1\n"
    assert pod.run("cat", "/proc/sys/net/ipv6/conf/lo/disable_ipv6").stdout == "1\n"
    pod.check(conf).expect_success()
    pod.delete(conf).expect_success()


# --- /proc/sys ------------------------------------------------------------------------------------

READ_ONLY = "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys"


def test_read_only_sysctls_that_are_right(node):
    node.sh(READ_ONLY)
    pod = node.add_pod("pod", configs.load())
    assert pod.ping("10.244.0.1")
    pod.delete(configs.load()).expect_success()


def test_read_only_sysctls_that_are_wrong(node):
    node.sh(f"echo 0 > /proc/sys/net/ipv4/ip_forward; {READ_ONLY}")
    pod = node.pod("pod")
    before = snapshot.of(node, pod)
    said = refusal(node.cni("ADD", configs.load(), **pod.attachment.parameters))
    assert "/proc/sys/net/ipv4/ip_forward" in said and "Read-only" in said
    after = snapshot.of(node, pod)
    assert not snapshot.changes(before["host"], after["host"]) and not snapshot.changes(before["pod"], after["pod"])
    assert snapshot.leases(node) == {}


# --- netlink, close_range, raw sockets ------------------------------------------------------------

def test_no_nfnetlink(node):
    """A kernel of its own making, without netfilter's netlink: fine, for a network that wants no rules of it."""
    conf = configs.load(masquerade="none")
    pod = node.pod("pod")
    assert call(node, pod, "ADD", conf, NO_NETFILTER).returncode == 0
    assert pod.ping("10.244.0.1")
    assert call(node, pod, "DEL", conf, NO_NETFILTER).returncode == 0


def test_close_range_is_refused(node):
    """Some container runtimes' seccomp profiles answer EPERM. The child that a DEL leaves behind must not keep what
    its runtime waits on."""
    pod = node.add_pod("pod", configs.load())
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    done = call(node, pod, "DEL", configs.load(), NO_CLOSE_RANGE, pass_fds=[writer], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
    os.close(writer)
    assert os.read(reader, 1) == b"", "nobody holds the other end"
    os.close(reader)
    assert done.returncode == 0 and node.json("ip", "-j", "link", "show", "type", "veth") == []


def without_raw_sockets(node, pod, *options):
    return node.run("setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw", "cni-check", "--netns", pod.netns,
                    *options, check=False)


def test_raw_sockets_are_refused_but_not_ping_sockets(node):
    pods = [node.add_pod(name, dual_stack()) for name in ("pod", "other")]
    pods[0].run("sh", "-c", "echo 0 0 > /proc/sys/net/ipv4/ping_group_range")
    addresses = [ip["address"].split("/")[0] for ip in pods[1].attachment.result["ips"]]
    done = without_raw_sockets(node, pods[0], *(f"--peer={address}" for address in addresses))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(addresses) == 2 and all(address in done.stdout for address in addresses)


def test_raw_and_ping_sockets_are_refused(node):
    pod = node.add_pod("pod", configs.load())
    done = without_raw_sockets(node, pod)
    assert done.returncode == 1 and "CAP_NET_RAW" in done.stderr and "ping_group_range" in done.stderr


# --- files ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", ["/var/log", "/var/lib", "/var"])
def test_a_directory_is_missing(node, place):
    """A log is written where there is a place for it; leases make theirs."""
    node.sh("umount /var; mount -t tmpfs none /var" if place == "/var" else f"rm -r {place}")
    pod = node.pod("pod")
    netns = f"/run/netns/{pod.name}"
    pod.add(configs.load(), netns=netns).expect_success()
    assert list(snapshot.leases(node)) == [pod.ip]
    assert pod.ping("10.244.0.1")
    pod.delete(configs.load(), netns=netns).expect_success()
    assert snapshot.leases(node) == {}


@pytest.mark.bare
def test_a_root_with_nothing_in_it(node, cnibox):
    """No /run, /etc, /var, /dev or /tmp: the binary, /proc, and room for leases."""
    pod = node.pod("pod")
    holder = pod.node.popen("ip", "netns", "exec", pod.name, "sleep", "60")
    root = "/tmp/root"
    node.sh(f"mkdir -p {root}/proc; mount --bind /proc {root}/proc")
    node.copy(cnibox, f"{root}/bash-cni", 0o755)
    conf = configs.load(cniVersion="1.1.0")
    env = {"CNI_CONTAINERID": pod.id, "CNI_NETNS": f"/proc/{holder.pid}/ns/net", "CNI_IFNAME": "eth0", "CNI_PATH": "/"}

    def run(command, **keys):
        return node.run("chroot", root, "/bash-cni", input=json.dumps({**conf, **keys}),
                        env={**env, "CNI_COMMAND": command}).stdout

    result = json.loads(run("ADD"))
    assert result["ips"][0]["address"] == "10.244.0.2/24" and pod.ping("10.244.0.1")
    run("CHECK", prevResult=result)
    run("DEL", prevResult=result)
    made = node.sh(f"cd {root} && find . -path ./proc -prune -o -type f -print").split()
    assert sorted(Path(file).name for file in made) == ["bash-cni", "boot_id", "lock"]
