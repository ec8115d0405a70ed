"""An entity-relationship picture: tables with their columns, and the foreign keys between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crdb_magic.errors import OptionError
from crdb_magic.explore.catalogue import Attribute, Reference, Relation, attributes, references
from crdb_magic.explore.schema import Found, Schema, looked_up
from crdb_magic.explore.table import ColumnDetails, columns
from crdb_magic.session.driver import Connection
from crdb_magic.session.session import Session

# Mermaid draws no text of more than 50,000 characters (maxTextSize), nor more than 500 arrows (maxEdges).
_MOST_TEXT, _MOST_ARROWS = 49_900, 500
_ALL_COLUMNS = 25  # tables up to which a picture has all columns, not those of the keys alone


class Entity(NamedTuple):
    """A table and its columns, hidden ones left out."""

    name: str
    columns: tuple[ColumnDetails, ...]


class Arrow(NamedTuple):
    """A foreign key: from columns of an entity to those of another one, both by place.

    ``optional`` if it may be NULL, ``single`` if at most one row refers to each.
    """

    source: int
    columns: str
    target: int
    target_columns: str
    optional: bool
    single: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture of tables, for Mermaid and in words."""

    entities: tuple[Entity, ...]
    arrows: tuple[Arrow, ...]

    @property
    def mermaid(self) -> str:
        """The picture in Mermaid's language (https://mermaid.js.org/syntax/entityRelationshipDiagram.html)."""
        lines = ["erDiagram"]
        for place, entity in enumerate(self.entities):
            lines.append(f'  t{place}["{_drawn(entity.name)}"] {{')
            lines += (f"    {_drawn(one.type)} {_drawn(one.name)} {_keys(one.key)}".rstrip() for one in entity.columns)
            lines.append("  }")
        lines += (
            f"  t{one.target} {'|o' if one.optional else '||'}--{'o|' if one.single else 'o{'} t{one.source}"
            f' : "{_drawn(one.columns)}"'
            for one in self.arrows
        )
        return "\n".join(lines)

    @property
    def text(self) -> str:
        """The picture in words: each table, its columns, and where its foreign keys lead."""
        lines = []
        for place, entity in enumerate(self.entities):
            lines.append(f"{entity.name} ({', '.join(map(_worded, entity.columns))})")
            lines += (
                f"  {one.columns} → {self.entities[one.target].name} ({one.target_columns})"
                for one in self.arrows
                if one.source == place
            )
        return "\n".join(lines)


def diagram(session: Session, text: str = "") -> Diagram:
    """Draw the tables of a database, a schema or a pattern; or a table and those that foreign keys tie it to.

    Raises :class:`OptionError` as `explore` does, and for more than can be drawn.
    """
    drawn = looked_up(session, text, _read)
    if len(drawn.mermaid) > _MOST_TEXT or len(drawn.arrows) > _MOST_ARROWS:
        raise OptionError(
            f"{len(drawn.entities)} tables are too many for one picture.",
            hint="name a schema, a pattern (order%) or a table, which is drawn with its neighbours.",
        )
    return drawn


def _read(connection: Connection, found: Found) -> Diagram:
    whole = isinstance(found.meant, Schema)
    chosen = found.meant.relations if isinstance(found.meant, Schema) else (found.meant,)
    keys = references(connection, [one for one in chosen if "table" in one.kind])
    if not whole:
        ends = [oid for one in keys if one.kind == "f" for oid in (one.table, one.other)]
        chosen = tuple(found.known[oid] for oid in dict.fromkeys([chosen[0].oid, *ends]) if oid in found.known)
        keys = references(connection, chosen)
    tables = [one for one in chosen if not whole or "table" in one.kind]
    return drawing(tables, attributes(connection, tables), keys)


def drawing(
    tables: Sequence[Relation], found: Mapping[int, Sequence[Attribute]], constraints: Collection[Reference]
) -> Diagram:
    """Draw tables, of which the columns and constraints are known."""
    places = {one.oid: place for place, one in enumerate(tables)}
    one_schema = len({one.schema for one in tables}) == 1
    entities = tuple(
        Entity(
            one.name if one_schema else f"{one.schema}.{one.name}",
            _shown(columns(found[one.oid], [key for key in constraints if key.table == one.oid]), len(tables)),
        )
        for one in tables
    )
    arrows = (
        _arrow(one, places, found, constraints)
        for one in constraints
        if one.kind == "f" and one.table in places and one.other in places
    )
    return Diagram(entities, tuple(arrows))


def _shown(of: Iterable[ColumnDetails], tables: int) -> tuple[ColumnDetails, ...]:
    return tuple(one for one in of if not one.hidden and (tables <= _ALL_COLUMNS or one.key))


def _arrow(
    one: Reference,
    places: Mapping[int, int],
    found: Mapping[int, Sequence[Attribute]],
    constraints: Collection[Reference],
) -> Arrow:
    own = {column.number: column for column in found[one.table]}
    theirs = {column.number: column.name for column in found[one.other]}
    unique = [set(key.columns) for key in constraints if key.table == one.table and key.kind in "pu"]
    return Arrow(
        source=places[one.table],
        columns=", ".join(own[number].name for number in one.columns),
        target=places[one.other],
        target_columns=", ".join(theirs[number] for number in one.others),
        optional=not all(own[number].not_null for number in one.columns),
        single=any(key <= set(one.columns) for key in unique),
    )


def _keys(key: str) -> str:
    """Give the words that Mermaid knows: PK, FK."""
    return ", ".join(word for word in ("PK", "FK") if word in key)


def _worded(one: ColumnDetails) -> str:
    return f"{one.name} {one.key}" if one.key else one.name


def _drawn(name: str) -> str:
    """Give a name for Mermaid, which takes few signs: for the others such as look the same, or their wide forms."""
    name = name.translate(_LIKE)
    return _sign(name[0], "_") + "".join(_sign(sign, "0123456789_-()[]") for sign in name[1:])


def _sign(sign: str, taken: str) -> str:
    if sign in taken or (sign.isascii() and sign.isalpha()) or (ord(sign) >= _WIDE and sign.isprintable()):
        return sign
    return chr(ord(sign) + _TO_WIDE) if "!" <= sign <= "~" else _SPACE


_LIKE = str.maketrans(",.\"'<>/", "\u201a\u2024\u2033\u2019\u2039\u203a\u2044")
_WIDE, _TO_WIDE, _SPACE = 0x00C0, 0xFEE0, "\u2002"  # Unicode's block of full-width forms of ASCII; an en space
