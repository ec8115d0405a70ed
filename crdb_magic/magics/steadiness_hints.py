"""Hints under results that may not be the same when they are read again, where that is what a notebook is after."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

from crdb_magic.columns.results import Result
from crdb_magic.core.options import TransactionOptions
from crdb_magic.session.hooks import HOOKS
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import Statement
from crdb_magic.sql.steadiness import Why, unsteady

Hints = Callable[[Statement, Result], list[str]]
"""What gives the sentences about a statement and its result."""

# What may be another one the next time, as everybody expects.
_OF_PRESENT = frozenset({Why.TRANSACTION_TIME, Why.TIME, Why.NEW})
_OF_INSTANT = frozenset({Why.TRANSACTION_TIME})  # where now() is the instant that is read


class SteadinessHints:
    """What was said in a notebook: of each statement of a session once."""

    def __init__(self) -> None:
        self._said: WeakKeyDictionary[Session, set[str]] = WeakKeyDictionary()

    def hints(self, session: Session, options: TransactionOptions) -> Hints:
        """Give what hints at results of a transaction that read the past, or is recorded, or served from a recording.

        Of the present no value is expected to come again: there it is the order alone. There are none elsewhere, nor
        within the transaction of a Python cell, which may show its outputs several times.
        """
        reads_past = options.within(session.pinned).as_of is not None
        if session.in_transaction or not (reads_past or HOOKS.listener or HOOKS.stand_in):
            return lambda *_: []
        expected = _OF_PRESENT if not reads_past else _OF_INSTANT if session.server.now_is_as_of else frozenset[Why]()
        said = self._said.setdefault(session, set())

        def of(statement: Statement, result: Result) -> list[str]:
            if result.columns is None or statement.text in said:
                return []
            found = unsteady(statement, result.row_count, more=result.more)
            if sentences := [one.sentence for one in found if one.why not in expected]:
                said.add(statement.text)
            return sentences

        return of
