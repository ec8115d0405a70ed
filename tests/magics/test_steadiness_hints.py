"""Hints that a result may be another one when it is read again: where that matters, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crdb_magic.core.target import Target
from crdb_magic.session.hooks import HOOKS
from crdb_magic.sql.steadiness import Why

ORDER, CHOICE = Why.ORDER.value, Why.CHOICE.value


class Deaf:
    """A listener that keeps nothing."""

    def tee(self, cursor: Any, sql: Any, file: Any) -> Any:
        return file

    def __getattr__(self, name: str) -> Any:
        return lambda *said: None


class Served:
    """What stands in for all servers, and leads to one of them."""

    def __init__(self, place: Target) -> None:
        self.place_of = lambda target: place
        self.receipt_of = lambda connection, receipt: receipt


@pytest.fixture
def past(notebook, table, keeper) -> Iterator[Any]:
    """A notebook that is pinned to an instant at which there were two accounts."""
    notebook["accounts"] = table
    notebook("%crdb_pin")
    yield notebook
    notebook("%crdb_pin off")


@pytest.fixture
def recording(unconnected, url, table, monkeypatch) -> Any:
    """A notebook whose connection somebody listens to."""
    monkeypatch.setattr(HOOKS, "listener", Deaf())
    unconnected(f"%crdb_connect {url}")
    unconnected["accounts"] = table
    return unconnected


def shown(notebook: Any, cell: str) -> list[str]:
    """Give the lines that a cell showed beside its value."""
    notebook(cell)
    return [line for line in notebook.shown.splitlines() if line]


def test_a_pinned_read_without_order_by_earns_one(past):
    assert shown(past, '%crdb_txn SELECT id FROM :"accounts"')[0] == ORDER


def test_so_does_one_of_the_past(notebook, table, keeper):
    assert shown(notebook, f"%crdb_txn --as-of -1us SELECT id FROM {table}")[0] == ORDER


def test_so_does_one_that_is_recorded(recording):
    assert shown(recording, '%crdb_txn SELECT id FROM :"accounts"')[0] == ORDER


def test_so_does_one_that_is_served(recording, target, url, table, monkeypatch):
    cell = f"%crdb_txn SELECT id, random() < 2 AS small FROM {table}"
    first = shown(recording, cell)
    monkeypatch.setattr(HOOKS, "listener", None)
    monkeypatch.setattr(HOOKS, "stand_in", Served(target))
    recording(f"%crdb_connect {url}")

    assert (ORDER in first, shown(recording, cell)) == (True, first)


def test_what_was_said_of_a_statement_is_not_said_again(past):
    cell = '%crdb_txn SELECT id FROM :"accounts"'
    first, second = shown(past, cell), shown(past, cell)

    assert (first.count(ORDER), second.count(ORDER)) == (1, 0)


def test_it_is_said_when_it_matters_first(past):
    cell = '%crdb_txn SELECT id FROM :"accounts" WHERE id <= :most'
    past["most"] = 1
    one = shown(past, cell)
    past["most"] = 2

    assert (ORDER in one, ORDER in shown(past, cell)) == (False, True)


def test_another_session_is_told_too(recording, url):
    cell = '%crdb_txn SELECT id FROM :"accounts"'
    recording(cell)
    recording(f"%crdb_connect {url} --name other")

    assert shown(recording, cell)[0] == ORDER


def test_the_present_earns_none(notebook, table):
    assert ORDER not in shown(notebook, f"%crdb_txn SELECT id FROM {table}")


def test_nor_does_what_steps_out_of_the_pin(past):
    assert ORDER not in shown(past, '%crdb_txn --as-of now SELECT id FROM :"accounts"')


@pytest.mark.parametrize(
    "query", ['SELECT id FROM :"accounts" ORDER BY id', 'SELECT id FROM :"accounts" WHERE id = 1', "VALUES (1), (2)"]
)
def test_nor_does_what_comes_in_one_order(past, query):
    lines = shown(past, f"%crdb_txn {query}")

    assert not {ORDER, CHOICE} & set(lines)


def test_a_limit_of_the_cell_is_one_too(past):
    assert shown(past, '%crdb_txn --limit 1 SELECT id FROM :"accounts"')[0] == CHOICE


def test_it_stands_under_its_statement_s_rows_where_another_one_follows(past):
    past('%%crdb_txn\nSELECT id FROM :"accounts";\nSELECT 1 AS b')
    texts = [output.data["text/plain"].splitlines()[0] for output in past.outputs]

    assert texts[:3] == ['SELECT id FROM :"accounts"', "   id", ORDER]


def test_a_write_that_is_recorded_earns_none(recording):
    assert shown(recording, '%crdb_txn UPDATE :"accounts" SET balance = 1 WHERE random() < 2')[0] == "UPDATE 2"


def test_nobody_expects_a_value_of_the_present_to_come_again(recording):
    assert shown(recording, '%crdb_txn SELECT id, now(), random() FROM :"accounts"')[:1] == [ORDER]
    assert "random" not in recording.outputs[0].data["text/plain"]


def test_of_the_past_it_is_where_now_is_not_the_instant_that_is_read(past, server):
    said = Why.TRANSACTION_TIME.value.format("now()") in shown(past, "%crdb_txn SELECT now() AS a")

    assert said != server.now_is_as_of


def test_the_clock_s_time_is_never_that_of_the_past(past):
    assert Why.TIME.value.format("clock_timestamp()") in shown(past, "%crdb_txn SELECT clock_timestamp() AS a")


@pytest.mark.parametrize(
    "line", ['%crdb_txn f << SELECT id FROM :"accounts"', 'db.frame("SELECT id FROM " + accounts)']
)
def test_a_python_cell_has_none(past, line):
    assert ORDER not in shown(past, f"%%crdb_txn --python\n{line}")


def test_a_new_kernel_shows_the_same(past, url):
    cell = '%crdb_txn SELECT id, random() < 2 AS small FROM :"accounts"'
    first = shown(past, cell)
    past(f"%crdb_connect {url}")
    past("%crdb_pin")

    assert shown(past, cell) == first
