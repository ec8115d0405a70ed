"""Writes the rows of a query into a file, as of one instant: beside its place, and there when it is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

from crdb_magic.columns.files import Format, NotHeldError, undeclared, writer
from crdb_magic.columns.frame_parts import FrameParts
from crdb_magic.columns.sources import as_frame
from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import Attempt, OptionError
from crdb_magic.session.driver import Connection, text_cursor
from crdb_magic.session.pinning import instant
from crdb_magic.session.queries import Query
from crdb_magic.session.reading import in_thread, lines_to
from crdb_magic.session.session import Session
from crdb_magic.transfer.streaming import columns_of_stream, streamable


def export(
    session: Session,
    query: Query | None,
    path: Path,
    *,
    as_of: AsOf | None = None,
    progress: Callable[[int], None] = lambda _: None,
    observer: Callable[[Attempt], None] = lambda _: None,
    texts: Callable[[Sequence[str]], None] = lambda _: None,
) -> int:
    """Write all rows into a Parquet, Arrow or CSV file; give their number.

    After a fault it begins again, at the same instant; a file of that name is replaced when all is written. A column
    with a value that its type in the file can't hold (an infinite date) becomes one of exact texts. ``progress`` is
    told the rows of each part that was written, ``observer`` of each attempt that failed, ``texts`` in each attempt the
    numbers that are texts in the file, since they declare no digits. Raises :class:`OptionError` for what can't be
    streamed or is no such file's name, OSError, and what `Session.transact` raises.
    """
    places, query, as_of = _places(path), streamable(session, query), instant(session, as_of)
    options = TransactionOptions(as_of=as_of, read_only=as_of is None)

    def attempt(beside: Path, as_texts: set[int]) -> int:
        def copied(connection: Connection) -> int:
            with text_cursor(connection) as cursor, query.spelled(cursor) as sql:
                columns = columns_of_stream(session, cursor, sql)
                texts(undeclared(columns, path))
                with writer(beside, columns, as_texts) as file, in_thread(file.write, progress) as put:
                    oids = {column.type.oid for column in columns}
                    return lines_to(cursor, sql, oids, put, untyped=file.untyped)

        return session.transact(copied, options, observer)[0]

    return _completed(places, attempt, observer)


def export_frame(frame: Any, path: Path, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write a DataFrame, or what gives its columns as Arrow's, without its index, as `export` writes a query's rows.

    Gives their number. Raises :class:`crdb_magic.errors.InputError` for what no table could hold, OptionError, OSError.
    """
    places, parts = _places(path), FrameParts(as_frame(frame))

    def attempt(beside: Path, as_texts: set[int]) -> int:
        with writer(beside, parts.columns, as_texts) as file:
            for part in parts:
                progress(file.write(part))
        return parts.rows

    return _completed(places, attempt, lambda _: None)


def _completed(
    places: tuple[Path, Path], attempt: Callable[[Path, set[int]], int], observer: Callable[[Attempt], None]
) -> int:
    """Write a file beside its place, again while a column is found to need texts; then put it there."""
    place, beside = places
    as_texts = set[int]()
    try:
        while True:
            try:
                rows = attempt(beside, as_texts)
                break
            except NotHeldError as error:
                as_texts.add(error.place)
                observer(Attempt(len(as_texts), None, type(error).__name__, str(error)))
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
    return rows


def _places(path: Path) -> tuple[Path, Path]:
    """Give the place of a file, and that of the one beside it, which is written first."""
    suffix, place = Format.of(path).value, _place(path)
    return place, place.with_name(f".{place.stem}-{token_hex(4)}{suffix}")


def _place(path: Path) -> Path:
    """Give the place of a file that can be written there; a link stays one, and what it leads to is replaced."""
    place = path.expanduser().resolve()
    if not place.parent.is_dir():
        raise OptionError(f"There is no folder {str(path.parent)!r} for {path.name!r}.")
    if place.is_dir():
        raise OptionError(f"{str(path)!r} is a folder: give the name of a file in it.")
    return place
