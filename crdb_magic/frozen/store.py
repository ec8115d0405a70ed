"""The rows of an answer <-> a Parquet file of exact types, named by a hash of what they are, that gives back each text.

The hash is that of the columns and texts alone, whatever batches they came in and whoever wrote the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from crdb_magic.columns.arrow import TEXT, Array, Batch, as_array, bytes_of
from crdb_magic.columns.exact import ExactForm, Trial
from crdb_magic.columns.results import unique
from crdb_magic.columns.spelling import texts_of
from crdb_magic.errors import RecordingError
from crdb_magic.frozen.events import RecordedColumn
from crdb_magic.values.typemap import Family, SqlType, decimal_digits, lookup, text_like

_IN_MEMORY = 64 << 20  # bytes of texts: of more, the rest waits in a file that has no name
_GROUP = 32 << 20  # bytes
_PART = ".part"
_OURS = re.compile(r"[0-9a-f]{16}(?:\.parquet|-\d+-\d+\.part)")
DAMAGED = "Take it from where the recording came from, or record again."
_UNREADABLE = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: the hash of all of it, in hexadecimal, and how many rows; 0 of those without columns."""

    hash: str
    rows: int


def write(folder: Path, columns: Sequence[RecordedColumn], batches: Iterable[Batch]) -> Stored:
    """Write rows of the server's texts into ``data/`` of the folder, be they more than the memory holds.

    The file appears as a whole; one that is there already with the same rows is kept. Raise `OSError`.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    with _Spool(columns, data) as spool:
        trials = [Trial(_type(column)) for column in columns]
        for batch in batches:
            texts = spool.add(batch)
            for trial, column in zip(trials, texts, strict=True):
                trial.show(column)
        stored = spool.finish()
        if not _is_there(folder, stored, columns):
            _write(path_of(folder, stored.hash), columns, [trial.form for trial in trials], spool)
    return stored


def read(folder: Path, hash_: str, columns: Sequence[RecordedColumn]) -> Iterator[Batch]:
    """Give the rows that have that hash, as arrays of the server's texts; all are looked at before the first is given.

    Raise `RecordingError` if the file is missing or can't be read, or holds anything else.
    """
    path = path_of(folder, hash_)
    with _Spool(columns, path.parent) as spool:
        try:
            for batch in _texts(path, len(columns)):
                spool.add(batch)
        except FileNotFoundError:
            raise RecordingError(f"The recording's file {path} is missing.", hint=DAMAGED) from None
        except _UNREADABLE as error:
            raise RecordingError(f"The recording's file {path} can't be read.", hint=DAMAGED) from error
        if spool.finish().hash != hash_:
            raise RecordingError(f"The recording's file {path} was changed since it was recorded.", hint=DAMAGED)
        yield from spool


def path_of(folder: Path, hash_: str) -> Path:
    """Give the path of the file of rows with that hash."""
    return folder / "data" / f"{hash_[:16]}.parquet"


def clear(folder: Path, keep: Collection[str] | None = None) -> None:
    """Remove what crashed writers left, and the files of rows whose hashes are not to be kept; nothing of others."""
    kept = None if keep is None else {path_of(folder, one) for one in keep}
    for path in filter(lambda one: _OURS.fullmatch(one.name), (folder / "data").glob("*")):
        if path.suffix == _PART or (kept is not None and path not in kept):
            path.unlink(missing_ok=True)


class _Spool:
    """Texts on their way, kept until their hash is known: in memory, or in a file that has no name."""

    def __init__(self, columns: Sequence[RecordedColumn], folder: Path) -> None:
        self._columns = columns
        self._file = SpooledTemporaryFile(_IN_MEMORY, dir=str(folder) if folder.is_dir() else None)  # noqa: SIM115
        self._schema = pa.schema([(str(place), TEXT) for place in range(len(columns))])
        self._stream = pa.ipc.new_stream(self._file, self._schema)
        self._parts = [(hashlib.sha256(), hashlib.sha256()) for _ in columns]
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def add(self, batch: Batch) -> Batch:
        """Take a batch, and give it as arrays."""
        texts = tuple(map(as_array, batch))
        if texts and len(texts[0]):
            self._stream.write_batch(pa.record_batch(list(texts), self._schema))
            self._rows += len(texts[0])
            for parts, column in zip(self._parts, texts, strict=True):
                _take_in(parts, column)
        return texts

    def finish(self) -> Stored:
        """Give the hash and the number of all that was taken."""
        self._stream.close()
        headings = [(one.name, one.oid, one.modifier) for one in self._columns]
        whole = hashlib.sha256(json.dumps([headings, self._rows]).encode())
        for lengths, data in self._parts:
            whole.update(lengths.digest() + data.digest())
        return Stored(whole.hexdigest(), self._rows)

    def __iter__(self) -> Iterator[Batch]:
        self._file.seek(0)
        for batch in pa.ipc.open_stream(self._file):
            yield tuple(batch.columns)


def _take_in(parts: tuple[Any, Any], texts: Array) -> None:
    """Add the length of each text, -1 for NULL, to the one hash, and the bytes of all to the other."""
    lengths, data = parts
    lengths.update(pc.fill_null(pc.binary_length(texts), -1).to_numpy().astype("<i4", copy=False))
    data.update(np.ascontiguousarray(bytes_of(pc.fill_null(texts, ""))[1]))  # a NULL may have bytes behind it


def _type(column: RecordedColumn) -> SqlType:
    """Give the type of a column. Types of one database alone (enums, extensions) are nobody's but that server's."""
    type_ = lookup(column.oid, cockroach=False) or text_like(f"oid {column.oid}", column.oid)
    if type_.element:
        return replace(type_, element=_type(replace(column, oid=type_.element.oid)))
    return replace(type_, digits=_digits(column.modifier)) if type_.family is Family.DECIMAL else type_


def _digits(modifier: int) -> tuple[int, int] | None:
    """Read what a DECIMAL was declared with, if Arrow's decimals can be so."""
    digits, scale = decimal_digits(modifier)
    return (digits, scale) if 0 <= scale <= digits <= _MOST_DIGITS else None


_MOST_DIGITS = 76


def _write(path: Path, columns: Sequence[RecordedColumn], forms: Sequence[ExactForm], batches: Iterable[Batch]) -> None:
    names = unique(tuple(column.name for column in columns))
    schema = pa.schema(list(map(_field, names, columns, forms)))
    part = path.with_name(f"{path.stem}-{os.getpid()}-{threading.get_ident()}{_PART}")
    try:
        with parquet.ParquetWriter(part, schema, compression="zstd") as file:
            for group in _groups(batches):
                arrays = [
                    pa.chunked_array([form.made(text) for text in texts], form.kind)
                    for form, texts in zip(forms, zip(*group, strict=True), strict=True)
                ]
                file.write_table(pa.Table.from_arrays(arrays, schema=schema))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _field(name: str, column: RecordedColumn, form: ExactForm) -> Any:
    """Describe a column to whoever reads the file, and how its texts were spelt."""
    known = {"type": _type(column).name, "oid": str(column.oid), "modifier": str(column.modifier)}
    known |= {"style": form.style} if form.style else {}
    if form.kind == TEXT and _type(column).family not in {Family.TEXT, Family.UNKNOWN}:
        known["kept_as"] = "the server's text"
    return pa.field(name, form.kind, metadata=known)


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Put batches together into groups of rows: small ones are slow to read."""
    group: list[Batch] = []
    size = 0
    for batch in batches:
        group.append(batch)
        size += sum(as_array(column).nbytes for column in batch)
        if size >= _GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def _texts(path: Path, width: int) -> Iterator[Batch]:
    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        if len(schema) != width:
            raise ValueError("another number of columns")
        styles = [(field.metadata or {}).get(b"style", b"").decode() for field in schema]
        for batch in file.iter_batches():
            yield tuple(map(texts_of, batch.columns, styles))


def _is_there(folder: Path, stored: Stored, columns: Sequence[RecordedColumn]) -> bool:
    try:
        next(read(folder, stored.hash, columns), None)
    except RecordingError:
        return False
    return True
