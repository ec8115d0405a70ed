"""A law of the past: whatever was done since, a reading as of an instant gives what it gave then, or is refused.

The model is the simplest there is: behind each step all questions are asked of the present, and their answers kept.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any

import pandas as pd
import peewee
import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from past_texts import DATA, MADE, OF_POSTGRESQL, QUESTIONS, SCHEMA

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.server import Server
from crdb_magic.core.target import Target
from crdb_magic.errors import CrdbMagicError
from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.session.driver import Connection, text_cursor
from crdb_magic.session.pinning import pin, present, unpin
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.session.snapshots import Keeper
from crdb_magic.sql.statements import BoundStatement, split
from crdb_magic.transfer.loading import Mode, Writing, write
from crdb_magic.transfer.streaming import results

PATH = "SET search_path = past1, past2, crdb_internal"
PROBLEMS = (CrdbMagicError, psycopg2.Error, peewee.PeeweeException)


class FailedOnPurposeError(Exception):
    """An error of a callback's own."""


class World:
    """Two sessions and a peewee database of a server, and what was to be seen behind each step."""

    def __init__(self, target: Target, url: str) -> None:
        self.session, self.other, self.db = Session(target), Session(target), CockroachDatabase(url)
        self.number = 100
        self.seen: list[tuple[AsOf, dict[str, Any]]] = []
        self.cockroach = self.session.server.is_cockroachdb

    def begin(self) -> None:
        self.seen.clear()
        for name in (1, 2, 3):
            self.session.ask(f"DROP SCHEMA IF EXISTS past{name} CASCADE")
        for name in (1, 2):
            self.session.ask(f"CREATE SCHEMA past{name}")
        for each in (self.session.ask, self.other.ask, self.db.execute_sql):
            each(PATH)
        if not self.cockroach:
            self.session.ask("DISCARD TEMP")
        for text in split(MADE if self.cockroach else f"{MADE};{OF_POSTGRESQL}"):
            self.session.ask(text.text)
        self.look()

    def close(self) -> None:
        for name in (1, 2, 3):
            self.session.ask(f"DROP SCHEMA IF EXISTS past{name} CASCADE")
        for one in (self.session, self.other, self.db):
            one.close()

    def look(self) -> None:
        """Remember what is to be seen now."""
        # The server counts calls of functions for a second, and what caught() reads is everything.
        sessions = {question: self.other if "caught" in question else self.session for question in QUESTIONS}
        answers = {
            question: answer(lambda q=question: sessions[q].run(bound([q])).results[-1].rows) for question in QUESTIONS
        }
        at = AsOf.parse(Decimal(self.session.ask("SELECT cluster_logical_timestamp()").rows[0][0]))
        self.seen += [(at, answers), (present(self.session) or at, answers)]

    def step(self, way: str, texts: list[str]) -> None:
        self.number += 100
        with suppress(*PROBLEMS, FailedOnPurposeError):
            WAYS[way](self, [text.replace("{k}", str(self.number)) for text in texts])
        self.look()


def answer(read: Callable[[], Any]) -> Any:
    """Give the sorted texts of rows, None where they are refused."""
    try:
        return sorted((tuple(None if value is None else str(value) for value in row) for row in read()), key=repr)
    except PROBLEMS:
        return None


def bound(texts: list[str]) -> list[BoundStatement]:
    return [one.bind({}) for text in texts for one in split(text)]


def send(connection: Connection, *texts: str) -> list[tuple[Any, ...]]:
    with text_cursor(connection) as cursor:
        for text in texts:
            cursor.execute(text)
        rows = cursor.fetchall() if cursor.description else []
    return [tuple(value.decode() if isinstance(value, bytes) else value for value in row) for row in rows]


def failing(world: World, texts: list[str]) -> None:
    def work(connection: Connection) -> None:
        send(connection, *texts)
        raise FailedOnPurposeError

    world.session.transact(work)


def retried(world: World, texts: list[str]) -> None:
    endings = iter(["SELECT crdb_internal.force_retry('1h')", "SELECT 1"])
    world.session.transact(lambda connection: send(connection, *texts, next(endings)))


def threaded(world: World, texts: list[str]) -> None:
    def run() -> None:
        with suppress(*PROBLEMS):
            world.session.run(bound(texts))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def in_peewee(world: World, texts: list[str]) -> None:
    with world.db.atomic():
        for text in texts:
            world.db.execute_sql(text.replace("%", "%%"))


def in_peewee_alone(world: World, texts: list[str]) -> None:
    for text in texts:
        world.db.execute_sql(text.replace("%", "%%"))


def by_hand(world: World, *texts: str) -> None:
    try:
        send(world.session.connection, "BEGIN", *texts)
    finally:
        if not world.session.connection.idle:
            send(world.session.connection, "ROLLBACK")


def by_copy(world: World, texts: list[str]) -> None:
    with world.session.connection.cursor() as cursor:
        cursor.copy_expert("COPY b (id, n) FROM STDIN WITH CSV", io.StringIO(f"{world.number},1\n"))
    send(world.session.connection, *texts)


def by_frame(world: World, texts: list[str]) -> None:
    frame = pd.DataFrame({"id": [world.number], "n": [1]})
    write(world.session, frame, Writing(table="past2.c", mode=Mode.APPEND))
    world.session.run(bound(texts))


WAYS: dict[str, Callable[[World, list[str]], Any]] = {
    "a cell": lambda world, texts: world.session.run(bound(texts)),
    "a dry run": lambda world, texts: world.session.run(bound(texts), TransactionOptions(dry_run=True)),
    "a failing callback": failing,
    "a retry": retried,
    "another session": lambda world, texts: world.other.run(bound(texts)),
    "a thread": threaded,
    "peewee": in_peewee,
    "peewee, without a transaction": in_peewee_alone,
    "one message": lambda world, texts: send(world.session.connection, "; ".join(texts)),
    "messages": lambda world, texts: by_hand(world, *texts, "COMMIT"),
    "rolled back": lambda world, texts: by_hand(world, *texts),
    "COPY": by_copy,
    "a frame": by_frame,
}


def cell(world: World, question: str, as_of: AsOf | None = None) -> Any:
    return world.session.run(bound([question]), TransactionOptions(as_of=as_of)).results[-1].rows


def called_back(world: World, question: str, as_of: AsOf) -> Any:
    return world.session.transact(lambda connection: send(connection, question), TransactionOptions(as_of=as_of))[0]


def undone(world: World, question: str, as_of: AsOf) -> Any:
    """A transaction that lets go of its locks before it ends."""
    texts = ["SAVEPOINT s", question, "ROLLBACK TO s"]
    return world.session.run(bound(texts), TransactionOptions(as_of=as_of)).results[1].rows


def pinned(world: World, question: str, as_of: AsOf) -> Any:
    pin(world.session, as_of)
    try:
        return world.session.ask(question).rows
    finally:
        unpin(world.session)


def streamed(world: World, question: str, as_of: AsOf) -> Any:
    given = results(world.session, Query.of_text(question, None), 1, as_of)
    return [row for result in given for row in result.rows]


def of_peewee(world: World, question: str, as_of: AsOf) -> Any:
    world.db.begin(system_time=as_of)
    try:
        rows = send(world.db.connection(), question)
        world.db.commit()
    except BaseException:
        world.db.rollback()
        raise
    return rows


DOORS: dict[str, Callable[[World, str, AsOf], Any]] = {
    "a cell": cell,
    "a dry run": lambda world, question, as_of: (
        world.session.run(bound([question]), TransactionOptions(as_of=as_of, dry_run=True)).results[0].rows
    ),
    "a callback": called_back,
    "a savepoint": undone,
    "a pin": pinned,
    "a stream": streamed,
    "peewee": of_peewee,
}

STEPS = st.tuples(
    st.sampled_from([*WAYS, *("a cell",) * 8]),
    st.lists(st.sampled_from(DATA + SCHEMA), min_size=1, max_size=3),
)
READINGS = st.tuples(st.integers(0), st.sampled_from(QUESTIONS), st.sampled_from([*DOORS]))


@pytest.fixture(scope="module")
def world(target: Target, url: str, server: Server) -> Iterator[World]:
    keeper = None if server.as_of_system_time else Keeper(target)
    with closing(World(target, url)) as opened:
        yield opened
    if keeper:
        keeper.close()


@settings(max_examples=25, derandomize=True)
@given(steps=st.lists(STEPS, min_size=1, max_size=6), readings=st.lists(READINGS, min_size=20, max_size=20))
def test_the_past_is_read_as_it_was_or_refused(world, steps, readings):
    world.begin()
    for way, texts in steps:
        world.step(way, texts)
    wrong = []
    for number, question, door in readings:
        as_of, answers = world.seen[number % len(world.seen)]
        read = answer(lambda door=door, question=question, as_of=as_of: DOORS[door](world, question, as_of))
        if read is not None and read != answers[question]:
            wrong.append((door, question, answers[question], read))

    assert wrong == []
