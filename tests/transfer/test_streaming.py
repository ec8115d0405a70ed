"""Streams of rows: in parts, at one instant, once each and in order, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal

import psycopg2
import pytest
from faults import SERIALIZABLE, Action, Exchange, Fault, cut_within, error_within, instead, statement
from streams import MANY, numbers, streamed
from wire import Message

from crdb_magic.columns.frames import to_frame
from crdb_magic.columns.results import Result
from crdb_magic.core.asof import AsOf
from crdb_magic.errors import BrokenTransactionError, OptionError, StatementError
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.streaming import results

pytestmark = pytest.mark.usefixtures("copies_out", "threads_end")

_COPY = statement("COPY")
_ENDLESS = "SELECT generate_series(1, 50000000) AS i, repeat('x', 100) AS x"


@pytest.fixture
def stream(session: Session) -> Callable[..., Iterator[Result]]:
    return lambda text, rows=500, as_of=None: streamed(session, text, rows, as_of)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Wait for what another process is about to do; the time limit of a test is the limit."""

    def wait(so: Callable[[], bool]) -> bool:
        while not so():
            threading.Event().wait(0.02)
        return True

    return wait


@pytest.fixture
def copying(other: Session) -> Callable[[], int]:
    """Count the COPY statements that run on the server."""
    text = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%'"
    if other.server.is_cockroachdb:
        text = "SELECT count(*) FROM [SHOW CLUSTER QUERIES] WHERE query LIKE 'COPY%'"
    return lambda: int(other.ask(text).rows[0][0])


# In parts.


@pytest.mark.parametrize(
    ("rows", "size", "parts"),
    [
        (10, 3, [3, 3, 3, 1]),
        (9, 3, [3, 3, 3]),
        (1, 3, [1]),
        (3, 1, [1, 1, 1]),
        (2, 100, [2]),
        (0, 3, [0]),
    ],
)
def test_results_have_so_many_rows_each(stream, small_parts, rows, size, parts):
    found = list(stream(f"SELECT i FROM generate_series(1, {rows}) AS t (i)", size))

    assert [(part.row_count, len(part.rows)) for part in found] == [(count, count) for count in parts]
    assert numbers(found) == list(range(1, rows + 1))


def test_the_sizes_of_results_and_of_parts_have_nothing_to_do_with_each_other(stream, small_parts):
    found = list(stream(MANY, 333))

    assert [part.row_count for part in found] == [333] * 6 + [2]
    assert numbers(found) == list(range(1, 2001))


def test_each_result_has_all_types_also_one_without_rows(stream):
    text = "SELECT 1 AS n, 'x'::TEXT AS s, true AS b, now() AS t, 1.5::DECIMAL(5, 2) AS d, ARRAY[1] AS a WHERE {}"
    (nothing,), (one,) = (list(stream(text.format(word))) for word in ("false", "true"))

    assert nothing.columns == one.columns
    assert to_frame(nothing).dtypes.tolist() == to_frame(one).dtypes.tolist()


def test_values_are_those_of_the_plain_query(session, stream, small_parts):
    value = "CASE WHEN i % 3 = 0 THEN '' WHEN i % 3 = 1 THEN e'a \"b\"\\n,' END"
    text = f"SELECT i, {value} AS s FROM generate_series(1, 99) AS t (i)"
    rows = [row for part in stream(text, 10) for row in to_frame(part).values.tolist()]

    assert rows == to_frame(session.ask(text)).values.tolist()


def test_placeholders_are_filled(session):
    found = results(
        session, Query.of_text("SELECT i, %(s)s AS s FROM generate_series(1, 3) AS t (i)", {"s": "a'b%"}), 9
    )

    assert [row[1] for part in found for row in part.rows] == ["a'b%"] * 3


# At one instant.


def test_rows_that_come_meanwhile_do_not_show(session, other, stream, table):
    session.ask(f"INSERT INTO {table} SELECT i, 0 FROM generate_series(3, 5000) AS t (i)")
    parts = stream(f"SELECT id FROM {table} ORDER BY id")
    found = [next(parts)]
    other.ask(f"INSERT INTO {table} VALUES (9000, 0)")
    other.ask(f"DELETE FROM {table} WHERE id > 4000")
    found += parts

    assert numbers(found) == list(range(1, 5001))


def test_a_stream_may_read_the_past(session, stream, table):
    then = Decimal(session.ask("SELECT cluster_logical_timestamp()").rows[0][0])
    session.ask(f"DELETE FROM {table}")

    assert numbers(stream(f"SELECT id FROM {table} ORDER BY id", as_of=AsOf.parse(then))) == [1, 2]


def test_after_a_fault_the_same_instant_is_read_again(through, proxy, other, table, small_parts):
    other.ask(f"INSERT INTO {table} SELECT i, 0 FROM generate_series(3, 3000) AS t (i)")

    def change(exchange: Exchange) -> None:
        answer = exchange.finish()
        other.ask(f"DELETE FROM {table} WHERE id > 100")
        exchange.tell(answer[: len(answer) // 2])
        exchange.cut()

    proxy.rules.append(Fault(_COPY, change))

    assert numbers(streamed(through, f"SELECT id FROM {table} ORDER BY id")) == list(range(1, 3001))


# What goes wrong.


def cut_behind(rows: int) -> Action:
    """Let so many rows come, and cut the connection."""

    def act(exchange: Exchange) -> None:
        exchange.tell([message for message in exchange.finish() if message.kind in b"Hd"][: rows + 1])
        exchange.cut()

    return act


REFUSED = instead(SERIALIZABLE)


@pytest.mark.parametrize(
    "faults",
    [
        [cut_behind(0)],
        [cut_behind(1)],
        [cut_behind(1000)],
        [cut_behind(2000)],
        [error_within(0.5, SERIALIZABLE)],
        [cut_behind(1500), cut_behind(500), cut_behind(1900)],
        [cut_within(0.3), error_within(0.9, SERIALIZABLE), cut_within(0.6)],
        [cut_within(0.3), REFUSED, REFUSED, cut_within(0.6)],
    ],
    ids=["before the first row", "one row", "midstream", "at the end", "40001", "several", "mixed", "refused between"],
)
def test_a_fault_is_passed_over_and_all_rows_come_once_in_order(through, proxy, small_parts, faults):
    proxy.rules += [Fault(_COPY, action) for action in faults]
    found = list(streamed(through, MANY, 300))

    assert numbers(found) == list(range(1, 2001))
    assert [part.row_count for part in found] == [300] * 6 + [200]


def test_a_commit_that_is_lost_is_passed_over_too(through, proxy, small_parts):
    proxy.rules.append(Fault(statement("COMMIT"), cut_within(0)))

    assert numbers(streamed(through, MANY)) == list(range(1, 2001))


SHUFFLED = [
    "SELECT random() AS i FROM generate_series(1, 2000)",
    "SELECT i FROM generate_series(1, 2000) AS t (i) ORDER BY random()",
    "SELECT i, repeat('x', (random() * 5)::INT) AS x FROM generate_series(1, 2000) AS t (i)",
]


@pytest.mark.parametrize("text", SHUFFLED)
def test_rows_that_come_in_another_order_when_read_again_are_an_error(through, proxy, small_parts, text):
    proxy.rules.append(Fault(_COPY, cut_behind(1500)))

    with pytest.raises(BrokenTransactionError, match="another order"):
        list(streamed(through, text))


def only_of(rows: int) -> Action:
    """Leave out all rows but the first ones."""

    def act(exchange: Exchange) -> None:
        answer = exchange.finish()
        data = [message for message in answer if message.kind == b"d"]
        exchange.tell([answer[0], *data[:rows], *(message for message in answer[1:] if message.kind != b"d")])

    return act


def test_fewer_rows_when_read_again_are_an_error(through, proxy, small_parts):
    proxy.rules += [Fault(_COPY, cut_behind(1500)), Fault(_COPY, only_of(1000))]

    with pytest.raises(BrokenTransactionError, match="fewer rows"):
        list(streamed(through, MANY))


def test_where_there_is_no_past_a_stream_that_has_begun_is_not_read_on(target, proxy, small_parts, server):
    if server.as_of_system_time:
        pytest.skip("there is one")
    proxy.rules.append(Fault(_COPY, cut_behind(1500)))
    alone = Session(proxy.target)

    with pytest.raises(BrokenTransactionError, match="no past"):
        list(streamed(alone, MANY))
    assert numbers(streamed(alone, MANY)) == list(range(1, 2001))
    alone.close()


def test_an_error_behind_many_rows_comes_where_the_rows_end(session, small_parts):
    parts = streamed(session, "SELECT 1 / (1900 - i) AS n FROM generate_series(1, 2000) AS t (i)", 1000)

    assert next(parts).row_count == 1000
    with pytest.raises(StatementError, match="division by zero"):
        next(parts)


def test_an_unknown_table_is_the_first_calls_error(session):
    parts = streamed(session, "SELECT * FROM nope")

    with pytest.raises(StatementError, match="nope"):
        next(parts)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; SELECT 2",
        "INSERT INTO t VALUES (1)",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t AS OF SYSTEM TIME '-1s'",
        "SHOW TABLES",
        "",
        "SELECT 'open",
    ],
)
def test_what_is_no_query_by_itself_is_refused(stream, text):
    with pytest.raises(OptionError, match="Only a query by itself can be streamed"):
        next(stream(text))


def test_a_query_without_columns_is_refused(session, stream):
    try:
        session.ask("SELECT FROM generate_series(1, 3)")
    except StatementError:
        pytest.skip("each query has a column there")

    with pytest.raises(OptionError, match="has no columns"):
        next(stream("SELECT FROM generate_series(1, 3)"))


def test_within_a_transaction_a_stream_is_refused(session, stream):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        next(stream(MANY))

    with pytest.raises(OptionError, match="outside the transaction"):
        session.transact(work)


# Who stops listening.


def test_a_stream_that_is_let_be_stops_at_once(stream, eventually, copying):
    for part in stream(_ENDLESS):
        assert part.row_count == 500
        break

    assert [thread for thread in threading.enumerate() if thread.name == "crdb_magic stream"] == []
    assert eventually(lambda: copying() == 0)


def test_a_stream_that_is_closed_stops_at_once(stream, eventually, copying):
    parts = stream(_ENDLESS)
    next(parts)
    assert copying() == 1
    parts.close()

    assert eventually(lambda: copying() == 0)


def test_a_stream_that_never_began_has_nothing_to_stop(trips, through):
    def never() -> None:
        streamed(through, _ENDLESS).close()

    assert trips(never) == []


@pytest.mark.timeout(20)
def test_a_server_that_waits_for_room_hears_of_the_cut(session, eventually, copying):
    came, go_on = threading.Event(), threading.Event()

    class Slow:
        """Reads nothing more until it is told to: the server waits for room to send its rows."""

        def write(self, line: bytes) -> int:
            came.set()
            go_on.wait()
            return len(line)

    def read() -> None:
        with suppress(psycopg2.Error), session.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY ({_ENDLESS}) TO STDOUT", Slow())

    reader = threading.Thread(target=read)
    reader.start()
    came.wait()
    threading.Event().wait(0.5)  # the buffers of both sides fill up
    session.connection.cut()
    go_on.set()
    reader.join()
    session.close()

    assert eventually(lambda: copying() == 0)


def test_an_error_in_the_loop_stops_the_stream(stream, eventually, copying):
    with pytest.raises(ZeroDivisionError):
        for part in stream(_ENDLESS):
            part.row_count / 0

    assert eventually(lambda: copying() == 0)


@pytest.mark.usefixtures("no_collection")
def test_an_interrupt_stops_the_stream(session, stream, eventually, copying):
    with pytest.raises(KeyboardInterrupt):
        for _ in stream(_ENDLESS):
            os.kill(os.getpid(), signal.SIGINT)

    assert eventually(lambda: copying() == 0)
    assert session.ask("SELECT 2").rows == (("2",),)


@pytest.mark.usefixtures("no_collection")
def test_a_wait_for_rows_is_interrupted(session, stream):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        next(stream("SELECT i, pg_sleep(7) FROM generate_series(1, 9) AS t (i)"))
    timer.join()

    assert session.ask("SELECT 2").rows == (("2",),)


def test_a_stream_takes_one_connection(through, proxy):
    opened = proxy.connections
    assert numbers(streamed(through, "SELECT 1 AS i")) == [1]

    assert proxy.connections == opened + 1


def test_a_stream_that_no_server_can_be_asked_to_stop_is_cut_off(through, proxy):
    parts = streamed(through, _ENDLESS)
    next(parts)
    proxy.refuse()
    parts.close()

    assert [thread for thread in threading.enumerate() if thread.name == "crdb_magic stream"] == []


def test_ones_own_connection_is_free_in_the_loop(session, stream, table):
    seen = []
    for part in stream(MANY):
        seen.append(part.row_count)
        session.ask(f"UPDATE {table} SET balance = balance + 1 WHERE id = 1")

    assert session.ask(f"SELECT balance FROM {table} WHERE id = 1").rows == ((str(100 + len(seen)),),)


def test_two_streams_run_beside_each_other(stream, small_parts):
    both = [(first.rows, second.rows) for first, second in zip(stream(MANY), stream(MANY), strict=True)]

    assert all(first == second for first, second in both)


def test_no_more_is_read_than_there_is_room_for(through, proxy, monkeypatch):
    passed = 0
    wire = Message.wire.fget

    def counted(message: Message) -> bytes:
        nonlocal passed
        passed += len(message.body) if message.kind == b"d" else 0
        return wire(message)

    monkeypatch.setattr(Message, "wire", property(counted))
    parts = streamed(through, _ENDLESS, 10)
    next(parts)
    before = -1
    while passed != before:  # as long as the reader goes on by itself
        before = passed
        threading.Event().wait(0.3)
    proxy.refuse()
    parts.close()

    assert passed < 40 << 20  # some parts of a megabyte, and what sockets hold


# The stream's own connection reads what the session's would.


def test_a_stream_reads_under_the_settings_of_its_session(session, sql):
    session.run(sql("SET TIME ZONE 'Asia/Tokyo'; SET application_name = 'streaming'"))
    (result,) = results(
        session, Query.of_text("SELECT current_setting('TimeZone'), current_setting('application_name')", None), 10
    )

    assert result.rows == (("Asia/Tokyo", "streaming"),)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE TEMP TABLE seen AS SELECT 1 AS a", "temporary table seen"),
        ("SELECT set_config('search_path', 'public', false)", r"what set_config\(\) has set"),
    ],
)
def test_a_stream_is_refused_what_only_the_sessions_connection_has(session, sql, made, named):
    try:
        session.run(sql(made))
    except StatementError as error:
        pytest.skip(f"not there: {error.sqlstate}")

    with pytest.raises(OptionError, match=named):
        next(results(session, Query.of_text("SELECT a FROM seen", None), 10))


def test_a_stream_of_other_tables_is_not(session, sql):
    session.run(sql("PREPARE seen AS SELECT 1"))
    (result,) = results(session, Query.of_text("SELECT 1 AS one", None), 10)

    assert to_frame(result).one.tolist() == [1]
