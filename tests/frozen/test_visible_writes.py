"""Which write is the last one in effect, whatever transactions began, ended and were undone."""

from __future__ import annotations

import pytest

from crdb_magic.frozen.events import Event, EventKind
from crdb_magic.frozen.recording import is_setting
from crdb_magic.frozen.visible_writes import UNCERTAIN, VisibleWrites


def after(*steps: str) -> dict[str, int]:
    """Do steps such as "a begin", "a 1", "b roll_back"; gives the last write in effect for a, and for b."""
    effect = VisibleWrites()
    for step in steps:
        who, what, *name = step.split()
        if what.isdigit():
            effect.wrote(who, int(what))
        else:
            getattr(effect, what)(who, *name)
    return {who: effect.after(who) for who in "ab"}


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([], 0),
        (["a 1"], 1),
        (["b 1", "a 2"], 2),
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
        (["a begin", "b 1", "a commit"], 1),
        (["a begin", "b 1", "a 2", "a commit"], 2),
        (["a begin", "a 1", "b 2", "a roll_back"], 2),
        (["a roll_back"], 0),
    ],
)
def test_the_last_write_in_effect(steps, last):
    assert after(*steps)["a"] == last


def test_what_is_not_committed_is_seen_by_its_transaction_alone():
    assert after("b 1", "a begin", "a 2") == {"a": 2, "b": 1}


def test_what_is_committed_behind_somebody_elses_write_is_uncertain():
    assert after("a begin", "a 1", "b 2", "a commit") == {"a": UNCERTAIN, "b": UNCERTAIN}


@pytest.mark.parametrize("verb", ["release", "roll_back_to"])
def test_a_savepoint_that_is_not_there_is_told(verb):
    effect = VisibleWrites()
    effect.begin("a")

    assert getattr(effect, verb)("a", "s") is False


# CockroachDB has a tag of its own for SET TRANSACTION, which is gone with its transaction (pkg/sql/sem/tree/stmt.go).
@pytest.mark.parametrize(
    ("text", "tag", "sets"),
    [
        ("SET TIME ZONE 'UTC'", "SET", True),
        ("RESET ALL", "RESET", True),
        ("SET TRANSACTION PRIORITY HIGH", "SET TRANSACTION", True),
        ("SET CLUSTER SETTING sql.defaults.idle_in_session_timeout = '1h'", "SET CLUSTER SETTING", False),
        ("SET TIME ZONE 'UTC'; DELETE FROM t", "DELETE 1", False),
    ],
)
def test_what_sets_the_session_alone_is_no_write_that_others_see(text: str, tag: str, sets: bool) -> None:
    assert is_setting(Event(number=1, kind=EventKind.WRITE, connection=1, text=text, tag=tag)) is sets
