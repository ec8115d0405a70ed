"""The only folder that imports IPython: each magic is parse, resolve, run, present."""

from __future__ import annotations

import atexit
from typing import Any

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.magics.magic import CrdbMagic

__all__ = ["load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Register the magics, once however often it is called."""
    if "crdb_txn" in shell.magics_manager.magics["cell"]:
        return
    magic = CrdbMagic(shell)
    shell.register_magics(magic)
    _bundles(shell).for_type(pd.DataFrame, magic.shown.bundle)
    atexit.register(magic.connections.close_all)


def unload(shell: InteractiveShell) -> None:
    """Take the magics away, close the connections and stop the local servers."""
    magic = shell.magics_manager.registry.pop("CrdbMagic", None)
    if magic is None:
        return
    for kind, names in magic.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    _bundles(shell).pop(pd.DataFrame, None)
    magic.connections.close_all()
    atexit.unregister(magic.connections.close_all)
    shell.configurables.remove(magic)


def _bundles(shell: InteractiveShell) -> Any:
    assert shell.display_formatter is not None  # noqa: S101 - every shell has one
    return shell.display_formatter.mimebundle_formatter
