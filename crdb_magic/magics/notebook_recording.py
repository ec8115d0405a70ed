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


class NotebookRecording:
    """At most one recording, which is made or served.

    One that is served says what was said when it was made, so that the notebook's outputs are the same. Where the
    notebook itself asks to be served, by --frozen, it is also said that it is.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._recorder: Recorder | None = None
        self._playback: Playback | None = None
        self._frozen = _folder_of(FROZEN)
        self._freeze = None if self._frozen else _folder_of(FREEZE)
        self._named: set[Path] = set()  # by %crdb_freeze, and the environment's is made in their place
        self._began: tuple[Path, tuple[Session, ...]] | None = None  # by %crdb_freeze: where, and what was open
        self.note = ""
        """What is to be said below the connections: from where they are served, if --frozen was asked for."""
        if self._frozen:
            self._playback = open_playback(self._frozen)
        elif self._freeze:
            self._recorder = Recorder(self._freeze)

    def serve(self, folder: Path) -> list[str]:
        """Serve from a recording, from its beginning; what was open leads to servers, and ends. Tell what has ended.

        Nothing does if there is no recording: raises :class:`RecordingError`.
        """
        place = self._frozen or folder.expanduser()
        if self._freeze and place.resolve() in self._named:
            place = self._freeze
        load(place)
        recorded = [self._outcome] if self._began else []
        ended = [*self._connections.close_all(), *recorded]
        self.close()
        self._playback = open_playback(place)
        holds = ", which is empty" if self._playback.is_empty else ""
        self.note = f"\nServed from the recording in {folder}{holds}: no server is used. {_WAY_OUT}."
        return ended

    def record(self, folder: Path, named: str, shown: Iterable[tuple[Connection, str]]) -> str:
        """Record from now on, and say so; the notebook has ``named`` the folder, and has ``shown`` these connections.

        A recording into that folder goes on, if the connections that it began with are there: the cell was run again.
        Behind a new %crdb_connect the notebook is run from its top. One into another folder ends, unless this one is
        refused: raises :class:`RecordingError`.
        """
        if self.note:
            return f"Nothing is recorded: the notebook is served from a recording. {_WAY_OUT}."
        into, is_ours = folder.resolve(), not (self._frozen or self._freeze)
        if is_ours and self._goes_on(into):
            return f"Recording into {named} continues. To start over, run %crdb_freeze off first."
        said = [*self._ended_by(into), f"Recording into {named} from the start."]
        if is_ours:
            self._begin(folder, into, shown)
        self._named.add(into)
        self._began = into, self._connections.sessions
        return "\n".join(said)

    def _goes_on(self, into: Path) -> bool:
        if not (self._began and self._recorder and self._recorder.is_open):
            return False
        before, sessions = self._began
        return into == before and bool(sessions) and {*sessions} <= {*self._connections.sessions}

    def _ended_by(self, into: Path) -> list[str]:
        """Tell how a recording went that another one ends: into the same folder, only if it broke off."""
        is_told = self._began and (self._began[0] != into or self._outcome != COMPLETE)
        return [self._outcome] if is_told else []

    def _begin(self, folder: Path, into: Path, shown: Iterable[tuple[Connection, str]]) -> None:
        if self._recorder and self._began and self._began[0] == into:
            self._recorder.close()  # it holds the folder
        self._recorder = Recorder(folder)
        for connection, line in shown:
            self._recorder.show(connection, line)

    @property
    def _outcome(self) -> str:
        return self._recorder.outcome if self._recorder else COMPLETE

    def end(self) -> list[str]:
        """End what the notebook has begun; tell what has ended."""
        if self.note:
            ended = [*self._connections.close_all(), "Replay ended: %crdb_connect connects to servers again."]
        elif self._recorder or self._frozen:
            ended = [self._outcome]
        else:
            raise OptionError("Nothing is being recorded.", hint="%crdb_freeze DIR begins.")
        if self._frozen or (self._freeze and self._recorder):  # the environment has begun it
            self._began, self.note = None, ""
        else:
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
                hint=f"Leave {FROZEN} out of the environment." if self._frozen else f"{_WAY_OUT}; then %crdb_connect.",
            )

    def close(self) -> None:
        """End what is made or served."""
        for one in (self._recorder, self._playback):
            if one is not None:
                one.close()
        self._recorder = self._playback = None
        self._began, self.note = None, ""


def _folder_of(variable: str) -> Path | None:
    """Give the folder that the environment names, wherever the notebook goes meanwhile."""
    named = os.environ.get(variable)
    return Path(named).expanduser().absolute() if named else None
