"""The rows of a query -> a file, part by part: Parquet and Arrow with types, CSV as the server wrote it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from crdb_magic.columns.arrow import NO_TEXTS, Array, from_csv
from crdb_magic.columns.lines import csv_of, without_blank
from crdb_magic.columns.results import Column, unique
from crdb_magic.columns.tables import arrow_column
from crdb_magic.errors import OptionError
from crdb_magic.values.typemap import Family, SqlType, text_like


class Format(Enum):
    """The formats of files, by the ends of their names."""

    PARQUET = ".parquet"
    ARROW = ".arrow"
    CSV = ".csv"

    @classmethod
    def of(cls, path: Path) -> Format:
        """Tell the format by the name of the file; raises :class:`OptionError`."""
        try:
            return cls(path.suffix.lower())
        except ValueError:
            known = ", ".join(one.value for one in cls)
            raise OptionError(f"The extension of {path.name!r} names no known format: use {known}.") from None


class NotHeldError(ValueError):
    """A value that the type of its column in the file can't hold; ``place`` is the column's, from 0."""

    def __init__(self, place: int) -> None:
        super().__init__(f"column {place}")
        self.place = place


def writer(path: Path, columns: Sequence[Column], as_texts: Collection[int]) -> CsvFile | TypedFile:
    """Open a file for parts of CSV; the columns at the places ``as_texts`` become the server's texts."""
    return CsvFile(path, columns) if Format.of(path) is Format.CSV else TypedFile(path, columns, as_texts)


class CsvFile:
    """CSV with a line of names: NULL is nothing, an empty text is quoted; both are ``""`` where there is one column.

    A BOOL is true or false, as readers know it, where the servers' texts are t and f.
    """

    untyped = True

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._lone = len(columns) == 1
        self._bools = [column.type.family is Family.BOOL for column in columns]
        self._file = path.open("wb")
        names = (column.replace('"', '""') for column in unique(tuple(one.name for one in columns)))
        self._file.write(",".join(f'"{name}"' for name in names).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def write(self, part: bytes) -> int:
        """Write lines; give their number, be it that some stand within values."""
        lines = part.count(b"\n")
        if any(self._bools):
            texts = from_csv(part, [_TEXTS] * len(self._bools))
            part = csv_of(tuple(_spelled(one) if bool_ else one for one, bool_ in zip(texts, self._bools, strict=True)))
        self._file.write(without_blank(part) if self._lone else part)
        return lines


def _spelled(bools: Array) -> Array:
    return pc.if_else(pc.equal(bools, "t"), "true", pc.if_else(pc.equal(bools, "f"), "false", bools))


class TypedFile:
    """Parquet or Arrow, of types that do not depend on the rows."""

    untyped = False

    def __init__(self, path: Path, columns: Sequence[Column], as_texts: Collection[int]) -> None:
        for column in columns:
            column.check()
        self._types = [_TEXTS if place in as_texts else lasting(one.type) for place, one in enumerate(columns)]
        names = unique(tuple(column.name for column in columns))
        self._schema = pa.schema(list(zip(names, map(_kind, self._types), strict=True)))
        in_parquet = Format.of(path) is Format.PARQUET
        self._file: Any = (parquet.ParquetWriter if in_parquet else pa.ipc.new_file)(path, self._schema)
        self._group: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._file.close()

    def write(self, part: bytes) -> int:
        """Write lines of CSV; give their number. Raise `NotHeldError` for what the type of its column can't hold."""
        batch = from_csv(part, self._types)
        arrays = [self._held(place, array) for place, array in enumerate(batch)]
        self._group.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(one.nbytes for one in self._group) >= _GROUP:
            self._flush()
        return len(batch[0])

    def _held(self, place: int, array: Array) -> Array:
        type_, kind = self._types[place], self._schema.field(place).type
        (made,) = arrow_column(type_, [array]).chunks
        if made.type == kind:
            return made
        if (type_.element or type_).labels:  # a cast would make a dictionary of its own, and a file has one a column
            raise NotHeldError(place)
        try:
            return made.cast(kind)
        except pa.ArrowException:
            raise NotHeldError(place) from None

    def _flush(self) -> None:
        if self._group:  # one row group of many batches: small ones are slow to read
            self._file.write_table(pa.Table.from_batches(self._group))
            self._group = []


_GROUP = 32 << 20  # bytes


_TEXTS = text_like("STRING", 25)


def lasting(type_: SqlType) -> SqlType:
    """Give the type, or that of texts if its Arrow type depends on its values: which a file does not know yet.

    UUIDs in arrays are texts, too: pandas can't read a list of Arrow's.
    """
    if type_.element and type_.element.family is Family.UUID:
        return replace(type_, element=replace(type_.element, family=Family.TEXT))
    of = type_.element or type_
    depends = of.family is Family.INTERVAL or (of.family is Family.DECIMAL and not of.digits)
    return _TEXTS if depends else type_


def undeclared(columns: Sequence[Column], path: Path) -> tuple[str, ...]:
    """Name the columns of numbers that are texts in a file because no digits are declared, as of sum() and avg()."""
    if Format.of(path) is Format.CSV:
        return ()
    return tuple(one.name for one in columns if one.type.family is Family.DECIMAL and not one.type.digits)


def _kind(type_: SqlType) -> Any:
    return arrow_column(type_, [NO_TEXTS]).type
