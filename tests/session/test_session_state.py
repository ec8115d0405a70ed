"""What a session was told stays told when its connection is lost, and what can't come back is named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from faults import Fault, cut_before, statement
from proxy import Proxy
from tables import unique

from crdb_magic import CockroachDatabase, PooledCockroachDatabase, Session
from crdb_magic.errors import Outcome, StateLostError, StatementError
from crdb_magic.orm.database import SessionDatabase
from crdb_magic.session.queries import Query
from crdb_magic.session.session_state import NOTHING, SessionState, SessionStateTracker, may_stay
from crdb_magic.sql.statements import split

# By its words.


def told(*texts: str) -> SessionState:
    now = NOTHING
    for text in texts:
        now = now.after(split(text))
    return now


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("CREATE TABLE t (a INT)", 1),
        ("ALTER TABLE t ADD b INT; DROP TABLE u", 2),
        ("CREATE TABLE t AS SELECT 1", 1),
        ("SELECT 1; CREATE VIEW v AS SELECT 1", 1),
        ("INSERT INTO t VALUES (1)", 0),
        ("DISCARD ALL", 0),
    ],
)
def test_what_may_have_changed_the_names_of_a_database_is_counted(text: str, changes: int) -> None:
    assert told(text).changes == changes
    assert may_stay("SELECT", text.encode()) or not changes


@pytest.mark.parametrize(
    "text",
    [
        "SET search_path = a, b",
        "set session search_path to a",
        "SET TIME ZONE 'UTC'",
        "SET ROLE ann",
        "SET SESSION AUTHORIZATION ann",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET my.own = 'a'",
        "RESET search_path",
        "USE bank",
    ],
)
def test_a_setting_stays_as_it_was_said(text: str) -> None:
    assert list(told(text).settings.values()) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "SET LOCAL search_path = a",
        "SET TRANSACTION PRIORITY HIGH",
        "SET CONSTRAINTS ALL DEFERRED",
        "SET CLUSTER SETTING sql.defaults.a = 1",
        "UPDATE t SET a = 1",
        "CREATE TABLE temp (a INT)",
        "CREATE TABLE t AS SELECT temp FROM weather",
        "INSERT INTO temp VALUES (1)",
        "PREPARE TRANSACTION 'x'",
        "CREATE TEMP TABLE seen (a INT) ON COMMIT DROP",
        "SELECT set_config('a.b', 'c', true)",
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT pg_advisory_lock",
        "SELECT 1",
    ],
)
def test_all_else_leaves_nothing(text: str) -> None:
    assert told(text) == NOTHING


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SET search_path = a", "SET SESSION search_path TO b"),
        ("SET TIME ZONE 'UTC'", "SET TIME ZONE 'Asia/Tokyo'"),
        ("USE a", "USE b"),
        ("SET search_path = a", "RESET search_path"),
        ("SET SESSION ROLE ann", "SET ROLE bob"),
        ("SET TIME ZONE 'UTC'", "RESET TIME ZONE"),
        ("SET SESSION AUTHORIZATION ann", "RESET SESSION AUTHORIZATION"),
        ("SET my.own = 'a'", "SET my.own = 'b'"),
    ],
)
def test_the_last_word_on_a_setting_counts(first: str, second: str) -> None:
    assert list(told(first, second).settings.values()) == [second]


def test_a_word_more_does_not_make_one_setting_of_two() -> None:
    texts = [
        "SET SESSION TIME ZONE 'UTC'",
        "SET SESSION ROLE ann",
        "SET SESSION AUTHORIZATION ann",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ]

    assert list(told(*texts).settings.values()) == texts


def test_a_reset_of_all_leaves_the_role() -> None:
    said = told("SET ROLE ann", "SET search_path = a", "USE b", "RESET ALL")

    assert list(said.settings.values()) == ["SET ROLE ann"]


def test_settings_come_in_the_order_of_their_last_word() -> None:
    said = told("SET ROLE ann", "SET search_path = a", "SET ROLE bob")

    assert list(said.settings.values()) == ["SET search_path = a", "SET ROLE bob"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("CREATE TEMP TABLE seen (a INT)", "temporary table seen"),
        ("CREATE LOCAL TEMPORARY TABLE IF NOT EXISTS seen (a INT)", "temporary table seen"),
        ("CREATE TABLE pg_temp.seen (a INT)", "temporary table seen"),
        ("CREATE OR REPLACE TEMP VIEW seen AS SELECT 1", "temporary table seen"),
        ("SELECT 1 AS a INTO TEMP seen", "temporary table seen"),
        ("PREPARE ask AS SELECT 1", "prepared statement ask"),
        ("LISTEN news", "LISTEN news"),
        ("SELECT pg_advisory_lock(1)", "advisory lock 1"),
        ("SELECT pg_try_advisory_lock_shared(1, 2), 3", "advisory lock 1,2"),
        ("SELECT set_config('a.b', current_user, false)", "what set_config() has set"),
        ("SELECT set_config('a.b', 'c', true), set_config('a.b', 'c', false)", "what set_config() has set"),
    ],
)
def test_what_is_bound_to_its_connection_is_named(text: str, named: str) -> None:
    assert list(told(text).bound.values()) == [named]


@pytest.mark.parametrize(
    ("made", "ended"),
    [
        ("CREATE TEMP TABLE seen (a INT)", "DROP TABLE IF EXISTS seen"),
        ("PREPARE ask AS SELECT 1", "DEALLOCATE ask"),
        ("PREPARE ask AS SELECT 1", "DEALLOCATE PREPARE ALL"),
        ("CREATE TEMP TABLE seen (a INT)", "DISCARD ALL"),
        ("LISTEN news", "UNLISTEN news"),
        ("LISTEN news", "UNLISTEN *"),
        ("SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)"),
        ("SELECT pg_advisory_lock(1, 2)", "SELECT pg_advisory_unlock_all()"),
        ("SET ROLE ann", "DISCARD ALL"),
    ],
)
def test_what_was_ended_is_not_missed(made: str, ended: str) -> None:
    assert told(made, ended) == NOTHING


@pytest.mark.parametrize(
    ("tag", "sent"),
    [
        ("SET", "/* now */ SET a = 1"),
        ("SELECT 1", "SET a = 1; SELECT 1"),
        ("SELECT 1", "/* now */ SET a = 1; SELECT 1"),
        ("SELECT 1", "SELECT 2; -- now\nSET a = 1; SELECT 1"),
        ("SELECT 1", "SELECT set_config('a.b', 'c', false)"),
        ("CREATE TABLE", "CREATE TEMP TABLE t (a INT)"),
        ("SELECT 1", "SELECT 1 INTO TEMP t"),
        ("SELECT 1", "LISTEN news; SELECT 1"),
        ("SELECT 1", "SELECT pg_advisory_lock(1)"),
    ],
)
def test_a_message_of_which_something_stays_is_read(tag: str, sent: str) -> None:
    assert may_stay(tag, sent.encode())


@pytest.mark.parametrize("sent", ["UPDATE t SET a = 1", "SELECT temp FROM weather", "INSERT INTO t VALUES ('; x')"])
def test_a_common_message_is_not(sent: str) -> None:
    assert not may_stay(sent.split(maxsplit=1)[0], sent.encode())


# What a message that failed has set, told message by message; undone: whether the server undoes a SET.


def after_a_failure(said: str, *, undone: bool, ended: bool = False) -> SessionState:
    telling = SessionStateTracker(undone=undone)
    telling.succeeded("SET", b"SET a = 1", idle=True)
    telling.failed(said.encode(), idle=True, ended=ended)
    return telling.told


DOUBT = ["what a message that failed may have SET: a"]


@pytest.mark.parametrize(
    ("said", "undone", "ended", "doubt"),
    [
        ("SET a = 2; SELECT 1/0", False, False, DOUBT),  # CockroachDB keeps it, if it came so far
        ("RESET a; SELECT 1/0", False, False, DOUBT),
        ("SET a = 2", False, False, []),
        ("SET; SET SESSION; PREPARE; SELECT 1", False, False, []),
        ("SET a = 1; SELECT 1/0", False, False, []),
        ("SET a = 2; SELECT 1/0", True, False, []),
        ("SET a = 2; COMMIT; SELECT 1/0", True, True, DOUBT),
    ],
)
def test_what_a_message_that_failed_may_have_set_is_named(said, undone, ended, doubt):
    assert list(after_a_failure(said, undone=undone, ended=ended).bound.values()) == doubt


@pytest.mark.parametrize("text", ["SET a = 3", "RESET a", "RESET ALL"])
def test_what_is_set_again_is_in_no_doubt(text):
    doubted = after_a_failure("SET a = 2; SELECT 1/0", undone=False)

    assert not doubted.after(split(text)).bound
    assert doubted.after(split("SET ab = 3")).bound


# On a server.


@pytest.fixture
def schema(session: Session, sql: Callable[..., Any]) -> Iterator[str]:
    """A schema of its own, with an empty table t."""
    name = unique("told")
    session.run(sql(f"CREATE SCHEMA {name}"))
    session.run(sql(f"CREATE TABLE {name}.t (a INT)"))
    yield name
    session.run(sql(f"RESET search_path; DROP TABLE {name}.t; DROP SCHEMA {name}"))


@pytest.fixture
def run(session: Session, sql: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda text: session.run(sql(text))


def settings(ask: Callable[[str], Any]) -> list[str]:
    return [ask(f"SELECT current_setting('{name}')") for name in ("search_path", "TimeZone", "application_name")]


SETTINGS = "SET search_path = {}; SET TIME ZONE 'Asia/Tokyo'; SET application_name = 'told'"


def test_settings_are_set_again_after_a_loss(run, rows, schema, cut_off):
    run(SETTINGS.format(schema))
    cut_off()

    assert settings(lambda text: rows(text)[0][0]) == [schema, "Asia/Tokyo", "told"]


def test_a_comment_behind_a_setting_hides_no_other(run, rows, schema, cut_off):
    run(f"SET search_path = {schema} -- ours")
    run("SET TIME ZONE 'Asia/Tokyo' -- theirs")
    cut_off()

    assert settings(lambda text: rows(text)[0][0])[:2] == [schema, "Asia/Tokyo"]


def test_they_are_set_again_after_a_second_loss(run, rows, schema, cut_off):
    run(SETTINGS.format(schema))
    cut_off()
    rows("SELECT 1")
    cut_off()

    assert settings(lambda text: rows(text)[0][0]) == [schema, "Asia/Tokyo", "told"]


def test_the_second_attempt_of_a_cell_writes_into_the_same_table(through, proxy, sql, schema, rows):
    through.run(sql(f"SET search_path = {schema}"))
    proxy.rules.append(Fault(statement("INSERT"), cut_before, nth=2))
    report = through.run(sql("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"))

    assert report.receipt.attempts == 2
    assert rows(f"SELECT a FROM {schema}.t ORDER BY a") == [("1",), ("2",)]


@pytest.mark.parametrize("ending", ["ROLLBACK", "ROLLBACK TO SAVEPOINT s; COMMIT"])
def test_a_setting_is_told_again_if_its_transaction_left_it(session, rows, schema, cut_off, ending):
    with session.connection.cursor() as cursor:
        for text in ("BEGIN", "SAVEPOINT s", f"SET search_path = {schema}", *ending.split("; ")):
            cursor.execute(text)
    before = rows("SHOW search_path")
    cut_off()

    assert rows("SHOW search_path") == before
    assert (before == [(schema,)]) is not session.server.settings_roll_back


def test_a_setting_of_a_failed_message_is_not_told_again(session, run, rows, schema, cut_off):
    with pytest.raises(StatementError):
        run(f"SET search_path = {schema}; SELECT 1/0")
    before = rows("SHOW search_path")
    cut_off()

    assert rows("SHOW search_path") == before


def _copy_in(cursor):
    cursor.copy_expert("COPY t FROM STDIN WITH CSV", io.StringIO("no number\n"))


def _copy_from(cursor):
    cursor.copy_from(io.StringIO("no number\n"), "t")


def _copy_out(cursor):
    cursor.copy_expert("COPY (SELECT 1/(a - a) FROM generate_series(1, 2) AS s (a)) TO STDOUT", io.StringIO())


def _call(cursor):
    cursor.callproc("no_function", [1])


@pytest.mark.parametrize("fails", [_copy_in, _copy_from, _copy_out, _call])
def test_a_setting_is_not_told_again_if_another_door_has_broken_its_transaction(session, rows, schema, cut_off, fails):
    with session.connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET search_path = {schema}")
        with pytest.raises(psycopg2.Error):
            fails(cursor)
        cursor.execute("COMMIT")
    before = rows("SHOW search_path")
    cut_off()

    assert rows("SHOW search_path") == before
    assert (before == [(schema,)]) is not session.server.settings_roll_back


def test_a_setting_is_told_again_if_nothing_was_sent_by_the_door_that_failed(session, rows, schema, cut_off):
    with session.connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET search_path = {schema}")
        with pytest.raises(TypeError):
            cursor.copy_expert("COPY t FROM STDIN WITH CSV", None)
        cursor.execute("COMMIT")
    cut_off()

    assert rows("SHOW search_path") == [(schema,)]


def test_a_lost_prepared_statement_is_named_once(run, rows, cut_off):
    run("PREPARE seen AS SELECT 1")
    cut_off()
    with pytest.raises(StateLostError) as caught:
        rows("SELECT 1")

    assert str(caught.value) == (
        "The connection was lost, and with it: prepared statement seen.\n"
        "Hint: make them again; what was SET has been set again.\n"
        "Nothing was committed."
    )
    assert rows("SELECT 1") == [("1",)]


def test_a_query_whose_size_is_asked_first_names_what_was_lost_as_well(session, run, sql, table, cut_off):
    run("PREPARE seen AS SELECT 1")
    cut_off()
    (query,) = sql(f"SELECT * FROM {table}")
    with pytest.raises(StateLostError, match="prepared statement seen") as caught:
        session.look_ahead(Query.of_statement(query))

    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_what_was_bound_to_a_lost_connection_ends_the_cell(through, proxy, sql, table, rows):
    through.run(sql("PREPARE ask AS SELECT 1"))
    proxy.rules.append(Fault(statement("UPDATE"), cut_before, nth=2))
    with pytest.raises(StateLostError, match="prepared statement ask"):
        through.run(sql(f"UPDATE {table} SET balance = 1; UPDATE {table} SET balance = 2"))

    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("100",)]


def test_a_setting_that_is_refused_now_is_not_left_out(run, rows, cut_off, other, sql):
    role = unique("told")
    run(f"CREATE ROLE {role}; GRANT {role} TO CURRENT_USER")
    run(f"SET ROLE {role}")
    other.run(sql(f"DROP ROLE {role}"))
    cut_off()

    for _ in range(2):
        with pytest.raises(StatementError, match=role):
            rows("SELECT 1")


def test_a_setting_that_is_refused_hides_no_lost_table(run, rows, cut_off, other, sql):
    role = unique("told")
    run(f"CREATE ROLE {role}; GRANT {role} TO CURRENT_USER")
    run(f"PREPARE seen AS SELECT 1; SET ROLE {role}")
    other.run(sql(f"DROP ROLE {role}"))
    cut_off()
    with pytest.raises(StatementError):
        rows("SELECT 1")
    other.run(sql(f"CREATE ROLE {role}; GRANT {role} TO CURRENT_USER"))
    with pytest.raises(StateLostError, match="prepared statement seen"):
        rows("SELECT 1")
    run("RESET ROLE")
    other.run(sql(f"DROP ROLE {role}"))


def test_a_setting_that_was_committed_in_a_message_that_failed_is_named(session, rows, cut_off):
    with session.connection.cursor() as cursor, pytest.raises(psycopg2.Error):
        cursor.execute("SET application_name = 'told'; COMMIT; SELECT 1/0")
    assert rows("SHOW application_name") == [("told",)]
    cut_off()
    with pytest.raises(StateLostError, match="application_name"):
        rows("SELECT 1")


# peewee's databases.


@pytest.mark.parametrize("kind", [CockroachDatabase, PooledCockroachDatabase])
def test_models_keep_their_settings_after_a_loss(kind, proxy: Proxy, schema):
    rest = dict(proxy.target)
    db = kind(rest.pop("dbname"), **rest)
    db.execute_sql(SETTINGS.format(schema))
    proxy.cut()

    assert settings(lambda text: db.execute_sql(text).fetchone()[0]) == [schema, "Asia/Tokyo", "told"]
    db.close()


def test_a_database_over_a_session_names_what_was_lost_once(session, cut_off):
    db = SessionDatabase(session)
    db.execute_sql("PREPARE seen AS SELECT 1")
    cut_off()
    with pytest.raises(StateLostError):
        db.execute_sql("SELECT 1")

    assert db.execute_sql("SELECT 1").fetchone() == (1,)
