"""What holds for one transaction alone: what was SET in it, and whether it may write. It belongs to what is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from crdb_magic.frozen.event_fields import kind_of
from crdb_magic.frozen.events import EventKind
from crdb_magic.frozen.forms import statements_of
from crdb_magic.sql.kinds import SAVEPOINTS, words

_READ_ONLY = "READ ONLY"
_QUICK = re.compile(r"\b(?:local|transaction|constraints|only)\b", re.IGNORECASE)
_OF_TRANSACTION = frozenset({"LOCAL", "TRANSACTION", "CONSTRAINTS"})
_BEGINS = frozenset({"BEGIN", "START"})


class TransactionSettings:
    """What one client's transaction was told so far; both who records and who serves hear the same."""

    def __init__(self) -> None:
        self._settings: tuple[str, ...] = ()
        self._reads_only = False

    def begin(self, prelude: str) -> None:
        """Hear what the driver has put before a message."""
        if prelude.startswith("BEGIN"):
            self._reads_only = _READ_ONLY in prelude

    def hear(self, sent: str) -> None:
        """Hear a message that was answered. What a savepoint undoes is told apart by its being said."""
        if not self._settings and not _QUICK.search(sent):
            return
        for statement in statements_of(sent):
            said = words(statement)
            if statement.keyword in _BEGINS:
                self._reads_only = _reads_only(said)
            elif (statement.keyword == "SET" and said[1:2] and said[1] in _OF_TRANSACTION) or (
                self._settings and statement.keyword in SAVEPOINTS
            ):
                self._settings = (*self._settings, statement.text)

    def end(self) -> None:
        """Hear that the transaction has ended."""
        self._settings, self._reads_only = (), False

    def settings(self, text: str, *, of_the_past: bool) -> tuple[str, ...]:
        """Give what holds for a text that is asked now. What only reads is the same where nothing may be written."""
        if self._reads_only and not of_the_past and kind_of(statements_of(text)) is EventKind.WRITE:
            return (*self._settings, _READ_ONLY)
        return self._settings


def _reads_only(said: Sequence[str]) -> bool:
    return ("READ", "ONLY") in pairwise(said)
