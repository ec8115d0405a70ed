"""Whose turn it is on a connection: one transaction at a time, for the thread and the task that began it.

Cursors of the connection itself (`connection.cursor()`, `db.cursor()`) take no turn: psycopg2 sends their statements
one after the other, within whatever transaction is open. So may a callback let threads of its own work in its
transaction; as takers of turns they would wait for it, and it for them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from crdb_magic.errors import BusyError
from crdb_magic.session.driver import Connection

_LOOK = 0.02  # seconds between two looks at a transaction that somebody else has open
_PATIENCE = 10.0  # seconds that it may send nothing: who waits within it for us would never go on


class _Who(NamedTuple):
    """A thread, and the task of asyncio that runs in it, if one does."""

    thread: threading.Thread
    task: Any = None

    def speaks_for(self, holder: _Who) -> bool:
        """Whether the holder's transaction is ours: a task that has ended leaves its own to its thread."""
        if self.thread is not holder.thread:
            return False
        return holder.task in (None, self.task) or holder.task.done()


def _task() -> Any:
    asyncio = sys.modules.get("asyncio")  # where nobody has imported it there are no tasks
    if asyncio is None or asyncio._get_running_loop() is None:
        return None
    return asyncio.current_task()


class ConnectionLock:
    """The turn on one connection, held while something is done there, and until its transaction has ended.

    Who holds it may take it again. Other threads wait in line, where also stands who gave it up and wants it again: a
    loop of transactions would leave nothing to the others. Other tasks of the same thread can't, and are told, as are
    threads that have waited while nothing is sent. A transaction that a thread left open at its end is given up.
    """

    def __init__(self, opened: Callable[[], Connection | None], give_up: Callable[[], None]) -> None:
        self._opened = opened
        self._give_up = give_up
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._line: list[_Who] = []
        self._holder: _Who | None = None
        self._depth = 0

    @property
    def is_ours(self) -> bool:
        """Whether the caller may take it without waiting."""
        with self._lock:
            return self._is_free or _Who(threading.current_thread(), _task()).speaks_for(self._held)

    @property
    def _held(self) -> _Who:
        assert self._holder is not None  # noqa: S101 - asked where it is not free
        return self._holder

    @property
    def _is_free(self) -> bool:
        return self._holder is None or (self._depth == 0 and not self._in_transaction)

    @property
    def _in_transaction(self) -> bool:
        connection = self._opened()
        return connection is not None and connection.in_transaction

    def __enter__(self) -> Self:
        """Take it; raises :class:`BusyError` where it can't be waited for."""
        caller = _Who(threading.current_thread(), _task())
        with self._lock:
            is_theirs = self._holder is None or not caller.speaks_for(self._holder)
            if is_theirs and (self._line or not self._is_free):
                self._line.append(caller)
                try:
                    self._wait(caller)
                finally:
                    self._line.remove(caller)
            self._holder = caller
            self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._is_free:
                self._holder = None
                if self._line:
                    self._changed.notify_all()

    def _wait(self, caller: _Who) -> None:
        seen, since = self._activity, time.monotonic()
        while not (self._is_free and self._is_next(caller)):
            if not self._is_free:
                self._look_at(self._held, caller)
            self._changed.wait(_LOOK)
            if (now := self._activity) != seen or now is None:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > _PATIENCE:
                raise _busy(
                    f"another thread, which has sent nothing for {_PATIENCE:g} s",
                    "if it waits for this one within its transaction, give this one a connection of its own.",
                )

    def _is_next(self, caller: _Who) -> bool:
        """Whether nobody waits before: a fork has the line, but not the threads in it."""
        return next(one for one in self._line if one.thread.is_alive()) is caller

    def _look_at(self, holder: _Who, caller: _Who) -> None:
        if holder.thread is caller.thread:
            raise _busy("another task of this thread", "end it before it awaits, or use a connection of its own.")
        if not holder.thread.is_alive():
            self._depth = 0
            self._give_up()

    @property
    def _activity(self) -> int | None:
        """What changes with each statement that is sent; None while one runs, and while others come first."""
        if self._is_free:
            return None
        connection = self._opened()
        return None if connection is None or connection.is_asked else connection.statements_sent


def _busy(whose: str, hint: str) -> BusyError:
    return BusyError(f"The connection is in a transaction of {whose}.", hint=hint)
