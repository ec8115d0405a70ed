"""Which statements give large results: those that did when they ran before, or that the planner thinks will."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable

import psycopg2

from crdb_magic.session.asking import ask
from crdb_magic.session.driver import Connection
from crdb_magic.session.queries import Query

LARGE = 50_000  # rows: from here on COPY gains more than the messages cost that it takes, with a server 5 ms away
_REMEMBERED = 1000  # statements
# What surely is small, as far as its words tell: no planner needs to be asked.
_SMALL = re.compile(r"\A(?!.*\bFROM\b)|\bLIMIT\s+\d{1,4}\s*;?\s*\Z", re.IGNORECASE | re.DOTALL)


class Sizes:
    """The number of rows of queries, by their texts (without the values of their parameters)."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, text: str) -> bool:
        return text in self._rows

    def learn(self, text: str, rows: int, is_query: Callable[[], object]) -> None:
        """Remember how many rows a statement gave, if it is a query of which that matters."""
        if text in self or (rows >= LARGE and is_query()):
            self.note(text, rows)

    def note(self, text: str, rows: int) -> None:
        """Remember how many rows a query gave."""
        self._rows[text] = rows
        self._rows.move_to_end(text)
        if len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)

    def rows(self, text: str) -> int:
        """Give how many rows a query is known, or thought, to have; 0 if that is not known."""
        return self._rows.get(text, 0)

    def large(self, text: str) -> bool:
        """Whether the result of a query is known, or thought, to be large."""
        return self.rows(text) >= LARGE


def estimate(connection: Connection, query: Query) -> int:
    """Ask the planner how many rows a query will have; 0 if it does not know, until the query itself tells.

    What goes wrong with the question is nobody's concern either.
    """
    if _SMALL.search(query.text):
        return 0
    try:
        plan = ask(connection, f"EXPLAIN {query.on(connection)}")
    except psycopg2.Error:
        return 0
    return connection.server.estimated_rows(plan) or 0
