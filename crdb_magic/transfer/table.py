"""The SQL around a written DataFrame: the table, its key, and the statements that fill it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crdb_magic.columns.encode import TableColumn, check_column
from crdb_magic.errors import OptionError
from crdb_magic.sql.names import named, quoted
from crdb_magic.values.encode_types import ColumnTarget

# Whose values are made by the server: the column of that name is added, and filled by its default.
GENERATED = {
    "uuid": "UUID PRIMARY KEY DEFAULT gen_random_uuid()",
    "rowid": "BIGINT PRIMARY KEY DEFAULT unique_rowid()",
}
_GENERATED_NAME = "id"

_WORD = r'(?:[^\W\d]\w*|"(?:[^"]|"")+")'
_TYPE = re.compile(
    rf"{_WORD}(?:\.{_WORD})*(?: +{_WORD})*"  # public."my type", DOUBLE PRECISION
    rf"(?: *\( *\w+(?: *, *-?\w+)* *\)(?: +{_WORD})*)?"  # DECIMAL(10, 2), TIMESTAMP(3) WITH TIME ZONE
    r"(?: *\[\d*\])*",
)
_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^=,"]+?))\s*=\s*((?:\([^()]*\)|"(?:[^"]|"")*"|[^,()"])+)(?:,|$)')
_NAME = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^,"]+?))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Existing:
    """What matters of a table that there is: what its columns take, its primary key.

    ``by_insert`` is whether COPY does not take it, or fills it by other rules than INSERT. ``generated`` are columns
    whose values the server alone makes, which INSERT refuses and COPY overwrites.
    """

    columns: Mapping[str, ColumnTarget]
    key: tuple[str, ...]
    by_insert: bool = False
    generated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key of a table to be: columns of the frame, or one that the server makes (`GENERATED`), or none."""

    columns: tuple[str, ...] = ()
    generated: str | None = None

    @classmethod
    def of(cls, asked: str | Sequence[str] | None, names: Sequence[str]) -> Key:
        """Read ``uuid``, ``rowid``, or columns parted by commas; raises :class:`OptionError` for what can't be."""
        if asked is None:
            return cls()
        if isinstance(asked, str) and asked.lower() in GENERATED and asked not in names:
            if _GENERATED_NAME in names:
                raise OptionError(
                    f"--key {asked} adds a column {_GENERATED_NAME}, and the DataFrame has one.",
                    hint=f"rename it, or make it the key: --key {_GENERATED_NAME}.",
                )
            return cls((), asked.lower())
        if not isinstance(asked, str | Sequence):
            raise OptionError(f"--key takes names of columns, not a {type(asked).__name__}.")
        columns = tuple(_listed(asked) if isinstance(asked, str) else map(str, asked))
        for place, name in enumerate(columns):
            check_column(name, names, "--key")
            if name in columns[:place]:
                raise OptionError(f"--key names {name} twice.")
        return cls(columns)


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table to be made."""

    name: str
    columns: tuple[TableColumn, ...]
    key: Key = field(default_factory=Key)

    def create(self, *, unless_there: bool = False) -> str:
        """Spell CREATE TABLE."""
        parts = [f"{quoted(column.name)} {column.ddl}" for column in self.columns]
        if self.key.generated:
            parts.insert(0, f"{quoted(_GENERATED_NAME)} {GENERATED[self.key.generated]}")
        if self.key.columns:
            parts.append(f"PRIMARY KEY ({_list(self.key.columns)})")
        return f"CREATE TABLE {'IF NOT EXISTS ' if unless_there else ''}{self.name} ({', '.join(parts)})"


def parse_dtypes(asked: str | Mapping[str, str] | None) -> dict[str, str]:
    """Read ``column=TYPE,column=TYPE``, or take a mapping; raises :class:`OptionError` for what is no type."""
    if isinstance(asked, str):
        asked = _assignments(asked)
    if asked is not None and not isinstance(asked, Mapping):
        raise OptionError(f"--dtype takes COLUMN=TYPE or a dict of them, not a {type(asked).__name__}.")
    given = {str(name): str(type_).strip() for name, type_ in (asked or {}).items()}
    for name, type_ in given.items():
        if not _TYPE.fullmatch(type_):
            raise OptionError(
                f"{type_!r} is not a valid type for {name}.",
                hint="write one as in CREATE TABLE: --dtype price=DECIMAL(10,2).",
            )
    return given


def copy(table: str, names: Sequence[str], *, utf8: bool = True) -> str:
    """Spell the COPY of CSV into a table; ``utf8`` is whether the connection speaks what the CSV is written in."""
    return f"COPY {table} ({_list(names)}) FROM STDIN WITH CSV" + ("" if utf8 else " ENCODING 'UTF8'")


def insert(table: str, casts: Mapping[str, str], *, verb: str = "INSERT", key: Sequence[str] | None = None) -> str:
    """Spell the INSERT or UPSERT of as many text arrays as there are columns, given by ``%s``.

    Each text is cast to the type that is given for its column. With ``key``, a row that has the same values there is
    overwritten.
    """
    names = list(casts)
    values = ", ".join(f"{quoted(name)}::{cast}" for name, cast in casts.items())
    arrays = ", ".join(["%s::TEXT[]"] * len(names))
    before = f"{verb} INTO {table} ({_list(names)}) SELECT {values} FROM unnest("  # noqa: S608 - quoted
    after = f") AS given ({_list(names)}){_on_conflict(names, key)}"
    return before.replace("%", "%%") + arrays + after.replace("%", "%%")


def _on_conflict(names: Sequence[str], key: Sequence[str] | None) -> str:
    if key is None:
        return ""
    others = [f"{quoted(name)} = excluded.{quoted(name)}" for name in names if name not in key]
    return f" ON CONFLICT ({_list(key)}) DO {'UPDATE SET ' + ', '.join(others) if others else 'NOTHING'}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def _listed(text: str) -> list[str]:
    return [named(found) for found in _NAME.finditer(text) if found[0]]


def _assignments(text: str) -> dict[str, str]:
    given, at = {}, 0
    while at < len(text):
        found = _ITEM.match(text, at)
        if found is None:
            raise OptionError(f"--dtype {text!r} can't be read.", hint="write --dtype column=TYPE,column=TYPE.")
        name = named(found)
        if name in given:
            raise OptionError(f"--dtype names {name} twice.")
        given[name] = found[3]
        at = found.end()
    return given
