#!/usr/bin/python3
"""Time ADD and DEL of pods: cnibox, the reference plugins, bash, and the least that the kernel takes for it.

All candidates of a scenario run in turn, round by round, as whole processes on a node made of namespaces, as a runtime
calls them (runtime.c). Ratios are medians over the rounds of each round's own ratio, as neighbours in time share the
machine's mood. README.md beside this file says what is measured how, and what the figures mean.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test"))

import chart  # noqa: E402 (the path comes first)
import counts  # noqa: E402
import readme  # noqa: E402
from lab import LabError, configs  # noqa: E402
from nodes import Unequal, makers_missing  # noqa: E402
from scenarios import GO_BRIDGE, SCENARIOS  # noqa: E402
from timings import goals_table  # noqa: E402

CHARTED = ("one", "masquerade", "chain")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=configs.REPOSITORY / "build", help="where make has built")
    parser.add_argument("--scenario", action="append", choices=[scenario.name for scenario in SCENARIOS],
                        help="this one only; may be repeated")
    parser.add_argument("--rounds", type=int, help="in place of what the scenario says")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    parser.add_argument("--json", action="store_true", help="print JSON, all timings included")
    parser.add_argument("--svg", type=Path, help="write a chart of the medians of " + ", ".join(CHARTED) + " to this file")
    parser.add_argument("--readme", action="store_true", help="write such a chart and the goals into the README")
    parser.add_argument("--assert", dest="insist", action="store_true", help="exit 1 if a goal is missed that is within reach")
    parser.add_argument("--counts", action="store_true", help="nothing but system calls and instructions of fixed cases")
    parser.add_argument("--write-budgets", action="store_true", help="the same, into tools/bench/budgets.txt")
    return parser.parse_args()


def print_counts(options):
    costs = counts.count_all(options.build)
    if options.write_budgets:
        counts.write_budgets(costs)
    else:
        print(counts.table(costs), end="")


def measure(options):
    """Give the goals."""
    begin = time.monotonic()
    outcomes = []
    for scenario in SCENARIOS:
        if options.scenario and scenario.name not in options.scenario:
            continue
        outcomes.append(scenario.run(options))
        if not options.json:
            print(f"\n{outcomes[-1].text}", flush=True)
    goals = [goal for outcome in outcomes for goal in outcome.goals]
    seconds = round(time.monotonic() - begin, 1)
    sections = {outcome.title: outcome.medians for outcome in outcomes if outcome.name in CHARTED}
    if options.svg:
        options.svg.write_text(chart.draw(sections))
    if options.readme:
        readme.write(sections, goals, seconds)
    if options.json:
        print(json.dumps({"kernel": platform.release(), "seconds": seconds,
                          "scenarios": {outcome.name: outcome.data for outcome in outcomes},
                          "goals": [vars(goal) for goal in goals]}))
    elif goals:
        print(f"\n{goals_table(goals)}\n\nLinux {platform.release()}, {seconds:.0f} s")
    return goals


def main():
    options = arguments()
    try:
        missing = makers_missing([GO_BRIDGE])
        if missing:
            raise LabError("no reference plugins: install containernetworking-plugins (make deps)")
        if options.counts or options.write_budgets:
            print_counts(options)
            return 0
        goals = measure(options)
    except KeyboardInterrupt:
        return 130
    except (LabError, Unequal, AssertionError, OSError, subprocess.SubprocessError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    return 1 if options.insist and not all(goal.met or goal.out_of_reach for goal in goals) else 0


if __name__ == "__main__":
    sys.exit(main())
