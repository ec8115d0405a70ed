"""How many rows a cell's queries give at most: as was asked for, else so many that the kernel lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crdb_magic.columns.results import Result
from crdb_magic.core.amounts import rows_in_words
from crdb_magic.magics.namespace import Namespace
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.sql.row_limits import bind
from crdb_magic.sql.statements import BoundStatement, Statement

GUARD = 10_000_000  # rows


@dataclass(frozen=True, slots=True)
class RowLimit:
    """How many rows are wanted of each query, None for all; those of a query that the planner thinks larger.

    The guard is no LIMIT in each query, for that costs: CockroachDB then scans by one reader instead of one a node
    (cockroachdb/cockroach#22302), and refuses bounded staleness.
    """

    most: int | None = None
    guard: int | None = None
    asked: bool = False

    @classmethod
    def of(cls, most: int | None, guard: int | None, *, asked: bool) -> RowLimit:
        """Take the number of rows, which guards by itself if it is one; the cell may have ``asked`` for all."""
        return cls(most, guard if most is None and not asked else None, asked)

    def bind(self, statements: Sequence[Statement], values: Namespace) -> list[BoundStatement]:
        """Bind statements, the queries among them with their limit."""
        return [bind(statement, values, self.most) for statement in statements]

    def look_ahead(self, session: Session, bound: list[BoundStatement], values: Namespace) -> list[BoundStatement]:
        """Ask the planner how large a query is, if it is alone; give it, or what guards the kernel from it."""
        if len(bound) != 1:
            return bound
        rows = session.look_ahead(Query.of_statement(bound[0]))
        if self.guard is None or rows <= self.guard:
            return bound
        guarded = bind(bound[0].source, values, self.guard)
        session.look_ahead(Query.of_statement(guarded))
        return [guarded]

    def left_out(self, result: Result) -> str:
        """Say that there are more rows, if there are; and how they come, if nobody asked for less.

        Or that more came than were asked for: an UPDATE … RETURNING with a LIMIT would be another one.
        """
        if not result.more:
            unlimited = self.asked and self.most is not None and result.row_count > self.most
            return f"all {rows_in_words(result.row_count)}: what writes or locks has no limit" if unlimited else ""
        first = f"the first {rows_in_words(result.row_count)}; there are more"
        return first if self.asked else f"{first}: --limit all fetches them"


ALL = RowLimit()
