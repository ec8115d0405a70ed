"""Ctrl-C during a statement cancels it on the server, at once and at no cost to a statement that is let be.

psycopg2 sleeps in C until the server answers, so Python's own handler of SIGINT runs only then. But the signal also
writes a byte to the wake-up descriptor, and a thread that waits for that byte can ask the server to stop the
statement; it then answers with an error, and the KeyboardInterrupt that was pending comes out.

Signals reach the main thread only: a statement that runs in another thread is not cancelled.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

_CTRL_C = bytes([signal.SIGINT])
_MOST_SIGNALS = 64  # read at once
_GRACE = 2.0  # seconds that the server has to end a cancelled statement before its connection is cut


class Cancellable(Protocol):
    """What can be asked to stop."""

    def cancel_statement(self) -> None:
        """Ask the server to end the statement that runs now."""

    def cut(self) -> None:
        """Close the socket under the statement."""


def has_news(descriptor: int) -> bool:
    """Tell whether there is something to read, or an end, without waiting for it."""
    return _news_of(descriptor)()


def _news_of(descriptor: int) -> Callable[[], bool]:
    """Give what tells that again and again, of one thread at a time."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return lambda: bool(poll.poll(0))


class _Watcher:
    """The thread that waits for signals while the main thread waits for the server; there is one a process."""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        for end in (self._here, self._there):
            end.setblocking(False)  # noqa: FBT003 - as set_wakeup_fd wants it
        self.descriptor = self._there.fileno()
        self._has_news = _news_of(self._here.fileno())  # asked by who holds the lock
        self.process = os.getpid()
        self._lock = threading.Lock()  # a signal is read by who holds it, and so belongs to one statement
        self._runs = threading.Lock()
        self._watched: Cancellable | None = None
        self._before = -1
        self.stopped = False
        threading.Thread(target=self._watch, name="crdb_magic interrupts", daemon=True).start()

    @property
    def watches(self) -> bool:
        """Whether a statement is being watched."""
        return self._watched is not None

    def enter(self, watched: Cancellable) -> None:
        self.stopped = False
        self._runs = threading.Lock()  # held as long as the statement runs: a new one, for which nobody has waited
        self._runs.acquire()
        self._watched = watched
        self._before = signal.set_wakeup_fd(self.descriptor, warn_on_full_buffer=False)

    def leave(self) -> None:
        """Stop watching; may be called twice."""
        if self._watched is not None:
            signal.set_wakeup_fd(self._before)
        if self._runs.locked():
            self._runs.release()
        with self._lock:  # a signal that came meanwhile, or a cancellation under way, must not hit the next statement
            self.stopped |= self._heard()
            self._watched = None

    def _heard(self) -> bool:
        """Read what signals came; whether one was a Ctrl-C. Somebody else's, taken in his place, are handed on."""
        if not self._has_news():
            return False
        numbers = self._here.recv(_MOST_SIGNALS)
        if self._before >= 0 and (others := numbers.replace(_CTRL_C, b"")):
            with suppress(OSError):
                os.write(self._before, others)
        return _CTRL_C in numbers

    def _watch(self) -> None:
        with DefaultSelector() as signals:
            signals.register(self._here, EVENT_READ)
            while True:
                signals.select()
                with self._lock:
                    if self._heard() and self._watched is not None:
                        self._stop(self._watched)

    def _stop(self, watched: Cancellable) -> None:
        self.stopped = True
        with suppress(Exception):  # a server that can't be asked is cut off below
            watched.cancel_statement()
        if not self._runs.acquire(timeout=_GRACE):
            with suppress(Exception):
                watched.cut()


_watcher: _Watcher | None = None


def interruptible(connection: Cancellable, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call, and let a Ctrl-C cancel meanwhile what the connection does; raises KeyboardInterrupt then.

    A call within another one's, by what a COPY calls back, leaves the watch to that: it is the one to be stopped.
    """
    __tracebackhide__ = True
    if threading.get_ident() != threading.main_thread().ident or (watcher := _current()).watches:
        return call(*args, **kwargs)
    try:
        watcher.enter(connection)
        value = call(*args, **kwargs)
    except Exception as error:
        if watcher.stopped:  # a COPY swallows the KeyboardInterrupt that its reader got
            raise KeyboardInterrupt from error
        raise
    finally:
        try:
            watcher.leave()
        except KeyboardInterrupt:  # the pending one, which comes out at the first call
            watcher.leave()
            raise
    if watcher.stopped:  # psycopg2 swallows what is raised by who hears of a notice
        raise KeyboardInterrupt
    return value


def _current() -> _Watcher:
    """Give the watcher of this process: a fork has the old one's descriptors, but not its thread."""
    global _watcher  # noqa: PLW0603 - signals are the process's, so is this
    if _watcher is None or _watcher.process != os.getpid():
        _watcher = _Watcher()
    return _watcher
