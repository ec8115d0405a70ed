"""The ways to read: each opens a connection if its API lets it, and gives what reads an SQL text.

Imports and connecting are not timed, so a way imports in its first lines all that its call will need.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

Read = Callable[[str], Any]


@dataclass(frozen=True)
class Place:
    """Where the server is, and which of the two it is."""

    url: str
    is_cockroachdb: bool

    @property
    def sqlalchemy(self) -> str:
        """Spell it as SQLAlchemy does."""
        scheme = "cockroachdb" if self.is_cockroachdb else "postgresql+psycopg2"
        return f"{scheme}://{self.url.partition('://')[2]}"


@dataclass(frozen=True)
class Way:
    """A name, how to open it, the types that it can't read unless they are cast to TEXT, and a remark."""

    name: str
    open: Callable[[Place], Any]
    as_text: tuple[str, ...] = ()
    remark: str = ""

    @property
    def ours(self) -> bool:
        """Whether it is crdb_magic's."""
        return self.name.startswith("crdb_magic")


def _ours(place: Place) -> Any:
    from crdb_magic.orm.database import CockroachDatabase

    database = CockroachDatabase(place.url)
    database.connect()
    return database


def _frame(place: Place) -> Any:
    return _ours(place).frame


def _frame_arrow(place: Place) -> Read:
    return partial(_ours(place).frame, dtype_backend="arrow")


def _arrow(place: Place) -> Any:
    return _ours(place).arrow


def _frame_select(place: Place) -> Any:
    """Read as from a server that has no COPY TO: CockroachDB before v23.1."""
    from crdb_magic.core.server import Server

    database = _ours(place)
    connection = database.connection()
    without_copy = type("WithoutCopy", (Server,), {"copy_to": False})
    connection.server = without_copy(connection.server.product, connection.server.version)
    return database.frame


def _read_sql(place: Place) -> Read:
    connection = _sqlalchemy(place)
    return lambda sql: pd.read_sql(sql, connection)


def _read_sql_arrow(place: Place) -> Read:
    import pyarrow  # noqa: F401

    connection = _sqlalchemy(place)
    return lambda sql: pd.read_sql(sql, connection, dtype_backend="pyarrow")


def _sqlalchemy(place: Place) -> Any:
    import sqlalchemy

    return sqlalchemy.create_engine(place.sqlalchemy).connect()


def jupysql(place: Place) -> Any:
    """Give an IPython shell with JupySQL's magic, connected."""
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "sql")
    for option in ("autopandas = True", "displaycon = False", "feedback = 0"):
        shell.run_line_magic("config", f"SqlMagic.{option}")
    shell.run_line_magic("sql", place.sqlalchemy)
    return shell


def _jupysql(place: Place) -> Read:
    shell = jupysql(place)
    return lambda sql: shell.run_line_magic("sql", sql)


def _psycopg2(place: Place) -> Read:
    import psycopg2

    return _fetchall(psycopg2.connect(place.url).cursor())


def _psycopg(place: Place) -> Read:
    import psycopg

    return _fetchall(psycopg.connect(place.url).cursor(binary=True))


def _fetchall(cursor: Any) -> Read:
    def read(sql: str) -> pd.DataFrame:
        cursor.execute(sql)
        return pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])

    return read


def _connectorx(protocol: str) -> Callable[[Place], Read]:
    def open_(place: Place) -> Read:
        import connectorx

        return lambda sql: connectorx.read_sql(place.url, sql, protocol=protocol)

    return open_


def _adbc(finish: Callable[[Any], Any], *, use_copy: bool = True) -> Callable[[Place], Read]:
    def open_(place: Place) -> Read:
        from adbc_driver_postgresql import StatementOptions, dbapi

        connection = dbapi.connect(place.url)

        def read(sql: str) -> Any:
            with connection.cursor() as cursor:
                if not use_copy:
                    cursor.adbc_statement.set_options(**{StatementOptions.USE_COPY.value: "false"})
                cursor.execute(sql)
                return finish(cursor.fetch_arrow_table())

        return read

    return open_


def _polars(engine: str) -> Callable[[Place], Read]:
    def open_(place: Place) -> Read:
        import adbc_driver_postgresql.dbapi  # noqa: F401
        import connectorx  # noqa: F401
        import polars

        return lambda sql: polars.read_database_uri(sql, place.url, engine=engine)

    return open_


class _Sink:
    """A file that throws away what is written."""

    def write(self, data: bytes) -> int:
        return len(data)


def _thrown_away(place: Place) -> Read:
    import psycopg2

    cursor = psycopg2.connect(place.url).cursor()
    return lambda sql: cursor.copy_expert(f"COPY ({sql}) TO STDOUT WITH (FORMAT csv)", _Sink())


BASE = Way("pandas.read_sql (SQLAlchemy, psycopg2)", _read_sql)
FLOOR = Way("floor: COPY … TO STDOUT, thrown away", _thrown_away)

_CONNECTS = "connects within the call"
_CX = ("INTERVAL", "TEXT[]")
_CX_REMARK = f"{_CONNECTS}; refuses INTERVAL and TEXT[], which are read cast to TEXT"

READERS = (
    Way("crdb_magic frame", _frame),
    Way("crdb_magic frame, Arrow dtypes", _frame_arrow),
    Way("crdb_magic arrow (pyarrow.Table)", _arrow),
    Way("crdb_magic frame, without COPY", _frame_select, remark="as on CockroachDB before v23.1"),
    BASE,
    Way("pandas.read_sql, dtype_backend=pyarrow", _read_sql_arrow),
    Way("JupySQL, autopandas", _jupysql),
    Way("psycopg2 fetchall → DataFrame", _psycopg2),
    Way("psycopg 3, binary, fetchall → DataFrame", _psycopg),
    Way("connectorx", _connectorx("binary"), _CX, _CX_REMARK),
    Way("connectorx, protocol=cursor", _connectorx("cursor"), _CX, _CX_REMARK),
    Way("ADBC → pandas", _adbc(lambda table: table.to_pandas())),
    Way("ADBC → pandas, Arrow dtypes", _adbc(lambda table: table.to_pandas(types_mapper=pd.ArrowDtype))),
    Way("ADBC → pyarrow.Table", _adbc(lambda table: table)),
    Way("ADBC → pandas, use_copy=false", _adbc(lambda table: table.to_pandas(), use_copy=False)),
    Way("polars, connectorx", _polars("connectorx"), ("INTERVAL",), f"{_CONNECTS}; panics on INTERVAL, read as TEXT"),
    Way("polars, ADBC", _polars("adbc"), ("INTERVAL",), f"{_CONNECTS}; panics on INTERVAL, read as TEXT"),
    FLOOR,
)
