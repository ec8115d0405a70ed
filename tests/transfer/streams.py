"""Streams of rows, as the tests of both of their ways ask for them."""

from __future__ import annotations

from collections.abc import Iterator

from crdb_magic.columns.results import Result
from crdb_magic.core.asof import AsOf
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.streaming import results

MANY = "SELECT i, 'row ' || i AS name FROM generate_series(1, 2000) AS t (i) ORDER BY i"


def streamed(session: Session, text: str, rows: int = 500, as_of: AsOf | None = None) -> Iterator[Result]:
    return results(session, Query.of_text(text, None), rows, as_of)


def numbers(parts: Iterator[Result]) -> list[int]:
    """Give the first column of all rows."""
    return [int(row[0]) for part in parts for row in part.rows]
