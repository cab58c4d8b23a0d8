"""What is decided stands in DIFFERENCES.md, and nothing else does."""

import differences


def test_all_are_documented():
    assert differences.documented() == {*differences.NAMED, *differences.EVERYWHERE}
