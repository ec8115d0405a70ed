"""What was done since an instant does not change what is read there; what the local server can't show is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from tables import unique

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.target import Target
from crdb_magic.errors import PastUnavailableError, StatementError
from crdb_magic.session.pinning import present
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split
from crdb_magic.transfer.streaming import results

Rows = Any


@pytest.fixture
def schemas(session: Session) -> Iterator[tuple[str, str]]:
    """Two schemas, the first things on the search_path."""
    one, two = unique("one"), unique("two")
    for name in (one, two):
        session.ask(f"CREATE SCHEMA {name}")
    session.ask(f"SET search_path = {one}, {two}, crdb_internal")
    yield one, two
    for name in (one, two, f"{one}_away"):
        session.ask(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@pytest.fixture
def do(session: Session, schemas: tuple[str, str]) -> Callable[[str], None]:
    """Run each statement by itself."""

    def done(texts: str) -> None:
        for statement in split(texts.format(one=schemas[0], two=schemas[1])):
            session.ask(statement.text)

    return done


@pytest.fixture
def read(session: Session) -> Callable[..., Rows]:
    """Give the sorted rows of a query."""

    def rows(text: str, as_of: AsOf | None = None) -> Rows:
        bound = [statement.bind({}) for statement in split(text)]
        return sorted(session.run(bound, TransactionOptions(as_of=as_of)).results[0].rows, key=repr)

    return rows


A = "CREATE TABLE a (id INT PRIMARY KEY, n INT); INSERT INTO a VALUES (1, 10), (2, NULL), (3, -1)"
B = "CREATE TABLE b (id INT PRIMARY KEY, n INT); INSERT INTO b VALUES (1, 1), (2, 1)"

# What there was, what has been done since, and what is read.
SINCE = {
    "a column was added": (A, "ALTER TABLE a ADD COLUMN more INT DEFAULT 5", "SELECT * FROM a"),
    "a column was dropped": (A, "ALTER TABLE a DROP COLUMN n", "SELECT * FROM a"),
    "a column was renamed": (A, "ALTER TABLE a RENAME COLUMN n TO m", "SELECT * FROM a"),
    "columns have changed their names": (
        A,
        "ALTER TABLE a RENAME COLUMN n TO m; ALTER TABLE a RENAME COLUMN id TO n; ALTER TABLE a RENAME COLUMN m TO id",
        "SELECT id FROM a",
    ),
    "a table was renamed": (
        f"CREATE TABLE {{two}}.b (id INT); {A}",
        "ALTER TABLE a RENAME TO b",
        "SELECT count(*) FROM b",
    ),
    "tables have changed their names": (
        f"{A}; {B}",
        "ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME TO a; ALTER TABLE c RENAME TO b",
        "SELECT count(*) FROM a",
    ),
    "a table was dropped that came first on the search_path": (
        "CREATE TABLE a (id INT); CREATE TABLE {two}.a (id INT); INSERT INTO {two}.a VALUES (1)",
        "DROP TABLE a",
        "SELECT * FROM a",
    ),
    "a temporary table was dropped that came first": (
        f"{A}; CREATE TEMPORARY TABLE a (id INT)",
        "DROP TABLE pg_temp.a",
        "SELECT * FROM a",
    ),
    "a schema was renamed": (
        "CREATE TABLE a (id INT); INSERT INTO a VALUES (1); CREATE TABLE {two}.a (id INT)",
        "ALTER SCHEMA {one} RENAME TO {one}_away",
        "SELECT * FROM a",
    ),
    "no NULL is left": (
        A,
        "DELETE FROM a WHERE n IS NULL; ALTER TABLE a ALTER COLUMN n SET NOT NULL",
        "SELECT * FROM a WHERE n IS NULL",
    ),
    "a unique index was made": (
        f"{A}; {B}",
        "DELETE FROM b WHERE id = 2; CREATE UNIQUE INDEX ON b (n)",
        "SELECT a.id FROM a LEFT JOIN b ON b.n = a.id",
    ),
    "a CHECK of a child was made": (
        "CREATE TABLE a (id INT); CREATE TABLE c () INHERITS (a); INSERT INTO c VALUES (-1)",
        "DELETE FROM c; ALTER TABLE c ADD CHECK (id > 0)",
        "SELECT * FROM a WHERE id = -1",
    ),
    "a child has no parent": (
        "CREATE TABLE a (id INT); CREATE TABLE c () INHERITS (a); INSERT INTO c VALUES (1)",
        "ALTER TABLE c NO INHERIT a",
        "SELECT * FROM a",
    ),
    "a partition has other bounds": (
        "CREATE TABLE a (id INT) PARTITION BY LIST (id); CREATE TABLE c PARTITION OF a FOR VALUES IN (1);"
        "INSERT INTO a VALUES (1)",
        "ALTER TABLE a DETACH PARTITION c; DELETE FROM c; ALTER TABLE a ATTACH PARTITION c FOR VALUES IN (2)",
        "SELECT * FROM a WHERE id = 1",
    ),
    "a view was replaced": (
        f"{A}; CREATE VIEW v AS SELECT id, n FROM a",
        "CREATE OR REPLACE VIEW v AS SELECT id, n FROM a WHERE id = 1",
        "SELECT * FROM v",
    ),
    "a function was replaced": (
        "CREATE FUNCTION f() RETURNS INT LANGUAGE SQL AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION f() RETURNS INT LANGUAGE SQL AS 'SELECT 2'",
        "SELECT f()",
    ),
    "a closer function was made": (
        "CREATE FUNCTION f(x FLOAT8) RETURNS INT LANGUAGE SQL AS 'SELECT 1'",
        "CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE SQL AS 'SELECT 2'",
        "SELECT f(1)",
    ),
    "a label was renamed": (
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE a (m mood); INSERT INTO a VALUES ('sad')",
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'sorry'",
        "SELECT * FROM a",
    ),
    "a sequence went on": ("CREATE SEQUENCE s", "SELECT nextval('s'); SELECT nextval('s')", "SELECT last_value FROM s"),
    "a materialized view was refreshed": (
        f"{A}; CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM a",
        "DELETE FROM a WHERE id = 1; REFRESH MATERIALIZED VIEW v",
        "SELECT * FROM v",
    ),
    "a temporary table was tidied up": (
        "CREATE TEMPORARY TABLE t (id INT); INSERT INTO t VALUES (1)",
        "DELETE FROM t; VACUUM t",
        "SELECT * FROM t",
    ),
    "a table is there": ("SELECT 1", A, "SELECT to_regclass('a') IS NULL"),
    "a view's text changed": (
        f"{A}; CREATE VIEW v AS SELECT n FROM a",
        "ALTER TABLE a RENAME COLUMN n TO m",
        "SELECT pg_get_viewdef(oid) FROM pg_class WHERE relname = 'v'",
    ),
    "a table was emptied that a function has let go of": (
        f"{A}; CREATE FUNCTION f() RETURNS INT8 LANGUAGE plpgsql AS 'DECLARE found INT8; BEGIN BEGIN SELECT count(*)"
        " INTO found FROM a; RAISE division_by_zero; EXCEPTION WHEN others THEN NULL; END; RETURN found; END'",
        "TRUNCATE a",
        "SELECT f()",
    ),
}


@pytest.mark.parametrize(("made", "since", "question"), SINCE.values(), ids=SINCE)
def test_what_cannot_be_shown_as_it_was_is_refused(session, do, read, made, since, question):
    try:
        do(made)
        before, instant = read(question), present(session)
        do(since)
    except StatementError:
        if session.server.is_cockroachdb:
            pytest.skip("it does not know that")
        raise

    try:
        assert read(question, instant) == before
    except PastUnavailableError:
        assert not session.server.as_of_system_time
    except StatementError as error:  # it has another name now
        assert error.sqlstate.startswith("42")
    else:
        assert session.server.as_of_system_time


STILL_READ = [
    "INSERT INTO a VALUES (4, 4)",
    "UPDATE a SET n = 0",
    "DELETE FROM a",
    "ALTER TABLE a ALTER COLUMN n SET DEFAULT 7",
    "CREATE INDEX by_n ON a (n)",
    "CREATE TABLE more AS SELECT * FROM a",
    "CREATE VIEW v AS SELECT * FROM a",
    "CREATE TABLE other (id INT REFERENCES a (id)); INSERT INTO other VALUES (1)",
    "CREATE SEQUENCE s",
    "COMMENT ON TABLE a IS 'that one'",
    "ANALYZE a",
]


@pytest.mark.parametrize("since", STILL_READ)
def test_what_has_nothing_to_do_with_it_does_not_stand_in_its_way(session, do, read, since):
    do(A)
    before, instant = read("SELECT * FROM a"), present(session)
    do(since)

    assert read("SELECT * FROM a", instant) == before


def test_what_a_savepoint_has_let_go_of_is_refused_too(session, do):
    do(A)
    instant = present(session)
    do("TRUNCATE a")
    bound = [one.bind({}) for one in split("SAVEPOINT s; SELECT count(*) FROM a; ROLLBACK TO s; SELECT 1")]

    try:
        assert session.run(bound, TransactionOptions(as_of=instant)).results[1].rows == (("3",),)
    except PastUnavailableError:
        pass
    else:
        assert session.server.as_of_system_time


@pytest.fixture
def outside(target: Target, schemas: tuple[str, str]) -> Iterator[Callable[[str], Rows]]:
    """Somebody else's connection, of which the keeper of the past hears nothing."""
    connection = psycopg2.connect(**target)
    connection.autocommit = True

    def ask(text: str) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path = {schemas[0]}, crdb_internal")
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    yield ask
    connection.close()


def test_what_somebody_else_wrote_is_read_as_well(do, read, outside):
    do(A)
    outside("DELETE FROM a WHERE id = 1")
    instant = AsOf.parse(Decimal(read("SELECT cluster_logical_timestamp()")[0][0]))

    assert read("SELECT id FROM a", instant) == [("2",), ("3",)]


def test_an_instant_between_two_writes_of_somebody_else_is_refused(session, do, read, outside):
    do(A)
    outside("DELETE FROM a WHERE id = 1")
    ((instant,),) = outside("SELECT cluster_logical_timestamp()")
    outside("DELETE FROM a WHERE id = 2")

    try:
        assert read("SELECT id FROM a", AsOf.parse(instant)) == [("2",), ("3",)]
    except PastUnavailableError as error:
        assert not session.server.as_of_system_time
        assert "lies between two transactions" in str(error)


def test_a_write_that_was_not_kept_yet_belongs_to_the_instants_behind_it(session, do, read, outside):
    """As that of another thread, between its commit and the snapshot behind it."""
    do(A)
    outside("DELETE FROM a WHERE id = 1")
    ((instant,),) = outside("SELECT cluster_logical_timestamp()")
    present(session)

    assert read("SELECT id FROM a", AsOf.parse(instant)) == [("2",), ("3",)]


def test_a_stream_is_refused_before_it_hands_anything_on(session, do):
    do(A)
    instant = present(session)
    do("ALTER TABLE a ADD COLUMN more INT DEFAULT 5")
    stream = results(session, Query.of_text("SELECT * FROM a ORDER BY id", None), 1, instant)

    try:
        assert next(stream).rows == (("1", "10"),)
    except PastUnavailableError:
        assert not session.server.as_of_system_time


@pytest.mark.parametrize("made", ["a temporary table", "a sequence"])
def test_what_has_no_past_there_is_named(session, do, read, made):
    if session.server.as_of_system_time:
        pytest.skip("the server keeps it itself")
    do("CREATE TEMPORARY TABLE t (id INT); CREATE SEQUENCE s")
    instant = present(session)

    with pytest.raises(PastUnavailableError, match=f"is {made}, whose past is not kept"):
        read(f"SELECT 1 FROM {made.split()[1][0]}", instant)


def test_what_waits_for_all_who_see_the_past_lets_it_go(keeper, session, sql, table):
    session.run(sql(f"UPDATE {table} SET balance = 1"))
    session.run(sql(f"CREATE INDEX CONCURRENTLY ON {table} (balance)"))

    assert session.run(sql(f"SELECT balance FROM {table} WHERE id = 1")).results[0].row_count == 1
