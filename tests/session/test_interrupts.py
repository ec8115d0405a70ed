"""Ctrl-C while the server works."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from interrupting import interrupted_after, interrupted_before, interrupted_behind

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.server import Server
from crdb_magic.errors import AmbiguousCommitError, BrokenTransactionError, Outcome
from crdb_magic.session.driver import Connection
from crdb_magic.session.notices import Notices

pytestmark = pytest.mark.usefixtures("no_collection")


@pytest.fixture
def running(other, sql) -> Callable[[], int]:
    """Count the statements that sleep on the server."""
    text = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg' || '_sleep(7%'"
    if other.server.is_cockroachdb:
        text = "SELECT count(*) FROM [SHOW QUERIES] WHERE query LIKE '%pg' || '_sleep(7%'"
    return lambda: int(other.run(sql(text)).results[0].rows[0][0])


@pytest.mark.parametrize(
    "cell", ["SELECT 1; SELECT pg_sleep(7)", "SELECT pg_sleep(7)", "SELECT count(*), pg_sleep(7) FROM pg_type"]
)
def test_a_running_statement_is_cancelled_on_the_server(session, sql, rows, running, cell):
    with pytest.raises((KeyboardInterrupt, AmbiguousCommitError)), interrupted_after(0.3):
        session.run(sql(cell))

    assert running() == 0
    assert rows("SELECT 2") == [("2",)]


def test_an_interrupted_transaction_commits_nothing_and_says_so(session, sql, table, rows):
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_after(0.3):
        session.run(sql(f"UPDATE {table} SET balance = 0; SELECT pg_sleep(7)"))

    assert caught.value.__notes__ == ["Nothing was committed."]
    assert rows(f"SELECT count(*) FROM {table} WHERE balance = 0") == [("0",)]


def test_a_commit_within_an_interrupted_message_is_not_denied(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = 1; COMMIT; SELECT pg_sleep(7)")

    with pytest.raises(BrokenTransactionError) as caught, interrupted_after(0.3):
        session.transact(work)

    assert caught.value.outcome is Outcome.UNKNOWN
    assert rows(f"SELECT count(*) FROM {table} WHERE balance = 1") == [("2",)]


def test_what_comes_after_an_interrupted_first_message_does_not_run_by_itself(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            with suppress(KeyboardInterrupt), interrupted_before():
                cursor.execute("SELECT 1")
            cursor.execute(f"UPDATE {table} SET balance = 1")

    with pytest.raises(BrokenTransactionError, match="An earlier statement"):
        session.transact(work)

    assert rows(f"SELECT count(*) FROM {table} WHERE balance = 1") == [("0",)]


def test_what_was_set_stays_told_though_its_answer_was_interrupted(session):
    with session.connection.cursor() as cursor, pytest.raises(KeyboardInterrupt), interrupted_behind():
        cursor.execute("SET application_name = 'told'")

    assert list(session.connection.told.settings) == ["APPLICATION_NAME"]


_LONG_WRITE = "UPDATE {} SET balance = 0 WHERE pg_sleep(7) IS NULL"


def test_a_single_write_that_was_interrupted_is_unknown_where_the_server_may_have_committed_it(
    session, sql, table, monkeypatch
):
    monkeypatch.setattr(Server, "cancel_is_certain", False)

    with pytest.raises(AmbiguousCommitError), interrupted_after(0.3):
        session.run(sql(_LONG_WRITE.format(table)))


def test_a_single_write_that_was_interrupted_committed_nothing_where_the_server_says_so(session, sql, table):
    if not session.server.cancel_is_certain:
        pytest.skip("there a write may be committed behind that answer")
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_after(0.3):
        session.run(sql(_LONG_WRITE.format(table)))

    assert caught.value.__notes__ == ["Nothing was committed."]


def test_what_only_reads_is_never_unknown(session, sql):
    with pytest.raises(KeyboardInterrupt) as caught, interrupted_after(0.3):
        session.run(sql("SELECT pg_sleep(7)"))

    assert caught.value.__notes__ == ["Nothing was committed."]


def test_an_interrupted_write_whose_connection_had_to_be_cut_is_unknown(session, sql, table, monkeypatch):
    monkeypatch.setattr(Connection, "cancel_statement", Connection.cut)

    with pytest.raises(AmbiguousCommitError), interrupted_after(0.3):
        session.run(sql(_LONG_WRITE.format(table)))


def test_a_wait_between_attempts_is_interrupted(session, sql):
    options = TransactionOptions(retry=RetryPolicy(wait_initial=7, wait_max=7))

    with pytest.raises(KeyboardInterrupt) as caught, interrupted_after(0.5):
        session.run(sql("SELECT 1; SELECT crdb_internal.force_retry('1h')"), options)

    assert caught.value.__notes__ == ["Nothing was committed."]


class _Endless(io.RawIOBase):
    """Rows without an end."""

    def read(self, size=-1):
        return b"9,9\n" * 1000


def test_a_copy_into_the_server_is_interrupted(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
            cursor.copy_expert(f"COPY {table} FROM STDIN WITH CSV", _Endless())

    with pytest.raises(KeyboardInterrupt), interrupted_after(0.3):
        session.transact(work)

    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


class _Sink(io.RawIOBase):
    """Takes all that comes."""

    def write(self, data):
        return len(data)


def test_a_copy_out_of_the_server_is_interrupted(session, rows):
    if not session.server.copy_to:
        pytest.skip("COPY … TO is unknown there")

    def work(connection):
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY (SELECT generate_series(1, 200000000)) TO STDOUT", _Sink())

    with pytest.raises(KeyboardInterrupt), interrupted_after(0.3):
        session.transact(work)

    assert rows("SELECT 2") == [("2",)]


class _Asking(io.RawIOBase):
    """Asks a server something with all that comes."""

    def __init__(self, session):
        self._session = session

    def write(self, data):
        self._session.ask("SELECT 1")
        return len(data)


def test_a_copy_that_calls_back_is_interrupted_after_what_it_called(session, other, rows):
    if not session.server.copy_to:
        pytest.skip("COPY … TO is unknown there")

    def work(connection):
        with connection.cursor() as cursor:
            first = "SELECT repeat('more than a buffer holds', 10000)"
            # Longer than a test may take.
            cursor.copy_expert(f"COPY ({first} UNION ALL SELECT pg_sleep(300)::TEXT) TO STDOUT", _Asking(other))

    with pytest.raises(KeyboardInterrupt), interrupted_after(0.5):
        session.transact(work)

    assert rows("SELECT 2") == [("2",)]


def test_a_statement_of_another_thread_is_let_be(session, sql):
    with ThreadPoolExecutor(1) as threads:
        there = threads.submit(session.run, sql("SELECT pg_sleep(0.6), 5 AS five"))
        with pytest.raises(KeyboardInterrupt), interrupted_after(0.2):
            threading.Event().wait(7)

        assert there.result().results[0].rows[0][1] == "5"


def test_the_wake_up_descriptor_of_others_is_given_back(session, sql):
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    session.run(sql("SELECT 1"))
    after = signal.set_wakeup_fd(before)

    assert after == before


def test_an_interrupt_that_a_callback_has_swallowed_is_raised_all_the_same(session, sql, monkeypatch):
    class Loud(Notices):
        def append(self, notice: str) -> None:
            super().append(notice)
            os.kill(os.getpid(), signal.SIGINT)  # what it raises here psycopg2 takes back

    session.connection.notices = Loud()
    try:
        with pytest.raises(KeyboardInterrupt):
            session.run(sql("SELECT 1; DROP TABLE IF EXISTS no_such_table"))
    finally:
        heard, session.connection.notices = session.connection.notices.heard, Notices()
    if not heard:
        pytest.skip("no notice there")
