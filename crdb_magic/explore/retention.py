"""How long a server remembers what a table was: its gc.ttlseconds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crdb_magic.core.asof import NOW
from crdb_magic.explore.questions import Named, named, optional
from crdb_magic.session.session import Session
from crdb_magic.sql.names import written

# Each user sees RANGE default, and the databases and tables of which they have a privilege (crdbInternalZonesTable of
# pkg/sql/crdb_internal.go); v26.1 leaves that view open. Clusters of several tenants refused it before v22.
_QUESTION = "SHOW ZONE CONFIGURATIONS"
_SECONDS = re.compile(r"gc\.ttlseconds = (\d+)")  # zoneConfigToSQL of pkg/sql/show_zone_config.go


@dataclass(frozen=True, slots=True)
class Retention:
    """How many seconds the past of a database's tables is kept at least, None if nobody tells; whose setting that is.

    ``of`` is that of a table, an index or the database, or the default: ``TABLE db.public.t``. ``notes`` are sentences
    about what was refused.
    """

    seconds: int | None
    of: str = ""
    notes: tuple[str, ...] = ()


def retention(session: Session) -> Retention:
    """Ask for the shortest time for which a table of the session's database keeps its past.

    A table without a setting of its own has that of its database, else the default.
    """
    rows, notes = optional(
        session, "How long its past is kept", lambda connection: named(connection, _QUESTION), as_of=NOW
    )
    found = list(_settings(rows, written(session.connection.database)))
    if not found:
        return Retention(None, notes=notes)
    return min(found, key=lambda one: one.seconds or 0)


def _settings(rows: Sequence[Named], database: str) -> Iterator[Retention]:
    """Give the settings that count in a database: those of its tables, and what the others inherit."""
    zones = {str(row["target"]): int(told[1]) for row in rows if (told := _SECONDS.search(row["raw_config_sql"] or ""))}
    inherited = next((target for target in (f"DATABASE {database}", "RANGE default") if target in zones), None)
    for target, seconds in zones.items():
        if target == inherited or f" {database}." in target:
            yield Retention(seconds, target)
