"""Questions and orders of ours: of no interest to who wants to know what the user has said."""

from __future__ import annotations

from crdb_magic.session.driver import Connection, Cursor, text_cursor


def send(connection: Connection, sql: str) -> str:
    """Send a statement of ours; gives its tag."""
    with connection.cursor(cursor_factory=Cursor) as cursor:
        cursor.is_ours = True
        cursor.execute(sql.encode())
        return cursor.statusmessage or ""


def ask(connection: Connection, sql: str) -> str:
    """Send a question of ours; gives the first value of each row of the answer as a line of text."""
    with text_cursor(connection) as cursor:
        cursor.is_ours = True
        cursor.execute(sql)
        return "\n".join(_text(value) for (value, *_) in cursor.fetchall())


def _text(value: bytes | str | None) -> str:
    return str(value, "utf-8") if isinstance(value, bytes) else value or ""
