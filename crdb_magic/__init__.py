"""Transactions, typed DataFrames and time travel for CockroachDB in Jupyter: ``%load_ext crdb_magic``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crdb_magic.errors import AmbiguousCommitError, CrdbMagicError, ExceededMaxAttempts

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from crdb_magic.core.asof import AsOf
    from crdb_magic.core.options import Isolation, Priority, RetryPolicy, TransactionOptions
    from crdb_magic.core.receipt import Receipt
    from crdb_magic.core.target import Target
    from crdb_magic.orm.bulk import frame
    from crdb_magic.orm.database import CockroachDatabase, run_transaction
    from crdb_magic.orm.fields import ArrayField, IntervalField, JSONField, RowIDField, UUIDKeyField
    from crdb_magic.orm.pool import PooledCockroachDatabase
    from crdb_magic.session.session import Session
    from crdb_magic.values.decode import Interval

__version__ = "0.1.0"

__all__ = [
    "AmbiguousCommitError",
    "ArrayField",
    "AsOf",
    "CockroachDatabase",
    "CrdbMagicError",
    "ExceededMaxAttempts",
    "Interval",
    "IntervalField",
    "Isolation",
    "JSONField",
    "PooledCockroachDatabase",
    "Priority",
    "Receipt",
    "RetryPolicy",
    "RowIDField",
    "Session",
    "Target",
    "TransactionOptions",
    "UUIDKeyField",
    "frame",
    "load_ipython_extension",
    "run_transaction",
    "unload_ipython_extension",
]

# Imported on first use (PEP 562), so that `import crdb_magic` costs neither a driver nor pandas.
_HOMES = {
    "ArrayField": "orm.fields",
    "AsOf": "core.asof",
    "CockroachDatabase": "orm.database",
    "Interval": "values.decode",
    "IntervalField": "orm.fields",
    "Isolation": "core.options",
    "JSONField": "orm.fields",
    "PooledCockroachDatabase": "orm.pool",
    "Priority": "core.options",
    "Receipt": "core.receipt",
    "RetryPolicy": "core.options",
    "RowIDField": "orm.fields",
    "Session": "session.session",
    "Target": "core.target",
    "TransactionOptions": "core.options",
    "UUIDKeyField": "orm.fields",
    "frame": "orm.bulk",
    "run_transaction": "orm.database",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'crdb_magic' has no attribute {name!r}")
    return getattr(import_module(f"crdb_magic.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what ``%load_ext crdb_magic`` calls."""
    from crdb_magic.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away and close the connections: what ``%unload_ext crdb_magic`` calls."""
    from crdb_magic.magics import unload

    unload(shell)
