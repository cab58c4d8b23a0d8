"""What was measured, and what is wanted of it."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Goal:
    """What a candidate takes against what a base takes, paired by round, is to be at most (or at least) so much."""
    verb: str  # "add", "del"; "cpu": processor time of an ADD; "all": of many at once, until the last is done
    candidate: str
    base: str
    at_most: float = None
    at_least: float = None  # said as "so many times faster": base over candidate
    statistic: str = "median"  # or "p99", of a round
    limit: str = None  # who shows what is possible at all, in the candidate's place

    @property
    def words(self):
        return f"at least {self.at_least:g} times" if self.at_least else f"at most {self.at_most:g}"

    @property
    def case(self):
        what = {"add": "ADD", "del": "DEL", "cpu": "processor time of an ADD", "all": "pods per second"}[self.verb]
        return f"{what}{', p99' if self.statistic == 'p99' else ''}: {self.candidate} against {self.base}"

    def judge(self, timings):
        measured = self._measure(timings, self.candidate)
        least = self._measure(timings, self.limit) if self.limit else None
        return Judged(self.case, measured, self.words, self._met(measured),
                      f"{self.limit}: {least:.2f}" if self.limit else "", bool(self.limit) and not self._met(least))

    def _met(self, measured):
        return measured >= self.at_least if self.at_least else measured <= self.at_most

    def _measure(self, timings, candidate):
        ratio = timings.ratio(self.verb, candidate, self.base, self.statistic)
        return 1 / ratio if self.at_least else ratio


@dataclass
class PeakGoal:
    """No process of any call is to have had more memory than this."""
    candidates: list
    kib: int

    def judge(self, timings):
        peak = max(timings.peak[each] for each in self.candidates)
        return Judged(f"peak memory, KiB: {', '.join(self.candidates)}", peak, f"under {self.kib}", peak < self.kib)


def goals_table(goals):
    """In Markdown, for people at a terminal, too."""
    rows = [("case", "measured", "goal", "", "what the least does")]
    rows += [(goal.case, f"{goal.measured:.2f}", goal.words, goal.verdict, goal.limit)
             for goal in goals]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * max(3, width) for width in widths) + " |")
    return "\n".join(lines)


@dataclass
class Judged:
    case: str
    measured: float
    words: str
    met: bool
    limit: str = ""
    out_of_reach: bool = False  # of whom the limit is: no program can do it on this machine

    @property
    def verdict(self):
        return "met" if self.met else "out of reach" if self.out_of_reach else "MISSED"


@dataclass
class Outcome:
    """Of one scenario: for people, for programs, and what became of the goals."""
    name: str
    title: str
    text: str
    data: dict
    goals: list = field(default_factory=list)
    medians: dict = field(default_factory=dict)  # {label: {"add": ms, "del": ms}}


def statistic(values, name):
    values = sorted(values)
    if name == "min":
        return values[0]
    if name == "median":
        return statistics.median(values)
    return values[int(len(values) * {"p95": 0.95, "p99": 0.99}[name])]


STATISTICS = ("min", "median", "p95", "p99")


class Timings:
    """What was measured in one scenario, by candidate and verb: for each round its pods' values, in ms."""

    def __init__(self, lines, labels):
        self.rounds = {}
        self.peak = {}
        for line in lines:
            who, number = labels[line["chain"]], line["round"]
            if "all_ns" in line:
                self._note(who, "all", number, line["all_ns"])
                continue
            for verb in ("add", "del"):
                self._note(who, verb, number, line[verb]["ns"])
            self._note(who, "cpu", number, line["add"]["cpu_ns"])
            self._note(who, "cpu_del", number, line["del"]["cpu_ns"])
            self.peak[who] = max(self.peak.get(who, 0), line["add"]["rss_kib"], line["del"]["rss_kib"])

    def _note(self, who, verb, number, nanoseconds):
        self.rounds.setdefault((who, verb), {}).setdefault(number, []).append(nanoseconds / 1e6)

    def values(self, who, verb):
        return sorted(value for pods in self.rounds[who, verb].values() for value in pods)

    def summary(self, who, verb):
        return {name: statistic(self.values(who, verb), name) for name in STATISTICS}

    def median(self, who, verb):
        return statistics.median(self.values(who, verb))

    def ratio(self, verb, who, base, name="median"):
        """The median of each round's own ratio, as neighbours in time share the machine's mood."""
        mine, other = self.rounds[who, verb], self.rounds[base, verb]
        return statistics.median(statistic(mine[number], name) / statistic(other[number], name) for number in mine)
