"""The ways to write: each opens a connection, and gives what writes a frame into a table that is not there yet.

What a library needs the frame turned into is made within the timed call. Where a way has to be told the table's
columns it is told the right ones; where it guesses them, it may guess.
"""
# ruff: noqa: S608 - the tables' names are ours

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any

import pandas as pd

from benchmarks.frames.readers import Place, Way, jupysql
from benchmarks.frames.tables import WRITTEN, definition

Write = Callable[[pd.DataFrame, str], Any]


def _write_frame(place: Place) -> Write:
    from crdb_magic.orm.database import CockroachDatabase

    database = CockroachDatabase(place.url)
    database.connect()
    return database.write_frame


def _to_sql(**options: Any) -> Callable[[Place], Write]:
    def open_(place: Place) -> Write:
        import sqlalchemy

        engine = sqlalchemy.create_engine(place.sqlalchemy)
        engine.connect().close()
        return lambda frame, table: frame.to_sql(table, engine, index=False, **options)

    return open_


def _copied(table: Any, connection: Any, keys: list[str], rows: Any) -> None:
    """Insert as pandas' documentation shows ("Alternative to_sql() method for DBs that support COPY FROM")."""
    with connection.connection.cursor() as cursor:
        lines = StringIO()
        csv.writer(lines).writerows(rows)
        lines.seek(0)
        columns = ", ".join(f'"{key}"' for key in keys)
        cursor.copy_expert(sql=f"COPY {table.name} ({columns}) FROM STDIN WITH CSV", file=lines)


def _execute_values(place: Place) -> Write:
    import psycopg2
    from psycopg2.extras import execute_values

    connection = psycopg2.connect(place.url)

    def write(frame: pd.DataFrame, table: str) -> None:
        objects = frame.astype(object)
        rows = objects.where(frame.notna(), None).itertuples(index=False, name=None)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {table} ({definition(WRITTEN)})")
            execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows, page_size=1000)

    return write


def _persist(place: Place) -> Write:
    shell = jupysql(place)

    def write(frame: pd.DataFrame, table: str) -> None:
        shell.user_ns[table] = frame
        shell.run_line_magic("sql", f"--persist {table} --no-index")

    return write


def _adbc_ingest(place: Place) -> Write:
    import pyarrow as pa
    from adbc_driver_postgresql import dbapi

    connection = dbapi.connect(place.url)

    def write(frame: pd.DataFrame, table: str) -> None:
        with connection.cursor() as cursor:
            cursor.adbc_ingest(table, pa.Table.from_pandas(frame, preserve_index=False), mode="create")
        connection.commit()

    return write


def _polars(place: Place) -> Write:
    import adbc_driver_postgresql.dbapi  # noqa: F401
    import polars
    import pyarrow  # noqa: F401

    return lambda frame, table: polars.from_pandas(frame).write_database(table, place.url, engine="adbc")


BASE = Way("to_sql (SQLAlchemy, psycopg2)", _to_sql())

WRITERS = (
    Way("crdb_magic write_frame", _write_frame),
    BASE,
    Way("to_sql, method=multi, chunksize=1000", _to_sql(method="multi", chunksize=1000)),
    Way("to_sql, the COPY recipe of pandas' documentation", _to_sql(method=_copied)),
    Way("psycopg2 execute_values, 1000 a page", _execute_values),
    Way("JupySQL --persist", _persist),
    Way("ADBC adbc_ingest", _adbc_ingest),
    Way("polars write_database, ADBC", _polars, remark="connects within the call"),
)
