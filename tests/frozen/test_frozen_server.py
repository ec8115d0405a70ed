"""What a recording answers a session that knows nothing of it: no server is there."""

from __future__ import annotations

import hashlib
import io
from contextlib import closing

import psycopg2
import pytest
from recordings import AT, COCKROACH, INT, POSTGRES, TEXT, Tape, as_texts, texts

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.errors import (
    AmbiguousCommitError,
    Attempt,
    NotRecordedError,
    Outcome,
    RecordingError,
    StatementError,
)
from crdb_magic.frozen.events import EventKind
from crdb_magic.session import pinning, sizes
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.exporting import export
from crdb_magic.transfer.streaming import results

ORDERS = {"id": INT, "name": TEXT}
ROWS = [("1", "tea"), ("2", None), ("3", "")]
QUERY = "SELECT * FROM orders ORDER BY id"
BOTH = pytest.mark.parametrize("parameters", [POSTGRES, COCKROACH], ids=["PostgreSQL", "CockroachDB"])


def orders(tape: Tape, rows=ROWS, **told) -> None:
    tape.read(QUERY, ORDERS, rows, **told)


def rows_of(session: Session, text: str = QUERY) -> list[tuple[str | None, ...]]:
    return as_texts(session.ask(text).rows)


# Rows.


@BOTH
def test_a_recorded_query_is_answered(play, parameters):
    tape = Tape(parameters)
    orders(tape)

    assert rows_of(play(tape)) == ROWS


def test_its_columns_are_those_that_were_recorded(play):
    tape = Tape()
    orders(tape)
    result = play(tape).ask(QUERY)

    assert [(one.name, one.type.name) for one in result.columns] == [("id", "INT8"), ("name", "STRING")]
    assert result.tag == "SELECT 3"


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 4_999, 5_001])
def test_as_many_rows_come_as_there_were(play, count):
    tape, rows = Tape(), [(str(number), f"n{number}") for number in range(count)]
    orders(tape, rows)

    assert rows_of(play(tape)) == rows


def test_rows_without_columns_are_counted(play):
    tape = Tape()
    tape.read("SELECT FROM orders", {}, [(), (), ()])

    assert play(tape).ask("SELECT FROM orders").row_count == 3


def test_texts_of_all_kinds_come_as_they_were(play):
    tape, rows = Tape(), [("1", "a,b"), ("2", 'say "x"'), ("3", "two\nlines"), ("4", "zoë €"), ("5", "\\.")]
    orders(tape, rows)

    assert rows_of(play(tape)) == rows


@pytest.fixture
def all_is_large(monkeypatch):
    monkeypatch.setattr(sizes, "LARGE", 0)


@BOTH
def test_a_large_result_comes_by_copy(play, all_is_large, parameters, sql):
    tape = Tape(parameters)
    orders(tape)

    assert texts(play(tape).run(sql(QUERY))) == ROWS


def test_a_copy_counts_as_asked_once(play, all_is_large, sql):
    tape = Tape()
    orders(tape)
    orders(tape, ROWS[:1])
    session = play(tape)

    assert [texts(session.run(sql(QUERY))) for _ in range(2)] == [ROWS, ROWS[:1]]


def test_a_query_with_values_is_known_by_them(play, sql):
    tape = Tape()
    tape.read("SELECT * FROM orders WHERE id = 1", ORDERS, ROWS[:1])

    assert texts(play(tape).run(sql("SELECT * FROM orders WHERE id = :id", {"id": 1}))) == ROWS[:1]


# Streams and exports.


def streamed(session: Session, size: int = 2) -> list[list[tuple[str | None, ...]]]:
    return [as_texts(part.rows) for part in results(session, Query.of_text(QUERY, None), size)]


@BOTH
def test_a_stream_is_served_at_its_instant(play, parameters):
    tape = Tape(parameters)
    tape.instant("now", AT)
    orders(tape, as_of=AT)

    assert streamed(play(tape)) == [ROWS[:2], ROWS[2:]]


def test_a_stream_of_a_server_without_a_past_is_served(play):
    tape = Tape()
    orders(tape)

    assert streamed(play(tape)) == [ROWS[:2], ROWS[2:]]


def test_a_stream_by_cursor_is_served(play):
    tape, rows = Tape({**COCKROACH, "crdb_version": "CockroachDB CCL v22.2.0"}), [(str(n), "x") for n in range(250)]
    tape.instant("now", AT)
    orders(tape, rows, as_of=AT)

    assert [row for part in streamed(play(tape), 100) for row in part] == rows


def test_a_stream_that_is_left_leaves_nothing(play, threads_left):
    tape = Tape()
    orders(tape, [(str(n), "x" * 100) for n in range(50_000)])
    stream = results(play(tape), Query.of_text(QUERY, None), 10)
    next(stream)
    stream.close()

    assert "crdb_magic stream" not in threads_left()


def test_an_export_is_served(play, tmp_path):
    tape = Tape()
    tape.instant("now", AT)
    orders(tape, as_of=AT)
    export(play(tape), Query.of_text(QUERY, None), tmp_path / "orders.csv")

    assert (tmp_path / "orders.csv").read_text() == '"id","name"\n1,tea\n2,\n3,""\n'


# The past.


@BOTH
def test_a_time_ago_is_the_instant_that_it_was(play, sql, parameters):
    tape = Tape(parameters)
    tape.instant("-10s", AT)
    orders(tape, as_of=AT)
    report = play(tape).run(sql(QUERY), TransactionOptions(as_of=AsOf.parse("-10s")))

    assert (texts(report), report.receipt.as_of) == (ROWS, AT)


@BOTH
def test_an_exact_instant_is_itself(play, sql, parameters):
    tape = Tape(parameters)
    orders(tape, as_of=AT)

    assert texts(play(tape).run(sql(QUERY), TransactionOptions(as_of=AsOf.parse(AT)))) == ROWS


def test_the_past_is_served_whatever_was_written(play, sql):
    tape = Tape(COCKROACH)
    orders(tape, as_of=AT)
    tape.write("DELETE FROM orders", "DELETE 3")
    session = play(tape)
    session.run(sql("DELETE FROM orders"))

    assert texts(session.run(sql(QUERY), TransactionOptions(as_of=AsOf.parse(AT)))) == ROWS


def test_another_instant_is_refused(play, sql):
    tape = Tape(COCKROACH)
    orders(tape, as_of=AT)

    with pytest.raises(NotRecordedError, match="at another instant"):
        play(tape).run(sql(QUERY), TransactionOptions(as_of=AsOf.parse(AT + 1)))


def test_a_time_ago_that_was_not_asked_is_refused(play, sql):
    tape = Tape(COCKROACH)
    orders(tape, as_of=AT)

    with pytest.raises(NotRecordedError, match="as-of -5s"):
        play(tape).run(sql(QUERY), TransactionOptions(as_of=AsOf.parse("-5s")))


def test_a_pin_is_served(play):
    tape = Tape(COCKROACH)
    tape.instant("-10s", AT)
    orders(tape, as_of=AT)
    session = play(tape)
    pinning.pin(session, AsOf.parse("-10s"))

    assert (rows_of(session), session.pinned.hlc) == (ROWS, AT)


# Writes, and their order.

ADD, CLEAR = "INSERT INTO orders VALUES (4, 'cup')", "DELETE FROM orders"


@pytest.fixture
def written() -> Tape:
    tape = Tape()
    orders(tape)
    tape.write(ADD, "INSERT 0 1")
    orders(tape, [*ROWS, ("4", "cup")])
    tape.write(CLEAR, "DELETE 4")
    orders(tape, [])
    return tape


def test_a_write_is_answered_by_its_tag_and_what_follows_by_what_followed(play, sql, written):
    session = play(written)
    before, tag, after = rows_of(session), session.run(sql(ADD)).results[0].tag, rows_of(session)

    assert (before, tag, after) == (ROWS, "INSERT 0 1", [*ROWS, ("4", "cup")])


def test_a_read_may_be_asked_again_where_nothing_was_written(play, written):
    session = play(written)

    assert rows_of(session) == rows_of(session) == ROWS


def test_a_write_that_is_left_out_is_missed(play, sql, written):
    with pytest.raises(NotRecordedError) as caught:
        play(written).run(sql(CLEAR))

    assert str(caught.value) == (
        "It was recorded at a different point: DELETE FROM orders\n"
        "- after INSERT INTO orders VALUES (4, 'cup')\n"
        "+ before the first write\n"
        "Hint: The next recorded write is INSERT INTO orders VALUES (4, 'cup'): run the cells in the recorded "
        "order, from the top: %crdb_connect --frozen again, or a new kernel.\n"
        "Nothing was committed."
    )


def test_a_write_that_is_done_twice_is_refused(play, sql, written):
    session = play(written)
    session.run(sql(ADD))

    with pytest.raises(NotRecordedError, match=r"- before the first write\n\+ after INSERT"):
        session.run(sql(ADD))


def test_another_write_is_refused_and_shows_the_next_one(play, sql, written):
    with pytest.raises(NotRecordedError) as caught:
        play(written).run(sql("UPDATE orders SET name = 'x'"))

    assert "This write is not in the recording" in str(caught.value)
    assert "The next recorded write is INSERT INTO orders" in str(caught.value)


@BOTH
def test_the_writes_of_a_transaction_are_committed_together(play, sql, parameters):
    tape = Tape(parameters)
    tape.write(ADD, "INSERT 0 1")
    tape.write(CLEAR, "DELETE 4")
    orders(tape, [])
    session = play(tape)
    report = session.run(sql(f"{ADD}; {CLEAR}"))

    assert [one.tag for one in report.results] == ["INSERT 0 1", "DELETE 4"]
    assert rows_of(session) == []


def test_a_dry_run_leaves_what_was_before(play, sql):
    tape = Tape()
    tape.write(ADD, "INSERT 0 1", undone=True)
    orders(tape)
    tape.write(ADD, "INSERT 0 1")
    orders(tape, [*ROWS, ("4", "cup")])
    session = play(tape)
    session.run(sql(ADD), TransactionOptions(dry_run=True))
    dry = rows_of(session)
    session.run(sql(ADD))

    assert (dry, rows_of(session)) == (ROWS, [*ROWS, ("4", "cup")])


def test_what_is_read_within_a_transaction_sees_its_writes(play, sql):
    tape = Tape()
    undone = tape.write(ADD, "INSERT 0 1", undone=True)
    orders(tape, [*ROWS, ("4", "cup")], after=undone.number)
    orders(tape)
    session = play(tape)
    within = texts(session.run(sql(f"{ADD}; {QUERY}"), TransactionOptions(dry_run=True)))

    assert (within, rows_of(session)) == ([*ROWS, ("4", "cup")], ROWS)


def test_a_savepoint_that_is_rolled_back_to_undoes_what_came_behind(play, sql):
    tape = Tape()
    first = tape.write(ADD, "INSERT 0 1")
    undone = tape.write(CLEAR, "DELETE 4", undone=True)
    orders(tape, [], after=undone.number)
    orders(tape, [*ROWS, ("4", "cup")], after=first.number)
    report = play(tape).run(sql(f"{ADD}; SAVEPOINT s; {CLEAR}; {QUERY}; ROLLBACK TO SAVEPOINT s; {QUERY}"))

    assert [one.row_count for one in report.results if one.columns] == [0, 4]


# Errors.


def test_an_error_keeps_its_class_its_code_and_all_that_it_said(play, sql):
    tape = Tape()
    tape.refuse(
        ADD,
        EventKind.WRITE,
        C="23505",
        M="duplicate key value",
        D="Key (id)=(4) already exists.",
        t="orders",
        n="orders_pkey",
    )
    with pytest.raises(StatementError) as caught:
        play(tape).run(sql(ADD))

    assert (caught.value.sqlstate, caught.value.message) == ("23505", "duplicate key value")
    assert caught.value.detail == "Key (id)=(4) already exists."
    assert isinstance(caught.value.__cause__, psycopg2.errors.UniqueViolation)
    assert caught.value.__cause__.diag.constraint_name == "orders_pkey"


def test_the_place_of_an_error_is_shown_in_the_cell(play, sql):
    tape = Tape()
    tape.refuse("SELECT nme FROM orders", C="42703", M='column "nme" does not exist', P="8")
    session = play(tape)
    shown = []
    for options in (TransactionOptions(), TransactionOptions(read_only=True)):
        with pytest.raises(StatementError) as caught:
            session.run(sql("SELECT nme FROM orders"), options)
        shown.append(caught.value.excerpt)

    assert shown[0] == shown[1]
    assert shown[0][-1].index("^") == shown[0][0].index("nme")


def test_a_statement_that_failed_aborts_its_transaction(play):
    tape = Tape()
    tape.refuse("SELECT 1/0", C="22012", M="division by zero")
    orders(tape)
    session = play(tape)

    def work(connection):
        codes = []
        with connection.cursor() as cursor:
            for text in ("SELECT 1/0", QUERY):
                with pytest.raises(psycopg2.Error) as caught:
                    cursor.execute(text)
                codes.append(caught.value.pgcode)
        raise LookupError(codes)

    with pytest.raises(LookupError, match=r"22012.*25P02"):
        session.transact(work)
    assert rows_of(session) == ROWS


def test_a_transaction_that_was_refused_is_run_again(play, sql):
    tape = Tape()
    undone = tape.write(ADD, "INSERT 0 1", undone=True)
    tape.refuse("COMMIT", EventKind.WRITE, {"after": undone.number}, C="40001", M="restart transaction")
    done = tape.write(ADD, "INSERT 0 1")
    orders(tape, after=done.number)
    session = play(tape)
    options = TransactionOptions(read_only=False, retry=RetryPolicy(max_attempts=3, wait_initial=0, wait_max=0))
    report = session.run(sql(f"{ADD}; SAVEPOINT a"), options)

    assert [retry.sqlstate for retry in report.receipt.retries] == ["40001"]
    assert rows_of(session) == ROWS


def test_a_commit_of_which_nobody_knew_is_one_again(play, sql):
    tape = Tape(COCKROACH)
    done = tape.write(ADD, "INSERT 0 1")
    tape.refuse("COMMIT", EventKind.WRITE, {"after": done.number}, C="40003", M="result is ambiguous")
    session = play(tape)

    with pytest.raises(AmbiguousCommitError):
        session.run(sql(f"{ADD}; SAVEPOINT a"))


def test_a_connection_that_was_lost_is_lost_again(play, sql):
    tape = Tape()
    tape.refuse(QUERY)
    orders(tape)

    report = play(tape).run(sql(QUERY))

    assert (texts(report), report.receipt.attempts) == (ROWS, 2)


def test_a_server_that_said_its_last_word_is_gone(play, sql):
    tape = Tape()
    tape.refuse(QUERY, C="57P01", M="terminating connection", S="FATAL", V="FATAL")
    orders(tape)
    report = play(tape).run(sql(QUERY))

    assert (texts(report), report.receipt.attempts) == (ROWS, 2)


def test_what_is_not_recorded_committed_nothing(play, sql):
    with pytest.raises(NotRecordedError) as caught:
        play(Tape()).run(sql(QUERY))

    assert (caught.value.sqlstate, caught.value.outcome) == ("FZ404", Outcome.NOT_COMMITTED)


# COPY … FROM STDIN.

_FILL = "COPY orders FROM STDIN WITH CSV"


def filled(session: Session, data: str) -> None:
    def work(connection):
        with connection.cursor() as cursor:
            cursor.copy_expert(_FILL, io.StringIO(data))

    session.transact(work)


def digest(data: str) -> str:
    return hashlib.sha256(data.encode()).hexdigest()


def test_the_rows_that_were_written_are_taken(play):
    tape = Tape()
    tape.write(_FILL, "COPY 1", digest=digest("4,cup\n"))
    orders(tape, [("4", "cup")])
    session = play(tape)
    filled(session, "4,cup\n")

    assert rows_of(session) == [("4", "cup")]


def test_other_rows_are_refused(play):
    tape = Tape()
    tape.write(_FILL, "COPY 1", digest=digest("4,cup\n"))

    with pytest.raises(psycopg2.Error) as caught:
        filled(play(tape), "4,mug\n")
    assert (caught.value.pgcode, caught.value.diag.message_primary) == (
        "FZ404",
        f"Other rows are written than were recorded: {_FILL}",
    )


def test_many_rows_can_be_written_without_a_deadlock(play):
    tape, data = Tape(), "4,cup\n" * 500_000
    tape.write(_FILL, "COPY 500000", digest=digest(data))
    session = play(tape)
    filled(session, data)

    assert session.connection.idle


def test_a_copy_that_is_not_there_takes_no_rows(play):
    with pytest.raises(psycopg2.Error, match="is not in the recording"):
        filled(play(Tape()), "4,cup\n" * 500_000)


def test_a_reader_that_fails_is_heard(play):
    class Broken(io.StringIO):
        def read(self, size=-1):
            raise ValueError("no more")

    tape = Tape()
    tape.write(_FILL, "COPY 1", digest=digest("4,cup\n"))

    def work(connection):
        with connection.cursor() as cursor:
            cursor.copy_expert(_FILL, Broken())

    with pytest.raises(psycopg2.errors.QueryCanceled, match="no more"):
        play(tape).transact(work)


def test_rows_of_a_copy_of_ones_own_are_refused_and_not_none(play):
    tape = Tape()
    tape.write("COPY orders TO STDOUT", "COPY 3")

    def work(connection):
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY orders TO STDOUT", io.StringIO())

    with pytest.raises(psycopg2.Error, match="are not in a recording"):
        play(tape).transact(work)


# Settings.


def test_a_setting_is_followed(play, sql):
    tape = Tape()
    orders(tape)
    tape.sets("SET TimeZone = 'Europe/Rome'", told={"TimeZone": "Europe/Rome"})
    orders(tape, ROWS[:1], settings=("SET TimeZone = 'Europe/Rome'",))
    session = play(tape)
    before = rows_of(session)
    session.run(sql("SET TimeZone = 'Europe/Rome'"))

    assert (before, rows_of(session)) == (ROWS, ROWS[:1])
    assert session.connection.info.parameter_status("TimeZone") == "Europe/Rome"


def test_a_setting_goes_back_with_its_transaction(play, sql):
    tape = Tape()
    tape.sets("SET TimeZone = 'Europe/Rome'", told={"TimeZone": "Europe/Rome"})
    orders(tape)
    session = play(tape)
    session.run(sql("SET TimeZone = 'Europe/Rome'"), TransactionOptions(dry_run=True))

    assert rows_of(session) == ROWS
    assert session.connection.info.parameter_status("TimeZone") == "UTC"


def test_other_settings_are_another_question(play, sql):
    tape = Tape()
    orders(tape)
    tape.sets("SET extra_float_digits = 0")
    session = play(tape)
    session.run(sql("SET extra_float_digits = 0"))

    with pytest.raises(NotRecordedError, match=r"other settings.*\n- none\n\+ SET extra_float_digits = 0"):
        rows_of(session)


def test_a_setting_that_was_not_made_is_refused(play, sql):
    with pytest.raises(NotRecordedError, match="SET TimeZone"):
        play(Tape()).run(sql("SET TimeZone = 'Europe/Rome'"))


def test_a_stream_is_told_what_the_session_was(play, sql):
    tape = Tape()
    for text in ("SET TimeZone = 'Europe/Rome'", "SET extra_float_digits = 0"):
        tape.sets(text)
    orders(tape, settings=("SET TimeZone = 'Europe/Rome'", "SET extra_float_digits = 0"))
    session = play(tape)
    session.run(sql("SET TimeZone = 'Europe/Rome'; SET extra_float_digits = 0"))

    assert streamed(session) == [ROWS[:2], ROWS[2:]]


def test_a_setting_of_the_cluster_is_a_write_in_its_order(play, sql):
    tape, text = Tape(COCKROACH), "SET CLUSTER SETTING sql.defaults.distsql = 'on'"
    orders(tape)
    tape.write(text, "SET CLUSTER SETTING")
    orders(tape, ROWS[:1])
    session = play(tape)
    session.run(sql(text))

    assert rows_of(session) == ROWS[:1]


def test_a_message_that_writes_and_sets_is_a_write(play):
    tape, text = Tape(), f"{ADD}; SET extra_float_digits = 0"
    orders(tape)
    tape.write(text, "SET")
    orders(tape, ROWS[:1], settings=("SET extra_float_digits = 0",))
    session = play(tape)
    with session.connection.cursor() as cursor:
        cursor.execute(text)

    assert rows_of(session) == ROWS[:1]


def test_texts_are_not_served_in_another_encoding(play, sql):
    tape = Tape({**POSTGRES, "client_encoding": "LATIN1"})
    orders(tape, [("1", "zoë")])
    tape.sets("SET client_encoding = 'LATIN1'", told={"client_encoding": "LATIN1"})
    session = play(tape)

    assert rows_of(session) == [("1", "zoë")]
    with pytest.raises(NotRecordedError, match="in UTF-8 alone"):
        session.run(sql("SET client_encoding = 'LATIN1'"))
    assert rows_of(session) == [("1", "zoë")]


def test_a_cancel_request_does_not_wait_for_ever(play):
    tape = Tape()
    orders(tape)
    session = play(tape)
    session.connection.cancel()
    session.connection.cancel_statement()

    assert rows_of(session) == ROWS


def test_a_time_limit_asks_for_nothing(play, sql):
    tape = Tape()
    orders(tape)

    assert texts(play(tape).run(sql(QUERY), TransactionOptions(retry=RetryPolicy(timeout=30)))) == ROWS


# What is said besides.


def test_notices_are_said_again(play, sql):
    tape, notices = Tape(), ('NOTICE: relation "orders" exists, skipping', "WARNING: odd\nDETAIL: very\nHINT: look")
    tape.write("CREATE TABLE IF NOT EXISTS orders (id INT)", "CREATE TABLE", notices=notices)

    assert play(tape).run(sql("CREATE TABLE IF NOT EXISTS orders (id INT)")).results[0].notices == notices


def test_a_receipt_is_as_it_was(play, sql):
    tape = Tape()
    orders(tape)
    retry = Attempt(1, "40001", None, "restart", wait=0.5, elapsed=0.1)
    tape.receipt(receipt={"statements": 1, "rows": 3, "elapsed": 12.5, "retries": (retry,)})
    session = play(tape)
    first, second = (session.run(sql(QUERY)).receipt for _ in range(2))

    assert (first.elapsed, first.attempts, first.retries) == (12.5, 2, (retry,))
    assert second.attempts == 1


# Connections.


def test_the_second_target_is_the_second_connection(play, leaving, other_target):
    tape = Tape(connections=2)
    orders(tape)
    orders(tape, ROWS[:1], connection=2)
    first = play(tape)
    rows = rows_of(first)
    second = leaving.enter_context(closing(Session(other_target)))

    assert (rows, rows_of(second)) == (ROWS, ROWS[:1])


def test_a_connection_more_than_was_recorded_is_refused(play, leaving, other_target):
    tape = Tape()
    orders(tape)
    rows_of(play(tape))

    with pytest.raises(NotRecordedError, match="no connection number 2"):
        rows_of(leaving.enter_context(closing(Session(other_target))))


def test_a_process_that_was_forked_is_told(play, in_a_fork):
    tape = Tape()
    orders(tape)
    session = play(tape)
    rows_of(session)

    with pytest.raises(RecordingError, match="forked"):
        in_a_fork(lambda: rows_of(session))
