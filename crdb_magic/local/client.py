"""SQL on a server that was just started: does it answer, and what must be there before others come."""

from __future__ import annotations

from contextlib import closing
from importlib.resources import files
from typing import TYPE_CHECKING

import psycopg2

from crdb_magic.errors import LocalServerError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

DATABASE = "defaultdb"
_TEMPLATE = "template1"


def url_of(port: int, password: str | None = None, database: str = DATABASE) -> str:
    """Give the URL of a database of a server on this machine."""
    user = f"root:{password}" if password else "root"
    return f"postgresql://{user}@127.0.0.1:{port}/{database}?sslmode=disable"


def answers(url: str) -> bool:
    """Say whether a server accepts a connection and answers a query."""
    try:
        with closing(_connect(url)) as link, link.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True


def name_database(port: int, password: str) -> None:
    """Give the empty database that initdb made the name that CockroachDB's has: faster than to make another one."""
    _run(url_of(port, password, _TEMPLATE), f"ALTER DATABASE postgres RENAME TO {DATABASE}")


def install_shims(port: int, password: str) -> None:
    """Put our functions in the default database, and in the template of those to come; old ones are replaced."""
    shims = files(__package__).joinpath("shims.sql").read_text(encoding="utf-8")
    for database in (_TEMPLATE, DATABASE):
        _run(url_of(port, password, database), shims)


def _run(url: str, script: str) -> None:
    """Run a script on its own connection. Raises LocalServerError with the server's message."""
    try:
        with closing(_connect(url)) as link, link.cursor() as cursor:
            cursor.execute(script)
    except psycopg2.Error as error:
        raise LocalServerError(f"The local server could not be set up: {str(error).strip()}") from error


def _connect(url: str) -> connection:
    """Connect in autocommit mode, without the options that the environment has for the user's own connections."""
    link = psycopg2.connect(url, connect_timeout=5, options="", application_name="crdb_magic")
    link.autocommit = True
    return link
