"""What a cursor has fetched, as the server's texts: its rows are still there for whoever asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg2 import extensions

from crdb_magic.columns.arrow import Batch, from_rows
from crdb_magic.frozen.events import Heading
from crdb_magic.frozen.wire import SIZES
from crdb_magic.session.driver import Cursor

_DECIMAL = 1700
_MOST_DIGITS = 1000
_BEFORE_LENGTH = 4  # what PostgreSQL adds to a declared length


def headings(cursor: Cursor) -> tuple[Heading, ...]:
    """Give the columns that a cursor's answer has."""
    return tuple(Heading(one.name, one.type_code, _modifier(one)) for one in cursor.description or ())


def _modifier(column: Any) -> int:
    """Give the modifier of a column, as far as psycopg2 tells it: a DECIMAL's digits, else a length that is unusual."""
    precision, scale, size = column.precision, column.scale, column.internal_size
    if column.type_code != _DECIMAL:
        return -1 if size in {None, -1, SIZES.get(column.type_code)} else int(size) + _BEFORE_LENGTH
    if precision is None or not scale <= precision <= _MOST_DIGITS:
        return -1
    return (int(precision) << 16 | int(scale)) + _BEFORE_LENGTH


class Texts:
    """Hears the texts of one cursor's rows as psycopg2 casts them: its casts are known only when it has executed."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._before = cursor.string_types
        self._heard: list[Any] | None = None
        self._known: frozenset[int] = frozenset()
        if not cursor.is_of_texts:
            casts = {**extensions.string_types, **cursor.connection.string_types, **(self._before or {})}
            self._known = frozenset(casts)
            cursor.string_types = {oid: self._logged(oid, cast) for oid, cast in casts.items()}

    def _logged(self, oid: int, cast: Any) -> Any:
        def hear(text: str | bytes | None, cursor: Any) -> Any:
            if self._heard is not None:
                self._heard.append(text)
            return cast(text, cursor)

        return extensions.new_type((oid,), f"heard {oid}", hear)

    def are_of(self, cursor: Cursor) -> bool:
        """Whether they are that cursor's."""
        return self._cursor is cursor

    def leave(self) -> None:
        """Let the next statement be cast as ever."""
        if not self._cursor.is_of_texts:
            self._cursor.string_types = self._before

    def batch(self) -> Batch:
        """Give all rows, in the form of `crdb_magic.columns.arrow.from_rows`, and leave them there to be fetched."""
        cursor = self._cursor
        if not cursor.rowcount or not cursor.description:
            return ()
        self._heard = []
        rows = extensions.cursor.fetchall(cursor)
        heard, self._heard = iter(self._heard), None
        cursor.scroll(0, mode="absolute")
        if not cursor.is_of_texts:
            known = [column.type_code in self._known for column in cursor.description]
            rows = [tuple(_texts(known, row, heard)) for row in rows]
        return from_rows(rows)


def _texts(known: Sequence[bool], row: Sequence[Any], heard: Iterator[Any]) -> Iterator[Any]:
    """Take those of a row that were heard when they were cast; a type that psycopg2 does not know stays a text."""
    return (next(heard) if is_known else value for is_known, value in zip(known, row, strict=True))
