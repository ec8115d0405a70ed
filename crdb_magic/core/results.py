"""What a statement answered, as plain values: no cursor, no connection, nothing that could run again."""

from __future__ import annotations

from dataclasses import dataclass

from crdb_magic.core.typemap import SqlType


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result: its name as the server gave it, and its type with all that is known of it."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement answered.

    ``rows`` holds the values as the server's text (``None`` for NULL), not decoded: decoding happens once,
    after the transaction has ended. ``columns`` is empty for a statement that returns no rows.
    """

    tag: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    row_count: int = 0

    @property
    def has_rows(self) -> bool:
        """Whether the statement returned rows (perhaps none of them)."""
        return bool(self.columns) or self.tag.startswith("SELECT")
