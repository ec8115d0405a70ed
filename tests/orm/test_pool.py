"""PooledCockroachDatabase."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playhouse.pool import MaxConnectionsExceeded

from crdb_magic import PooledCockroachDatabase
from crdb_magic.errors import OptionError


@pytest.fixture
def pool(url: str) -> Iterator[PooledCockroachDatabase]:
    database = PooledCockroachDatabase(url, max_connections=8, timeout=20)
    yield database
    database.close_all()


def test_a_closed_connection_is_used_again(pool):
    with pool.connection_context():
        first = pool.connection()
    with pool.connection_context():
        assert pool.connection() is first


def test_a_connection_that_died_in_the_pool_is_discarded(pool):
    with pool.connection_context():
        first = pool.connection()
    first.close()

    with pool.connection_context():
        assert pool.connection() is not first
        assert pool.execute_sql("SELECT 1").fetchone() == (1,)


def test_a_connection_that_is_returned_in_a_transaction_is_rolled_back(pool):
    with pool.connection_context():
        pool.connection().cursor().execute("BEGIN")
        first = pool.connection()
    with pool.connection_context():
        assert pool.connection() is first
        assert not pool.connection().in_transaction


def test_a_begin_that_still_waits_does_not_go_back_with_its_connection(pool):
    with pool.connection_context():
        pool.connection().arm("BEGIN")
    with pool.connection_context():
        assert not pool.connection().in_transaction


def test_a_connection_past_its_lifetime_is_replaced(url):
    pool = PooledCockroachDatabase(url, max_lifetime=1000)
    with pool.connection_context():
        first = pool.connection()
        assert 800 < first.lives_until - time.monotonic() < 1101
        first.lives_until = 0.0
    with pool.connection_context():
        assert pool.connection() is not first
    pool.close_all()

    assert first.closed


def test_a_lifetime_may_be_set_later(url):
    pool = PooledCockroachDatabase(None)
    pool.init(url, max_lifetime=1000)
    with pool.connection_context():
        assert pool.connection().lives_until - time.monotonic() < 1101
    pool.close_all()


@pytest.mark.parametrize("lifetime", [0, -1, "600"])
def test_a_lifetime_is_positive(lifetime):
    with pytest.raises(OptionError, match="positive"):
        PooledCockroachDatabase("x", max_lifetime=lifetime)


def test_a_lost_connection_in_a_transaction_is_replaced_in_its_place(pool):
    lost = []

    def work(given):
        if not lost:
            lost.append(given.connection().close())
        return given.execute_sql("SELECT 1").fetchone()

    with pool.connection_context():
        assert pool.run_transaction(work) == (1,)
        assert len(pool._in_use) == 1


def test_more_connections_than_there_may_be_are_refused(url):
    pool = PooledCockroachDatabase(url, max_connections=1)
    pool.connect()

    with ThreadPoolExecutor(1) as threads, pytest.raises(MaxConnectionsExceeded):
        threads.submit(pool.connect).result()
    pool.close_all()


def test_a_waiting_thread_is_woken_when_a_connection_is_returned(url):
    pool = PooledCockroachDatabase(url, max_connections=1, timeout=20)
    pool.connect()

    def wait_for_one():
        with pool.connection_context():
            return pool.execute_sql("SELECT 1").fetchone()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_for_one)
        pool.close()

        assert waiting.result(timeout=15) == (1,)
    pool.close_all()


def test_fifty_threads_share_eight_connections_without_a_leak(pool, table):
    together = threading.Barrier(50, timeout=30)

    def increments(_):
        together.wait()
        for _ in range(3):
            with pool.connection_context():
                pool.run_transaction(
                    lambda db: db.execute_sql(f"UPDATE {table} SET balance = balance + 1 WHERE id = 2"),
                    max_attempts=500,
                )

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(increments, range(50)))
    with pool.connection_context():
        total = pool.execute_sql(f"SELECT balance FROM {table} WHERE id = 2").fetchone()[0]

    assert (total, len(pool._in_use)) == (170, 0)
    assert len(pool._connections) <= 8
