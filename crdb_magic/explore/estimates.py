"""How many rows and bytes relations have, as the server estimates: other numbers in each run, and not for everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from crdb_magic.explore.catalogue import Relation
from crdb_magic.explore.questions import Row, ask, not_within, optional, read, whole
from crdb_magic.session.session import Session
from crdb_magic.sql.names import quoted


class Estimate(NamedTuple):
    """The rows at the last count of the server's statistics, and the bytes on disk with indexes; None if unknown."""

    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Estimates:
    """What was found out, by the relations' OIDs, and sentences about what was not."""

    known: Mapping[int, Estimate] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, relation: Relation) -> Estimate:
        """Give what is known of a relation."""
        return self.known.get(relation.oid, Estimate())


def estimates(session: Session, of: Collection[Relation], *, of_ranges: bool = True) -> Estimates:
    """Ask the server; what it refuses is left out and said.

    On CockroachDB sizes are those of the ranges which hold a table, so that small tables that share one all have its
    size. They take a request for each range of the database, unless those ``of_ranges`` are known anyway.
    """
    if session.server.sizes_by_function:
        return _by_function(session, of)
    if session.in_transaction:
        return Estimates(notes=(not_within("Rows and sizes"),))
    rows, no_rows = optional(session, "Rows", partial(ask, sql=_ROWS))
    sizes, no_sizes = _sizes(session) if of_ranges else ([], ())
    counted = {row[:2]: whole(row[2]) for row in rows}
    sized = {row[:2]: whole(row[2]) for row in sizes}
    known = {one.oid: Estimate(counted.get((one.schema, one.name)), sized.get((one.schema, one.name))) for one in of}
    return Estimates(known, (*no_rows, *no_sizes))


def _sizes(session: Session) -> tuple[list[Row], tuple[str, ...]]:
    if not session.server.ranges_name_tables:
        return [], (f"Sizes: {session.server} has them for one table only; v23.2 has them for all.",)
    sql = _SIZES.format(quoted(session.connection.database))
    return optional(session, "Sizes", partial(ask, sql=sql))


def _by_function(session: Session, of: Collection[Relation]) -> Estimates:
    if not of:
        return Estimates()
    sql = _BOTH.format(", ".join(str(one.oid) for one in of))
    rows = read(session, partial(ask, sql=sql))
    return Estimates({int(str(oid)): Estimate(whole(count), whole(size)) for oid, count, size in rows})


# Of a table that is locked for itself the size would be waited for.
_BOTH = """
SELECT c.oid, nullif(c.reltuples, -1),
  CASE WHEN c.relkind IN ('r', 'p', 'm') AND l.relation IS NULL THEN pg_total_relation_size(c.oid) END
FROM pg_catalog.pg_class c
LEFT JOIN (
  SELECT DISTINCT relation FROM pg_catalog.pg_locks
  WHERE mode = 'AccessExclusiveLock' AND granted AND pid <> pg_backend_pid()
) l ON l.relation = c.oid
WHERE c.oid IN ({}) AND c.relkind IN ('r', 'p', 'm', 'f')
"""
# 0 is said of those, too, that were never counted (a CockroachDB v22.1 answered so of a table of some rows).
_ROWS = """
SELECT schema_name, table_name, nullif(estimated_row_count, 0)
FROM [SHOW TABLES] WHERE type IN ('table', 'materialized view')
"""
_SIZES = """
SELECT schema_name, table_name, sum(range_size_mb) * 1000000 FROM [SHOW RANGES FROM DATABASE {} WITH TABLES, DETAILS]
GROUP BY schema_name, table_name
"""
