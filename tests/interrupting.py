"""Ctrl-C at a chosen moment of what is sent."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from crdb_magic.session import interrupts


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Send this process a SIGINT while the block runs."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


@contextmanager
def interrupted_before() -> Iterator[None]:
    """Interrupt what is sent first, while nothing of it is on its way yet."""

    def enter(_: object) -> NoReturn:
        patch.undo()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interrupts._current(), "enter", enter)
        yield


@contextmanager
def interrupted_behind() -> Iterator[None]:
    """Interrupt what is sent first, when it was answered."""
    watcher = interrupts._current()

    def leave() -> NoReturn:
        patch.undo()
        watcher.leave()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watcher, "leave", leave)
        yield
