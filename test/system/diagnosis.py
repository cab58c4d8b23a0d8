"""cni-check run in a lab in which one thing is broken: is it named, is nothing else, does the printed command mend it?"""

import json
import time

from conftest import SLOWNESS
from lab import OUTSIDE, configs, matrix

# How long caches may take to forget what was wrong.
PATIENCE = 20 * SLOWNESS


def check(lab, *options):
    pod = lab.master.pods["pod-a"]
    told = [target.address for target in matrix.targets(lab, pod)
            if target.name in (matrix.OTHER_HOST, matrix.NEIGHBOUR, matrix.REMOTE)]
    peers = [argument for address in told for argument in ("--peer", address)]
    return lab.master.run("cni-check", "--conf", configs.INSTALLED, "--netns", pod.netns, *peers, "--outside", OUTSIDE,
                          *options, check=False)


def report(lab, *options):
    """(exit status, {name of target: ping}, findings)"""
    done = check(lab, "--format=json", *options)
    said = json.loads(done.stdout)
    names = {target.address: target.name for target in matrix.targets(lab, lab.master.pods["pod-a"])}
    return done.returncode, {names.get(ping["address"]): ping for ping in said["pings"]}, said["findings"]


def well(ping):
    return ping["answered"] and ping["fullSize"]


def assert_healthy(lab):
    status, pings, findings = report(lab)
    assert not findings, findings
    assert status == 0 and all(well(ping) and "code" not in ping for ping in pings.values())


def becomes_healthy(lab):
    until = time.monotonic() + PATIENCE
    while check(lab).returncode and time.monotonic() < until:
        time.sleep(0.5)
    assert_healthy(lab)


def assert_named(lab, code, failing=None, words=(), options=()):
    """That code and no other, for all pings that fail, which are those (None: whichever). Gives its findings."""
    status, pings, findings = report(lab, *options)
    codes = {finding["code"] for finding in findings} | {ping["code"] for ping in pings.values() if "code" in ping}
    assert codes == {code}, json.dumps(findings, indent=2)
    assert status == 1
    silent = {name for name, ping in pings.items() if not well(ping)}
    assert failing is None or silent == failing, (silent, findings)
    assert {name for name, ping in pings.items() if "code" in ping} == silent
    for word in words:
        assert any(word in finding["cause"] for finding in findings), (word, findings)
    explained = {address for finding in findings for address in finding["targets"]}
    assert explained == {ping["address"] for ping in pings.values() if not well(ping)}
    return findings


def assert_mended(lab, findings):
    """By the command that is printed, run as it stands; the same command is printed once however many it concerns."""
    for fix in dict.fromkeys(finding["fix"] for finding in findings):
        lab.master.sh(fix)
    becomes_healthy(lab)
