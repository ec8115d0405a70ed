"""%sql and %%sql: %crdb_txn under the name that JupySQL's users and some front ends know, if nobody else has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.errors import OptionError

_NAME = "sql"
_KINDS = ("line", "cell")
_URL = re.compile(r"\s*[A-Za-z][\w+.]*://")


class SqlName:
    """The name, which a notebook may give to its transaction magic."""

    def __init__(self, shell: InteractiveShell, transaction: Callable[..., Any]) -> None:
        self._magics: dict[str, dict[str, Any]] = shell.magics_manager.magics
        self._ours = _called_sql(transaction)

    @property
    def held(self) -> bool:
        """Whether another extension has it."""
        return any(self._magics[kind].get(_NAME, self._ours) is not self._ours for kind in _KINDS)

    def take(self) -> None:
        """Let it be ours."""
        for kind in _KINDS:
            self._magics[kind][_NAME] = self._ours

    def leave(self) -> None:
        """Take it away; whoever took it since keeps it."""
        for kind in _KINDS:
            if self._magics[kind].get(_NAME) is self._ours:
                del self._magics[kind][_NAME]


def _called_sql(transaction: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(transaction)  # also its help, and that it sees local variables
    def sql(line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        if _URL.match(line):
            raise OptionError("%sql opens no connection.", hint="%crdb_connect URL does; %sql then runs on it.")
        return transaction(line, cell, local_ns)

    return sql
