"""The recording that a notebook makes, or from which it is served: the environment has the last word on the folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from crdb_magic.environment import FREEZE, FROZEN
from crdb_magic.errors import OptionError
from crdb_magic.frozen.manifest import load
from crdb_magic.frozen.playback import Playback, open_playback
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.session.driver import Connection


class Freezing:
    """At most one recording, which is made or served.

    One that is served says what was said when it was made, so that the notebook's outputs are the same.
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._playback: Playback | None = None
        self._place = os.environ.get(FROZEN) or os.environ.get(FREEZE)
        if os.environ.get(FROZEN):
            self.serve(Path())
        elif self._place:
            self._recorder = Recorder(Path(self._place))

    def check(self, folder: Path) -> None:
        """Raise :class:`RecordingError` if there is no recording in a folder that is to be served."""
        load(Path(self._place or folder))

    def serve(self, folder: Path) -> None:
        """Serve all connections that are opened from now on from a recording, from its beginning."""
        self.close()
        self._playback = open_playback(Path(self._place or folder))

    def record(self, folder: Path, shown: Iterable[tuple[Connection, str]]) -> None:
        """Record from now on, if that is not so already; ``shown`` are the connections that there are."""
        if self._place:
            return
        self.refuse_served("record")
        self.close()
        self._recorder = Recorder(folder)
        for connection, line in shown:
            self._recorder.show(connection, line)

    def end(self) -> None:
        """End the recording that the notebook has begun."""
        if not self._place:
            if self._recorder is None:
                raise OptionError("Nothing is being recorded.", hint="%crdb_freeze DIR begins.")
            self.close()

    def shown(self, connection: Connection, line: str) -> str:
        """Give the line that a connection shows of itself, as it was recorded; or record it."""
        if self._playback:
            return self._playback.shown(connection)
        if self._recorder:
            self._recorder.show(connection, line)
        return line

    def refuse_served(self, what: str) -> None:
        """Raise :class:`OptionError` where a server is needed, and a recording is served."""
        if self._playback:
            raise OptionError(f"The notebook is served from a recording: there is no server to {what}.")

    def close(self) -> None:
        """End what is made or served."""
        for one in (self._recorder, self._playback):
            if one is not None:
                one.close()
        self._recorder = self._playback = None
