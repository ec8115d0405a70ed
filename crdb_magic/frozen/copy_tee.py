"""Files that hear what a COPY moves through them, and rows that are stored while they come."""

from __future__ import annotations

import hashlib
import io
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crdb_magic.columns.arrow import Batch, from_csv
from crdb_magic.errors import RecordingError
from crdb_magic.frozen.events import RecordedColumn
from crdb_magic.frozen.store import Stored, write
from crdb_magic.session.reading import BYTES, LineSplitter
from crdb_magic.values.typemap import text_like

_AHEAD = 4  # batches that may wait to be stored
_ANY_TEXT = text_like("", 0)


class RowSpool:
    """Rows that are stored by a thread while they come: there may be more than memory holds."""

    def __init__(self, folder: Path, columns: Sequence[RecordedColumn]) -> None:
        self.columns = tuple(columns)
        self._items: queue.Queue[Batch | None] = queue.Queue(_AHEAD)
        self._stored: Any = None
        self._failure: BaseException | None = None
        self._given_up = self._is_over = False
        self._thread = threading.Thread(target=self._run, args=(folder,), name="crdb_magic recorder", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Store some rows more."""
        self._items.put(batch)

    def end(self) -> Stored:
        """Give what was stored, all of it; raises what went wrong."""
        self._items.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        stored: Stored = self._stored
        return stored

    def give_up(self) -> None:
        """Leave it."""
        self._given_up = True
        self._items.put(None)
        self._thread.join()

    def _run(self, folder: Path) -> None:
        try:
            self._stored = write(folder, self.columns, self._batches())
        except BaseException as error:
            self._failure = error
            for _ in self._rest():  # who puts must not wait for ever
                pass

    def _rest(self) -> Iterator[Batch]:
        """Give what comes up to its end, which comes once."""
        while not self._is_over:
            batch = self._items.get()
            self._is_over = batch is None
            if batch is not None:
                yield batch

    def _batches(self) -> Iterator[Batch]:
        yield from self._rest()
        if self._given_up:
            raise RecordingError("The rows are incomplete.")


class CopyOutTee(io.RawIOBase):
    """A file that writes on into another one what COPY … TO writes, and stores its rows."""

    def __init__(self, file: Any, folder: Path, columns: Sequence[RecordedColumn]) -> None:
        self._file = file
        self._types = [_ANY_TEXT] * len(columns)
        self.rows = RowSpool(folder, columns)
        self._lines = io.BufferedWriter(LineSplitter(self._take), BYTES)

    def writable(self) -> bool:
        """Tell that it is."""
        return True

    def write(self, piece: Any) -> int:
        """Hand on what comes, and hear it."""
        self._lines.write(piece)
        self._file.write(piece)
        return len(piece)

    def end(self) -> Stored:
        """Give what was stored."""
        self._lines.flush()
        return self.rows.end()

    def _take(self, part: bytes) -> None:
        self.rows.put(from_csv(part, self._types))


class CopyInTee:
    """A file that reads on from another one what COPY … FROM reads, and knows the hash of it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self._is_read = False

    def read(self, size: int = -1) -> Any:
        """Give what comes next."""
        piece = self._file.read(size)
        self._sum.update(piece.encode() if isinstance(piece, str) else piece)
        self._is_read |= not piece
        return piece

    @property
    def digest(self) -> str:
        """The hash of all that was read; empty where that was not all: the server has refused to hear it."""
        return self._sum.hexdigest() if self._is_read else ""
