"""What may make the answer of a statement another one when it is asked again: its order, a limit, some functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from sql_fragments import nasty_text, only

from crdb_magic.errors import ScriptError
from crdb_magic.sql.statements import split
from crdb_magic.sql.steadiness import Unsteady, Why, unsteady


def reasons(text: str, rows: int | None = None, *, more: bool = False) -> list[Why]:
    return [found.why for found in unsteady(only(text), rows, more=more)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t",
        "select a from t",
        "TABLE t",
        "(SELECT a FROM t)",
        "SELECT a FROM t /* ORDER BY a */ -- ORDER BY a",
        "SELECT a, 'ORDER BY a', \"ORDER BY\" FROM t",
        "SELECT a FROM (SELECT a FROM t ORDER BY a) AS q",
        "WITH q AS (SELECT a FROM t ORDER BY a) SELECT a FROM q",
        "WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q ORDER BY 1) SELECT n FROM q",
        "SELECT a FROM t WHERE a IN (SELECT b FROM u ORDER BY b LIMIT 3)",
        "(SELECT a FROM t ORDER BY a) UNION (SELECT a FROM u ORDER BY a)",
        "SELECT 1 UNION SELECT 2",
        "VALUES (1) EXCEPT VALUES (2)",
        "SELECT a, row_number() OVER (ORDER BY a) FROM t",
        "SELECT a, sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY a)",
        "SELECT a, sum(b) FILTER (WHERE b > 0) OVER (ORDER BY a) FROM t",
        "SELECT b, array_agg(a ORDER BY a) FROM t GROUP BY b",
        "SELECT b, percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t GROUP BY b",
        "SELECT b, count(*) FROM t GROUP BY b HAVING count(*) > 1",
        "SELECT a, (SELECT max(b) FROM u) FROM t",
        "SELECT a FROM t WHERE b > (SELECT avg(b) FROM t)",
        "SELECT a IS DISTINCT FROM b FROM t",
        "SELECT DISTINCT a FROM t",
        "SELECT t.count, max FROM t",
        "SELECT a FROM t, generate_series(1, 3)",
        "SELECT n, count(*) FROM generate_series(1, 3) AS g(n) GROUP BY n",
        "SELECT a FROM generate_series(1, 3) AS n JOIN t ON t.a = n",
        "SELECT a FROM unnest",
        "SELECT table_name FROM [SHOW TABLES]",
        "SELECT a FROM t AS OF SYSTEM TIME '-1s'",
        "SELECT a FROM t LIMIT ALL",
        "SELECT a FROM t LIMIT NULL",
        "WITH q AS (SELECT 1 LIMIT 1) SELECT a FROM t, q",
        "SELECT count(*), a FROM t GROUP BY ROLLUP (a)",
    ],
)  # fmt: skip
def test_rows_without_order_by_may_come_in_another_order(text):
    assert reasons(text) == [Why.ORDER]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t\norder\nby a",
        "(SELECT a FROM t ORDER BY a)",
        "((SELECT a FROM t) ORDER BY a)",
        "(SELECT a FROM t) ORDER BY a LIMIT 3",
        "(SELECT a FROM t ORDER BY a) LIMIT 3",
        "WITH q AS (SELECT 1) (SELECT a FROM t ORDER BY a)",
        "WITH q AS (SELECT a FROM t) SELECT a FROM q ORDER BY a",
        "SELECT a FROM t UNION SELECT a FROM u ORDER BY a",
        "SELECT a FROM t ORDER BY a LIMIT 3 OFFSET 3",
        "SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS ONLY",
        "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b",
        "TABLE t ORDER BY a",
        # One row, or as they are written.
        "SELECT 1",
        "SELECT 1 IS DISTINCT FROM 2",
        "SELECT extract(year FROM DATE '2020-01-01')",
        "SELECT unnest(ARRAY[3, 1, 2])",
        "VALUES (1)",
        "VALUES (1), (2)",
        "SELECT count(*) FROM t",
        "SELECT count(*) FROM t LIMIT 10",
        "SELECT round(avg(a), 2) AS a, max(b) FROM t",
        "SELECT coalesce(sum(a) FILTER (WHERE a > 0), 0) FROM t",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT array_agg(a ORDER BY a) FROM t",
        "SELECT sum(count(*)) OVER () FROM t",
        "SELECT (SELECT 1), count(*) FROM t",
        "(SELECT max(a) FROM t)",
        "WITH q AS (SELECT a FROM t) SELECT count(*) FROM q",
        "SELECT 1 FROM t HAVING count(*) > 1",
        "SELECT n FROM generate_series(1, 3) AS g(n)",
        "SELECT n FROM generate_series(1, 3) AS n WHERE n IN (1, 2)",
        "SELECT * FROM unnest(ARRAY[1, 2]) WITH ORDINALITY",
        "SELECT a FROM t LIMIT 0",
        # What gives no rows, locks or writes, or is shown by another rule.
        "INSERT INTO t SELECT a FROM u",
        "UPDATE t SET a = 1 RETURNING a",
        "SELECT a FROM t FOR UPDATE",
        "WITH q AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM q",
        "SHOW TABLES",
        "EXPLAIN SELECT a, now() FROM t",
        "CREATE TABLE u AS SELECT a FROM t",
    ],
)  # fmt: skip
def test_others_come_as_they_came(text):
    assert reasons(text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT a FROM t LIMIT 1", "LIMIT"),
        ("SELECT a FROM t LIMIT :n", "LIMIT"),
        ("SELECT a FROM t LIMIT 2 + 3", "LIMIT"),
        ("(SELECT a FROM t) LIMIT 3", "LIMIT"),
        ("(SELECT a FROM t LIMIT 3)", "LIMIT"),
        ("SELECT a FROM t UNION SELECT a FROM u LIMIT 3", "LIMIT"),
        ("SELECT a FROM t FETCH FIRST ROW ONLY", "FETCH"),
        ("SELECT a FROM t FETCH NEXT 3 ROWS ONLY", "FETCH"),
        ("SELECT a FROM t OFFSET 3", "OFFSET"),
        ("SELECT a FROM t LIMIT ALL OFFSET 3", "OFFSET"),
        ("SELECT DISTINCT ON (a) a, b FROM t", "DISTINCT"),
        ("SELECT b, count(*) FROM t GROUP BY b LIMIT 3", "LIMIT"),
    ],
)
def test_a_part_of_the_rows_without_order_by_may_be_other_rows(text, word):
    (found,) = unsteady(only(text))

    assert (found.why, found.word) == (Why.CHOICE, word)


@pytest.mark.parametrize(
    ("text", "rows", "why"),
    [
        ("SELECT a FROM t", 0, []),
        ("SELECT a FROM t", 1, []),
        ("SELECT a FROM t", 2, [Why.ORDER]),
        ("SELECT a FROM t LIMIT 3", 0, []),
        ("SELECT a FROM t LIMIT 3", 1, []),
        ("SELECT a FROM t LIMIT 3", 2, [Why.ORDER]),
        ("SELECT a FROM t LIMIT 3", 3, [Why.CHOICE]),
        ("SELECT a FROM t LIMIT 1", 1, [Why.CHOICE]),
        ("SELECT a FROM t FETCH FIRST ROW ONLY", 1, [Why.CHOICE]),
        ("SELECT a FROM t FETCH FIRST 3 ROWS ONLY", 2, [Why.ORDER]),
        ("SELECT a FROM t FETCH FIRST (2 + 1) ROWS ONLY", 2, [Why.CHOICE]),
        ("SELECT a FROM t LIMIT 3 OFFSET 1", 1, [Why.CHOICE]),
        ("SELECT a FROM t LIMIT :n", 1, [Why.CHOICE]),
    ],
)
def test_how_many_rows_came_tells_whether_it_matters(text, rows, why):
    assert reasons(text, rows) == why


@pytest.mark.parametrize(("text", "why"), [("SELECT a FROM t", [Why.CHOICE]), ("SELECT a FROM t ORDER BY a", [])])
def test_a_limit_beside_the_text_is_one_too(text, why):
    assert reasons(text, 1, more=True) == why


@pytest.mark.parametrize(
    ("expression", "why", "word"),
    [
        ("now()", Why.TRANSACTION_TIME, "now()"),
        ("NOW ( )", Why.TRANSACTION_TIME, "now()"),
        ("pg_catalog.now()", Why.TRANSACTION_TIME, "now()"),
        ("now()::DATE", Why.TRANSACTION_TIME, "now()"),
        ("transaction_timestamp()", Why.TRANSACTION_TIME, "transaction_timestamp()"),
        ("current_timestamp", Why.TRANSACTION_TIME, "current_timestamp"),
        ("CURRENT_TIMESTAMP(3)", Why.TRANSACTION_TIME, "current_timestamp"),
        ("a < current_date - 7", Why.TRANSACTION_TIME, "current_date"),
        ("localtime", Why.TRANSACTION_TIME, "localtime"),
        ("localtimestamp", Why.TRANSACTION_TIME, "localtimestamp"),
        ("statement_timestamp()", Why.TIME, "statement_timestamp()"),
        ("clock_timestamp()", Why.TIME, "clock_timestamp()"),
        ("follower_read_timestamp()", Why.TIME, "follower_read_timestamp()"),
        ("random()", Why.NEW, "random()"),
        ("gen_random_uuid()", Why.NEW, "gen_random_uuid()"),
        ("uuid_generate_v4()", Why.NEW, "uuid_generate_v4()"),
        ("unique_rowid()", Why.NEW, "unique_rowid()"),
        ("nextval('s')", Why.NEW, "nextval()"),
        ("txid_current()", Why.NEW, "txid_current()"),
        ("pg_backend_pid()", Why.NEW, "pg_backend_pid()"),
    ],
)
def test_some_functions_give_another_value_each_time(expression, why, word):
    assert unsteady(only(f"SELECT {expression}")) == (
        Unsteady(why, word, len("SELECT ") + expression.lower().index(word.rstrip("()"))),
    )


@pytest.mark.parametrize(
    "expression",
    [
        "'now()'", "'now'", '"now()"', "/* now() */ 1", "$$random()$$", "t.random", "random", "now", "t.current_date",
        "s.random()", "1 AS current_date", "1 AS random", "knows()", ":now", '"current_date"', "lower('random()')",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_none(expression):
    assert reasons(f"SELECT {expression}") == []


def test_each_word_is_told_once_behind_the_order():
    found = unsteady(only("SELECT random(), now(), random() FROM t WHERE a < now()"))

    assert [one.word for one in found] == ["ORDER BY", "random()", "now()"]


@pytest.mark.parametrize("text", ["SELECT a FROM t WHERE b < (SELECT now())", "WITH q AS (SELECT now() AS a) TABLE q"])
def test_they_count_in_the_parts_of_a_query_too(text):
    assert Why.TRANSACTION_TIME in reasons(text)


@pytest.mark.parametrize("why", Why)
def test_each_has_a_sentence_with_its_word(why):
    assert Unsteady(why, "now()", 0).sentence.endswith(".")


def test_a_sentence_names_the_function():
    assert unsteady(only("SELECT random()"))[0].sentence == "random() gives a different value each time."


@given(nasty_text)
def test_no_text_is_too_odd(text):
    try:
        statements = split(text)
    except ScriptError:
        return

    for statement in statements:
        for found in unsteady(statement):
            assert statement.text[found.position :]
