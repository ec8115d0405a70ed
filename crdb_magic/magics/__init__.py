"""The only folder that imports IPython: each magic is a file, which parses, resolves, runs and presents.

::

    connect.py, txn.py, pin.py, write.py, export.py, schema.py, activity.py
                        the magics
    ├── magic.py            what a magic is, and what they share in a notebook
    │   └── connections.py      the open connections, by name
    ├── arguments.py        a line -> its options
    ├── namespace.py        the notebook's variables
    ├── python_cell.py      a cell of Python that may run several times
    │   ├── capture.py          what it shows, held back
    │   └── tracebacks.py       what an error says that leaves it
    ├── display.py          results -> what is shown
    │   ├── shown.py            … frames, and their receipts
    │   ├── outputs.py          … words, plain and as HTML
    │   └── waiting.py          … while a transaction runs
    ├── schema_view.py, activity_view.py
    │                       schemas, tables, pictures; what goes on -> what is shown
    │   └── lists.py            … in columns, plain and as HTML
    └── progress.py         a bar over rows
        ├── bars.py             … how it is drawn
        └── audience.py         … for whom
"""

from __future__ import annotations

import atexit
import inspect
from typing import Any

import pandas as pd
from IPython.core.extensions import ExtensionManager
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.explore.activity import Activity
from crdb_magic.explore.diagram import Diagram
from crdb_magic.explore.schema import Schema
from crdb_magic.explore.table import Table
from crdb_magic.magics.activity import crdb_activity
from crdb_magic.magics.activity_view import activity_bundle
from crdb_magic.magics.connect import crdb_connect
from crdb_magic.magics.export import crdb_export
from crdb_magic.magics.magic import CrdbMagic
from crdb_magic.magics.outputs import say
from crdb_magic.magics.pin import crdb_pin
from crdb_magic.magics.schema import crdb_schema
from crdb_magic.magics.schema_view import diagram_bundle, schema_bundle, table_bundle
from crdb_magic.magics.txn import crdb_txn
from crdb_magic.magics.write import crdb_write

__all__ = ["load", "unload"]

MAGICS = (crdb_connect, crdb_txn, crdb_pin, crdb_write, crdb_export, crdb_schema, crdb_activity)
_SHOWN = {Schema: schema_bundle, Table: table_bundle, Diagram: diagram_bundle, Activity: activity_bundle}


def load(shell: InteractiveShell) -> None:
    """Register the magics, once however often it is called."""
    if "crdb_txn" in shell.magics_manager.magics["cell"]:
        return
    magic = CrdbMagic(shell, MAGICS)
    shell.register_magics(magic)
    _bundles(shell).for_type(pd.DataFrame, magic.shown.bundle)
    for kind, show in _SHOWN.items():
        _bundles(shell).for_type(kind, show)
    atexit.register(magic.connections.close_all)


def unload(shell: InteractiveShell) -> None:
    """Take the magics away, close the connections and stop the local servers, and say which.

    Not for a reload, which loads again at once: connections, pins, servers and receipts outlive it.
    """
    if _reloads():
        return
    magic = shell.magics_manager.registry.pop("CrdbMagic", None)
    if magic is None:
        return
    for kind, names in magic.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    for kind in (pd.DataFrame, *_SHOWN):
        _bundles(shell).pop(kind, None)
    if ended := magic.connections.close_all():
        say("\n".join(ended))
    atexit.unregister(magic.connections.close_all)
    shell.configurables.remove(magic)


def _reloads() -> bool:
    """Whether it is ``%reload_ext`` that unloads: IPython tells an extension nothing of it, its frames do."""
    code, frame = ExtensionManager.reload_extension.__code__, inspect.currentframe()
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


def _bundles(shell: InteractiveShell) -> Any:
    assert shell.display_formatter is not None  # noqa: S101 - every shell has one
    return shell.display_formatter.mimebundle_formatter
