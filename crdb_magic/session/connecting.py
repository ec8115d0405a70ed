"""How a connection is opened: with which parameters, within which time, and so that a Ctrl-C is heard meanwhile."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import psycopg2
from psycopg2 import extensions

from crdb_magic.core.libpq_files import find_service

T = TypeVar("T")

_OURS = {
    "client_encoding": "UTF8",
    "fallback_application_name": "crdb_magic",  # what the cluster's console shows, unless the user named one
}
_PATIENCE = {
    "connect_timeout": "10",
    # A laptop that slept holds dead connections: found within a minute.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_LOOK = 0.2  # seconds between two looks for a Ctrl-C on Windows, where it ends no wait

_left: ContextVar[float | None] = ContextVar("the seconds in which a connection has to be open", default=None)


def parameters(target: Mapping[str, str]) -> dict[str, str]:
    """Give a target with what is ours, as far as neither it nor its service nor the environment says otherwise."""
    told = set(_keys_of_service(target.get("service") or os.environ.get("PGSERVICE", "")))
    if os.environ.get("PGCONNECT_TIMEOUT"):
        told.add("connect_timeout")
    return {**_OURS, **{key: value for key, value in _PATIENCE.items() if key not in told}, **target}


def _keys_of_service(name: str) -> Iterator[str]:
    with suppress(OSError):  # libpq says what is wrong with the file
        found = find_service(name, os.environ, Path.home()) if name else None
        if found:
            yield from (line.key for line in found[1])


def is_keyword(name: str) -> bool:
    """Whether a parameter is called so, as libpq of this machine has it."""
    try:
        return name in extensions.parse_dsn(f"{name}=1")
    except psycopg2.Error:
        return False


@contextmanager
def in_time(seconds: float | None) -> Iterator[None]:
    """Let a connection that the block opens, be it by peewee, be open in so many seconds, or fail."""
    token = _left.set(seconds)
    try:
        yield
    finally:
        _left.reset(token)


def awaited(connect: Callable[[], T]) -> T:
    """Connect, as long as there is time.

    A connection for which nobody waits any more is closed as soon as it is open: nobody has it.
    """
    try:
        return within(_left.get(), connect)
    except TimeoutError:
        raise psycopg2.OperationalError("timeout expired") from None


def within(seconds: float | None, call: Callable[[], T]) -> T:
    """Call in a thread of its own what sleeps for as long as it takes: this one hears a Ctrl-C, and a clock.

    Raises TimeoutError; the thread goes on then, and ends with the process.
    """
    called: Future[T] = Future()
    try:
        threading.Thread(target=_fulfil, args=(called, call), name="crdb_magic waits", daemon=True).start()
    except RuntimeError:  # from Python 3.12 on no thread begins while the interpreter ends
        return call()
    ends = None if seconds is None else time.monotonic() + seconds
    while not called.done():
        if ends is not None and time.monotonic() >= ends:
            raise TimeoutError
        with suppress(TimeoutError):
            return called.result(_LOOK if ends is None else min(_LOOK, ends - time.monotonic()))
    return called.result()


def _fulfil(promise: Future[T], call: Callable[[], T]) -> None:
    try:
        promise.set_result(call())
    except BaseException as error:
        promise.set_exception(error)
    finally:
        del promise  # which has the error now, whose traceback has this frame
