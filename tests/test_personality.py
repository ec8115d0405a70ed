"""The server that plays CockroachDB v26.1: the facts that it brings, as its clients see them."""

from __future__ import annotations

import psycopg2
import pytest
from personality import COMMITTED, DECIMAL, TEXT, Table, query
from proxy import Proxy

from crdb_magic.core.options import Priority, TransactionOptions
from crdb_magic.core.server import Product
from crdb_magic.errors import CrdbMagicError
from crdb_magic.session.driver import Connection, connect
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split


def _run(session: Session, text: str, options: TransactionOptions | None = None) -> object:
    return session.run([one.bind({}) for one in split(text)], options).results[-1].rows


def test_it_is_taken_for_cockroachdb(through_v26: Session) -> None:
    server = through_v26.server

    assert (server.product, server.version) == (Product.COCKROACHDB, (26, 1, 0))


def test_what_postgresql_does_not_know_is_kept_from_it(through_v26: Session) -> None:
    rows = _run(through_v26, "SELECT 1; SELECT 2", TransactionOptions(priority=Priority.HIGH))

    assert rows == (("2",),)


def test_a_scripted_query_has_the_texts_of_select_and_those_of_copy(as_v26: Proxy, through_v26: Session) -> None:
    as_v26.rules.append(query("FROM words", Table([("w", TEXT)], [["a,b"], [None]], copied=[["c"], [None]])))

    with through_v26.connection.cursor() as cursor:
        cursor.execute("SELECT w FROM words")

        assert cursor.fetchall() == [("a,b",), (None,)]


def test_a_schema_change_within_a_transaction_is_refused_and_alone_it_is_not(through_v26: Session, table: str) -> None:
    with pytest.raises(CrdbMagicError) as caught:
        _run(through_v26, f"TRUNCATE {table}; SELECT 1")

    assert caught.value.sqlstate == "57000"
    assert _run(through_v26, f"TRUNCATE {table}") == ()


@pytest.mark.parametrize(("allowed", "sqlstate"), [("on", "40001"), ("off", "42501")])
def test_internals_are_refused_until_they_are_allowed(as_v26: Proxy, allowed: str, sqlstate: str) -> None:
    connection = connect(as_v26.target)
    with connection.cursor() as cursor:
        cursor.execute(f"SET allow_unsafe_internals = {allowed}")
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute("SELECT crdb_internal.force_retry('1h')")

    assert caught.value.pgcode == sqlstate


def _in_commit_wait(proxy: Proxy, table: str) -> Connection:
    connection = connect(proxy.target)
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; DELETE FROM {table}")
        cursor.execute("SHOW COMMIT TIMESTAMP")

        assert cursor.description[0].type_code == DECIMAL
    return connection


def test_to_show_the_commit_timestamp_commits(as_v26: Proxy, through_v26: Session, table: str) -> None:
    connection = _in_commit_wait(as_v26, table)
    with pytest.raises(psycopg2.Error) as caught:
        connection.cursor().execute("SELECT 1")
    connection.rollback()

    assert caught.value.pgcode == COMMITTED.sqlstate
    assert _run(through_v26, f"SELECT count(*) FROM {table}") == (("0",),)
