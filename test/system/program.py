"""The program under test, for the system tests and those that kill it and compare it."""

import os
from pathlib import Path

import pytest
from lab import configs


def binary():
    return Path(os.environ.get("CNIBOX", configs.REPOSITORY / "build" / "cnibox"))


@pytest.fixture(scope="session")
def cnibox():
    """That it is not there is a failure: without it nothing would be tested."""
    if not binary().exists():
        pytest.fail(f"{binary()} is not there: run make, or set CNIBOX", pytrace=False)
    return binary()
