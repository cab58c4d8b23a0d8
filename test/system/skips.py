"""pytest plugin: with CI=true in the environment, a test that is skipped has failed.

A skip on a developer's machine is printed with its reason (-ra). Where everything must be there, it would hide that
something no longer runs. Run on purpose on a kernel that has less (KERNEL_MAY_LACK in the environment), tests may be
skipped for what it lacks (lab.needs), and for nothing else.
"""

import os

import pytest

STRICT = os.environ.get("CI", "") not in ("", "0", "false")
EXCUSE = "Skipped: the kernel has no "  # lab.kernel.lack()
# What one kernel has and another has not: these tests are run by `make test-uml` where they are not here.
ELSEWHERE = (EXCUSE + "VLAN filtering", EXCUSE + "lack of")


def refuse(report):
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if str(reason).startswith(EXCUSE if "KERNEL_MAY_LACK" in os.environ else ELSEWHERE):
            return
        report.outcome = "failed"
        report.longrepr = f"CI allows no skips. {reason}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    refuse(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report():
    outcome = yield
    refuse(outcome.get_result())
