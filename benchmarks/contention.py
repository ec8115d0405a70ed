"""Threads that want the same rows: how fast each way to retry gets their transactions committed, and how fairly.

::

    python benchmarks/contention.py [--url URL] [--rounds 5] [--threads 8] [--only WORD …]

Three workloads, each read-reckon-write, so that an update that is lost shows: that is checked after each run. The ways
take turns within a round, and the figures are medians over the rounds (4 times as many for the two workloads that are
over in a moment). Prints markdown.
"""
# ruff: noqa: T201, S608, S311 - a command line prints, the tables' names are ours, and chance is no secret

from __future__ import annotations

import os
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from random import Random
from statistics import median
from typing import Any, NamedTuple

import psycopg2

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.local import start
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.session import Session

Execute = Callable[[str, Sequence[object]], Any]
Work = Callable[[Execute], None]
RunOne = Callable[[Work], object]

_RETRYABLE = {"40001", "40P01"}
_PATIENT = 1_000_000  # attempts: what gives up would look fast


# The workloads: each transaction adds what it says to the sum of the rows.


@dataclass(frozen=True)
class Workload:
    """How many rows and transactions in all, what one does and adds to the sum, and how often it is run in a round."""

    title: str
    rows: int
    transactions: int
    draw: Callable[[Random, str], Work]
    adds: int
    times: int = 1


def _read(execute: Execute, table: str, row: int) -> int:
    return int(execute(f"SELECT v FROM {table} WHERE id = %s", [row]).fetchone()[0])


def _write(execute: Execute, table: str, row: int, value: int) -> None:
    execute(f"UPDATE {table} SET v = %s WHERE id = %s", [value, row])


def _hot_row(_: Random, table: str) -> Work:
    return lambda execute: _write(execute, table, 0, _read(execute, table, 0) + 1)


def _transfer(random: Random, table: str) -> Work:
    source, target = random.sample(range(10), 2)

    def work(execute: Execute) -> None:
        had, has = _read(execute, table, source), _read(execute, table, target)
        _write(execute, table, source, had - 1)
        _write(execute, table, target, has + 1)

    return work


def _long(random: Random, table: str) -> Work:
    rows = random.sample(range(60), 15)

    def work(execute: Execute) -> None:
        values = {row: _read(execute, table, row) for row in rows}
        for row, value in values.items():
            _write(execute, table, row, value + 1)

    return work


WORKLOADS = (
    Workload("one hot row", 1, 240, _hot_row, 1, times=4),
    Workload("transfers among 10 rows", 10, 320, _transfer, 0, times=4),
    Workload("15 reads + 15 writes of 60 rows", 60, 64, _long, 15),
)


# The ways: each opens a connection of its own for a thread, and gives what runs a work as a transaction.


@contextmanager
def _transact(url: str, retry: RetryPolicy) -> Iterator[RunOne]:
    session, options = Session(Target.from_url(url)), TransactionOptions(retry=retry)
    assert session.server  # noqa: S101 - connects

    def run(work: Work) -> object:
        return session.transact(lambda connection: _with_cursor(connection, work), options)

    yield run
    session.close()


def _patient(url: str) -> Any:
    return _transact(url, RetryPolicy(max_attempts=_PATIENT))


def _hasty(url: str) -> Any:
    return _transact(url, RetryPolicy(max_attempts=_PATIENT, wait_initial=0, wait_max=0))


def _with_cursor(connection: Any, work: Work) -> None:
    with connection.cursor() as cursor:

        def execute(sql: str, values: Sequence[object]) -> Any:
            cursor.execute(sql, values)
            return cursor

        work(execute)


@contextmanager
def _database(url: str) -> Iterator[RunOne]:
    database = CockroachDatabase(url)
    database.connect()
    yield lambda work: database.run_transaction(lambda db: work(db.execute_sql), max_attempts=_PATIENT)
    database.close()


@contextmanager
def _bare(url: str, wait: Callable[[int], None] = lambda _: None) -> Iterator[RunOne]:
    connection = psycopg2.connect(url)
    connection.set_session(isolation_level="SERIALIZABLE")

    def run(work: Work) -> None:
        for attempt in count(1):
            try:
                _with_cursor(connection, work)
                return connection.commit()
            except psycopg2.Error as error:
                connection.rollback()
                if error.pgcode not in _RETRYABLE:
                    raise
            wait(attempt)
        return None

    yield run
    connection.close()


def _bare_but_patient(url: str) -> Any:
    policy, random = RetryPolicy(), Random()
    return _bare(url, lambda attempt: time.sleep(random.random() * policy.longest_wait(attempt)))


@contextmanager
def _playhouse(url: str) -> Iterator[RunOne]:
    from playhouse import cockroachdb

    database = cockroachdb.CockroachDatabase(url)
    database.connect()
    yield lambda work: cockroachdb.run_transaction(database, lambda db: work(db.execute_sql))
    database.close()


@contextmanager
def _sqlalchemy(url: str) -> Iterator[RunOne]:
    import sqlalchemy
    from sqlalchemy_cockroachdb import run_transaction

    engine = sqlalchemy.create_engine("cockroachdb://" + url.partition("://")[2], pool_size=1)

    def execute_on(connection: Any) -> Execute:
        return lambda sql, values: connection.exec_driver_sql(sql, tuple(values))

    engine.connect().close()
    yield lambda work: run_transaction(engine, lambda connection: work(execute_on(connection)))
    engine.dispose()


class Way(NamedTuple):
    """A name, how to open it, and why it cannot be measured on PostgreSQL if so."""

    name: str
    open: Callable[[str], Any]
    not_on_postgresql: str = ""


_SAME_SNAPSHOT = "never ends here: it retries from a savepoint, on the snapshot that PostgreSQL refused"
BARE = Way("bare psycopg2: BEGIN, COMMIT, again at once", _bare)
WAYS = (
    Way("`CockroachDatabase.run_transaction`", _database),
    Way("`Session.transact`", _patient),
    Way("`Session.transact`, but without a wait", _hasty),
    BARE,
    Way("bare psycopg2, but with our waits", _bare_but_patient),
    Way("`playhouse.cockroachdb.run_transaction`", _playhouse, _SAME_SNAPSHOT),
    Way("`sqlalchemy_cockroachdb.run_transaction`", _sqlalchemy, _SAME_SNAPSHOT),
)


# One run.


@dataclass(frozen=True)
class Figures:
    """What one run, or the median of several, came to."""

    rate: float  # transactions a second
    attempts: float  # for each commit
    p50: float  # ms
    p99: float
    fairness: float  # the slowest thread's time / the fastest one's
    cpu: float  # ms of this process's CPU for each commit

    def row(self, bare: Figures) -> str:
        """Give the cells of a table."""
        shown = (f"{self.rate:.0f}" if self.rate >= 20 else f"{self.rate:.1f}", f"{self.rate / bare.rate:.2f}")  # noqa: PLR2004
        return " | ".join(
            [
                *shown, f"{self.attempts:.2f}", f"{self.p50:.1f}", f"{self.p99:.0f}", f"{self.fairness:.1f}",
                f"{self.cpu:.2f}", f"{self.cpu / bare.cpu:.2f}",
            ]
        )  # fmt: skip


HEADS = (
    "", "txn/s", "× bare", "attempts per commit", "p50 ms", "p99 ms", "slowest / fastest thread", "CPU ms", "× bare",
)  # fmt: skip


class _Thread(NamedTuple):
    latencies: list[float]
    attempts: int
    seconds: float


def _share(way: Way, url: str, works: Sequence[Work], ready: threading.Barrier) -> _Thread:
    """Do one thread's share of the transactions, beginning with all others."""
    attempts, latencies = 0, []

    def counted(work: Work) -> Work:
        def run(execute: Execute) -> None:
            nonlocal attempts
            attempts += 1
            work(execute)

        return run

    with way.open(url) as run_one:
        ready.wait()
        began = time.perf_counter()
        for work in works:
            before = time.perf_counter()
            run_one(counted(work))
            latencies.append(time.perf_counter() - before)
        return _Thread(latencies, attempts, time.perf_counter() - began)


def _summed(threads: Sequence[_Thread], seconds: float, cpu: float) -> Figures:
    latencies = sorted(1000 * one for thread in threads for one in thread.latencies)
    return Figures(
        rate=len(latencies) / seconds,
        attempts=sum(thread.attempts for thread in threads) / len(latencies),
        p50=median(latencies),
        p99=latencies[-(len(latencies) // 100 + 1)],
        fairness=max(thread.seconds for thread in threads) / min(thread.seconds for thread in threads),
        cpu=1000 * cpu / len(latencies),
    )


class LostUpdateError(Exception):
    """The rows do not hold what the committed transactions added."""


def measure(way: Way, workload: Workload, given: Namespace, seed: int) -> Figures:
    """Run the workload once, on a new table; raises LostUpdateError."""
    url, table, each = given.url, f"contention_{os.getpid()}", workload.transactions // given.threads
    keeper = psycopg2.connect(url)
    keeper.autocommit = True
    with keeper.cursor() as cursor, ThreadPoolExecutor(given.threads) as pool:
        cursor.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, v INT NOT NULL)")
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, 0)", [(row,) for row in range(workload.rows)])
        ready = threading.Barrier(given.threads + 1, timeout=60)
        works = [
            [workload.draw(random, table) for _ in range(each)]
            for random in (Random(f"{seed} {number}") for number in range(given.threads))
        ]
        shares = [pool.submit(_share, way, url, work, ready) for work in works]
        ready.wait()
        began, used = time.perf_counter(), time.process_time()
        threads = [share.result() for share in shares]
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        cursor.execute(f"SELECT sum(v) FROM {table}")
        held, added = int(cursor.fetchone()[0]), workload.adds * each * given.threads
        cursor.execute(f"DROP TABLE {table}")
    keeper.close()
    if held != added:
        raise LostUpdateError(f"{way.name}, {workload.title}: {held} instead of {added}")
    return _summed(threads, seconds, cpu)


# All runs.


def _median(runs: Sequence[Figures]) -> Figures:
    return Figures(**{name: median(getattr(run, name) for run in runs) for name in Figures.__annotations__})


def _table(workload: Workload, ways: Sequence[Way], given: Namespace) -> Iterator[str]:
    runs: dict[str, list[Figures]] = {way.name: [] for way in ways}
    for number in range(given.rounds * workload.times):
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            runs[way.name].append(measure(way, workload, given, seed=number))
    medians = {name: _median(figures) for name, figures in runs.items()}
    yield f"\n**{workload.title}**, {workload.transactions} transactions, {given.rounds * workload.times} rounds\n"
    yield f"| {' | '.join(HEADS)} |\n|---{'|---:' * (len(HEADS) - 1)}|"
    for name, figures in medians.items():
        yield f"| {name} | {figures.row(medians[BARE.name])} |"


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="the server; a local one that is started for it unless given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--only", nargs="*", default=[], help="words of the ways to measure besides the bare loop")
    return parser.parse_args()


def _report(given: Namespace) -> None:
    session = Session(Target.from_url(given.url))
    server, cluster = session.server, session.server.is_cockroachdb
    session.close()
    load = "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg())
    print(f"{server}, {os.cpu_count()} CPUs, load before: {load}; {given.threads} threads, medians")
    print(", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    wanted = [way for way in WAYS if way is BARE or not given.only or any(word in way.name for word in given.only)]
    able = [way for way in wanted if cluster or not way.not_on_postgresql]
    for workload in WORKLOADS:
        print("\n".join(_table(workload, able, given)), flush=True)
        for way in wanted:
            if way not in able:
                print(f"| {way.name} | {way.not_on_postgresql} |{' |' * (len(HEADS) - 2)}")
    print("\nNo update was lost.")


_PACKAGES = ("psycopg2-binary", "peewee", "sqlalchemy", "sqlalchemy-cockroachdb")


def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:
        return "missing"


def main() -> int:
    """Measure, and give the exit status."""
    given = _arguments()
    with nullcontext() if given.url else start() as local:
        given.url = given.url or local.url
        try:
            _report(given)
        except LostUpdateError as error:
            print(f"An update was lost: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
