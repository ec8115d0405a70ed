"""What a database holds: its schemas and relations; and the one that a name means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TypeVar

import pandas as pd

from crdb_magic.errors import OptionError
from crdb_magic.explore.catalogue import Relation, databases, relations, schemas
from crdb_magic.explore.estimates import Estimates, estimates
from crdb_magic.explore.questions import read
from crdb_magic.explore.table import Table, describe
from crdb_magic.explore.table_statistics import counted
from crdb_magic.session.driver import Connection
from crdb_magic.session.session import Session
from crdb_magic.sql.names import table_parts

T = TypeVar("T")

_QUOTED = re.compile(r'"[^"]*"')
_ROW = ["schema", "name", "kind", "comment"]


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database holds, without the system's own: ``tables`` is a DataFrame, ``relations`` the same as values.

    ``databases`` names all, ``database`` first; ``schemas`` names those that were asked for. ``estimates`` is there if
    it was asked for; then ``tables`` has the columns ``rows`` and ``bytes`` too. ``notes`` say what was left out.
    """

    databases: tuple[str, ...]
    schemas: tuple[str, ...]
    relations: tuple[Relation, ...]
    estimates: Estimates | None = None

    @property
    def database(self) -> str:
        """The one that is connected to."""
        return self.databases[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and why."""
        return self.estimates.notes if self.estimates else ()

    @property
    def tables(self) -> pd.DataFrame:
        """A row for each table, view and sequence, by schema and name."""
        frame = pd.DataFrame([(one.schema, one.name, one.kind, one.comment) for one in self.relations], columns=_ROW)
        if self.estimates:
            known = [self.estimates.of(one) for one in self.relations]
            frame["rows"] = pd.array([one.rows for one in known], dtype="Int64")
            frame["bytes"] = pd.array([one.bytes for one in known], dtype="Int64")
        return frame


def explore(session: Session, text: str = "", *, sizes: bool = False) -> Schema | Table:
    """Give what a database holds, or one of its schemas, or a pattern (``ord%``), or all about the table of that name.

    Raises :class:`OptionError` with near misses for a name that there is not.
    """
    found = looked_up(session, text, _described)
    if not sizes:
        return found
    if isinstance(found, Schema):
        return replace(found, estimates=estimates(session, found.relations))
    known = estimates(session, [found.relation], of_ranges=False)
    estimate = known.of(found.relation)
    details = counted(session, found.relation, estimate.rows)
    if estimate.bytes is None and details.ranges:
        estimate = estimate._replace(bytes=sum(one.bytes or 0 for one in details.ranges))
    return replace(found, estimate=estimate, counted=details, notes=(*found.notes, *known.notes, *details.notes))


@dataclass(frozen=True, slots=True)
class Found:
    """What a text means: one relation, or many; ``known`` are all that they may have to do with, by OID."""

    meant: Relation | Schema
    known: Mapping[int, Relation]


def looked_up(session: Session, text: str, work: Callable[[Connection, Found], T]) -> T:
    """Find what a text means and read more about it, at one instant."""
    try:
        return read(session, lambda connection: work(connection, find(connection, text)))
    except OptionError as error:
        error.outcome = None  # there was nothing to commit
        if session.pinned:
            error.hint = f"{error.hint} What is younger than the pin, {session.pinned}, is seen after %crdb_pin off."
        raise


def _described(connection: Connection, found: Found) -> Schema | Table:
    return found.meant if isinstance(found.meant, Schema) else describe(connection, found.meant, found.known)


def find(connection: Connection, text: str) -> Found:
    """Give what a text means."""
    text = text.strip()
    pattern = text if not text or set(_QUOTED.sub("", text)) & set("%*") else None
    parts = () if pattern is not None else _parts(connection, text)
    known = relations(connection, also=parts[0] if parts else "")
    by_oid = {one.oid: one for one in known}
    if pattern is not None:
        chosen = [one for one in known if _fits(one, pattern or "*")]
        if not chosen and pattern:
            raise OptionError(f"No table has a name like {text}.", hint=_near(text.strip("%*"), known))
        names = sorted({one.schema for one in chosen}) if pattern else schemas(connection)
        return Found(_schema(connection, chosen, names), by_oid)
    if relation := _named(parts, known):
        return Found(relation, by_oid)
    if len(parts) == 1 and (parts[0] in schemas(connection) or any(one.schema == parts[0] for one in known)):
        return Found(_schema(connection, [one for one in known if one.schema == parts[0]], parts), by_oid)
    if len(parts) > 1 and parts[0] in databases(connection):
        raise _elsewhere(text, parts[0])
    raise OptionError(f"There is no table or schema {text}.", hint=_near(text, known))


def _schema(connection: Connection, chosen: Sequence[Relation], names: Sequence[str]) -> Schema:
    return Schema(tuple(databases(connection)), tuple(names), tuple(chosen))


def _parts(connection: Connection, text: str) -> tuple[str, ...]:
    """Read the parts of a name, without that of the database."""
    *database, schema, table = ("", "", *table_parts(text))[-3:]
    own = connection.database
    if any(database) and database != [own]:
        raise _elsewhere(text, database[0])
    if schema == own and connection.server.databases_as_schemas and schema not in schemas(connection):
        return "public", table
    return (schema, table) if schema else (table,)


def _elsewhere(text: str, database: str) -> OptionError:
    return OptionError(f"{text} is in another database.", hint=f"%crdb_connect to the database {database}.")


def _named(parts: Sequence[str], known: Sequence[Relation]) -> Relation | None:
    """Give the relation of that name, as it is written or else in lower case: the first in the search path."""
    for *schema, name in (parts, [part.lower() for part in parts]):
        found = [one for one in known if one.name == name and schema in ([], [one.schema])]
        in_path = [one for one in found if one.place is not None]
        if len(found) > 1 and not in_path and not schema:
            names = ", ".join(f"{one.schema}.{one.name}" for one in found)
            raise OptionError(f"{name} stands in several schemas: {names}.")
        if found:
            return min(in_path or found, key=lambda one: one.place or 0)
    return None


def _fits(relation: Relation, pattern: str) -> bool:
    """Whether a relation has a name like this: % and * are any letters; of its schema too, if there is a point."""
    name = f"{relation.schema}.{relation.name}" if "." in pattern else relation.name
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]").replace("?", "[?]").replace("%", "*"))


def _near(text: str, known: Sequence[Relation]) -> str:
    names = dict.fromkeys(f"{one.schema}.{one.name}" if "." in text else one.name for one in known)
    close = get_close_matches(text.lower(), names, n=3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return "%crdb_schema lists them." if names else "The database has no tables yet."
