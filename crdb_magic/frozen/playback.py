"""Lets a recording stand in for the servers that this process connects to."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import NotRecordedError, RecordingError
from crdb_magic.frozen import store
from crdb_magic.frozen.events import Event, EventKind
from crdb_magic.frozen.manifest import load
from crdb_magic.frozen.recording import Recording
from crdb_magic.frozen.served import Served
from crdb_magic.frozen.server import FrozenServer
from crdb_magic.session.hooks import HOOKS, Connection


class Playback:
    """A recording that is served from its beginning, until it is closed; it stands in for what was there before.

    The first target that is connected to is the recorded connection number 1, and so on; so is one that names nothing.
    """

    def __init__(self, recording: Recording) -> None:
        self._served = Served(recording)
        self._server = FrozenServer(self._served)
        self._numbers: dict[frozenset[tuple[str, str]], int] = {}
        self._lock = threading.Lock()
        self._before, HOOKS.stand_in = HOOKS.stand_in, self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def is_empty(self) -> bool:
        """Whether no question was recorded."""
        return not self._served.recording.statements

    def close(self) -> None:
        """Serve no more; what stood in before does so again. May be called twice."""
        if HOOKS.stand_in is self:
            HOOKS.stand_in = self._before
        self._server.close()

    def place_of(self, target: Mapping[str, str]) -> Mapping[str, str]:
        """Give the parameters with which to connect instead.

        Raises :class:`NotRecordedError` for one more than was recorded, :class:`RecordingError` in a process that was
        forked from the one that serves.
        """
        if self._server.process != os.getpid():
            raise RecordingError(
                "The recording is served by the process that this one was forked from.",
                hint="open it here as well: %crdb_connect --frozen.",
            )
        return self._server.parameters(self._number(target))

    def _number(self, target: Mapping[str, str]) -> int:
        known = frozenset(target.items())
        with self._lock:
            number = self._numbers.get(known, len(self._numbers) + 1) if known else 1
            if number not in self._served.recording.places:
                raise NotRecordedError(
                    f"The recording has no connection number {number}.",
                    hint="connections are known by their order: record the notebook from its top, in a new kernel. "
                    "After %crdb_connect --frozen, %crdb_freeze off connects to servers again.",
                )
            if known:
                self._numbers[known] = number
            return number

    def shown(self, connection: Connection) -> str:
        """Give the line that a connection showed of itself."""
        return self._served.recording.places[self._number(connection.target)].shown

    def receipt_of(self, connection: Connection, receipt: Receipt) -> Receipt:
        """Give the receipt of a transaction as it was when it was recorded; as it is, if it was not."""
        number = self._number(connection.target)
        facts: dict[str, Any] = {"statements": receipt.statements, "rows": receipt.rows}
        if receipt.as_of is not None:
            facts["as_of"] = receipt.as_of
        like = Event(number=0, kind=EventKind.RECEIPT, connection=number, text="", receipt=facts)
        recorded = self._served.receipt(like)
        return replace(receipt, **{"committed_at": None, **recorded.receipt}) if recorded else receipt


def open_playback(folder: Path) -> Playback:
    """Serve what was recorded in a folder; raises :class:`RecordingError` if there is nothing that can be served."""
    contents = load(folder)
    return Playback(
        Recording(
            contents.connections, contents.events, lambda event: store.read(folder, event.hash, event.columns or ())
        )
    )
