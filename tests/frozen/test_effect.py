"""Which write is the last one in effect, whatever transactions began, ended and were undone."""

from __future__ import annotations

import pytest

from crdb_magic.frozen.effect import UNCERTAIN, InEffect

UNDONE = {9}


def after(*steps: str) -> int:
    """Do steps such as "a begin", "a 1", "b roll_back"; gives the last write in effect."""
    effect = InEffect(UNDONE.__contains__)
    for step in steps:
        who, what, *name = step.split()
        if what.isdigit():
            effect.wrote(who, int(what))
        else:
            getattr(effect, what)(who, *name)
    return effect.after


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([], 0),
        (["a 1"], 1),
        (["a 1", "b 2"], 2),
        (["a begin", "a 1"], 1),
        (["a begin", "a 1", "a commit"], 1),
        (["a begin", "a 1", "a roll_back"], 0),
        (["a 1", "a begin", "a 2", "a 3", "a roll_back"], 1),
        (["a begin", "a 1", "a save s", "a 2", "a roll_back_to s"], 1),
        (["a begin", "a 1", "a save s", "a 2", "a release s", "a commit"], 2),
        (["a begin", "a save s", "a 1", "a save t", "a 2", "a roll_back_to s", "a commit"], 0),
        (["a begin", "a save s", "a 1", "a save s", "a 2", "a roll_back_to s"], 1),
        (["a begin", "a roll_back", "a 1"], 1),
        (["a begin", "b 1", "a roll_back"], 1),
        (["a begin", "a 9", "b 10", "a roll_back"], 10),
        (["a roll_back"], 0),
    ],
)
def test_the_last_write_in_effect(steps, last):
    assert after(*steps) == last


@pytest.mark.parametrize(
    "steps",
    [
        ["a begin", "a 1", "b 2", "a roll_back"],  # it was committed
        ["a begin", "a 9", "b 10", "a commit"],  # it was rolled back
    ],
)
def test_what_ends_otherwise_behind_somebody_elses_write_is_uncertain(steps):
    assert after(*steps) == UNCERTAIN


@pytest.mark.parametrize("verb", ["release", "roll_back_to"])
def test_a_savepoint_that_is_not_there_is_told(verb):
    effect = InEffect(UNDONE.__contains__)
    effect.begin("a")

    assert getattr(effect, verb)("a", "s") is False
