"""The folder of a recording, held by one recorder at a time, and as long as its process lives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from crdb_magic.errors import RecordingError

_LOCK = ".recorder"


@dataclass(frozen=True, slots=True)
class HeldFolder:
    """A folder that is ours, wherever we go meanwhile.

    ``lock`` is an open file descriptor, which the system closes if we are killed.
    """

    path: Path
    lock: int

    @classmethod
    def hold(cls, path: Path) -> Self:
        """Make the folder, its parents too, and hold it; raise `RecordingError` if somebody else does, or it can't be.

        A recording needs the locks of POSIX.
        """
        if os.name != "posix":
            raise RecordingError("A recording needs Linux or macOS.", hint="On Windows, run the notebook in WSL.")
        try:
            path.mkdir(parents=True, exist_ok=True)
            return cls(path.absolute(), _lock(path))
        except OSError as error:
            raise RecordingError(
                f"A recording can't be made in {path}: {error.strerror}.", hint="Name a folder that you can write to."
            ) from error

    def release(self) -> None:
        """Let others have it."""
        (self.path / _LOCK).unlink(missing_ok=True)  # while it is ours: nobody else's is removed
        os.close(self.lock)


def _lock(folder: Path) -> int:
    import fcntl  # not on Windows

    path = folder / _LOCK
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 20, 0).decode()
            os.close(lock)
            raise _taken(folder, owner) from None
        if _is_at(path, lock):
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return lock
        os.close(lock)  # of one who let go meanwhile


def _is_at(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _taken(folder: Path, owner: str) -> RecordingError:
    if owner == str(os.getpid()):
        return RecordingError(
            f"This process is recording into {folder} already.", hint="End that recording, or name another folder."
        )
    who = f"Another process ({owner})" if owner else "Another process"
    return RecordingError(
        f"{who} is recording into {folder}.", hint="Wait for its end, or end it, or name another folder."
    )
