"""How the rows of large results come: the same values by COPY as by SELECT, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from faults import SERIALIZABLE, Fault, ServerError, cut_within, error_within, statement

from crdb_magic.columns.frames import records
from crdb_magic.columns.objects import as_read, with_decimals
from crdb_magic.columns.results import Result
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import RetryPolicy, TransactionOptions
from crdb_magic.errors import ExceededMaxAttempts, StatementError
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

pytestmark = pytest.mark.usefixtures("copies_out", "threads_end", "small_parts")

_AT_ONCE = RetryPolicy(max_attempts=3, wait_initial=0, wait_max=0)
_COPY = statement("COPY")
_MANY = "SELECT i, 'row ' || i AS name FROM generate_series(1, 2000) AS t (i) ORDER BY i"


@pytest.fixture
def known(three_are_many: None) -> Callable[[Session, str], str]:
    """Let a session know that a query gives many rows, by running it."""

    def taught(session: Session, text: str) -> str:
        assert session.ask(text).row_count >= 3
        return text

    return taught


def plain(result: Result) -> tuple[object, ...]:
    """Give what a result says, however it is parted and whatever was cast already."""
    return result.columns, result.tag, result.row_count, records(result)


VALUES = [
    "SELECT i, i * 1.5 AS d, i % 2 = 0 AS even, NULL::TEXT AS nothing FROM generate_series(1, 50) AS t (i)",
    """SELECT * FROM (VALUES ('', 1), (NULL, NULL), ('a "quoted", comma', 2), (e'two\\nlines\\r\\n', 3), ('\\.', 4),
       (' blank ', 5), ('größe ☃', 6), ('"', 7), (e'\\ufeff', 8)) AS t (a, b)""",
    """SELECT '2026-11-23'::DATE + i AS day, '12:00:00.5'::TIME AS t, 'infinity'::FLOAT8 AS f, '\\x00ff'::BYTEA AS b,
       1.10::DECIMAL(10, 2) AS p, '{"a": ["x"]}'::JSONB AS j, ARRAY['a,b', NULL, ''] AS arr, '1 mon 2 days'::INTERVAL
       AS iv, '2026-11-23 12:00:00.123+00'::TIMESTAMPTZ AS tz, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID AS u
       FROM generate_series(1, 5) AS t (i)""",
    "SELECT 1 AS a, 2 AS a, 3 FROM generate_series(1, 5)",
    "VALUES (NULL::TEXT), (''), (NULL), ('x')",
    "(SELECT 1 AS a) UNION ALL (SELECT 2) UNION ALL (SELECT 3) -- the end",
    'WITH x AS (SELECT generate_series(1, 9) AS i) SELECT i, i AS "an i" FROM x ORDER BY i DESC',
]


@pytest.mark.parametrize("text", VALUES)
def test_a_result_is_the_same_by_copy_as_by_select(session, three_are_many, text):
    by_select, by_copy = session.ask(text), session.ask(text)

    assert plain(by_copy) == plain(by_select)


@pytest.mark.parametrize("text", VALUES)
def test_a_cell_is_the_same_by_copy_as_by_select(session, sql, three_are_many, text):
    by_select, by_copy = (session.run(sql(text)).results[0] for _ in range(2))

    assert plain(by_copy) == plain(by_select)


def test_decimals_that_are_made_while_rows_come_are_those_that_are_made_after(session, sql, known):
    text = known(session, "SELECT nullif(i, 7) * 1.50 AS d FROM generate_series(1, 2000) AS t (i) ORDER BY i")
    after, meanwhile = (session.run(sql(text), finish=finish).results[0] for finish in (as_read, with_decimals))

    assert isinstance(meanwhile.batches[-1][0], list)
    assert (plain(meanwhile), meanwhile.rows) == (plain(after), after.rows)


def test_a_value_larger_than_a_part_comes_whole(session, known):
    text = known(session, "SELECT i, repeat(e'line\\n\"', 500000) AS large FROM generate_series(1, 3) AS t (i)")

    assert session.ask(text).rows == tuple((number, 'line\n"' * 500_000) for number in (1, 2, 3))


def test_newlines_within_values_do_not_part_a_row(session, known):
    text = known(session, "SELECT repeat(e'\\n', i) AS n, i FROM generate_series(1, 400) AS t (i)")

    assert session.ask(text).rows == tuple(("\n" * number, number) for number in range(1, 401))


def test_a_result_without_columns_has_its_rows_counted(session, three_are_many):
    text = "SELECT FROM generate_series(1, 5)"
    try:
        session.ask(text)
    except StatementError:
        pytest.skip("each query has a column there")

    assert plain(session.ask(text)) == ((), "SELECT 5", 5, [()] * 5)


def test_another_encoding_of_the_client_gives_the_right_texts(session, known):
    text = known(session, "SELECT 'größe ' || i AS name, i FROM generate_series(1, 9) AS t (i)")
    expected = [(f"größe {number}", number) for number in range(1, 10)]
    try:
        session.ask("SET client_encoding = 'LATIN1'")
    except Exception:
        pytest.skip("UTF-8 is all that is spoken there")

    assert records(session.ask(text)) == expected
    assert session.ask("SELECT %s AS back", ["größe"]).rows == (("größe",),)
    session.ask("SET client_encoding = 'UTF8'")
    assert session.ask("SELECT %s AS back", ["größe ☃"]).rows == (("größe ☃",),)
    assert records(session.ask(text)) == expected


# What is sent.


def words(sent: list[str]) -> str:
    """Give the first words of each message, one by one."""
    return " ".join("+".join(part.split()[0] for part in text.split(";\n")) for text in sent)


BY_COPY = "BEGIN+SELECT COPY COMMIT"


def test_a_query_that_gave_many_rows_is_copied_from_then_on(trips, through, three_are_many):
    first, second = (trips(lambda: through.ask(_MANY)) for _ in range(2))

    assert (first, words(second)) == ([_MANY], BY_COPY)


def test_a_query_that_gives_few_rows_by_now_is_selected_again(trips, through, three_are_many, table):
    text = f"SELECT * FROM {table}"
    through.ask(f"INSERT INTO {table} VALUES (3, 3)")
    through.ask(text)
    through.ask(f"DELETE FROM {table} WHERE id = 3")
    seen = [words(trips(lambda: through.ask(text))) for _ in range(2)]

    assert seen == [BY_COPY, "SELECT"]


def test_the_same_text_is_known_with_other_values(trips, through, three_are_many):
    text = "SELECT * FROM generate_series(1, %s) AS t (i) WHERE '100%%' = %s"
    through.ask(text, [5, "100%"])
    sent = trips(lambda: through.ask(text, [7, "100%"]))

    assert words(sent) == BY_COPY
    assert through.ask(text, [4, "100%"]).row_count == 4


def test_a_cell_that_gives_few_rows_is_selected(trips, through, sql):
    assert trips(lambda: through.run(sql("SELECT 1"))) == ["SELECT 1"]


def test_a_large_query_among_others_is_copied_within_their_transaction(trips, through, sql, known):
    cell = sql(f"SELECT 1; {known(through, _MANY)}; SELECT 2")

    assert words(trips(lambda: through.run(cell))) == "BEGIN+SELECT SELECT COPY SELECT COMMIT"


def test_within_an_open_transaction_a_large_query_is_copied_too(trips, through, known):
    known(through, _MANY)

    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert through.ask(_MANY).row_count == 2000

    assert words(trips(lambda: through.transact(work))) == "BEGIN+SELECT SELECT COPY COMMIT"


def test_a_copied_query_sees_what_its_transaction_wrote(session, sql, three_are_many, table):
    text = f"SELECT id FROM {table} ORDER BY id"
    for number in (3, 4):
        cell = sql(f"INSERT INTO {table} VALUES ({number}, 0); {text}")
        result = session.run(cell).results[1]

    assert [str(row[0]) for row in result.rows] == ["1", "2", "3", "4"]


def test_read_only_reads_by_copy(trips, through, sql, known):
    cell = sql(known(through, _MANY))

    assert words(trips(lambda: through.run(cell, TransactionOptions(read_only=True)))) == BY_COPY


def test_the_past_is_read_by_copy(trips, through, sql, three_are_many, table):
    text = f"SELECT id FROM {table} ORDER BY id"
    through.ask(f"INSERT INTO {table} VALUES (3, 3)")
    through.ask(text)
    then = Decimal(through.ask("SELECT cluster_logical_timestamp()").rows[0][0])
    through.ask(f"DELETE FROM {table}")
    results = []
    sent = trips(lambda: results.extend(through.run(sql(text), TransactionOptions(as_of=AsOf.parse(then))).results))

    assert [str(row[0]) for row in results[0].rows] == ["1", "2", "3"]
    assert [text for text in sent if _COPY(text)]


def test_what_may_not_stand_in_parentheses_is_never_copied(trips, through, three_are_many, table):
    text = f"SELECT * FROM {table}, generate_series(1, 5) FOR UPDATE OF {table}"
    sent = [trips(lambda: through.ask(text)) for _ in range(3)]

    assert sent == [[text]] * 3


# What the planner is asked.


def look(session: Session, text: str) -> None:
    session.look_ahead(Query.of_statement(split(text)[0].bind({})))


def test_the_planner_is_asked_once_for_a_query(trips, through):
    first, second = (trips(lambda: look(through, _MANY)) for _ in range(2))

    assert (first, second) == ([f"EXPLAIN {_MANY}"], [])


@pytest.mark.parametrize(
    "text",
    ["SELECT 1", "SELECT * FROM pg_type LIMIT 10", "select * from pg_type\nlimit 9999 ;", "VALUES (1), (2)"],
)
def test_what_is_small_by_its_words_is_not_asked_about(trips, through, text):
    assert trips(lambda: look(through, text)) == []


def test_within_a_transaction_the_planner_is_not_asked(trips, through):
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        look(through, _MANY)

    assert words(trips(lambda: through.transact(work))) == "BEGIN+SELECT COMMIT"


def test_what_is_no_query_is_not_asked_about(trips, through, table):
    assert trips(lambda: look(through, f"DELETE FROM {table}")) == []


def test_a_query_that_the_planner_calls_large_is_copied_the_first_time(trips, through, sql, three_are_many):
    text = "SELECT typname::TEXT FROM pg_type"
    if through.server.estimated_rows("\n".join(row[0] for row in through.ask(f"EXPLAIN {text}").rows)) < 3:
        pytest.skip("the planner does not say so there")
    look(through, text)

    assert words(trips(lambda: through.run(sql(text)))) == BY_COPY


def test_a_wrong_estimate_is_corrected_by_what_came(trips, through, sql, three_are_many):
    text = "SELECT * FROM pg_type WHERE typname || 'x' <> typname AND length(typname) < 0"
    look(through, text)
    through.run(sql(text))

    assert trips(lambda: through.run(sql(text))) == [text]


def test_a_question_that_fails_is_nobodys_concern(through, sql):
    text = "SELECT 1\nFROM nope, pg_type"
    look(through, text)
    with pytest.raises(StatementError) as caught:
        through.run(sql(text))

    assert (caught.value.sqlstate, caught.value.excerpt) == ("42P01", ("line 2: FROM nope, pg_type", "             ^"))


def test_a_server_that_is_gone_is_no_concern_of_the_question(through, proxy, sql):
    proxy.rules.append(Fault(statement("EXPLAIN"), cut_within(0)))
    look(through, _MANY)

    assert through.run(sql(_MANY)).results[0].row_count == 2000


# What goes wrong.


def test_an_error_midstream_discards_all_and_is_reported_as_for_select(session, sql, three_are_many, table):
    last = f"2000 - (SELECT balance FROM {table} WHERE id = 1)"
    text = f"SELECT 1 / (1900 - i) AS n FROM generate_series(1, {last}) AS t (i)"
    session.run(sql(f"UPDATE {table} SET balance = 150 WHERE id = 1"))
    assert session.run(sql(text)).results[0].row_count == 1850
    session.run(sql(f"UPDATE {table} SET balance = 0 WHERE id = 1"))
    with pytest.raises(StatementError) as caught:
        session.run(sql(text))

    assert (caught.value.sqlstate, caught.value.outcome.name) == ("22012", "NOT_COMMITTED")
    assert caught.value.excerpt[0].startswith("line 1: SELECT 1 / (1900 - i)")
    assert session.ask("SELECT 2").rows == (("2",),)


def test_a_refusal_of_the_server_midstream_runs_all_of_it_again(session, sql, three_are_many, tries):
    text = f"""SELECT i, CASE WHEN i < 1500 THEN 0 WHEN nextval('{tries}') IN (502, 700) THEN
        crdb_internal.force_retry('1h') ELSE 1 END AS n FROM generate_series(1, 2000) AS t (i)"""
    assert session.run(sql(text)).results[0].row_count == 2000
    report = session.run(sql(text))

    assert [retry.sqlstate for retry in report.receipt.retries] == ["40001", "40001"]
    assert [str(row[0]) for row in report.results[0].rows] == [str(number) for number in range(1, 2001)]


@pytest.mark.parametrize(
    "action", [error_within(0.7, SERIALIZABLE), cut_within(0.7), cut_within(0)], ids=["40001", "cut", "no row"]
)
def test_a_fault_midstream_discards_all_and_runs_again(through, proxy, sql, known, action):
    cell = sql(known(through, _MANY))
    proxy.rules.append(Fault(_COPY, action, times=2))
    report = through.run(cell)

    assert report.receipt.attempts == 3
    assert [str(row[0]) for row in report.results[0].rows] == [str(number) for number in range(1, 2001)]


def test_faults_midstream_come_to_an_end(through, proxy, sql, known):
    cell = sql(known(through, _MANY))
    proxy.rules.append(Fault(_COPY, cut_within(0.7), times=3))
    with pytest.raises(ExceededMaxAttempts):
        through.run(cell, TransactionOptions(retry=_AT_ONCE))

    assert through.run(cell).results[0].row_count == 2000


def test_within_an_open_transaction_a_fault_is_the_statements_own(through, proxy, known):
    known(through, _MANY)
    proxy.rules.append(Fault(_COPY, error_within(0.7, ServerError("22012", "division by zero"))))

    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        through.ask(_MANY)

    with pytest.raises(Exception, match="division by zero"):
        through.transact(work)

    assert through.ask(_MANY).row_count == 2000


def test_a_query_that_was_copied_and_fails_now_shows_the_word(session, sql, three_are_many, table):
    query = f"SELECT :many AS a,\n  balance FROM {table}, generate_series(1, 5)"
    values = {"many": [1, 2, 3]}
    session.run(sql(query, values))
    session.run(sql(f"ALTER TABLE {table} RENAME COLUMN balance TO gone"))
    with pytest.raises(StatementError) as caught:
        session.run(sql(query, values))

    shown, caret = caught.value.excerpt[-2:]
    assert shown.startswith("line 2:   balance FROM")
    assert shown[caret.index("^") :].startswith("balance")


def test_a_text_that_fails_raises_the_same_by_copy_as_by_select(session, three_are_many, table):
    query = f"SELECT balance FROM {table}, generate_series(1, 5)"
    session.ask(query)
    session.ask(f"ALTER TABLE {table} RENAME COLUMN balance TO gone")
    seen = []
    for text in (query, f"{query} -- unknown"):
        with pytest.raises(StatementError) as caught:
            session.ask(text)
        seen.append((caught.value.sqlstate, caught.value.message, caught.value.outcome))

    assert seen[0] == seen[1]


# Interrupts, and others beside.


@pytest.mark.usefixtures("no_collection")
def test_a_copy_is_interrupted_at_once_and_the_session_goes_on(session, sql, three_are_many, table):
    last = f"(SELECT balance::BIGINT * balance * balance * 5 FROM {table} WHERE id = 1)"
    endless = f"SELECT i FROM generate_series(1, {last}) AS t (i)"
    session.run(sql(f"UPDATE {table} SET balance = 1 WHERE id = 1"))
    assert session.run(sql(endless)).results[0].row_count == 5
    session.run(sql(f"UPDATE {table} SET balance = 1000 WHERE id = 1"))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        session.run(sql(endless))
    timer.join()

    assert caught.value.__notes__ == ["Nothing was committed."]
    assert session.ask("SELECT 2").rows == (("2",),)


def test_two_sessions_read_at_once(session, other, known):
    for each in (session, other):
        known(each, _MANY)
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda each: each.ask(_MANY), (session, other)))

    assert plain(results[0]) == plain(results[1])
