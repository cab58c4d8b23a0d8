"""host-local's files: what is on disk, what may go wrong there, and the reference plugin in the same directory."""

import os
import socket
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostlocal import BOOT_ID, DUAL, IO, THEIRS, TINY, TRY_AGAIN, UNAVAILABLE, Network, environment
from program import binary, needs_reference

pytestmark = pytest.mark.once


@pytest.fixture
def net(tmp_path):
    return Network(tmp_path)


@pytest.fixture
def tiny(tmp_path):
    return Network(tmp_path, **TINY)


# --- files ---------------------------------------------------------------------------------------


def test_files_on_disk(tmp_path):
    net = Network(tmp_path / "deep" / "down", **DUAL)
    net.add("c1")
    assert net.files == {
        "10.1.2.2": b"c1\r\neth0", "fd00::2": b"c1\r\neth0", "lock": b"", "boot_id": BOOT_ID.read_bytes(),
        "last_reserved_ip.0": b"10.1.2.2", "last_reserved_ip.1": b"fd00::2"}
    modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in net.dir.iterdir()}
    umask = os.umask(0)
    os.umask(umask)
    assert modes["10.1.2.2"] == modes["last_reserved_ip.0"] == 0o600 & ~umask
    assert modes["lock"] == 0o750 & ~umask
    assert stat.S_IMODE(net.dir.stat().st_mode) == 0o755 & ~umask


def test_del(net):
    net.delete("nobody")
    assert not net.dir.exists()
    net.add("c1")
    net.add("c11")
    net.add("c1", "eth1")
    net.delete("c1")
    assert sorted(net.leases.values()) == [b"c1\r\neth1", b"c11\r\neth0"]
    net.delete("c1")
    net.delete("10.1.2.4")
    assert len(net.leases) == 2 and (net.dir / "last_reserved_ip.0").read_text() == "10.1.2.4"


def test_del_needs_no_ranges(net):
    net.add("c1")
    net.ipam = {"ranges": []}
    net.delete("c1")
    assert not net.leases
    net.ipam = {"subnet": "10.9.0.0/24"}
    net.delete("c1")


@pytest.mark.parametrize("previous", [
    {"ips": [{"address": "10.1.2.2/24"}]},
    {"ips": [{"address": "10.1.2.3/24"}]},
    {"ips": [{"address": "nonsense"}]},
    {"ips": "nonsense"},
    {"ips": [5]},
    "nonsense",
    {},
])
def test_del_with_a_previous_result(net, previous):
    net.add("c1")
    net.add("c2")
    net.delete("c1", prevResult=previous)
    assert net.leases == {"10.1.2.3": b"c2\r\neth0"}


def test_leases_of_very_old_versions(net):
    net.put("10.1.2.2", b"c1\n")
    net.put("10.1.2.3", b"c1\r\neth0")
    assert net.call("CHECK").ok()
    net.delete("c1")
    assert list(net.leases) == ["10.1.2.2"]
    assert "duplicate" in net.call("ADD", "c1").error[1]
    net.delete("c1")
    assert not net.leases


@pytest.mark.parametrize("kind", ["empty", "zeros", "garbage", "symlink", "fifo", "socket"])
def test_litter_counts_as_free(tiny, tmp_path, kind):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    place = tiny.dir / "10.1.3.2"
    tiny.put("10.1.3.2", {"zeros": bytes(64), "garbage": b"\xff no owner \xfe"}.get(kind, b""))
    if kind in ("symlink", "fifo", "socket"):
        place.unlink()
    if kind == "symlink":
        place.symlink_to(victim)
    if kind == "fifo":
        os.mkfifo(place)
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(place))
    tiny.delete("c1")
    tiny.version = "1.1.0"
    tiny.call("STATUS").ok()
    assert tiny.add("c1") == ["10.1.3.2"]
    assert not place.is_symlink() and place.read_bytes() == b"c1\r\neth0"
    assert victim.read_bytes() == b"precious"


def test_a_directory_counts_as_taken(tiny):
    (tiny.dir / "10.1.3.2").mkdir(parents=True)
    assert tiny.call("ADD").error[0] == TRY_AGAIN


def test_a_reboot_releases_the_leases(tiny):
    tiny.add("c1")
    (tiny.dir / "boot_id").write_text("00000000-0000-0000-0000-000000000000\n")
    assert tiny.add("c2") == ["10.1.3.2"]
    assert tiny.leases == {"10.1.3.2": b"c2\r\neth0"}
    assert (tiny.dir / "boot_id").read_bytes() == BOOT_ID.read_bytes()


def test_a_reboot_with_a_full_pool_is_no_reason_to_be_unavailable(tiny):
    tiny.version = "1.1.0"
    tiny.add("c1")
    assert tiny.call("STATUS").error[0] == UNAVAILABLE
    (tiny.dir / "boot_id").write_text("00000000-0000-0000-0000-000000000000\n")
    tiny.call("STATUS").ok()


def test_leases_that_others_gave_since_the_boot_survive(net):
    """cnibox, reboot, reference plugin, cnibox again."""
    net.add("c1")
    old = time.time() - 30 * 86400
    os.utime(net.dir / "10.1.2.2", (old, old))
    (net.dir / "boot_id").write_text("00000000-0000-0000-0000-000000000000\n")
    os.utime(net.dir / "boot_id", (old, old))
    net.put("10.1.2.3", b"c2\r\neth0")
    net.add("c3")
    assert sorted(net.leases.values()) == [b"c2\r\neth0", b"c3\r\neth0"]


# --- disks that do not take it -------------------------------------------------------------------


def on_a_tmpfs(tmp_path, options, script):
    """Run a shell script with a tmpfs of its own at tmp_path/disk; add ID, del ID call host-local for a store there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    conf = tmp_path / "conf"
    conf.write_text('{"cniVersion": "1.0.0", "name": "net", "ipam": {"type": "host-local", "subnet": "10.1.2.0/24", '
                    f'"dataDir": "{disk}/store"}}}}')
    (tmp_path / "host-local").symlink_to(binary())
    head = f"""
        mount -t tmpfs -o {options} none {disk} || exit 77
        cd {disk}
        add() {{ CNI_COMMAND=ADD CNI_CONTAINERID=$1 {tmp_path}/host-local < {conf}; }}
        del() {{ CNI_COMMAND=DEL CNI_CONTAINERID=$1 {tmp_path}/host-local < {conf}; }}
        files() {{ find store -type f -printf '%f ' -exec cat {{}} \\; -printf '\\n' | sort; }}
        """
    done = subprocess.run(["unshare", "-m", "sh", "-c", head + script], capture_output=True, text=True, check=False,
                          env=environment("-"))
    if done.returncode == 77:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr}")
    return done


@pytest.mark.parametrize("fill", [
    "cat /dev/zero > ballast",
    "i=0; while touch ballast$i; do i=$((i + 1)); done",
])
def test_a_full_disk(tmp_path, fill):
    done = on_a_tmpfs(tmp_path, "size=64k,nr_inodes=64", f"""
        add c1 > /dev/null || exit 1
        {{ {fill}; }} 2> /dev/null
        add c2 > {tmp_path}/error && exit 2
        files > {tmp_path}/after
        rm ballast*
        files > {tmp_path}/before_again
        add c2 || exit 3
        """)
    assert done.returncode == 0, done
    error = (tmp_path / "error").read_text()
    assert '"code": 5' in error and f"{tmp_path}/disk/store/net/10.1.2.3: No space left on device" in error
    after = (tmp_path / "after").read_text()
    assert "10.1.2.2 c1" in after and "10.1.2.3" not in after and "last_reserved_ip.0 10.1.2.2" in after
    assert after == (tmp_path / "before_again").read_text()
    assert "10.1.2.3/24" in done.stdout


def test_a_read_only_store(tmp_path):
    done = on_a_tmpfs(tmp_path, "size=1m", f"""
        add c1 > /dev/null || exit 1
        files > {tmp_path}/before
        mount -o remount,ro {tmp_path}/disk
        add c2 && exit 2
        del c1 && exit 3
        files > {tmp_path}/after
        """)
    assert done.returncode == 0, done
    assert f"{tmp_path}/disk/store/net/10.1.2.3: Read-only file system" in done.stdout
    assert f"{tmp_path}/disk/store/net/10.1.2.2: Read-only file system" in done.stdout
    assert done.stdout.count('"code": 5') == 2
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_a_read_only_disk_without_a_store(tmp_path):
    done = on_a_tmpfs(tmp_path, "ro", "add c1; del c1")
    assert done.returncode == 0, "without a store there is nothing to release"
    assert f"{tmp_path}/disk/store: Read-only file system" in done.stdout
    assert done.stdout.count('"code": 5') == 1


def test_a_store_that_is_a_file(net):
    net.dir.parent.mkdir(exist_ok=True)
    net.dir.write_text("")
    code, msg = net.call("ADD").error
    assert code == IO and f"{net.dir}: Not a directory" in msg


# --- side by side with the reference -------------------------------------------------------------


@needs_reference
@pytest.mark.parametrize("swap", [False, True])
def test_leases_change_hands(tmp_path, swap):
    one = Network(tmp_path, **DUAL)
    two = one.by(THEIRS)
    if swap:
        one, two = two, one
    assert one.add("c1") == ["10.1.2.2", "fd00::2"]
    assert two.add("c2") == ["10.1.2.3", "fd00::3"]
    assert one.add("c3") == ["10.1.2.4", "fd00::4"]
    assert two.leases == {
        f"{net}{i}": f"c{i - 1}\r\neth0".encode() for i in (2, 3, 4) for net in ("10.1.2.", "fd00::")}
    two.call("CHECK", "c1").ok()
    code, msg = two.call("ADD", "c1").error
    assert "10.1.2.2 has been allocated to c1, duplicate allocation is not allowed" in msg
    two.delete("c1")
    one.delete("c2")
    two.delete("c3")
    assert not one.leases
    assert two.add("c4") == ["10.1.2.5", "fd00::5"]


@needs_reference
def test_requests_in_the_references_words(tmp_path):
    ours = Network(tmp_path)
    theirs = ours.by(THEIRS)
    ours.add("c1", args="IP=10.1.2.50")
    for args in "IP=10.1.2.50", "IP=10.1.2.1", "IP=192.0.2.1", "IP=foo", "MAC=x", "IP", "IgnoreUnknown=yes":
        assert ours.call("ADD", "c2", args=args).error[1] == theirs.call("ADD", "c2", args=args).error[1]
    assert list(ours.leases) == ["10.1.2.50"]
    ours.ipam = theirs.ipam = TINY
    ours.add("c3")
    assert ours.call("ADD", "c4").error[1] == theirs.call("ADD", "c4").error[1]


def concurrently(calls, at_once=64):
    with ThreadPoolExecutor(at_once) as pool:
        return [future.result() for future in [pool.submit(c) for c in calls]]


@needs_reference
def test_64_adds_of_both_at_once(tmp_path):
    ours = Network(tmp_path)
    both = ours, ours.by(THEIRS)
    answers = concurrently([lambda i=i: both[i % 2].call("ADD", f"c{i}").ok() for i in range(64)])
    given = [answer.addresses[0] for answer in answers]
    assert len(set(given)) == 64
    assert ours.leases == {ip: f"c{i}\r\neth0".encode() for i, ip in enumerate(given)}
    concurrently([lambda i=i: both[i // 2 % 2].delete(f"c{i}") for i in range(64)])
    assert not ours.leases


def test_more_adds_at_once_than_there_are_addresses(tmp_path):
    net = Network(tmp_path, subnet="10.1.3.0/27")  # 32 less network, gateway and broadcast
    answers = concurrently([lambda i=i: net.call("ADD", f"c{i}") for i in range(48)])
    given = [answer.addresses[0] for answer in answers if answer.status == 0]
    assert sorted(given) == sorted(f"10.1.3.{i}" for i in range(2, 31))
    assert {answer.error[0] for answer in answers if answer.status} == {TRY_AGAIN}
    assert set(net.leases) == set(given)


def test_adds_and_dels_at_once(net):
    for i in range(16):
        net.add(f"old{i}")
    calls = [call for i in range(16) for call in (
        lambda i=i: net.delete(f"old{i}"), lambda i=i: net.add(f"new{i}"))]
    concurrently(calls)
    assert sorted(net.leases.values()) == sorted(f"new{i}\r\neth0".encode() for i in range(16))
