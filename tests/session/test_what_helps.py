"""What an error says about what can be done."""

from __future__ import annotations

import math

import peewee
import psycopg2
import pytest
from faults import Fault, ServerError, instead, statement
from personality import BEYOND_GC
from proxy import Proxy
from tables import connected

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.core.server import Server
from crdb_magic.errors import Outcome, PastUnavailableError, StatementError
from crdb_magic.session import reasons
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.session.translation import translate
from crdb_magic.transfer.streaming import results

_AGO = TransactionOptions(as_of=AsOf.parse(1722882686481050825))
_PATIENT = TransactionOptions(as_of=_AGO.as_of, retry=RetryPolicy(max_attempts=3, wait_initial=0, wait_max=0))
_COMPUTED = ServerError("55000", 'cannot write directly to computed column "total"')
# As a v22.1 answered, and the class that newer servers have for it: pkg/sql/sem/asof
_AHEAD = ServerError("XXUUU", "AS OF SYSTEM TIME: cannot specify timestamp in the future (1.5,0 > 1.4,0)")
_AHEAD_NOW = ServerError("22023", "AS OF SYSTEM TIME: cannot specify timestamp in the future (1.5,0 > 1.4,0)")


# By SQLSTATE, where the server does not say it in our terms.


@pytest.mark.parametrize(
    ("cell", "sqlstate", "hint"),
    [
        ("TRUNCATE {table}; SELECT 1", "57000", "in a cell of its own"),
        ("SELECT count(*) FROM crdb_internal.jobs", "42501", "SET allow_unsafe_internals = on"),
    ],
)
def test_a_refusal_of_v26_says_what_lifts_it(through_v26, sql, table, cell, sqlstate, hint):
    with pytest.raises(StatementError) as caught:
        through_v26.run(sql(cell.format(table=table)))

    assert (caught.value.sqlstate, hint in str(caught.value)) == (sqlstate, True)


def test_a_computed_column_is_to_be_left_out(as_v26: Proxy, through_v26, sql):
    as_v26.rules.append(Fault(statement("INSERT"), instead(_COMPUTED)))

    with pytest.raises(StatementError, match="leave it out"):
        through_v26.run(sql("INSERT INTO t (total) VALUES (1)"))


def test_another_refusal_of_the_same_sqlstate_keeps_the_hint_of_the_server(as_v26: Proxy, through_v26, sql):
    as_v26.rules.append(Fault(statement("SELECT"), instead(ServerError("42501", "no", hint="ask the owner"))))

    with pytest.raises(StatementError) as caught:
        through_v26.run(sql("SELECT 1"))

    assert caught.value.hint == "ask the owner"


# By an instant that was asked for.


def test_an_instant_beyond_what_is_kept_is_not_available(as_v26: Proxy, through_v26, sql):
    as_v26.rules.append(Fault(statement("SELECT"), instead(BEYOND_GC)))

    with pytest.raises(
        PastUnavailableError, match=r"(?s)before what the cluster still keeps.*gc\.ttlseconds"
    ) as caught:
        through_v26.run(sql("SELECT 1"), _AGO)

    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_that_of_a_pin_and_of_a_stream_is_not_either(as_v26: Proxy, through_v26, sql):
    through_v26.pinned = _AGO.as_of
    as_v26.rules.append(Fault(lambda text: "FROM t" in text, instead(BEYOND_GC), times=math.inf))
    for read in (
        lambda: through_v26.ask("SELECT * FROM t"),
        lambda: next(results(through_v26, Query.of_text("SELECT * FROM t", None), 10)),
        lambda: through_v26.transact(lambda connection: connection.cursor().execute("SELECT * FROM t")),
    ):
        with pytest.raises(PastUnavailableError, match=r"gc\.ttlseconds"):
            read()


def test_that_of_a_pin_says_that_it_is_the_pin_and_how_to_get_another(as_v26: Proxy, through_v26, sql):
    through_v26.pinned = AsOf.parse("1722882686481050825")
    as_v26.rules.append(Fault(lambda text: "FROM t" in text, instead(BEYOND_GC)))

    with pytest.raises(PastUnavailableError, match=r"The pin, 1722882686481050825, is before .*") as caught:
        through_v26.run(sql("SELECT * FROM t"))
    assert "%crdb_pin pins to now" in str(caught.value.hint)


def test_without_an_instant_the_same_words_are_the_statements(as_v26: Proxy, through_v26, sql):
    as_v26.rules.append(Fault(statement("SELECT"), instead(BEYOND_GC)))

    with pytest.raises(StatementError, match=r"gc\.ttlseconds") as caught:
        through_v26.run(sql("SELECT 1"))

    assert caught.value.sqlstate == "XXUUU"


@pytest.mark.parametrize("error", [_AHEAD, _AHEAD_NOW], ids=["v22.1", "now"])
def test_an_instant_ahead_of_a_nodes_clock_is_read_again_in_a_moment(as_v26: Proxy, through_v26, sql, error):
    as_v26.rules.append(Fault(statement("SELECT"), instead(error), times=2))
    report = through_v26.run(sql("SELECT 1"), _PATIENT)

    assert [retry.label for retry in report.receipt.retries] == [error.sqlstate] * 2


def test_one_that_stays_ahead_lies_in_the_future(as_v26: Proxy, through_v26, sql, monkeypatch):
    monkeypatch.setattr(reasons, "_CLOCKS_DIFFER", 0)
    as_v26.rules.append(Fault(statement("SELECT"), instead(_AHEAD), times=2))

    with pytest.raises(PastUnavailableError, match="lies in the future"):
        through_v26.run(sql("SELECT 1"), _PATIENT)


def test_a_write_into_the_past_says_why_it_is_refused(session, sql, table):
    with pytest.raises(StatementError, match="the transaction reads the past, as of -1us: leave --as-of out to write"):
        session.run(sql(f"DELETE FROM {table}"), TransactionOptions(as_of=AsOf.parse("-1us")))


# CockroachDB's words on PostgreSQL.


@pytest.fixture
def postgresql(server: Server) -> None:
    if server.own_words:
        pytest.skip("it knows its own words")


CELLS = {
    "SHOW TABLES": "information_schema.tables",
    "SHOW CREATE TABLE {table}": "pg_indexes",
    "SHOW COLUMNS FROM {table}": "information_schema.columns",
    "SHOW JOBS": "that takes a cluster",
    "UPSERT INTO {table} VALUES (1, 2)": "ON CONFLICT",
    "USE other": "SET search_path",
    "CREATE TABLE t (id INT PRIMARY KEY, b INT, INDEX (b))": "CREATE INDEX",
    "CREATE TABLE t (id INT PRIMARY KEY, b INT, INDEX i (b))": "CREATE INDEX",
    "CREATE TABLE t (id INT PRIMARY KEY, b INT ON UPDATE 1)": "a trigger",
    "SELECT 1; SELECT * FROM {table} AS OF SYSTEM TIME '-1s'": "--as-of",
    "SELECT '1'::STRING(3)": "VARCHAR(n)",
    "SELECT * FROM {table}@primary": "leave @index out",
}


@pytest.mark.parametrize(("cell", "instead"), CELLS.items(), ids=CELLS)
def test_the_stand_in_says_that_it_is_one_and_what_to_write(postgresql, keeper, session, sql, table, cell, instead):
    with pytest.raises(StatementError) as caught:
        session.run(sql(cell.format(table=table)))

    hint = caught.value.hint or ""
    assert hint.startswith("PostgreSQL is standing in for CockroachDB here, and has no")
    assert instead in hint


def test_another_postgresql_says_what_it_is(postgresql, target, sql):
    session = Session(target)

    with pytest.raises(StatementError, match="Hint: this server is PostgreSQL, which has no SHOW TABLES: SELECT"):
        session.run(sql("SHOW TABLES"))


def test_in_a_transaction_of_a_callback_it_is_said_too(postgresql, session):
    with pytest.raises(Exception, match="tables") as caught:
        session.transact(lambda connection: connection.cursor().execute("SHOW TABLES"))

    assert "has no SHOW TABLES" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("ask", "notes"),
    [
        (lambda db: db.run_transaction(lambda given: given.rows("SHOW TABLES")), ["Hint", "Nothing was committed."]),
        (
            lambda db: db.run_transaction(lambda given: given.execute_sql("SHOW TABLES")),
            ["Hint", "Nothing was committed."],
        ),
        (lambda db: db.execute_sql("SHOW TABLES"), ["Hint"]),
    ],
    ids=["rows in a callback", "a statement in a callback", "a statement"],
)
def test_a_database_of_models_says_it_once(postgresql, url, ask, notes):
    with connected(url) as db, pytest.raises(peewee.ProgrammingError, match="tables") as caught:
        ask(db)

    assert [note.split(":")[0] for note in caught.value.__notes__] == notes


def test_a_cursor_of_psycopg2_alone_gets_no_advice(postgresql, target):
    bare = psycopg2.connect(**target)
    try:
        bare.cursor().execute("SHOW TABLES")
    except psycopg2.Error as error:
        translated = translate(error, connected=True)
    bare.close()

    assert translated is not None
    assert translated.hint is None
