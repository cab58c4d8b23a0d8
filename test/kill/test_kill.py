"""Every verb of every plugin is killed before each of its system calls; each of them fails; each of its messages to the
kernel is refused. Nothing is lost, nothing leaks."""

import pytest
from cases import CASES
from commands import COMMANDS
from conftest import EVERY, OFFSET
from trials import Trials


@pytest.mark.parametrize("case, verb", [pytest.param(case, verb, id=f"{case.name}-{verb}")
                                        for case in CASES for verb in case.verbs])
def test_plugin(cnibox, record_property, case, verb):
    trials = Trials(case, cnibox, EVERY, OFFSET)
    try:
        trials.run(verb)
    finally:
        trials.close()
        record_property("tried", {f"{what}, {case.name} {verb}": n for (verb, what), n in trials.tally.items()})
    assert not trials.failures, "\n".join(trials.failures)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.command[:2]))
def test_command(cnibox, record_property, command):
    trials = command(cnibox, EVERY, OFFSET)
    try:
        trials.run()
    finally:
        trials.close()
        record_property("tried", {f"{what}, {' '.join(command.command[:2])}": n for what, n in trials.tally.items()})
    assert not trials.failures, "\n".join(trials.failures)
