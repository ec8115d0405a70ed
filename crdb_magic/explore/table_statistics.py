"""What a server has counted of a table: its columns' statistics, and in CockroachDB the ranges that hold it."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import NamedTuple

import pandas as pd

from crdb_magic.explore.catalogue import Relation
from crdb_magic.explore.questions import Named, instant, named, not_within, optional, read, whole
from crdb_magic.session.session import Session


class Statistic(NamedTuple):
    """What the planner knows of a column, or of several: how many values differ, how many are NULL, and since when."""

    columns: str
    distinct: int | None
    nulls: int | None
    rows: int | None
    created: pd.Timestamp | None


class Range(NamedTuple):
    """A part of a table: its bytes, who answers for it, and where its replicas are, as the server writes these."""

    range: str
    bytes: int | None
    leaseholder: str
    replicas: str


class TableStatistics(NamedTuple):
    """What was counted, and sentences about what could not be told."""

    statistics: tuple[Statistic, ...] = ()
    ranges: tuple[Range, ...] = ()
    notes: tuple[str, ...] = ()


def counted(session: Session, relation: Relation, rows: int | None) -> TableStatistics:
    """Ask for what the server has counted, the latest of each column; what it refuses is left out and said.

    ``rows`` is the estimate of all.
    """
    if "table" not in relation.kind and "materialized" not in relation.kind:
        return TableStatistics()
    if session.server.sizes_by_function:
        sql = _STATISTICS.replace("{oid}", str(relation.oid))
        found = read(session, partial(named, sql=sql))
        return TableStatistics(tuple(_of_postgresql(one, rows) for one in found))
    if session.in_transaction:
        return TableStatistics(notes=(not_within("Statistics and ranges"),))
    details = " WITH DETAILS" if session.server.range_details else ""
    sql = f"SHOW STATISTICS FOR TABLE {relation.written}"
    statistics, no_statistics = optional(session, "Statistics", partial(named, sql=sql))
    sql = f"SHOW RANGES FROM TABLE {relation.written}{details}"
    ranges, no_ranges = optional(session, "Ranges", partial(named, sql=sql))
    # Since v25.1 the newest rows may be counted by themselves.
    of_all = (one for one in statistics if not one.get("partial_predicate"))
    latest = {one["column_names"]: one for one in sorted(of_all, key=lambda one: one["created"] or "")}
    return TableStatistics(
        tuple(map(_statistic, latest.values())), tuple(map(_range, ranges)), (*no_statistics, *no_ranges)
    )


def _statistic(one: Named) -> Statistic:
    return Statistic(
        (one["column_names"] or "")[1:-1].replace(",", ", "),
        whole(one["distinct_count"]),
        whole(one["null_count"]),
        whole(one["row_count"]),
        instant(one["created"]),
    )


def _range(one: Named) -> Range:
    size = one.get("range_size_mb")
    leaseholder = " ".join(filter(None, (one.get("lease_holder"), one.get("lease_holder_locality"))))
    places = one.get("replica_localities") or one.get("replicas") or ""
    return Range(str(one["range_id"]), None if size is None else int(Decimal(size) * 1_000_000), leaseholder, places)


def _of_postgresql(one: Named, rows: int | None) -> Statistic:
    """Make numbers of shares of the rows; a negative n_distinct is one too (the view pg_stats)."""
    share, nulls = Decimal(one["n_distinct"] or 0), Decimal(one["null_frac"] or 0)
    distinct = None if rows is None and share < 0 else int(share if share >= 0 else -share * (rows or 0))
    created = None if one["created"] is None else instant(one["created"])
    return Statistic(one["attname"] or "", distinct, None if rows is None else int(nulls * rows), rows, created)


_STATISTICS = """
SELECT s.attname, s.n_distinct, s.null_frac, greatest(t.last_analyze, t.last_autoanalyze) AS created
FROM pg_catalog.pg_stat_all_tables t
JOIN pg_catalog.pg_stats s ON s.schemaname = t.schemaname AND s.tablename = t.relname AND NOT s.inherited
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.relid AND a.attname = s.attname
WHERE t.relid = {oid} ORDER BY a.attnum
"""
