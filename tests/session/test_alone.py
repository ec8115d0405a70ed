"""What goes by itself, and what must not: bodies that may commit, schema changes, the time of a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faults import WRITE_TOO_OLD, Fault, cut_after, instead, statement
from tables import unique

from crdb_magic import Session
from crdb_magic.core.options import Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.core.server import Server
from crdb_magic.errors import BrokenTransactionError, StatementError


@pytest.fixture
def procedure(session: Session, sql: Callable[..., Any], table: str) -> Iterator[str]:
    """A procedure that adds to a balance, and commits that."""
    name = unique("adds")
    body = f"BEGIN UPDATE {table} SET balance = balance + 1 WHERE id = 1; COMMIT; END"
    try:
        session.run(sql(f"CREATE PROCEDURE {name}() LANGUAGE plpgsql AS $$ {body} $$"))
    except StatementError as error:
        pytest.skip(f"no such procedures there: {error.sqlstate}")
    yield name
    session.run(sql(f"DROP PROCEDURE {name}"))


def test_a_procedure_that_commits_is_refused(session, sql, procedure, rows, table):
    with pytest.raises(StatementError) as caught:
        session.run(sql(f"CALL {procedure}()"))

    assert (caught.value.sqlstate, caught.value.outcome.name) == ("2D000", "NOT_COMMITTED")
    assert "leave its COMMIT out" in caught.value.hint
    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("100",)]


def test_a_body_that_is_run_again_did_nothing_before(through, proxy, sql, table, rows):
    proxy.rules.append(Fault(statement("COMMIT"), instead(WRITE_TOO_OLD)))
    body = f"BEGIN UPDATE {table} SET balance = balance + 1 WHERE id = 1; END"
    report = through.run(sql(f"DO $$ {body} $$"))

    assert report.receipt.attempts == 2
    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("101",)]


# Schema changes, where the server makes them outside of transactions only.

OPTIONS = [
    TransactionOptions(priority=Priority.HIGH),
    TransactionOptions(isolation=Isolation.SERIALIZABLE),
    TransactionOptions(retry=RetryPolicy(timeout=30.0)),
]


def no_begin(texts: list[str]) -> bool:
    return not any("BEGIN" in text or "COMMIT" in text for text in texts)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_schema_change_goes_by_itself_whatever_the_options(through, trips, sql, monkeypatch, table, options):
    monkeypatch.setattr(Server, "transactional_ddl", False)
    sent = trips(lambda: through.run(sql(f"ALTER TABLE {table} ADD COLUMN more INT"), options))

    assert no_begin(sent)


@pytest.mark.parametrize("options", OPTIONS)
def test_other_statements_go_within_a_transaction_then(through, trips, sql, monkeypatch, table, options):
    monkeypatch.setattr(Server, "transactional_ddl", False)
    sent = trips(lambda: through.run(sql(f"UPDATE {table} SET balance = 1"), options))

    assert not no_begin(sent)


def test_what_changes_nothing_for_a_schema_change_is_said(session, sql, monkeypatch, table):
    monkeypatch.setattr(Server, "transactional_ddl", False)
    report = session.run(sql(f"ALTER TABLE {table} ADD COLUMN more INT"), OPTIONS[0])

    assert report.receipt.notes == ("A schema change goes by itself there: --priority and --isolation change nothing.",)


def test_a_schema_change_that_is_read_only_is_refused(session, sql, monkeypatch, table):
    monkeypatch.setattr(Server, "transactional_ddl", False)

    with pytest.raises(StatementError) as caught:
        session.run(sql(f"ALTER TABLE {table} ADD COLUMN more INT"), TransactionOptions(read_only=True))

    assert caught.value.sqlstate == "25006"


def test_the_time_limit_of_a_schema_change_ends_with_it(through, sql, monkeypatch, table, trips):
    monkeypatch.setattr(Server, "transactional_ddl", False)
    through.run(sql("SET statement_timeout = '77s'"))
    sent = trips(lambda: through.run(sql(f"ALTER TABLE {table} ADD COLUMN more INT"), OPTIONS[-1]))

    assert [text.split()[0] for text in sent] == ["SET", "ALTER", "SET"]
    assert sent[-1] == "SET statement_timeout = '77s'"


def test_a_limit_that_was_ours_is_not_told_again(through, sql, monkeypatch, table):
    monkeypatch.setattr(Server, "transactional_ddl", False)
    through.run(sql(f"ALTER TABLE {table} ADD COLUMN more INT"), OPTIONS[-1])

    assert through.connection.told.settings == {}


# The time of a commit, which CockroachDB tells by committing.


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a statement that any server has be the one that commits."""
    monkeypatch.setattr("crdb_magic.sql.kinds.shows_commit_time", lambda one: one.text == "SHOW statement_timeout")


@pytest.mark.usefixtures("commits")
def test_what_follows_the_time_of_a_commit_can_not_be_run_again(through, proxy, table):
    def work(connection: Any) -> None:
        with connection.cursor() as cursor:
            for text in (f"UPDATE {table} SET balance = 1", "SHOW statement_timeout", "SELECT 1"):
                cursor.execute(text)

    proxy.rules.append(Fault(statement("SELECT 1"), cut_after))

    with pytest.raises(BrokenTransactionError, match="by a statement that commits"):
        through.transact(work)


def test_what_can_not_be_in_a_transaction_is_told_where_it_can_be(session, sql):
    with pytest.raises(StatementError) as caught:
        session.run(sql("SELECT 1; CREATE DATABASE no_such_database"))

    if caught.value.sqlstate != "25001":
        pytest.skip("another refusal there")
    assert caught.value.hint == "run it in a cell of its own, without options: it can't be in a transaction."
