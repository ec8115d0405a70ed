"""peewee's face: its databases, models and fields on our engine and our connections; the only folder that imports it.

::

    database.py     CockroachDatabase: transactions, run_transaction
    ├── link.py         where its connections come from
    ├── blocks.py       its atomic() and transaction(), and what they refuse
    ├── pool.py         … which are kept for reuse
    ├── bulk.py         frames, Arrow tables, rows, streams and files
    ├── dialect.py      CockroachDB's SQL and catalogue, also for playhouse's reflection and migrations
    │   └── fields.py       keys that the cluster makes, JSON, arrays, intervals
    └── errors.py       ours as peewee's users expect them
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playhouse import db_url

from crdb_magic.orm.database import CockroachDatabase
from crdb_magic.orm.dialect import Dialect
from crdb_magic.orm.pool import PooledCockroachDatabase


def register_urls(database: Callable[..., Dialect], pooled: Callable[..., Dialect]) -> None:
    """Let `playhouse.db_url.connect` make our databases: cockroachdb://… and crdb://…, and with ``+pool``."""
    register: Any = db_url.register_database
    register(database, "cockroachdb", "crdb")
    register(pooled, "cockroachdb+pool", "crdb+pool")


register_urls(CockroachDatabase, PooledCockroachDatabase)
