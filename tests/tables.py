"""Models for the tests: tables with names of their own, dropped at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from peewee import Model

from crdb_magic.orm.database import CockroachDatabase

_numbers = count(1)


def unique(name: str) -> str:
    """Give a name that no other test, and no other run on the same cluster, uses."""
    return f"{name}_{os.getpid()}_{next(_numbers)}"


@contextmanager
def connected(url: str, **options: Any) -> Iterator[CockroachDatabase]:
    """Open a database, and close it at the end."""
    db = CockroachDatabase(url, **options)
    db.connect()
    yield db
    db.close()


class Tables:
    """The tables of one test: made from fields or by SQL, dropped at its end."""

    def __init__(self, db: CockroachDatabase) -> None:
        self.db = db
        self._names: list[str] = []

    def model(self, name: str = "thing", /, *, primary_key: Any = None, **fields: Any) -> type[Model]:
        """Make a model of these fields, and its table."""
        made = self.only_model(name, primary_key=primary_key, **fields)
        self._names.append(made._meta.table_name)
        made.create_table()
        return made

    def only_model(self, name: str = "thing", /, *, primary_key: Any = None, **fields: Any) -> type[Model]:
        """Make a model without a table."""
        meta = {"database": self.db, "table_name": unique(name)}
        if primary_key is not None:
            meta["primary_key"] = primary_key
        return type(name.title(), (Model,), {**fields, "Meta": type("Meta", (), meta)})

    def table(self, columns: str, name: str = "thing") -> str:
        """Make a table by SQL."""
        made = unique(name)
        self._names.append(made)
        self.db.execute_sql(f"CREATE TABLE {made} ({columns})")
        return made

    def table_as(self, query: str, name: str = "thing") -> str:
        """Make a table of what a query gives."""
        made = unique(name)
        self._names.append(made)
        self.db.execute_sql(f"CREATE TABLE {made} AS {query}")
        return made

    def drop(self) -> None:
        """Drop them, those first that refer to others."""
        for name in reversed(self._names):
            self.db.execute_sql(f'DROP TABLE IF EXISTS "{name}" CASCADE')


@contextmanager
def tables(url: str) -> Iterator[Tables]:
    """Give a test its tables, on a connection of their own."""
    with connected(url) as db:
        made = Tables(db)
        yield made
        made.drop()
