"""Copies a DataFrame's content into a table, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2

from crdb_magic.core.encode import Load
from crdb_magic.core.options import Choice
from crdb_magic.core.typemap import quoted
from crdb_magic.session.driver import Connection
from crdb_magic.session.translation import from_driver


class Mode(Choice):
    """What to do about a table that exists already."""

    FAIL = "fail"
    APPEND = "append"


def copy_in(connection: Connection, load: Load, table: str, mode: Mode, progress: Callable[[int], None]) -> None:
    """Create the table as the mode says, and copy all rows into it; ``progress`` is told each chunk's rows."""
    name = ".".join(map(quoted, table.split(".")))
    columns = ", ".join(quoted(column.name) for column in load.columns)
    definition = ", ".join(f"{quoted(column.name)} {column.ddl}" for column in load.columns)
    try:
        with connection.cursor() as cursor:
            if mode is Mode.FAIL:
                cursor.execute(f"CREATE TABLE {name} ({definition})")
            for rows, text in load.chunks():
                cursor.copy_expert(f"COPY {name} ({columns}) FROM STDIN WITH CSV", text)
                progress(rows)
    except psycopg2.Error as error:
        raise from_driver(error, connected=not connection.closed) from error
