"""The folder of one server: its data, its log, and the lock that its processes hold as long as one of them lives."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from crdb_magic.errors import LocalServerError
from crdb_magic.local.account import temporary_base
from crdb_magic.local.watchdog import RUNNING

_PREFIX = "crdb_magic-"
_LOCK = "crdb_magic.lock"
_TEMPORARY = "temporary"
_LOG_LINES = 10
_PATIENCE = 2.0  # seconds: a server whose owner was killed is gone within them
_STOPS = ((0, signal.SIGINT), (60, signal.SIGQUIT), (10, signal.SIGKILL), (10, 0))  # seconds to wait, what comes then


class FolderKind(StrEnum):
    """Whose data a kept folder holds; the text stands in the lock file once the first start has succeeded."""

    POSTGRESQL = "PostgreSQL"
    COCKROACHDB = "CockroachDB"


@dataclass(frozen=True, slots=True)
class Folder:
    """A locked folder.

    ``keep`` tells a user's directory from a temporary one; ``kind`` is None before a first start has succeeded in it;
    ``lock`` is an open file descriptor, for the server to inherit.
    """

    path: Path
    keep: bool
    lock: int
    kind: FolderKind | None

    @property
    def data(self) -> Path:
        """Where the server keeps its data."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """Where the watchdog and the server write what happens."""
        return self.path / "server.log"

    def last_lines(self) -> str:
        """Give the end of the log, to show in an error."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES:]) or "(its log is empty)"

    def finish(self, kind: FolderKind) -> None:
        """Note that the data is complete: from now on it is kept."""
        if self.keep and self.kind is None:
            os.write(self.lock, kind.encode())
            os.fsync(self.lock)

    def discard(self) -> None:
        """Remove what is temporary, where no watchdog does it."""
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)

    def end(self, watchdog: int) -> None:
        """Do what a watchdog that was killed does no more: stop what it ran, and remove what is temporary."""
        for seconds, number in _STOPS:
            with suppress(BlockingIOError, FileNotFoundError):
                os.close(_lock(self.path, seconds))
                break
            group = self._run_by(watchdog)
            if group is None:
                break
            with suppress(ProcessLookupError):
                os.killpg(group, number)
        self.discard()

    def _run_by(self, watchdog: int) -> int | None:
        """Give the process group that a watchdog noted; None where another owner's has taken the folder since."""
        with suppress(FileNotFoundError, ValueError):
            noted, group = map(int, (self.path / RUNNING).read_text().split())
            return group if noted == watchdog else None
        return None

    def close(self) -> None:
        """Give up our hold on the lock; those who inherited it still have theirs."""
        os.close(self.lock)


def open_folder(directory: Path | None) -> Folder:
    """Make a temporary folder, or take over the user's directory.

    Raises LocalServerError for a directory that is in use, holds something else, or can't be written.
    """
    if directory is None:
        return _temporary(temporary_base())
    return _take_over(directory.expanduser().resolve())


def _temporary(base: Path) -> Folder:
    for left in base.glob(f"{_PREFIX}*"):
        _sweep(left)
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    path.chmod(0o711)  # the server's user goes through it; ours are the files in it
    lock = _lock(path, patience=0)
    os.write(lock, _TEMPORARY.encode())
    return Folder(path, keep=False, lock=lock, kind=None)


def _sweep(path: Path) -> None:
    """Remove a temporary folder of ours that no process holds any more: its watchdog was killed."""
    with suppress(OSError):
        if path.lstat().st_uid == os.geteuid() and (path / _LOCK).read_text() == _TEMPORARY:
            folder = Folder(path, keep=False, lock=_lock(path, patience=0), kind=None)
            folder.discard()
            folder.close()


def _take_over(path: Path) -> Folder:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not (path / _LOCK).exists() and any(path.iterdir()):
            raise _foreign(path)
        lock = _lock(path, _PATIENCE)
    except BlockingIOError:
        raise LocalServerError(
            f"The directory {path} is in use by another local server.",
            hint="Stop that server, or name another directory. To share one, run `python -m crdb_magic local DIR` in a "
            "terminal, and connect each notebook to the URL that it prints.",
        ) from None
    except OSError as error:
        raise LocalServerError(
            f"A local server can't keep its data in {path}: {error.strerror}.",
            hint="Name a directory that you can write to.",
        ) from error
    return _known(path, lock)


def _foreign(path: Path) -> LocalServerError:
    return LocalServerError(
        f"The directory {path} holds something other than a local server's data.",
        hint="Name a new or an empty directory.",
    )


def _lock(path: Path, patience: float) -> int:
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(lock)
                raise
            time.sleep(0.02)
        else:
            return lock


def _known(path: Path, lock: int) -> Folder:
    kind = (path / _LOCK).read_text()
    if not kind:
        shutil.rmtree(path / "data", ignore_errors=True)  # of a first start that was cut short
        return Folder(path, keep=True, lock=lock, kind=None)
    if kind not in set(FolderKind):
        os.close(lock)
        raise _foreign(path)
    return Folder(path, keep=True, lock=lock, kind=FolderKind(kind))
