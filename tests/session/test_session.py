"""What a transaction of SQL statements does on a server."""

from __future__ import annotations

import io
import os
import pickle
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from faults import WRITE_TOO_OLD, Fault, ServerError, instead, statement
from psycopg2.extras import NamedTupleCursor, RealDictCursor

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.errors import (
    BrokenTransactionError,
    ExceededMaxAttempts,
    Outcome,
    ParameterError,
    PastUnavailableError,
    StatementError,
    TransactionError,
)
from crdb_magic.session.session import Session

_AT_ONCE = RetryPolicy(max_attempts=3, wait_initial=0, wait_max=0)


def test_all_statements_of_a_transaction_are_committed_together(session, sql, table, rows):
    give = f"UPDATE {table} SET balance = balance - 30 WHERE id = 1"
    take = f"UPDATE {table} SET balance = balance + 30 WHERE id = 2"

    session.run(sql(f"{give}; {take}"))

    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("70",), ("50",)]


def test_nothing_is_committed_when_a_later_statement_fails(session, sql, table, rows):
    with pytest.raises(StatementError) as caught:
        session.run(sql(f"UPDATE {table} SET balance = 0; INSERT INTO {table} VALUES (1, 1)"))

    assert (caught.value.sqlstate, caught.value.outcome) == ("23505", Outcome.NOT_COMMITTED)
    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_a_refused_transaction_runs_again_until_it_is_committed_once(session, sql, table, rows, refuse_until):
    report = session.run(sql(f"UPDATE {table} SET balance = balance + 1 WHERE id = 1; {refuse_until(3)}"))

    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("101",)]
    assert [retry.sqlstate for retry in report.receipt.retries] == ["40001", "40001"]


def test_a_refusal_of_a_single_statement_is_retried_too(session, sql, refuse_until):
    report = session.run(sql(refuse_until(3)))

    assert report.results[0].rows == (("0",),)


def test_attempts_end_with_an_error_that_holds_each_of_them(session, sql, table, rows):
    statements = sql(f"UPDATE {table} SET balance = 0; SELECT crdb_internal.force_retry('1h')")

    with pytest.raises(ExceededMaxAttempts) as caught:
        session.run(statements, TransactionOptions(retry=_AT_ONCE))

    assert [attempt.number for attempt in caught.value.attempts] == [1, 2, 3]
    assert str(caught.value).splitlines()[-1] == "Nothing was committed."
    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_the_observer_hears_of_each_failed_attempt_before_the_next(session, sql, table, refuse_until):
    heard = []

    session.run(sql(f"SELECT * FROM {table}; {refuse_until(3)}"), observer=heard.append)

    assert [(attempt.number, attempt.sqlstate) for attempt in heard] == [(1, "40001"), (2, "40001")]


def test_the_session_is_as_good_as_new_after_an_error(session, sql, rows):
    with pytest.raises(StatementError):
        session.run(sql("SELECT 1; SELECT nope"))

    assert rows("SELECT 2") == [("2",)]


@pytest.mark.parametrize(
    ("cell", "line", "caret_under"),
    [
        ("SELECT 1;\nSELECT nope", "line 2: SELECT nope", "nope"),
        ("SELECT nope", "line 1: SELECT nope", "nope"),
        ("SELECT :many,\n\n  nope", "line 3:   nope", "nope"),
        ("SELECT 1;\n-- why\nSELECT :many, nope", "line 3: SELECT :many, nope", "nope"),
    ],
)
def test_an_error_points_at_its_place_in_the_cell(session, sql, cell, line, caret_under):
    with pytest.raises(StatementError) as caught:
        session.run(sql(cell, {"many": [1, 2, 3]}))

    shown, caret = caught.value.excerpt[-2:]
    assert shown == line
    assert shown[caret.index("^") :].startswith(caret_under)


# CockroachDB's texts, as a v22.1 answered. It sends a position for syntax errors alone.
@pytest.mark.parametrize(
    ("sqlstate", "message", "excerpt"),
    [
        ("42703", 'column "nope" does not exist', ("line 2: SELECT 'nope', nope", "                       ^")),
        ("42703", 'column "gone" does not exist', ("line 2: SELECT 'nope', nope",)),
        ("23505", 'duplicate key value violates unique constraint "nope"', ("line 2: SELECT 'nope', nope",)),
        ("22P02", "invalid", ("line 2: SELECT 'nope', nope",)),
    ],
)
def test_an_error_without_a_position_points_at_the_name_that_it_quotes(proxy, sql, sqlstate, message, excerpt):
    session = Session(proxy.target)
    proxy.rules.append(Fault(statement("SELECT"), instead(ServerError(sqlstate, message)), nth=2))

    with pytest.raises(StatementError) as caught:
        session.run(sql("SELECT 1;\nSELECT 'nope', nope"))

    assert caught.value.excerpt == ("In statement 2 of 2:", *excerpt)


def test_a_statement_that_breaks_before_begin_was_read_commits_nothing(session, sql, table, rows):
    with pytest.raises(StatementError):
        session.run(sql(f"SELEC 1; UPDATE {table} SET balance = 0"))

    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_a_write_in_a_read_only_transaction_is_refused(session, sql, table):
    with pytest.raises(StatementError) as caught:
        session.run(sql(f"DELETE FROM {table}"), TransactionOptions(read_only=True))

    assert caught.value.sqlstate == "25006"


@pytest.mark.parametrize("isolation", list(Isolation))
def test_a_transaction_runs_at_the_asked_isolation(session, sql, isolation):
    report = session.run(sql("SHOW transaction_isolation"), TransactionOptions(isolation=isolation))

    assert report.results[0].rows[0][0] in {isolation.value.replace("-", " "), "serializable"}


@pytest.mark.parametrize("priority", list(Priority))
def test_a_transaction_has_the_asked_priority_or_a_note_that_there_is_none(session, sql, priority):
    report = session.run(sql("SELECT 1"), TransactionOptions(priority=priority))

    assert bool(report.receipt.notes) is not session.server.priorities


def test_a_time_limit_ends_a_statement_that_is_too_slow(session, sql, rows):
    options = TransactionOptions(retry=RetryPolicy(timeout=0.2))

    with pytest.raises(StatementError) as caught:
        session.run(sql("SELECT 1; SELECT pg_sleep(20)"), options)

    assert caught.value.sqlstate == "57014"
    assert caught.value.hint == "the time limit of 0.2 s (--timeout, CrdbMagic.timeout) was up."
    assert rows("SELECT pg_sleep(0.3) IS NOT NULL") == [("t",)]


def test_a_statement_that_somebody_else_cancels_is_not_the_time_limits(session):
    def work(connection):
        threading.Timer(0.2, connection.cancel_statement).start()
        session.ask("SELECT pg_sleep(20)")

    with pytest.raises(StatementError) as caught:
        session.transact(work, TransactionOptions(retry=RetryPolicy(timeout=60)))

    assert (caught.value.sqlstate, caught.value.hint) == ("57014", None)


def test_a_time_limit_bounds_the_retries_too(session, sql):
    options = TransactionOptions(retry=RetryPolicy(timeout=0.2, max_attempts=1000))

    with pytest.raises((ExceededMaxAttempts, StatementError)) as caught:
        session.run(sql("SELECT 1; SELECT crdb_internal.force_retry('1h')"), options)

    assert caught.value.outcome is Outcome.NOT_COMMITTED


def test_a_lost_connection_before_the_commit_is_replaced_and_the_work_done_again(session, sql, table, rows):
    lost = []

    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = balance + 1 WHERE id = 1")
            if not lost:
                lost.append(connection)
                connection.close()
            cursor.execute("SELECT 1")

    _, receipt = session.transact(work)

    assert receipt.attempts == 2
    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("101",)]


def test_a_callback_that_swallows_an_error_is_not_called_committed(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = 0")
            with pytest.raises(Exception, match="nope"):
                cursor.execute("SELECT nope")

    with pytest.raises(BrokenTransactionError) as caught:
        session.transact(work)

    assert caught.value.outcome is Outcome.NOT_COMMITTED
    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_a_callback_that_swallows_the_error_of_its_first_statement_writes_nothing_by_itself(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            with pytest.raises(Exception, match="syntax"):
                cursor.execute("SELEC 1")
            cursor.execute(f"UPDATE {table} SET balance = 0")

    with pytest.raises(BrokenTransactionError):
        session.transact(work)

    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_a_callback_that_commits_by_itself_is_found_out(session):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("COMMIT")

    with pytest.raises(BrokenTransactionError) as caught:
        session.transact(work)

    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "messages",
    [
        ("UPDATE {0} SET balance = 0; COMMIT; SELECT 1/0",),
        ("SELECT 1", "UPDATE {0} SET balance = 0; COMMIT; BEGIN; SELECT 1/0"),
        ("UPDATE {0} SET balance = 0", "COMMIT; BEGIN", "SELECT 1/0"),
        ("UPDATE {0} SET balance = 0", "/* now */ COMMIT; BEGIN; SELECT 1", "SELECT 1/0"),
    ],
)
def test_a_commit_among_other_statements_is_found_out_too(session, table, rows, messages):
    def work(connection):
        for message in messages:
            with connection.cursor() as cursor:
                cursor.execute(message.format(table))

    with pytest.raises(BrokenTransactionError) as caught:
        session.transact(work)

    assert caught.value.outcome is Outcome.UNKNOWN
    assert rows(f"SELECT DISTINCT balance FROM {table}") == [("0",)]


def test_a_commit_that_begins_the_next_transaction_is_found_out_too(session):
    if session.server.is_cockroachdb:
        pytest.skip("AND CHAIN is not known in all of its versions")

    def work(connection):
        for message in ("SELECT 1", "COMMIT AND CHAIN", "SELECT 1/0"):
            with connection.cursor() as cursor:
                cursor.execute(message)

    with pytest.raises(BrokenTransactionError, match="ended by a COMMIT"):
        session.transact(work)


def test_a_named_cursor_may_be_the_first_of_a_transaction(session, table):
    if not session.server.cursors:
        pytest.skip("there are no cursors")

    def work(connection):
        cursor = connection.cursor("mine", withhold=True)
        cursor.execute(f"SELECT id FROM {table} ORDER BY id")
        return cursor.fetchall()

    assert session.transact(work)[0] == [(1,), (2,)]


@pytest.mark.parametrize("kind", [RealDictCursor, NamedTupleCursor])
def test_a_cursor_of_another_kind_is_within_the_transaction(session, table, rows, kind):
    def work(connection):
        with connection.cursor(cursor_factory=kind) as cursor:
            cursor.execute(f"UPDATE {table} SET balance = 0 RETURNING id")
            assert isinstance(cursor, kind)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.transact(work)

    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_an_error_of_the_callback_itself_rolls_back_and_comes_through(session, table, rows):
    class MyError(Exception):
        pass

    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = 0")
        raise MyError

    with pytest.raises(MyError) as caught:
        session.transact(work)

    assert caught.value.__notes__ == ["Nothing was committed."]
    assert rows(f"SELECT balance FROM {table} ORDER BY id") == [("100",), ("20",)]


def test_a_transaction_inside_of_a_transaction_is_refused_and_the_outer_one_goes_on(session, table, rows):
    def outer(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = 7 WHERE id = 1")
        with pytest.raises(BrokenTransactionError):
            session.transact(lambda _: None)

    session.transact(outer)

    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("7",)]


def test_the_past_is_read_as_it_was(session, sql, table):
    moment = Decimal(session.run(sql("SELECT cluster_logical_timestamp()")).results[0].rows[0][0])
    session.run(sql(f"DELETE FROM {table}"))

    report = session.run(sql(f"SELECT count(*) FROM {table}"), TransactionOptions(as_of=AsOf.parse(moment)))

    assert report.results[0].rows == (("2",),)
    assert report.receipt.as_of is not None
    assert report.receipt.as_of <= moment


@pytest.mark.parametrize(
    "write",
    [
        lambda cursor, table: cursor.copy_expert(f"COPY {table} FROM STDIN WITH CSV", io.StringIO("3,0\n")),
        lambda cursor, table: cursor.copy_from(io.StringIO("3\t0\n"), table),
        lambda cursor, table: cursor.execute(f"INSERT INTO {table} VALUES (3, 0); SET client_min_messages = 'error'"),
        lambda cursor, table: cursor.execute(f"EXPLAIN ANALYZE INSERT INTO {table} VALUES (3, 0)"),
    ],
    ids=["COPY", "COPY of psycopg2's", "SET behind it", "EXPLAIN ANALYZE"],
)
def test_the_past_knows_of_each_write_however_it_was_made(session, sql, table, rows, write):
    with session.connection.cursor() as cursor:
        write(cursor, table)
    moment = AsOf.parse(Decimal(rows("SELECT cluster_logical_timestamp()")[0][0]))

    report = session.run(sql(f"SELECT count(*) FROM {table}"), TransactionOptions(as_of=moment))

    assert report.results[0].rows == (("3",),)


def test_the_past_knows_of_writes_under_another_name_of_the_host(session, sql, table, rows, target):
    elsewhere = Session(target.having(host="localhost"))
    if target["host"] != "127.0.0.1":
        pytest.skip("the server is not on this machine")
    elsewhere.run(sql(f"DELETE FROM {table}"))
    moment = AsOf.parse(Decimal(rows("SELECT cluster_logical_timestamp()")[0][0]))

    report = session.run(sql(f"SELECT count(*) FROM {table}"), TransactionOptions(as_of=moment))
    elsewhere.close()

    assert report.results[0].rows == (("0",),)


def test_an_instant_that_is_not_kept_is_named_as_it_was_asked_for(session, sql):
    if session.server.as_of_system_time:
        pytest.skip("the server keeps it itself")

    with pytest.raises(PastUnavailableError, match=r"as-of 2001-02-03 00:00:00\+00:00 "):
        session.run(sql("SELECT 1"), TransactionOptions(as_of=AsOf.parse("2001-02-03 00:00:00+00:00")))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_a_connection_of_its_own(session):
    who = "SHOW session_id" if session.server.is_cockroachdb else "SELECT pg_backend_pid()"
    ours = session.ask(who)
    reader, writer = os.pipe()
    if not os.fork():
        with suppress(BaseException):
            os.write(writer, b"shared" if session.ask(who) == ours else b"its own")
            session.close()
        os._exit(0)
    os.close(writer)
    seen = os.read(reader, 10)
    os.close(reader)
    os.wait()

    assert seen == b"its own"
    assert session.ask(who) == ours


def test_a_time_ago_is_resolved_to_an_exact_instant(session, sql, table):
    report = session.run(sql(f"SELECT count(*) FROM {table}"), TransactionOptions(as_of=AsOf.parse("-1us")))

    assert report.receipt.as_of is not None
    assert AsOf.parse(report.receipt.as_of).hlc == report.receipt.as_of


def test_the_future_cannot_be_read(session, sql):
    now = Decimal(session.run(sql("SELECT cluster_logical_timestamp()")).results[0].rows[0][0])
    tomorrow = AsOf.parse(now + Decimal(timedelta(days=1).total_seconds()) * 10**9)

    with pytest.raises((PastUnavailableError, StatementError)):
        session.run(sql("SELECT 1"), TransactionOptions(as_of=tomorrow))


def test_the_past_refuses_a_write(session, sql, table):
    with pytest.raises(StatementError) as caught:
        session.run(sql(f"DELETE FROM {table}"), TransactionOptions(as_of=AsOf.parse("-1us")))

    assert caught.value.sqlstate == "25006"


@pytest.mark.parametrize(
    ("change", "what"),
    [("TRUNCATE {}", "emptied"), ("DROP TABLE {0}; CREATE TABLE {0} (id INT, balance INT)", "made anew")],
)
def test_a_table_that_was_rewritten_since_is_never_read_wrongly(session, sql, table, change, what):
    moment = Decimal(session.run(sql("SELECT cluster_logical_timestamp()")).results[0].rows[0][0])
    for text in change.format(table).split(";"):
        session.run(sql(text))

    def read():
        return session.run(sql(f"SELECT count(*) FROM {table}"), TransactionOptions(as_of=AsOf.parse(moment)))

    if session.server.as_of_system_time:
        assert read().results[0].rows == (("2",),), what
    else:
        with pytest.raises(PastUnavailableError, match=table):
            read()


def test_enums_are_known_by_their_labels(session, sql):
    session.run(sql("DROP TYPE IF EXISTS mood"))
    session.run(sql("CREATE TYPE mood AS ENUM ('sad', 'ok')"))

    report = session.run(sql("SELECT 'ok'::mood, ARRAY['sad', 'ok']::mood[]"))

    one, many = (column.type for column in report.results[0].columns)
    assert (one.labels, many.element.labels) == (("sad", "ok"), ("sad", "ok"))


def test_a_parameter_without_an_sql_form_is_refused_before_anything_is_sent(session, sql, table, rows):
    with pytest.raises(ParameterError, match=":thing is a object"):
        session.run(sql(f"DELETE FROM {table}; SELECT :thing", {"thing": object()}))

    assert rows(f"SELECT count(*) FROM {table}") == [("2",)]


def test_a_report_can_be_pickled(session, sql):
    report = session.run(sql("SELECT 1 AS one; SELECT now()"))

    assert pickle.loads(pickle.dumps(report)) == report


def test_a_connection_that_was_closed_meanwhile_is_replaced_without_a_word(session, sql, table, rows, cut_off):
    cut_off()
    report = session.run(sql(f"INSERT INTO {table} VALUES (3, 3)"))

    assert report.receipt.attempts == 1
    assert rows(f"SELECT count(*) FROM {table}") == [("3",)]


def test_an_error_after_a_commit_of_the_works_own_is_never_retried(through, proxy, table, rows):
    proxy.rules.append(Fault(statement("SELECT 1"), instead(WRITE_TOO_OLD)))

    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = balance + 1 WHERE id = 1")
            cursor.execute("COMMIT")
            cursor.execute("SELECT 1")

    with pytest.raises(BrokenTransactionError):
        through.transact(work)

    assert rows(f"SELECT balance FROM {table} WHERE id = 1") == [("101",)]


def test_a_time_limit_that_ends_before_the_commit_commits_nothing(session, table, rows):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET balance = 0")
        pause = threading.Event()
        pause.wait(0.3)

    with pytest.raises(TransactionError) as caught:
        session.transact(work, TransactionOptions(retry=RetryPolicy(timeout=0.2)))

    assert caught.value.outcome is Outcome.NOT_COMMITTED
    assert rows(f"SELECT count(*) FROM {table} WHERE balance = 0") == [("0",)]


def test_a_connection_that_went_silent_is_noticed_by_the_kernel_of_the_machine(session):
    with socket.socket(fileno=os.dup(session.connection.fileno())) as under:
        kept = under.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            kept = under.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)

    assert kept in {1, 30}
