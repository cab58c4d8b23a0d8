"""The program under test and those it is compared with, for the system tests and those that kill it and compare it."""

import os
from pathlib import Path

import pytest
from lab import configs

REFERENCE = Path("/usr/lib/cni")  # Debian's containernetworking-plugins
needs_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason=f"{REFERENCE} is not there (package containernetworking-plugins)")
# Tests that look at what this tree's Makefile makes, or call it.
own_build = pytest.mark.skipif("CNIBOX" in os.environ, reason="CNIBOX names another build than that of this tree")


def binary():
    return Path(os.environ.get("CNIBOX", configs.REPOSITORY / "build" / "cnibox")).absolute()


@pytest.fixture(scope="session")
def cnibox():
    """That it is not there is a failure: without it nothing would be tested."""
    if not binary().exists():
        pytest.fail(f"{binary()} is not there: run make, or set CNIBOX", pytrace=False)
    return binary()
