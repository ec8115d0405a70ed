"""Our end of the pipe to the watchdog: while it is open the server runs, when it closes the server is stopped."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crdb_magic.local.folder import Folder

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_FOREIGN = ("PG", "COCKROACH_")  # settings of the user's clients and servers, not of ours
_ENVIRONMENT = {"LC_ALL": "C", "COCKROACH_SKIP_ENABLING_DIAGNOSTIC_REPORTING": "true"}


@dataclass(frozen=True, slots=True)
class Program:
    """A command, and how it is stopped: signals, each with the seconds to wait for its effect (0 only waits)."""

    command: tuple[str, ...]
    stop: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """What the watchdog runs in a folder: programs one after the other, the last of them the server.

    ``inherit`` are the file descriptors that they keep open; without ``user`` they run as ourselves.
    """

    programs: tuple[Program, ...]
    folder: str
    inherit: tuple[int, ...]
    user: int | None = None
    group: int | None = None


class Lifeline:
    """A watchdog and the pipe that it listens to.

    It is let go by ``stop()``, when it is collected, at the end of the interpreter, or when the process dies. A fork
    of the owner does not hold it: there ``stop()`` does nothing.
    """

    def __init__(self, folder: Folder) -> None:
        try:
            self._watchdog = _start_watchdog(folder)
        except OSError:
            folder.discard()
            raise
        self._let_go = weakref.finalize(self, _let_go, self._watchdog, folder)
        _held.add(self)

    def run(self, job: Job) -> None:
        """Hand the job to the watchdog. Whether it fails is seen by ``ended``."""
        pipe = self._watchdog.stdin
        with suppress(BrokenPipeError):
            if pipe:
                pipe.write(json.dumps(asdict(job)).encode() + b"\n")
                pipe.flush()

    def ended(self, within: float) -> bool:
        """Say whether the server has ended by itself, waiting that many seconds for it."""
        pipe = self._watchdog.stdout
        return bool(pipe and select.select([pipe], [], [], within)[0])

    def stop(self) -> None:
        """Stop the server, and wait until it is gone. Our own hold on its folder must be given up before."""
        self._let_go()

    def forget(self) -> None:
        """Give up our copies of the pipes in a forked child: they are the parent's."""
        self._let_go.detach()
        _close_pipes(self._watchdog)
        self._watchdog.returncode = 0  # not our child: nothing to wait for, or to warn of


_held: weakref.WeakSet[Lifeline] = weakref.WeakSet()


def _forget_all() -> None:
    for lifeline in list(_held):
        lifeline.forget()


os.register_at_fork(after_in_child=_forget_all)


def _start_watchdog(folder: Folder) -> subprocess.Popen[bytes]:
    """Start it in a session of its own: what is typed at the owner's terminal, or sent to its group, is not for it."""
    with folder.log.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - a script of ours
            [sys.executable, "-I", "-S", str(_WATCHDOG), "" if folder.keep else str(folder.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=_environment(),
            pass_fds=(folder.lock,),
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return ours | _ENVIRONMENT


def _let_go(watchdog: subprocess.Popen[bytes], folder: Folder) -> None:
    _close_pipes(watchdog)
    if watchdog.wait():  # it was killed
        folder.end(watchdog.pid)


def _close_pipes(watchdog: subprocess.Popen[bytes]) -> None:
    for pipe in (watchdog.stdin, watchdog.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()
