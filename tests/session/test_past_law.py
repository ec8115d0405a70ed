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

# What is there at first, in a schema of its own behind which another one stands on the search_path.
MADE = """
CREATE TABLE a (id INT PRIMARY KEY, n INT CHECK (n > -100), s TEXT);
CREATE TABLE b (id INT PRIMARY KEY, a_id INT REFERENCES a (id) ON DELETE CASCADE, n INT);
CREATE TABLE past2.c (id INT, n INT);
CREATE VIEW v AS SELECT id, n FROM a WHERE n > 0;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE m (id INT PRIMARY KEY, mood mood);
CREATE SEQUENCE seq;
INSERT INTO a VALUES (1, 10, 'x'), (2, NULL, 'y'), (3, -5, 'x');
INSERT INTO b VALUES (1, 1, 5), (2, 3, 6);
INSERT INTO past2.c VALUES (1, 1);
INSERT INTO m VALUES (1, 'sad'), (2, 'ok')
"""
OF_POSTGRESQL = """
CREATE MATERIALIZED VIEW mv AS SELECT count(*) AS n FROM a;
CREATE TABLE p (id INT, n INT) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE TABLE parent (id INT);
CREATE TABLE child (CHECK (id > -1000)) INHERITS (parent);
CREATE UNLOGGED TABLE u (id INT);
CREATE TEMPORARY TABLE temp (id INT, n INT);
CREATE FUNCTION f() RETURNS INT8 LANGUAGE sql STABLE AS 'SELECT count(*) FROM a';
CREATE FUNCTION caught() RETURNS INT8 LANGUAGE plpgsql AS 'DECLARE r INT8; BEGIN BEGIN SELECT count(*) INTO r FROM b;
    RAISE division_by_zero; EXCEPTION WHEN others THEN NULL; END; RETURN r; END';
CREATE FUNCTION w(k INT) RETURNS INT LANGUAGE sql AS 'INSERT INTO b VALUES (k, NULL, k) RETURNING id';
CREATE FUNCTION empties() RETURNS INT LANGUAGE plpgsql AS 'BEGIN TRUNCATE b; RETURN 1; END';
INSERT INTO p VALUES (1, 1), (11, 1);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2), (-2);
INSERT INTO u VALUES (1);
INSERT INTO temp VALUES (1, 1)
"""

# {k} is another number each time. One that a server does not know, or that fails for what was done before, is a step
# that fails, which has to leave the past alone as well.
DATA = """
INSERT INTO a VALUES ({k}, {k}, 'k')
UPDATE a SET n = coalesce(n, 0) + 1
UPDATE a SET n = 7 WHERE id = 1
DELETE FROM a WHERE n IS NULL
DELETE FROM a WHERE id = 1
DELETE FROM a WHERE n < 0
UPDATE a SET id = id + 1000 WHERE s = 'k'
INSERT INTO b VALUES ({k}, NULL, {k})
DELETE FROM b
INSERT INTO past2.c VALUES ({k}, 2)
UPDATE m SET mood = 'ok'
SELECT nextval('seq')
SELECT w({k})
SELECT empties()
WITH x AS (INSERT INTO b VALUES ({k}, NULL, 1) RETURNING id) SELECT id FROM x
WITH x AS (DELETE FROM past2.c RETURNING id) SELECT count(*) FROM x
EXPLAIN ANALYZE INSERT INTO b VALUES ({k}, NULL, 2)
DO $$ BEGIN UPDATE a SET n = 3 WHERE id = 3; END $$
INSERT INTO p VALUES ({k} % 20, 2)
DELETE FROM p WHERE id < 10
UPDATE p SET id = id + 10 WHERE id < 10
INSERT INTO child VALUES ({k})
DELETE FROM child WHERE id < 0
INSERT INTO u VALUES ({k})
INSERT INTO temp VALUES ({k}, 2)
UPDATE temp SET n = n + 1
INSERT INTO a SELECT {k} + g, g, 'g' FROM generate_series(1, 30) AS g
INSERT INTO m VALUES ({k}, 'new')
SELECT 1/0
SELECT 1
"""
SCHEMA = """
TRUNCATE a CASCADE
TRUNCATE past2.c
DROP TABLE b
CREATE TABLE b (id INT PRIMARY KEY, a_id INT, n INT)
DROP TABLE a CASCADE
CREATE TABLE a (id INT PRIMARY KEY, n INT, s TEXT)
CREATE TABLE new AS SELECT id, n FROM a
CREATE TABLE new (id INT, n INT)
DROP TABLE new
CREATE TABLE c (id INT, n INT)
DROP TABLE c
ALTER TABLE a ADD COLUMN more INT
ALTER TABLE a ADD COLUMN more INT DEFAULT 5
ALTER TABLE a ADD COLUMN more FLOAT8 DEFAULT random()
ALTER TABLE a DROP COLUMN more
ALTER TABLE a DROP COLUMN s
ALTER TABLE a RENAME COLUMN n TO number
ALTER TABLE a RENAME COLUMN s TO n
ALTER TABLE a RENAME COLUMN number TO s
ALTER TABLE a ALTER COLUMN n TYPE INT8
ALTER TABLE a ALTER COLUMN s TYPE VARCHAR(40)
ALTER TABLE a ALTER COLUMN n SET NOT NULL
ALTER TABLE a ALTER COLUMN n DROP NOT NULL
ALTER TABLE a ALTER COLUMN n SET DEFAULT 4
ALTER TABLE a ADD CONSTRAINT positive CHECK (n > 0)
ALTER TABLE child ADD CONSTRAINT positive CHECK (id > 0)
ALTER TABLE a ADD CONSTRAINT one UNIQUE (s)
CREATE INDEX by_n ON a (n)
CREATE UNIQUE INDEX by_a_id ON b (a_id)
DROP INDEX by_n
REINDEX TABLE a
ALTER TABLE a RENAME TO z
ALTER TABLE z RENAME TO a
ALTER TABLE b RENAME TO a
ALTER TABLE a RENAME TO b
ALTER TABLE m RENAME TO new
CREATE OR REPLACE VIEW v AS SELECT id, n FROM a WHERE n < 0
CREATE OR REPLACE VIEW v AS SELECT id, n + 1 AS n FROM a
DROP VIEW v
CREATE VIEW v AS SELECT id, n FROM b
CREATE VIEW new AS SELECT id, n FROM b
CREATE OR REPLACE FUNCTION f() RETURNS INT8 LANGUAGE sql STABLE AS 'SELECT count(*) FROM b'
CREATE FUNCTION g() RETURNS INT8 LANGUAGE sql AS 'SELECT 1::INT8'
DROP FUNCTION f
ALTER TYPE mood ADD VALUE 'new' BEFORE 'ok'
ALTER TYPE mood RENAME VALUE 'sad' TO 'sorry'
ALTER TYPE mood RENAME TO humour
CREATE TYPE other AS ENUM ('one')
ALTER SEQUENCE seq RESTART
CREATE SEQUENCE new
ALTER SCHEMA past2 RENAME TO past3
ALTER SCHEMA past3 RENAME TO past2
ALTER TABLE past2.c SET SCHEMA past1
ALTER TABLE c SET SCHEMA past2
REFRESH MATERIALIZED VIEW mv
VACUUM FULL a
CLUSTER a USING a_pkey
VACUUM a
VACUUM temp
ANALYZE a
ALTER TABLE p DETACH PARTITION p1
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10)
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (30) TO (40)
ALTER TABLE p ATTACH PARTITION p1 DEFAULT
DELETE FROM p1
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30)
ALTER TABLE child NO INHERIT parent
ALTER TABLE child INHERIT parent
ALTER TABLE u SET LOGGED
DROP TABLE temp
LISTEN something
NOTIFY something
GRANT SELECT ON a TO PUBLIC
COMMENT ON TABLE a IS 'said {k}'
ALTER TABLE a DISABLE TRIGGER ALL
ALTER TABLE a SET (fillfactor = 50)
"""
QUESTIONS = """
SELECT * FROM a
SELECT id FROM a
SELECT count(*), sum(n) FROM a
SELECT * FROM a WHERE n IS NULL
SELECT * FROM a WHERE n <= 0
SELECT s, count(*) FROM a GROUP BY s
SELECT * FROM b
SELECT a.id FROM a LEFT JOIN b ON b.a_id = a.id
SELECT b.id FROM b LEFT JOIN a ON a.s = b.n::TEXT
SELECT count(*) FROM b JOIN a ON a.id = b.a_id
SELECT * FROM v
SELECT * FROM m
SELECT id FROM m WHERE mood = 'new'
SELECT id FROM m ORDER BY mood
SELECT id FROM m WHERE mood < 'ok'
SELECT * FROM c
SELECT * FROM past1.c
SELECT * FROM past2.c
SELECT * FROM new
SELECT * FROM z
SELECT 'new'::mood
SELECT f()
SELECT g()
SELECT caught()
SELECT * FROM mv
SELECT * FROM p
SELECT * FROM p WHERE id < 10
SELECT * FROM p WHERE id = 35
SELECT * FROM p1
SELECT * FROM parent
SELECT * FROM parent WHERE id < 0
SELECT * FROM ONLY parent
SELECT * FROM u
SELECT * FROM temp
SELECT last_value FROM seq
SELECT to_regclass('new')
SELECT 'a'::regclass
SELECT pg_get_viewdef('v'::regclass)
SELECT count(*) FROM b WHERE EXISTS (SELECT FROM a)
SELECT table_name FROM information_schema.tables WHERE table_schema IN ('past1', 'past2')
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema IN ('past1', 'past2')
SELECT relname FROM pg_class WHERE relkind = 'v' AND relname IN ('v', 'new')
SELECT a.*, c.n FROM a, past2.c
WITH x AS (SELECT id FROM a) SELECT count(*) FROM x
SELECT 1
"""


PATH = "SET search_path = past1, past2, crdb_internal"
PROBLEMS = (CrdbMagicError, psycopg2.Error, peewee.PeeweeException)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


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
        answers = {question: answer(lambda q=question: cell(self, q)) for question in lines(QUESTIONS)}
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
        return sorted(tuple(None if value is None else str(value) for value in row) for row in read()) or "none"
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
    st.lists(st.sampled_from(lines(DATA) + lines(SCHEMA)), min_size=1, max_size=3),
)
READINGS = st.tuples(st.integers(0), st.sampled_from(lines(QUESTIONS)), st.sampled_from([*DOORS]))


@pytest.fixture(scope="module")
def world(target: Target, url: str, server: Server) -> Iterator[World]:
    keeper = None if server.as_of_system_time else Keeper(target)
    with closing(World(target, url)) as opened:
        yield opened
    if keeper:
        keeper.close()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(steps=st.lists(STEPS, min_size=1, max_size=6), readings=st.lists(READINGS, min_size=30, max_size=30))
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
