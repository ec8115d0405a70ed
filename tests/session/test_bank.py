"""Money is moved through a proxy that cuts connections and injects errors at random: none is lost, none is made.

`benchmarks/bank.py` does the same for as long as one likes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from bank import DOORS, Bank, Contents, History, Transfer, Verdict, broken, run
from storm import FAULTS

from crdb_magic.core.target import Target
from crdb_magic.errors import Outcome
from crdb_magic.session.session import Session

_SEED = 4


@pytest.fixture(scope="module")
def history(target: Target) -> Iterator[History]:
    """What happened to 1200 transfers of 4 workers, two a session."""
    session = Session(target)
    bank = Bank(f"bank_{os.getpid()}").open(session)
    history = run(target, bank, lambda: range(300), workers=4, seed=_SEED, outage_every=0.5)
    print(history)  # noqa: T201 - pytest -s shows the figures
    yield history
    bank.close(session)
    session.close()


def _times(history: History, outcome: Outcome) -> set[int]:
    """How often transfers of an outcome are in the ledger."""
    ids = [row.id for row in history.held.ledger]
    return {ids.count(one.transfer.id) for one in history.told if one.outcome is outcome}


def test_the_sum_is_kept(history):
    assert sum(history.held.balances.values()) == Bank.balance * Bank.accounts


def test_every_acknowledged_transfer_is_in_the_ledger_exactly_once(history):
    assert _times(history, Outcome.COMMITTED) == {1}


def test_every_ambiguous_transfer_is_there_once_or_not_at_all_and_both_happen(history):
    assert _times(history, Outcome.UNKNOWN) == {0, 1}


def test_every_transfer_of_which_nothing_was_committed_is_not_there(history):
    assert _times(history, Outcome.NOT_COMMITTED) == {0}


def test_every_error_says_what_became_of_the_transfer(history):
    assert [one for one in history.told if one.outcome is None] == []


def test_nothing_went_into_the_tables_of_the_same_names(history):
    assert history.held.astray == 0


def test_each_balance_is_what_the_ledger_makes_of_it(history):
    assert history.broken == []


def test_transfers_are_retried_and_refused_while_each_kind_of_fault_happens(history):
    assert [name for name, times in history.faults.items() if not times] == []
    assert len(history.told) == 1200
    assert history.retries > 0
    assert {"AmbiguousCommitError", "RefusedError"} <= {one.error for one in history.told}


# The judge himself.

_MOVED = Transfer("a", 1, 2, 10)
_AFTERWARDS = {1: 990, 2: 1010}
_UNTOUCHED = {1: 1000, 2: 1000}


def test_the_judge_finds_what_went_astray():
    assert broken([], Contents(_UNTOUCHED, [], astray=1)) == ["1 rows went into tables of the same names"]


@pytest.mark.parametrize(
    ("outcome", "balances", "ledger", "found"),
    [
        pytest.param(Outcome.COMMITTED, _AFTERWARDS, [_MOVED], None, id="committed"),
        pytest.param(Outcome.UNKNOWN, _AFTERWARDS, [_MOVED], None, id="unknown, and applied"),
        pytest.param(Outcome.UNKNOWN, _UNTOUCHED, [], None, id="unknown, and not applied"),
        pytest.param(Outcome.NOT_COMMITTED, _UNTOUCHED, [], None, id="not committed"),
        pytest.param(Outcome.COMMITTED, _UNTOUCHED, [], "a is there 0 times", id="lost"),
        pytest.param(Outcome.COMMITTED, {1: 980, 2: 1020}, [_MOVED] * 2, "a is there 2 times", id="doubled"),
        pytest.param(Outcome.UNKNOWN, {1: 980, 2: 1020}, [_MOVED] * 2, "a is there 2 times", id="unknown, doubled"),
        pytest.param(Outcome.NOT_COMMITTED, _AFTERWARDS, [_MOVED], "a is there 1 times", id="denied, but there"),
        pytest.param(None, _UNTOUCHED, [], "a is there 0 times; told: None", id="an error without a last word"),
        pytest.param(Outcome.COMMITTED, {1: 990, 2: 1000}, [_MOVED], "account 2 holds 1000", id="half of it"),
        pytest.param(Outcome.COMMITTED, {1: 991, 2: 1010}, [_MOVED], "the sum is not kept", id="an update lost"),
        pytest.param(
            Outcome.COMMITTED,
            {1: 995, 2: 1005},
            [_MOVED, Transfer("b", 2, 1, 5)],
            "and nobody asked for it",
            id="one that nobody asked for",
        ),
    ],
)
def test_the_judge_finds(outcome, balances, ledger, found):
    named = broken([Verdict(_MOVED, outcome)], Contents(balances, ledger))

    assert (found is None) == (named == [])
    assert found is None or found in " ".join(named)


def test_no_door_and_no_kind_of_fault_was_forgotten():
    assert (len(DOORS), len(FAULTS)) == (6, 26)
