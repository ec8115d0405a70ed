"""Transactions that all read before any of them writes: each would spoil the others, were they not isolated."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crdb_magic.core.target import Target
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.session import Session

THREADS = 4

Execute = Callable[[str], Any]
Work = Callable[[Execute, Callable[[], object]], object]


def _go_on() -> None:
    """Wait for nobody."""


# The doors: each runs the work in a transaction, and gives how often it was run.


def _session(target: Target, work: Callable[[Execute], object]) -> int:
    session = Session(target)

    def on(connection: Any) -> None:
        with connection.cursor() as cursor:

            def execute(text: str) -> Any:
                cursor.execute(text)
                return cursor

            work(execute)

    _, receipt = session.transact(on)
    session.close()
    return receipt.attempts


def _database(target: Target, work: Callable[[Execute], object]) -> int:
    parameters, retries = dict(target), []
    database = CockroachDatabase(parameters.pop("dbname"), **parameters)
    database.run_transaction(lambda db: work(db.execute_sql), on_retry=retries.append)
    database.close()
    return len(retries) + 1


@pytest.fixture(params=[_session, _database], ids=["Session.transact", "CockroachDatabase.run_transaction"])
def race(request, target: Target) -> Callable[[Sequence[Work]], list[int]]:
    """Run each work in a thread and a session of its own; gives how many attempts each took.

    A work calls what it is given second when it has read; at the first attempt that waits for all others.
    """

    def run(works: Sequence[Work]) -> list[int]:
        barrier = threading.Barrier(len(works), timeout=20)

        def start(work: Work) -> int:
            waits: Iterator[Callable[[], object]] = iter([barrier.wait])
            return request.param(target, lambda execute: work(execute, next(waits, _go_on)))

        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(start, works))

    return run


def _add(table: str, amount: int) -> Work:
    """Read the balance, reckon in Python, write it back."""

    def work(execute: Execute, have_read: Callable[[], object]) -> None:
        balance = execute(f"SELECT balance FROM {table} WHERE id = 1").fetchone()[0]
        have_read()
        execute(f"UPDATE {table} SET balance = {balance + amount} WHERE id = 1")

    return work


def test_no_update_is_lost_and_all_but_one_of_those_that_read_the_same_are_run_again(race, table, rows):
    attempts = race([_add(table, 10**number) for number in range(THREADS)])

    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("1211",)]
    assert attempts.count(1) <= 1


@pytest.fixture
def on_call(table, rows) -> str:
    """A table where the balance of each row is 1: a doctor on call."""
    rows(f"DELETE FROM {table}")
    rows(f"INSERT INTO {table} SELECT i, 1 FROM generate_series(1, {THREADS}) AS s(i)")
    return table


def _leave(table: str, doctor: int) -> Work:
    """Go off call, if somebody else stays: each writes another row than the others."""

    def work(execute: Execute, have_read: Callable[[], object]) -> None:
        there = execute(f"SELECT count(*) FROM {table} WHERE balance = 1").fetchone()[0]
        have_read()
        if there > 1:
            execute(f"UPDATE {table} SET balance = 0 WHERE id = {doctor}")

    return work


def test_no_writes_are_skewed_and_all_but_one_of_those_that_read_the_same_are_run_again(race, on_call, rows):
    attempts = race([_leave(on_call, number + 1) for number in range(THREADS)])

    assert rows(f"SELECT count(*) FROM {on_call} WHERE balance = 1") == [("1",)]
    assert attempts.count(1) <= 1


def _transfer(table: str, source: int, target: int) -> Work:
    """Take 5 from one account, and then give it to the other: two of them, crosswise, wait for each other."""

    def work(execute: Execute, have_read: Callable[[], object]) -> None:
        execute(f"UPDATE {table} SET balance = balance - 5 WHERE id = {source}")
        have_read()
        execute(f"UPDATE {table} SET balance = balance + 5 WHERE id = {target}")

    return work


def test_of_two_transactions_that_wait_for_each_other_one_is_run_again_and_both_are_done(race, table, rows):
    attempts = race([_transfer(table, 1, 2), _transfer(table, 2, 1)])

    assert rows(f"SELECT id, balance FROM {table} ORDER BY id") == [("1", "100"), ("2", "20")]
    assert max(attempts) > 1


def _take(table: str, account: int) -> Work:
    """Take 10 from an account, as long as both together hold 110."""

    def work(execute: Execute, have_read: Callable[[], object]) -> None:
        total = execute(f"SELECT sum(balance) FROM {table}").fetchone()[0]
        have_read()
        if total >= 110:
            execute(f"UPDATE {table} SET balance = balance - 10 WHERE id = {account}")

    return work


def test_a_rule_over_two_rows_holds_though_each_writer_touches_only_one(race, table, rows):
    attempts = race([_take(table, number % 2 + 1) for number in range(THREADS)])

    assert rows(f"SELECT sum(balance) FROM {table}") == [("100",)]
    assert attempts.count(1) <= 1
