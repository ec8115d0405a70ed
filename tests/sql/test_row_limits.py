"""A LIMIT in the text of a query: where it has to stand, and which statements have none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.sql.row_limits import limited
from crdb_magic.sql.statements import split

LIMITED = [
    # Without a limit of its own.
    ("SELECT * FROM t", "SELECT * FROM t\nLIMIT 11"),
    ("SELECT * FROM t -- all", "SELECT * FROM t -- all\nLIMIT 11"),
    ("TABLE t", "TABLE t\nLIMIT 11"),
    ("VALUES (1), (2)", "VALUES (1), (2)\nLIMIT 11"),
    ("WITH a AS (SELECT 1 LIMIT 5) SELECT a ORDER BY 1", "WITH a AS (SELECT 1 LIMIT 5) SELECT a ORDER BY 1\nLIMIT 11"),
    ("SELECT * FROM t AS OF SYSTEM TIME '-1s'", "SELECT * FROM t AS OF SYSTEM TIME '-1s'\nLIMIT 11"),
    ("SELECT * FROM (SELECT 1 LIMIT 5) q", "SELECT * FROM (SELECT 1 LIMIT 5) q\nLIMIT 11"),
    ("SELECT a IN (SELECT 1 LIMIT 5)", "SELECT a IN (SELECT 1 LIMIT 5)\nLIMIT 11"),
    ("(SELECT 1 LIMIT 5) UNION (SELECT 2 LIMIT 5)", "(SELECT 1 LIMIT 5) UNION (SELECT 2 LIMIT 5)\nLIMIT 11"),
    ("(SELECT * FROM t ORDER BY a)", "(SELECT * FROM t ORDER BY a)\nLIMIT 11"),
    ("SELECT 'LIMIT 5', \"limit\", t.limit AS limit", "SELECT 'LIMIT 5', \"limit\", t.limit AS limit\nLIMIT 11"),
    ("SELECT a[1:2], b FROM [SHOW TABLES]", "SELECT a[1:2], b FROM [SHOW TABLES]\nLIMIT 11"),
    # Before the OFFSET, which may stand before a lock's FOR, and within parentheses.
    ("SELECT * FROM t OFFSET 5", "SELECT * FROM t LIMIT 11 OFFSET 5"),
    ("SELECT * FROM t OFFSET 5 ROWS", "SELECT * FROM t LIMIT 11 OFFSET 5 ROWS"),
    ("((SELECT 1 OFFSET 5))", "((SELECT 1 LIMIT 11 OFFSET 5))"),
    # With one of its own, the smaller counts.
    ("SELECT * FROM t LIMIT 5", "SELECT * FROM t LIMIT 5"),
    ("SELECT * FROM t LIMIT 50 OFFSET 5", "SELECT * FROM t LIMIT 11 OFFSET 5"),
    ("SELECT * FROM t OFFSET 5 LIMIT 50", "SELECT * FROM t OFFSET 5 LIMIT 11"),
    ("SELECT * FROM t LIMIT ALL", "SELECT * FROM t LIMIT 11"),
    ("SELECT * FROM t limit all /* ! */ offset 2", "SELECT * FROM t limit 11 /* ! */ offset 2"),
    ("SELECT * FROM t LIMIT :n", "SELECT * FROM t LIMIT least(:n, 11)"),
    ("SELECT * FROM t LIMIT 2 * (3 + 4) OFFSET 1", "SELECT * FROM t LIMIT least(2 * (3 + 4), 11) OFFSET 1"),
    ("(SELECT 1 LIMIT 50)", "(SELECT 1 LIMIT 11)"),
    ("(SELECT 1 LIMIT 50) OFFSET 2", "(SELECT 1 LIMIT 11) OFFSET 2"),
    ("(SELECT a FROM t) LIMIT 50", "(SELECT a FROM t) LIMIT 11"),
    ("WITH a AS (SELECT 1) (SELECT * FROM a LIMIT 50)", "WITH a AS (SELECT 1) (SELECT * FROM a LIMIT 11)"),
    ("SELECT * FROM t FETCH FIRST 50 ROWS ONLY", "SELECT * FROM t FETCH FIRST 11 ROWS ONLY"),
    ("SELECT * FROM t OFFSET 5 ROWS FETCH NEXT ROW ONLY", "SELECT * FROM t OFFSET 5 ROWS FETCH NEXT ROW ONLY"),
    ("SELECT * FROM t FETCH FIRST (2 + 3) ROWS WITH TIES", "SELECT * FROM t FETCH FIRST (2 + 3) ROWS WITH TIES"),
    ("SELECT * FROM t LIMIT 5, 10", "SELECT * FROM t LIMIT 5, 10"),  # MySQL's, which the server refuses
]  # fmt: skip


@pytest.mark.parametrize(("text", "sent"), LIMITED)
def test_a_query_gives_so_many_rows_and_one_that_tells_that_there_are_more(text, sent):
    found = limited(split(text)[0], 10)
    assert found

    assert found.text == sent


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1) RETURNING a",
        "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
        "SELECT * FROM [INSERT INTO t VALUES (1) RETURNING a]",
        "SELECT * FROM t FOR UPDATE",
        "SELECT 1 INTO t",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "FETCH 10 FROM c",
    ],
)
def test_what_writes_or_locks_or_is_no_query_has_no_limit(text):
    assert limited(split(text)[0], 10) is None


def test_the_statement_stays_at_its_place_in_the_cell():
    _, statement = split("SELECT 1;\n\n-- two\nSELECT :a, :b FROM t OFFSET :c")
    found = limited(statement, 10)
    assert found

    assert (found.line, found.offset, found.keyword) == (statement.line, statement.offset, statement.keyword)
    assert [found.text[use.start : use.end] for use in found.uses] == [":a", ":b", ":c"]


@given(rows=st.integers(1, 10**9), own=st.integers(0, 10**9))
def test_the_smaller_of_two_limits_counts(rows, own):
    found = limited(split(f"SELECT 1 LIMIT {own}")[0], rows)
    assert found

    assert found.text == f"SELECT 1 LIMIT {min(own, rows + 1)}"
