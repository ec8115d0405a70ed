"""Whether a query has an order of its own."""

from __future__ import annotations

import pytest

from crdb_magic.sql.row_limits import is_ordered
from crdb_magic.sql.statements import split


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        ("SELECT * FROM t ORDER BY n", True),
        ("select * from t order by n desc limit 3", True),
        ("(SELECT * FROM t ORDER BY n)", True),
        ("WITH w AS (SELECT 1) SELECT * FROM w ORDER BY 1", True),
        ("SELECT 1 UNION SELECT 2 ORDER BY 1", True),
        ("TABLE t ORDER BY n", True),
        ("SELECT * FROM t", False),
        ("SELECT * FROM (SELECT * FROM t ORDER BY n) AS s", False),
        ("SELECT row_number() OVER (ORDER BY n) FROM t", False),
        ("SELECT array_agg(n ORDER BY n) FROM t", False),
        ("WITH w AS (SELECT 1 ORDER BY 1) SELECT * FROM w", False),
        ("(SELECT 1 ORDER BY 1) UNION (SELECT 2)", False),
        ("SELECT 'ORDER BY' -- ORDER BY n", False),
        ('SELECT "ORDER" FROM t', False),
        ("SHOW TABLES", False),
    ],
)
def test_only_an_order_of_the_whole_query_counts(text, ordered):
    assert is_ordered(split(text)[0]) is ordered
