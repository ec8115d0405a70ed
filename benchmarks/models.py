"""What peewee's models cost on our engine: beside `playhouse.cockroachdb` on the same server, in one run.

::

    python benchmarks/models.py [--rounds 6] [--url URL]

Prints for each operation the least CPU time of a round, in microseconds a call (of 10,000 rows: in milliseconds), and
the ratio to playhouse's. Time that the server takes is in none of it.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

from peewee import CharField, Database, DecimalField, IntegerField, Model, chunked
from playhouse import cockroachdb as playhouse

import crdb_magic
from crdb_magic.local import start

_ROWS = [
    {"name": f"n{number}", "v": number, "price": Decimal(number) / 100, "tags": ["a", "b"]} for number in range(10_000)
]


class _Playhouse(playhouse.CockroachDatabase):
    """peewee's own, which reads a version out of its server's name: PostgreSQL has another one."""

    def _set_server_version(self, _: Any) -> None:
        self.server_version = 250_000


def _model(db: Database, fields: Any, name: str) -> type[Model]:
    class Item(Model):
        id = fields.UUIDKeyField()
        name = CharField(index=True)
        v = IntegerField()
        price = DecimalField(max_digits=12, decimal_places=2)
        tags = fields.ArrayField(CharField, index=False)

        class Meta:
            database = db
            table_name = f"benchmark_{name}"

    db.drop_tables([Item])
    db.create_tables([Item])
    return Item


def _insert(db: Any, item: Any) -> None:
    with db.atomic():
        for batch in chunked(_ROWS, 1000):
            item.insert_many(batch).execute()


def _block(db: Any, _: Any) -> None:
    with db.atomic():
        db.execute_sql("SELECT 1")


OPERATIONS: dict[str, tuple[int, Callable[[Any, Any], object]]] = {
    "insert_many of 10,000 rows": (1, _insert),
    "10,000 rows as models": (1, lambda _, item: list(item.select().limit(10_000))),
    "create()": (100, lambda _, item: item.create(name="x", v=1, price=1, tags=[])),
    "get()": (100, lambda _, item: item.get(item.name == "n77")),
    "execute_sql()": (200, lambda db, _: db.execute_sql("SELECT 1").fetchall()),
    "atomic() around one statement": (100, _block),
    "run_transaction() of one statement": (100, lambda db, _: db.run_transaction(lambda d: d.execute_sql("SELECT 1"))),
}


def _timed(times: int, do: Callable[[Any, Any], object], db: Any, item: Any) -> float:
    began = time.process_time()
    for _ in range(times):
        do(db, item)
    return (time.process_time() - began) / times


def main() -> None:
    """Measure, taking turns, and print a table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--url", help="the server; a local one that is started for it unless given")
    given = parser.parse_args()
    with nullcontext() if given.url else start() as server:
        url = given.url or server.url
        sides = [(db, _model(db, fields, db.__module__.split(".")[0])) for db, fields in (
            (_Playhouse(url), playhouse), (crdb_magic.CockroachDatabase(url), crdb_magic))]  # fmt: skip
        for name, (times, do) in OPERATIONS.items():
            rounds = [[_timed(times, do, *side) for side in sides] for _ in range(given.rounds)]
            theirs, ours = (min(side) * 1e6 for side in zip(*rounds, strict=True))
            print(f"{name:36} {theirs:10.0f} µs {ours:10.0f} µs {ours / theirs:5.2f}x")
        for db, item in sides:
            db.drop_tables([item])
            db.close()


if __name__ == "__main__":
    main()
