"""A session in several threads and tasks: each transaction is its own, whoever else wants the connection meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from peewee import OperationalError

from crdb_magic import CockroachDatabase, Session
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.errors import BusyError, StatementError
from crdb_magic.orm.database import SessionDatabase
from crdb_magic.session import connection_lock
from crdb_magic.session.pinning import pin, unpin


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture
def add(session: Session, table: str, sql: Callable[..., Any]) -> Callable[[int], object]:
    """A statement that adds to the first balance, through the engine."""
    return lambda amount: session.run(sql(f"UPDATE {table} SET balance = balance + {amount} WHERE id = 1"))


@pytest.fixture
def balance(rows: Callable[[str], list[Any]], table: str) -> Callable[[], str]:
    return lambda: rows(f"SELECT balance FROM {table} WHERE id = 1")[0][0]


class Held:
    """A transaction that another thread begins, and ends when it is told to."""

    def __init__(self, session: Session, statement: str) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.fails = False
        self._session, self._statement = session, statement

    def __call__(self) -> None:
        self._session.transact(self._work)

    def _work(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self._statement)
        self.begun.set()
        self.may_end.wait(30)
        if self.fails:
            raise ZeroDivisionError


@pytest.fixture
def held_open(session: Session, table: str, pool: ThreadPoolExecutor) -> Iterator[Held]:
    """A transaction of another thread that has doubled the first balance."""
    held = Held(session, f"UPDATE {table} SET balance = 200 WHERE id = 1")
    future = pool.submit(held)
    assert held.begun.wait(30)
    yield held
    held.may_end.set()
    future.exception(30)


def has_to_wait(future: Future[Any]) -> bool:
    with pytest.raises(TimeoutError):
        future.result(timeout=0.2)
    return True


# Threads.


def test_a_thread_waits_until_the_transaction_of_another_one_has_ended(held_open, pool, add, balance):
    added = pool.submit(add, 1)
    assert has_to_wait(added)
    held_open.may_end.set()
    added.result(timeout=30)

    assert balance() == "201"


def test_the_failure_of_a_transaction_takes_nothing_of_another_thread_with_it(held_open, pool, add, balance):
    added = pool.submit(add, 1)
    assert has_to_wait(added)
    held_open.fails = True
    held_open.may_end.set()
    added.result(timeout=30)

    assert balance() == "101"


def test_a_transaction_of_another_thread_is_not_ours(held_open, session):
    assert not session.in_transaction


def test_a_question_of_another_thread_waits_too(held_open, session, pool, table):
    asked = pool.submit(session.ask, f"SELECT balance FROM {table} WHERE id = 1")
    assert has_to_wait(asked)
    held_open.may_end.set()

    assert asked.result(timeout=30).rows == (("200",),)


def test_an_option_of_ours_is_taken_although_another_thread_is_in_a_transaction(held_open, session, pool, sql):
    options = TransactionOptions(retry=RetryPolicy(max_attempts=3))
    run = pool.submit(session.run, sql("SELECT 1"), options)
    held_open.may_end.set()

    assert run.result(timeout=30).receipt.options == options


def test_who_waits_comes_before_who_gave_it_up_and_wants_it_again(session, pool, add):
    begun = threading.Event()

    def once() -> None:
        begun.wait(30)
        add(1)

    waiting = pool.submit(once)
    transactions = 0
    while not waiting.done() and transactions < 1000:
        add(1)
        begun.set()
        transactions += 1
    waiting.result(30)

    assert transactions < 1000


def test_transactions_of_many_threads_are_all_committed(session, pool, table, balance):
    def transfer(connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT balance FROM {table} WHERE id = 1")
            (now,) = cursor.fetchone()
            cursor.execute(f"UPDATE {table} SET balance = {now + 1} WHERE id = 1")

    list(pool.map(lambda _: session.transact(transfer), range(40)))

    assert balance() == "140"


def test_a_transaction_that_a_thread_left_open_is_rolled_back_when_another_one_comes(session, add, balance, table):
    def begin() -> None:
        db = SessionDatabase(session)
        db.begin()
        db.execute_sql(f"UPDATE {table} SET balance = 0 WHERE id = 1")

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    add(1)

    assert balance() == "101"


def test_who_would_wait_for_ever_is_told(session, pool, add, monkeypatch):
    monkeypatch.setattr(connection_lock, "_PATIENCE", 0.2)

    with pytest.raises(BusyError, match="of another thread, which has sent nothing for"):
        session.transact(lambda _: pool.submit(add, 1).result())


def test_who_waits_for_one_that_goes_on_is_not_told(session, pool, add, monkeypatch, balance):
    monkeypatch.setattr(connection_lock, "_PATIENCE", 0.2)
    begun = threading.Event()

    def work(connection: Any) -> None:
        with connection.cursor() as cursor:
            for _ in range(10):
                cursor.execute("SELECT pg_sleep(0.1)")
                begun.set()

    busy = pool.submit(session.transact, work)
    assert begun.wait(30)
    add(1)

    assert busy.done()
    assert balance() == "101"


def test_a_pin_waits_for_the_end_of_another_threads_transaction(held_open, session, pool, keeper):
    pinned = pool.submit(pin, session, AsOf.parse("now"))
    assert has_to_wait(pinned)
    held_open.may_end.set()
    pinned.result(timeout=30)

    assert session.pinned
    unpin(session)


# peewee's databases.


def test_a_statement_of_another_threads_models_is_not_within_our_transaction(session, pool, table, balance):
    db = SessionDatabase(session)
    with pytest.raises(ZeroDivisionError), db.atomic():
        db.execute_sql(f"UPDATE {table} SET balance = 0 WHERE id = 1")
        added = pool.submit(db.execute_sql, f"UPDATE {table} SET balance = balance + 1 WHERE id = 1")
        assert has_to_wait(added)
        raise ZeroDivisionError
    added.result(timeout=30)

    assert balance() == "101"


def test_a_block_of_another_threads_models_waits(held_open, session, pool, table, balance):
    def block() -> None:
        with db.atomic():
            db.execute_sql(f"UPDATE {table} SET balance = balance + 1 WHERE id = 1")
            db.execute_sql(f"UPDATE {table} SET balance = balance + 1 WHERE id = 1")

    db = SessionDatabase(session)
    added = pool.submit(block)
    assert has_to_wait(added)
    held_open.may_end.set()
    added.result(timeout=30)

    assert balance() == "202"


def test_what_was_begun_by_hand_is_open_until_it_is_ended(session, pool, add, table, balance):
    db = SessionDatabase(session)
    db.begin()
    db.execute_sql(f"UPDATE {table} SET balance = 0 WHERE id = 1")
    added = pool.submit(add, 1)
    assert has_to_wait(added)
    db.rollback()
    added.result(timeout=30)

    assert balance() == "101"


def test_threads_that_connect_do_not_wait_for_each_other(session, pool):
    db = SessionDatabase(session)
    session.close()
    holds, connects = threading.Event(), threading.Event()

    def hold() -> Any:
        with session.link.turn:
            holds.set()
            connects.wait(30)
            return db.execute_sql("SELECT 1").fetchone()

    def connect() -> bool:
        holds.wait(30)
        return bool(db.connect())

    opened = db._open
    db._open = lambda: (connects.set(), opened())[1]  # type: ignore[method-assign]
    held, connected = pool.submit(hold), pool.submit(connect)

    assert (held.result(30), connected.result(30)) == ((1,), True)


# Tasks of one thread.


async def _beside(db: CockroachDatabase, other: Callable[[], Any]) -> Any:
    """Do something in a task of its own while a block is open in this one."""

    async def beside() -> Any:
        return other()

    with db.atomic():
        db.execute_sql("SELECT 1")
        return await asyncio.create_task(beside())


@pytest.mark.parametrize(
    "send",
    [
        lambda db: db.execute_sql("SELECT 1"),
        lambda db: db.rows("SELECT 1"),
        lambda db: db.begin(),
        lambda db: db.transaction().__enter__(),
    ],
)
def test_another_task_is_told_that_it_can_not_be_within_our_transaction(db, send):
    with pytest.raises(BusyError, match="in a transaction of another task of this thread"):
        asyncio.run(_beside(db, lambda: send(db)))


def test_what_another_task_is_told_is_an_error_of_peewees_too(db):
    with pytest.raises(OperationalError):
        asyncio.run(_beside(db, lambda: db.execute_sql("SELECT 1")))


def test_the_task_that_began_a_transaction_goes_on_behind_an_await(db, table):
    async def work() -> Any:
        with db.atomic() as block:
            db.execute_sql(f"UPDATE {table} SET balance = 7")
            await asyncio.sleep(0)
            seen = db.rows(f"SELECT balance FROM {table}")
            block.rollback()
            return seen

    assert asyncio.run(work()) == [(7,), (7,)]


def test_a_task_that_has_ended_leaves_its_transaction_to_its_thread(db):
    async def begin() -> None:
        db.begin()

    asyncio.run(begin())

    assert db.session.in_transaction
    db.rollback()


def test_to_thread_has_a_turn_of_its_own(session, sql, add, balance):
    async def work() -> None:
        await asyncio.gather(*(asyncio.to_thread(add, 1) for _ in range(10)))

    asyncio.run(work())

    assert balance() == "110"


def test_an_error_in_one_thread_is_not_that_of_another_one(session, sql, pool, add, balance):
    wrong = [pool.submit(session.run, sql("SELECT 1/0; SELECT 2")) for _ in range(10)]
    right = [pool.submit(add, 1) for _ in range(10)]

    assert all(isinstance(future.exception(30), StatementError) for future in wrong)
    assert [future.exception(30) for future in right] == [None] * 10
    assert balance() == "110"
