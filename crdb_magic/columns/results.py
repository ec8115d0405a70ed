"""What statements answered, as plain values: no cursor, no connection, nothing that runs again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

from crdb_magic.columns.arrow import FEW, NO_TEXTS, Array, Batch, as_array
from crdb_magic.core.receipt import Receipt
from crdb_magic.errors import ExactTextWarning, ResultTypeError
from crdb_magic.values.typemap import SqlType

T = TypeVar("T")


READ_STYLES = {"datestyle": "ISO", "intervalstyle": "postgres", "bytea_output": "hex"}
"""The settings that give texts other forms, and the value (or its beginning) that gives the one that is read."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result: its name as the server gave it, and its type with all that is known of it.

    ``style`` names the setting under which its texts came in a form that is not read, if there was one.
    """

    name: str
    type: SqlType
    style: str = ""

    def check(self) -> None:
        """Raise `ResultTypeError` for texts in a form that is not read: what they mean is nobody's guess."""
        if self.style:
            raise ResultTypeError(
                f'Column "{self.name}" arrives in a format of {self.type.name} that cannot be read, '
                f"because {self.style} was set.",
                hint=f"SET {self.style} = {READ_STYLES[self.style]!r} makes it readable again.",
            )


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement answered.

    ``batches`` holds its rows, some at a time, as one Arrow array a column: of the values' texts as the server sent
    them or, in a large result, of what a kernel cast from them meanwhile; of Decimals, if a `Finish` made them, a list.
    What else is made of them is made after the transaction has ended, once. ``columns`` is None for a statement that
    returns no rows. ``notices`` are what the server said besides, in its own words: ``NOTICE: …``, ``WARNING: …``.
    ``more`` is whether there were more rows than were wanted.
    """

    tag: str
    columns: tuple[Column, ...] | None = None
    batches: tuple[Batch, ...] = ()
    row_count: int = 0
    notices: tuple[str, ...] = ()
    more: bool = False

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The rows as tuples of what the batches hold, None for NULL."""
        columns = [[value for array in arrays for value in as_array(array).to_pylist()] for arrays in self._arrays]
        return tuple(zip(*columns, strict=True)) if columns else ((),) * self.row_count

    @property
    def _arrays(self) -> Iterator[Sequence[Array]]:
        """The arrays (and lists of Decimals) of each column; one at least, be it empty."""
        if not self.batches:
            return iter([(NO_TEXTS,)] * len(self.columns or ()))
        return (
            [texts if isinstance(texts, list) else as_array(texts) for texts in column]
            for column in zip(*self.batches, strict=True)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """A name of its own for each column: the server's, or a numbered one that no column has."""
        return unique(tuple(column.name for column in self.columns or ()))

    def each(self, make: Callable[[SqlType, Sequence[Array]], T]) -> list[T]:
        """Make something of each column's arrays; raise what `Column.check` raises."""
        return [_guarded(make, *both) for both in zip(self.columns or (), self._arrays, strict=True)]

    def each_of_few(
        self, of_few: Callable[[SqlType, Sequence[str | None]], T | None], make: Callable[[SqlType, Sequence[Array]], T]
    ) -> list[T]:
        """Do what `each` does, but make something of a few rows' texts by ``of_few``, as far as that knows how."""
        if len(self.batches) != 1 or self.row_count > FEW:
            return self.each(make)

        def either(type_: SqlType, texts: Any) -> T:
            made = of_few(type_, texts) if isinstance(texts, tuple) else None  # COPY gives arrays of few as well
            return make(type_, [as_array(texts)]) if made is None else made

        return [_guarded(either, *both) for both in zip(self.columns or (), self.batches[0], strict=True)]


def _guarded(make: Callable[[SqlType, Any], T], column: Column, values: Any) -> T:
    column.check()
    try:
        return make(column.type, values)
    except (ValueError, OverflowError):
        warnings.warn(
            f'Column "{column.name}" holds a text that does not have the form of {column.type.name}: it stays text.',
            ExactTextWarning,
            stacklevel=2,
        )
        return make(replace(column.type, lenient=True), values)


@lru_cache(maxsize=256)
def unique(names: tuple[str, ...]) -> tuple[str, ...]:
    """Give each of the server's names for columns one of its own."""
    taken, seen = set(names), set[str]()
    unique = []
    for position, given in enumerate(names, start=1):
        name = given or f"column{position}"
        if name in (seen if given else taken):
            name = next(free for free in (f"{name}_{number}" for number in count(1)) if free not in taken)
        taken.add(name)
        seen.add(name)
        unique.append(name)
    return tuple(unique)


@dataclass(frozen=True, slots=True)
class TransactionResults:
    """All that a transaction of SQL statements gave: one result a statement, in order, and the receipt."""

    results: tuple[Result, ...]
    receipt: Receipt
