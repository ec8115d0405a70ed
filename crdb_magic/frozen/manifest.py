"""What was recorded as one file, ``manifest.toml``, that grows block by block and is valid whenever its writer dies."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from crdb_magic.errors import RecordingError
from crdb_magic.frozen import blocks, store
from crdb_magic.frozen.blocks import END
from crdb_magic.frozen.events import Event, RecordedConnection
from crdb_magic.frozen.folder import HeldFolder
from crdb_magic.frozen.store import DAMAGED

T = TypeVar("T")

NAME = "manifest.toml"
FORMAT = 1

_HEAD = """\
# What a database answered to a notebook, recorded by %crdb_freeze of crdb_magic.
# With %crdb_connect --frozen and this folder the notebook is answered the same again, without a server.

format = {format}
crdb_magic = "{version}"
{end}

"""
_OURS = re.compile(rb"^format = \d.*^crdb_magic = ", re.MULTILINE | re.DOTALL)  # be it no TOML any more
_NOT_OURS = "Name a folder that %crdb_freeze has made."


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest says: the version of crdb_magic that wrote it, connections and events in their order."""

    version: str
    connections: tuple[RecordedConnection, ...] = ()
    events: tuple[Event, ...] = ()


class Manifest:
    """A new recording in a folder, which is held until it is closed.

    What was recorded there before stays until the first block is written; files of rows that only it names are removed
    when this one is closed. Raises `RecordingError` if another recorder holds the folder, it can't be written, or has
    somebody else's file of that name.
    """

    def __init__(self, folder: Path) -> None:
        _refuse_others(folder / NAME)
        self._held = HeldFolder.hold(folder)
        self._path = folder / NAME  # as it is shown
        self._file: int | None = None
        self._hashes: set[str] = set()
        store.clear(self._held.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def append(self, new: Sequence[RecordedConnection | Event]) -> None:
        """Write blocks, all of them or none; raise `RecordingError` if that can't be done."""
        if not new:
            return
        text = blocks.written(*new)
        try:
            if self._file is None:
                self._file = _begun(self._held.path / NAME, text)
            else:
                _written(self._file, text)
        except OSError as error:
            raise RecordingError(f"The recording {self._path} can't be written: {error.strerror}.") from error
        self._hashes |= {one.hash for one in new if isinstance(one, Event) and one.hash}

    def close(self) -> None:
        """End the recording: remove files that it does not name, and let others have the folder."""
        if self._file is not None:
            os.close(self._file)
            store.clear(self._held.path, self._hashes)
        self._held.release()


def _refuse_others(path: Path) -> None:
    """Raise `RecordingError` if the file whose place a manifest would take is of something else."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise RecordingError(f"{path} can't be read: {error.strerror}.", hint=_ANOTHER) from error
    if data.strip() and not _OURS.search(data):
        raise RecordingError(f"{path} is not the manifest of a recording, and would be lost.", hint=_ANOTHER)


_ANOTHER = "Name another folder."


def _begun(path: Path, text: str) -> int:
    """Put a new manifest in the place of the old one."""
    part = path.with_name(f".{NAME}.part")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    try:
        _written(file, _HEAD.format(format=FORMAT, version=version("crdb_magic"), end=END) + text)
        part.replace(path)
    except BaseException:
        os.close(file)
        part.unlink(missing_ok=True)
        raise
    return file


def _written(file: int, text: str) -> None:
    size, rest = os.fstat(file).st_size, memoryview(text.encode())
    try:
        while rest:  # more than once where the disk is full, and then with an error
            rest = rest[os.write(file, rest) :]
    except OSError:
        os.ftruncate(file, size)
        raise


def load(folder: Path) -> Contents:
    """Read what was recorded in a folder, but for what its recorder was writing when it died.

    Raise `RecordingError` if there is nothing, or what can't be read.
    """
    path = folder / NAME
    table = _parsed(path, _whole(path))
    if type(table.get("format")) is not int:
        raise RecordingError(f"{path} is not the manifest of a recording.", hint=_NOT_OURS)
    if table["format"] > FORMAT:
        raise RecordingError(
            f"The recording {path} has the format {table['format']}, of a newer crdb_magic than this one.",
            hint="Install that one, or record again.",
        )
    return Contents(
        str(table.get("crdb_magic", "")),
        _all(path, table, "connection", blocks.place),
        _all(path, table, "event", blocks.event),
    )


def _whole(path: Path) -> str:
    """Give the text up to the last line that ends what was written at once."""
    try:
        data = path.read_bytes().replace(b"\r\n", b"\n").rstrip() + b"\n"  # as git or an editor may have it
    except (FileNotFoundError, NotADirectoryError):
        raise RecordingError(f"There is no recording in {path.parent}.", hint=_NOT_OURS) from None
    except OSError as error:
        raise RecordingError(f"The recording {path} can't be read: {error.strerror}.") from error
    before, end, _ = data.rpartition(f"\n{END}\n".encode())
    try:
        return (before + end or data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecordingError(f"The recording {path} is not valid text in line {line}.", hint=DAMAGED) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecordingError(f"The recording {path} can't be read: {error}.", hint=DAMAGED) from None


def _all(path: Path, table: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> tuple[T, ...]:
    tables = table.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise RecordingError(f"The recording {path} has invalid {name}s.", hint=DAMAGED)
    return tuple(_one(path, name, one, read) for one in tables)


def _one(path: Path, name: str, table: Mapping[str, Any], read: Callable[[Any], T]) -> T:
    try:
        return read(table)
    except ValueError as error:
        which = f"{name} {table.get('number', 'without a number')}"
        raise RecordingError(f"The recording {path} has an invalid {which}: {error}.", hint=DAMAGED) from None
