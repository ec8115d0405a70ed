"""The recording that a notebook makes, or from which it is served: the environment has the last word on the folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from crdb_magic.environment import FREEZE, FROZEN
from crdb_magic.errors import OptionError
from crdb_magic.frozen.manifest import load
from crdb_magic.frozen.playback import Playback, open_playback
from crdb_magic.frozen.recorder import COMPLETE, Recorder
from crdb_magic.magics.connections import Connections
from crdb_magic.session.driver import Connection
from crdb_magic.session.session import Session

_WAY_OUT = "%crdb_freeze off ends that"
_NOTHING: tuple[Path, tuple[Session, ...]] = Path(), ()  # into which folder a recording began, with what was open


class NotebookRecording:
    """At most one recording, which is made or served.

    One that is served says what was said when it was made, so that the notebook's outputs are the same. Where the
    notebook itself asks to be served, by --frozen, it is also said that it is.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._recorder: Recorder | None = None
        self._began = _NOTHING
        self._playback: Playback | None = None
        self._place = os.environ.get(FROZEN) or os.environ.get(FREEZE)
        self.note = ""
        """What is to be said below the connections: from where they are served, if --frozen was asked for."""
        if frozen := os.environ.get(FROZEN):
            self._playback = open_playback(Path(frozen))
        elif self._place:
            self._recorder = Recorder(Path(self._place))

    def serve(self, folder: Path) -> list[str]:
        """Serve from a recording, from its beginning; what was open leads to servers, and ends. Tell what has ended.

        Nothing does if there is no recording: raises :class:`RecordingError`.
        """
        place = Path(self._place or folder).expanduser()
        load(place)
        recorded = [self._recorder.outcome] if self._recorder and not self._place else []
        ended = [*self._connections.close_all(), *recorded]
        self.close()
        self._playback = open_playback(place)
        holds = ", which is empty" if self._playback.is_empty else ""
        self.note = f"\nServed from the recording in {folder}{holds}: no server is used. {_WAY_OUT}."
        return ended

    def record(self, folder: Path, named: str, shown: Iterable[tuple[Connection, str]]) -> str:
        """Record from now on, and say so; the notebook has ``named`` the folder, and has ``shown`` these connections.

        A recording into that folder goes on, if the connections that it began with are there: the cell was run again.
        Behind a new %crdb_connect the notebook is run from its top.
        """
        said = f"Recording into {named} from the start."
        if self._place:
            return said
        if self._playback:
            return f"Nothing is recorded: the notebook is served from a recording. {_WAY_OUT}."
        if self._goes_on(folder):
            return f"Recording into {named} continues. To start over, run %crdb_freeze off first."
        self.close()
        self._recorder = Recorder(folder)
        self._began = folder.absolute(), self._connections.sessions
        for connection, line in shown:
            self._recorder.show(connection, line)
        return said

    def _goes_on(self, folder: Path) -> bool:
        into, sessions = self._began
        is_open = self._recorder is not None and self._recorder.is_open
        return is_open and into == folder.absolute() and bool(sessions) and {*sessions} <= {*self._connections.sessions}

    def end(self) -> list[str]:
        """End what the notebook has begun; tell what has ended."""
        if self._place or self._recorder:
            ended = [self._recorder.outcome if self._recorder else COMPLETE]
        elif self._playback:
            ended = [*self._connections.close_all(), "Replay ended: %crdb_connect connects to servers again."]
        else:
            raise OptionError("Nothing is being recorded.", hint="%crdb_freeze DIR begins.")
        if not self._place:
            self.close()
        return ended

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
            raise OptionError(
                f"The notebook is served from a recording: there is no server to {what}.",
                hint=f"Leave {FROZEN} out of the environment." if self._place else f"{_WAY_OUT}; then %crdb_connect.",
            )

    def close(self) -> None:
        """End what is made or served."""
        for one in (self._recorder, self._playback):
            if one is not None:
                one.close()
        self._recorder = self._playback = None
        self._began, self.note = _NOTHING, ""
