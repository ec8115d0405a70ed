"""What a database gives and takes in the large: frames, Arrow tables, rows, streams of frames, and files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from crdb_magic.columns.encode import index_left_out
from crdb_magic.columns.frame_options import Backend, Dates, FrameOptions, Numbers
from crdb_magic.columns.frames import records, to_frame
from crdb_magic.columns.objects import Finish, as_read, with_decimals
from crdb_magic.columns.polars_frame import require, to_polars
from crdb_magic.columns.results import Result
from crdb_magic.columns.sources import as_frame
from crdb_magic.columns.tables import to_arrow
from crdb_magic.core.asof import AsOf
from crdb_magic.errors import Attempt, OptionError
from crdb_magic.orm.errors import as_peewee
from crdb_magic.session.queries import Query, Values
from crdb_magic.session.session import Session
from crdb_magic.transfer.exporting import export
from crdb_magic.transfer.loading import Mode, Writing, write
from crdb_magic.transfer.streaming import results


class Bulk:
    """The part of `CockroachDatabase` that reads and writes many rows at once.

    A query is a peewee query, a model, or SQL with psycopg2's placeholders for ``params``. ``dtype_backend`` is
    numpy or arrow, ``numbers`` exact or float, ``dates`` date or datetime64: see `crdb_magic.columns.frames.to_frame`.
    """

    session: Session

    def frame(
        self,
        query: Any,
        params: Values = None,
        *,
        dtype_backend: Backend | str = Backend.NUMPY,
        numbers: Numbers | str = Numbers.EXACT,
        dates: Dates | str = Dates.DATE,
    ) -> pd.DataFrame:
        """Give the rows of a query as a typed DataFrame.

        A large result is read by COPY if the server has it: the planner is asked once for each query that is read
        outside a transaction.
        """
        __tracebackhide__ = True
        options = FrameOptions.parse(dtype_backend, numbers, dates)
        with as_peewee():
            return to_frame(self._read(query, params, options.finish), options)

    def arrow(self, query: Any, params: Values = None) -> Any:
        """Give the rows of a query as a `pyarrow.Table`: see `crdb_magic.columns.tables.to_arrow`."""
        __tracebackhide__ = True
        with as_peewee():
            return to_arrow(self._read(query, params))

    def polars(self, query: Any, params: Values = None) -> Any:
        """Give the rows of a query as a `polars.DataFrame`: see `crdb_magic.columns.polars_frame.to_polars`."""
        __tracebackhide__ = True
        require()
        with as_peewee():
            return to_polars(self._read(query, params))

    def rows(self, query: Any, params: Values = None) -> list[tuple[Any, ...]]:
        """Give the rows of a query as tuples of Python values."""
        __tracebackhide__ = True
        with as_peewee():
            return records(self._read(query, params, with_decimals))

    def _read(self, query: Any, params: Values, finish: Finish = as_read) -> Result:
        sql, values = self._spelled(query, params)
        self.session.look_ahead(Query.of_text(sql, values))
        return self.session.ask(sql, values, finish)

    def _spelled(self, query: Any, params: Values) -> tuple[str, Values]:
        if isinstance(query, str):
            return query, params
        if not (hasattr(query, "_meta") or hasattr(query, "bind")):
            raise OptionError(f"A query is SQL text, one of peewee's or a model: not {type(query).__name__}.")
        spelled: tuple[str, Values] = (query.select() if hasattr(query, "_meta") else query).bind(self).sql()
        return spelled

    # Larger than memory.

    def frames(
        self,
        query: Any,
        chunksize: int = 100_000,
        params: Values = None,
        *,
        as_of: object = None,
        dtype_backend: Backend | str = Backend.NUMPY,
        numbers: Numbers | str = Numbers.EXACT,
        dates: Dates | str = Dates.DATE,
    ) -> Iterator[pd.DataFrame]:
        """Give the rows of a query as DataFrames of ``chunksize`` rows, the last with fewer; at least one.

        They are read over a separate connection at one timestamp: ``as_of``, or that of the first frame. After a
        failure they are read again at it. Raises what `run_transaction` raises for a query, `OptionError` for what
        can't be streamed, and `BrokenTransactionError` if rows without an ORDER BY then came in a different order.
        """
        if not isinstance(chunksize, Integral) or chunksize < 1:
            raise OptionError(f"chunksize is {chunksize!r}: give a number of rows, 1 at least.")
        options = FrameOptions.parse(dtype_backend, numbers, dates)
        asked = self.session.pinned if as_of is None else AsOf.parse(as_of)
        return self._stream(Query.of_text(*self._spelled(query, params)), chunksize, asked, options)

    def _stream(
        self, query: Query | None, chunksize: int, as_of: AsOf | None, options: FrameOptions
    ) -> Iterator[pd.DataFrame]:
        __tracebackhide__ = True
        with as_peewee():
            for result in results(self.session, query, chunksize, as_of):
                yield to_frame(result, options)

    def export(
        self,
        query: Any,
        path: str | Path,
        params: Values = None,
        *,
        as_of: object = None,
        progress: Callable[[int], None] = lambda _: None,
        on_retry: Callable[[Attempt], None] = lambda _: None,
    ) -> int:
        """Write the rows of a query into a ``.parquet``, ``.arrow`` or ``.csv`` file; give their number.

        They are read at one timestamp, again from the start after a failure, into a temporary file, which is renamed
        when it is complete. DECIMAL without declared digits and INTERVAL are text there, as they have no single type
        in Arrow (docs/types.md). ``progress`` is called with the number of rows of each part that was written,
        ``on_retry`` with each failed attempt, whose rows are written again.
        """
        __tracebackhide__ = True
        asked = None if as_of is None else AsOf.parse(as_of)
        with as_peewee():
            sent = Query.of_text(*self._spelled(query, params))
            return export(self.session, sent, Path(path), as_of=asked, progress=progress, observer=on_retry)

    # Writing.

    def write_frame(
        self,
        frame: Any,
        table: str,
        *,
        mode: Mode | str = Mode.FAIL,
        key: str | Sequence[str] | None = None,
        dtypes: str | Mapping[str, str] | None = None,
    ) -> int:
        """Write a DataFrame, without its index, into a table: all of it or nothing, in one transaction.

        A polars DataFrame or a `pyarrow.Table` (anything that exports Arrow columns) works too.
        ``mode`` is fail, append, replace or upsert; ``key`` is uuid, rowid, or the columns of the primary key;
        ``dtypes`` are the SQL types of columns. Returns the number of rows; warns (UserWarning) about an index that
        has a name. Raises as `run_transaction` does.
        """
        __tracebackhide__ = True
        frame = as_frame(frame)
        with as_peewee():
            asked = Writing(table=table, mode=Mode.parse(mode), key=key, dtypes=dtypes)
            rows = write(self.session, frame, asked).rows
        if left_out := index_left_out(frame):
            warnings.warn(f"{table} was written {left_out}.", stacklevel=2)
        return rows


def frame(query: Any) -> pd.DataFrame:
    """Give the rows of a peewee query as a typed DataFrame, read from the database of its models."""
    if isinstance(query, str):
        raise OptionError("SQL text does not name its database: write db.frame(sql).")
    database: Bulk | None = query._database
    if database is None:
        raise OptionError("The query is bound to no database: write db.frame(query).")
    return database.frame(query)
