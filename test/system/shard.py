"""pytest plugin: run every n-th test from the k-th on, as SHARD=k/n in the environment says.

Of tests marked `calls`, which call the program a hundred times each, every so manyth of those: CALLS_EVERY.
"""

import os


def pytest_collection_modifyitems(items):
    first, step = map(int, os.environ.get("SHARD", "0/1").split("/"))
    sparse = step * int(os.environ.get("CALLS_EVERY", "1"))
    many = [item for item in items if item.get_closest_marker("calls")]
    run = set(many[first::sparse]) | set([item for item in items if item not in many][first::step])
    items[:] = [item for item in items if item in run]
