"""What a cursor has fetched, as the server's texts: its rows are still there for whoever asked for them."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions

from crdb_magic.columns.arrow import Batch, from_rows
from crdb_magic.frozen.events import RecordedColumn
from crdb_magic.frozen.wire import SIZES
from crdb_magic.session.driver import Cursor
from crdb_magic.session.reading import digits_of
from crdb_magic.values.typemap import decimal_modifier

_DECIMAL = 1700
_BEFORE_LENGTH = 4  # what PostgreSQL adds to a declared length


def headings(cursor: Cursor) -> tuple[RecordedColumn, ...]:
    """Give the columns that a cursor's answer has."""
    return tuple(RecordedColumn(one.name, one.type_code, _modifier(one)) for one in cursor.description or ())


def _modifier(column: Any) -> int:
    """Give the modifier of a column, as far as psycopg2 tells it: a DECIMAL's digits, else a length that is unusual."""
    if column.type_code != _DECIMAL:
        size = column.internal_size
        return -1 if size in {None, -1, SIZES.get(column.type_code)} else int(size) + _BEFORE_LENGTH
    digits = digits_of(column)
    return -1 if digits is None else decimal_modifier(*digits)


class Texts:
    """Takes the texts of a cursor's rows instead of psycopg2's objects: its casts are known only when it has executed.

    They are not cast for that: some can't be, such as a time of the year -1, which is for whoever fetches it.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._before = cursor.string_types
        self._are_taken = False
        if not cursor.is_of_texts:
            casts = {**extensions.string_types, **cursor.connection.string_types, **(self._before or {})}
            cursor.string_types = {oid: self._aside(oid, cast) for oid, cast in casts.items()}

    def _aside(self, oid: int, cast: Any) -> Any:
        def made(text: str | bytes | None, cursor: Any) -> Any:
            return text if self._are_taken else cast(text, cursor)

        return extensions.new_type((oid,), f"taken {oid}", made)

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
        self._are_taken, cursor.row_factory, factory = True, None, cursor.row_factory
        try:
            rows = extensions.cursor.fetchall(cursor)
        finally:
            self._are_taken, cursor.row_factory = False, factory
        cursor.scroll(0, mode="absolute")
        return from_rows(rows)
