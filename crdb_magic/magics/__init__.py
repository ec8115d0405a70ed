"""The only folder that imports IPython: each magic is a file, which declares its line, resolves, runs and presents.

::

    connect.py, txn.py, pin.py, receipt.py, rerun.py, freeze.py, write.py, export.py, schema.py, activity.py,
    doctor.py             the magics
    ├── magic.py              what a magic is, and what they share in a notebook
    │   ├── receipt_history.py    … the receipts of its transactions
    │   ├── read_history.py       … what reading again needs
    │   ├── connections.py        the open connections, by name
    │   ├── password.py           … whose password is asked for, or in a keyring
    │   ├── notebook_recording.py the recording that is made or served
    │   ├── remarks.py            … what the first cell has to say
    │   └── sql_name.py           %sql, for those who ask for it
    ├── completer.py          Tab
    │   ├── cursor_position.py    … where the cursor is in a cell
    │   └── names_cache.py        … what is known of the databases, read in the background
    ├── arguments.py          a line -> its options
    │   ├── habits.py             … and what users of other tools mean
    │   ├── txn_options.py        those of a transaction
    │   └── expression.py         … and the frame that Python in it is
    ├── namespace.py          the notebook's variables
    ├── sql_cell.py           a cell of SQL
    ├── python_cell.py        a cell of Python that may run several times
    │   ├── capture.py            what it shows, held back
    │   └── tracebacks.py         what an error says that leaves it
    ├── limit.py              how many rows are fetched at most
    ├── display.py            results -> what is shown
    │   ├── steadiness_hints.py   … hints that another run may show something else
    │   ├── shown.py              … frames, and their receipts
    │   ├── outputs.py            … a few words
    │   ├── waiting.py            … while a transaction runs
    │   └── status.py             … and how it went, in a line
    └── progress.py           a bar over rows
        ├── bars.py               … how it is drawn
        └── audience.py           … for whom
    prompt.py             colours of cells in a terminal
"""

from __future__ import annotations

import atexit
import inspect
from importlib import import_module
from types import ModuleType
from typing import Any

import pandas as pd
from IPython.core.extensions import ExtensionManager
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.core.receipt import Receipt
from crdb_magic.doctor.report import Report
from crdb_magic.drawing.activity import activity_bundle
from crdb_magic.drawing.doctor import report_bundle
from crdb_magic.drawing.plan import plan_bundle
from crdb_magic.drawing.receipt import receipt_bundle
from crdb_magic.drawing.schema import diagram_bundle, schema_bundle, table_bundle
from crdb_magic.explore.activity import Activity
from crdb_magic.explore.diagram import Diagram
from crdb_magic.explore.plan import Plan
from crdb_magic.explore.schema import Schema
from crdb_magic.explore.table import Table
from crdb_magic.magics.activity import crdb_activity
from crdb_magic.magics.completer import Completer
from crdb_magic.magics.connect import crdb_connect
from crdb_magic.magics.doctor import crdb_doctor
from crdb_magic.magics.export import crdb_export
from crdb_magic.magics.freeze import crdb_freeze
from crdb_magic.magics.magic import CrdbMagic
from crdb_magic.magics.outputs import metadata_of, say
from crdb_magic.magics.pin import crdb_pin
from crdb_magic.magics.receipt import crdb_receipt
from crdb_magic.magics.rerun import crdb_rerun
from crdb_magic.magics.schema import crdb_schema
from crdb_magic.magics.txn import crdb_txn
from crdb_magic.magics.write import crdb_write

__all__ = ["load", "unload"]

MAGICS = (
    crdb_connect,
    crdb_txn,
    crdb_pin,
    crdb_receipt,
    crdb_rerun,
    crdb_freeze,
    crdb_write,
    crdb_export,
    crdb_schema,
    crdb_activity,
    crdb_doctor,
)
_SHOWN = {
    Schema: schema_bundle,
    Table: table_bundle,
    Diagram: diagram_bundle,
    Activity: activity_bundle,
    Report: report_bundle,
    Receipt: lambda receipt: (receipt_bundle(receipt), metadata_of(receipt)),
    Plan: lambda plan: (plan_bundle(plan), metadata_of(plan.receipt)),
}


def load(shell: InteractiveShell) -> None:
    """Register the magics, once however often it is called."""
    if "crdb_txn" in shell.magics_manager.magics["cell"]:
        return
    magic = CrdbMagic(shell, MAGICS)
    shell.register_magics(magic)
    _bundles(shell).for_type(pd.DataFrame, magic.shown.bundle)
    for kind, show in _SHOWN.items():
        _bundles(shell).for_type(kind, show)
        magic.leaving.callback(_bundles(shell).pop, kind, None)
    parts: tuple[Any, ...] = (magic.remarks, magic.status_line, Completer(magic), *_prompt(shell))
    for part in parts:
        part.join()
        magic.leaving.callback(part.leave)
    magic.leaving.callback(magic.sql_name.leave)
    atexit.register(magic.freezing.close)
    atexit.register(magic.connections.end)


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
    magic.leaving.close()
    magic.freezing.close()
    if ended := magic.connections.end():
        say("\n".join(ended))
    atexit.unregister(magic.connections.end)
    atexit.unregister(magic.freezing.close)
    shell.configurables.remove(magic)


def _reloads() -> bool:
    """Whether it is ``%reload_ext`` that unloads: IPython tells an extension nothing of it, its frames do."""
    code, frame = ExtensionManager.reload_extension.__code__, inspect.currentframe()
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


def _prompt(shell: InteractiveShell) -> tuple[ModuleType, ...]:
    """Give what colours a terminal's prompt, where there is one: a notebook need not load its library."""
    return () if getattr(shell, "pt_app", None) is None else (import_module("crdb_magic.magics.prompt"),)


def _bundles(shell: InteractiveShell) -> Any:
    assert shell.display_formatter is not None  # noqa: S101 - every shell has one
    return shell.display_formatter.mimebundle_formatter
