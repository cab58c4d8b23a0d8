"""What ADD and DEL cost: system calls and instructions, which no noise changes, against tools/bench/budgets.txt."""

import platform
import sys

import pytest
from conftest import binary, needs
from lab import Node, configs

sys.path.insert(0, str(configs.REPOSITORY / "tools" / "bench"))

import counts  # noqa: E402 (the path comes first)
from networks import CNIBOX, Network  # noqa: E402

# Instructions are this compiler's, and netlink's answers this kernel's.
pytestmark = [pytest.mark.once, pytest.mark.bare, needs("nf_tables"), pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the budgets are for x86-64")]

SHARE, MORE_CALLS = 0.05, 2  # what a full node may cost more than an empty one


@pytest.fixture
def node(cnibox):
    with Node() as node:
        yield node


def build():
    return binary().parent


@pytest.mark.parametrize("case", counts.CASES)
def test_budget(node, case):
    budget = counts.read_budgets()[case]
    counted = counts.prepare(node, case, build())
    costs = None
    for _ in range(counts.ATTEMPTS):
        costs = counted.costs(costs)
        verdicts = [counts.verdict(f"{case} {verb}", cost, budget[verb]) for verb, cost in costs.items()]
        if not any(verdicts):
            return
    pytest.fail("\n".join(filter(None, verdicts)), pytrace=False)


def compare(empty, full, share=SHARE, calls=MORE_CALLS):
    few = many = None
    for _ in range(counts.ATTEMPTS):
        few, many = empty.costs(few), full.costs(many)
        dearer = [f"{verb}: {many[verb]}, and on an empty node {few[verb]}" for verb in few
                  if not many[verb].within(few[verb], share, calls)]
        if not dearer:
            return
    pytest.fail("\n".join(dearer), pytrace=False)


def test_sixty_thousand_leases(node):
    few, many = (Network(f"of {n}", CNIBOX, ["bash-cni"], leases=n, subnet=subnet)
                 for n, subnet in ((10, "10.1.0.0/16"), (60000, "10.2.0.0/16")))
    compare(counts.Counted(node, few, build(), 0), counts.Counted(node, many, build(), 1))


PORTS_SHARE = 0.2  # what somebody's host port may cost more where others have thousands


def test_five_thousand_host_ports(cnibox):
    with Node() as empty, Node() as full:
        few, many = counts.prepare(empty, "portmap", build()), counts.prepare(full, "portmap-5000", build())
        compare(few, many, PORTS_SHARE, calls=12)
