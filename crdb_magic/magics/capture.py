"""Holds back what code shows, to show it later in the same order or never."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOBase
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell


class _Stream(TextIOBase):
    """A text stream that holds back what is written."""

    def __init__(self, name: str, held: list[Callable[[], None]]) -> None:
        self._name = name
        self._held = held

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._held.append(lambda: getattr(sys, self._name).write(text))
        return len(text)


class _Publisher(CapturingDisplayPublisher):
    """A display publisher that holds back what is displayed."""

    def __init__(self, held: list[Callable[[], None]], real: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._held = held
        self._real = real

    def publish(self, *args: Any, **kwargs: Any) -> None:
        self._held.append(lambda: self._real.publish(*args, **kwargs))

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        self._held.append(lambda: self._real.clear_output(wait))


class CapturedOutputs:
    """What was held back, in order."""

    def __init__(self) -> None:
        self._events: list[Callable[[], None]] = []

    @contextmanager
    def back(self, shell: InteractiveShell) -> Iterator[None]:
        """Hold back what is printed and displayed inside, dropping what was held before."""
        self._events.clear()
        real = shell.display_pub
        shell.display_pub = _Publisher(self._events, real)
        try:
            with redirect_stdout(_Stream("stdout", self._events)), redirect_stderr(_Stream("stderr", self._events)):
                yield
        finally:
            shell.display_pub = real

    def show(self) -> None:
        """Show all of it."""
        for event in self._events:
            event()
        self._events.clear()
