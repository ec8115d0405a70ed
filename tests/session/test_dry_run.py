"""A dry run does all that the transaction would, but commit."""

from __future__ import annotations

import pytest
from faults import Fault, cut_before, statement

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.errors import ExceededMaxAttempts, OptionError, Outcome, StatementError

DRY = TransactionOptions(dry_run=True)


@pytest.mark.parametrize("count", [1, 2])
def test_nothing_is_committed(session, sql, table, rows, count):
    report = session.run(sql(";".join([f"UPDATE {table} SET balance = 7"] * count)), DRY)

    assert [result.tag for result in report.results] == ["UPDATE 2"] * count
    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_a_statement_sees_what_those_before_it_did(session, sql, table):
    report = session.run(sql(f"DELETE FROM {table} WHERE id = 1; SELECT id FROM {table}"), DRY)

    assert report.results[1].rows == (("2",),)


def test_a_receipt_tells_that_it_was_not_committed(session, sql, table):
    receipt = session.run(sql(f"DELETE FROM {table}"), DRY).receipt

    assert receipt.as_dict()["committed"] is False


def test_one_statement_is_begun_and_rolled_back(trips, through, sql, table):
    sent = trips(lambda: through.run(sql(f"DELETE FROM {table}"), DRY))

    assert [text.partition(" ")[0].rstrip(";") for text in sent] == ["BEGIN", "ROLLBACK"]


def test_the_session_is_out_of_the_transaction_afterwards(session, sql, table, rows):
    session.run(sql(f"DELETE FROM {table}"), DRY)
    session.run(sql(f"UPDATE {table} SET balance = 1 WHERE id = 1"))

    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("1",), ("20",)]


def test_it_is_tried_again_when_the_server_asks_for_it(session, sql, table, refuse_until, rows):
    report = session.run(sql(f"DELETE FROM {table}; {refuse_until(3)}"), DRY)

    assert report.receipt.attempts == 3
    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_attempts_end(session, sql):
    options = TransactionOptions(dry_run=True, retry=RetryPolicy(max_attempts=2, wait_initial=0, wait_max=0))

    with pytest.raises(ExceededMaxAttempts) as caught:
        session.run(sql("SELECT 1; SELECT crdb_internal.force_retry('1h')"), options)

    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_an_error_is_the_error_that_the_transaction_would_give(session, sql, table):
    with pytest.raises(StatementError) as caught:
        session.run(sql(f"INSERT INTO {table} VALUES (1, 1)"), DRY)

    assert (caught.value.sqlstate, caught.value.outcome) == ("23505", Outcome.NOT_COMMITTED)


def test_a_connection_lost_at_the_end_leaves_no_doubt(proxy, through, sql, table, rows):
    proxy.rules.append(Fault(statement("ROLLBACK"), cut_before))

    report = through.run(sql(f"DELETE FROM {table}"), DRY)

    assert report.receipt.attempts == 2
    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_what_a_callback_did_is_rolled_back(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")
            return cursor.rowcount

    count, receipt = session.transact(work, DRY)

    assert (count, receipt.committed) == (2, False)
    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_an_empty_callback_sends_nothing(trips, through):
    assert trips(lambda: through.transact(lambda _: None, DRY)) == []


@pytest.mark.parametrize("text", ["CREATE INDEX CONCURRENTLY ON {table} (balance)", "CREATE DATABASE nowhere_at_all"])
def test_what_goes_by_itself_is_refused(session, sql, table, text):
    with pytest.raises(OptionError, match="can't be rolled back"):
        session.run(sql(text.format(table=table)), DRY)


def test_a_schema_change_that_goes_by_itself_is_refused(through_v26, sql):
    with pytest.raises(OptionError, match="On CockroachDB this statement goes by itself"):
        through_v26.run(sql("CREATE TABLE nowhere_at_all (id INT)"), DRY)


def test_a_schema_change_within_a_transaction_is_rolled_back(session, sql, server, rows):
    if not server.transactional_ddl:
        pytest.skip("a schema change goes by itself there")
    session.run(sql("CREATE TABLE nowhere_at_all (id INT)"), DRY)

    assert rows("SELECT count(*) FROM pg_class WHERE relname = 'nowhere_at_all'") == [("0",)]


def test_a_setting_is_forgotten_where_the_server_forgets_it(session, sql, server, rows):
    session.run(sql("SET application_name = 'dry'"), DRY)

    assert (rows("SHOW application_name") != [("dry",)]) is server.settings_roll_back
    assert ("APPLICATION_NAME" not in session.connection.told.settings) is server.settings_roll_back


def test_it_is_none_within_an_open_transaction(session, sql):
    with pytest.raises(OptionError, match="open on this connection"):
        session.transact(lambda _: session.run(sql("SELECT 1"), DRY))
