"""What the server says besides its answers: with the statement that it said it at, and in the receipt."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.errors import StatementError
from crdb_magic.session.notices import Notices

_PATIENT = TransactionOptions(retry=RetryPolicy(wait_initial=0, wait_max=0))


@pytest.fixture
def say(session, sql) -> Iterator[str]:
    """A function that raises a notice of the number that it is given, and gives it back."""
    name = f"say_{os.getpid()}"
    body = "BEGIN RAISE NOTICE 'heard %', n; RETURN n; END"
    try:
        session.run(sql(f"CREATE FUNCTION {name}(n INT) RETURNS INT LANGUAGE plpgsql AS $$ {body} $$"))
    except StatementError as error:
        pytest.skip(f"{session.server} has no PL/pgSQL: {error.sqlstate}")
    yield name
    session.run(sql(f"DROP FUNCTION {name}(INT)"))


def test_each_statement_has_its_own_and_the_receipt_all(session, sql, say):
    report = session.run(sql(f"SELECT {say}(1); SELECT 2; SELECT {say}(3)"))

    assert [one.notices for one in report.results] == [("NOTICE: heard 1",), (), ("NOTICE: heard 3",)]
    assert report.receipt.notices == ("NOTICE: heard 1", "NOTICE: heard 3")
    assert report.receipt.as_dict()["notices"] == ["NOTICE: heard 1", "NOTICE: heard 3"]


@pytest.mark.parametrize(
    ("statement", "notice"),
    [
        ("CREATE TABLE IF NOT EXISTS {table} (id INT)", 'NOTICE: relation "{table}" already exists, skipping'),
        ("INSERT INTO {table} SELECT {say}(7), 1", "NOTICE: heard 7"),
        ("UPDATE {table} SET balance = {say}(8) WHERE id = 1", "NOTICE: heard 8"),
    ],
    ids=["DDL", "INSERT", "UPDATE"],
)
def test_statements_without_rows_have_theirs(session, sql, table, say, statement, notice):
    results = session.run(sql(statement.format(table=table, say=say))).results

    assert results[0].notices == (notice.format(table=table),)


@pytest.mark.parametrize("rows", [1, 10**6], ids=["by SELECT", "by COPY"])
def test_a_query_has_them_however_it_is_read(session, sql, say, rows):
    query = f"SELECT {say}(1)"
    session._sizes.note(query, rows)

    assert session.run(sql(query)).results[0].notices == ("NOTICE: heard 1",)
    assert session.ask(query).notices == ("NOTICE: heard 1",)


def test_those_of_attempts_that_failed_are_not_there(session, sql, say, refuse_until):
    report = session.run(sql(f"SELECT {say}(1); {refuse_until(3)}; SELECT {say}(2)"), _PATIENT)

    assert (report.receipt.attempts, report.receipt.notices) == (3, ("NOTICE: heard 1", "NOTICE: heard 2"))


def test_those_of_a_statement_that_failed_are_not_the_next_ones(session, sql, say):
    with pytest.raises(StatementError):
        session.run(sql(f"SELECT 1 / ({say}(1) - 1)"))

    assert session.run(sql("SELECT 1")).receipt.notices == ()


def test_a_callback_has_them_in_its_receipt(session, sql, say):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {say}(1)")
        return session.ask(f"SELECT {say}(2)").notices

    within, receipt = session.transact(work)

    assert (within, receipt.notices) == (("NOTICE: heard 2",), ("NOTICE: heard 1", "NOTICE: heard 2"))


def test_of_very_many_the_last_are_kept_and_the_others_counted(session, sql, say):
    notices = session.run(sql(f"SELECT {say}(i::INT) FROM generate_series(1, 60) AS t (i)")).results[0].notices

    assert (notices[0], notices[1], notices[-1]) == ("… 10 more before these", "NOTICE: heard 11", "NOTICE: heard 60")
    assert len(notices) == 51


def test_details_and_hints_stand_on_lines_of_their_own():
    notices = Notices()
    notices.append("WARNING:  a:  b\nDETAIL:  c\nx:  y\nHINT:  d\n")

    assert notices.since(0) == ("WARNING: a:  b\nDETAIL: c\nx:  y\nHINT: d",)
