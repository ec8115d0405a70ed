"""The limits of a column's type, kept by a whole Arrow column: what Arrow sees to be right goes as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from crdb_magic.columns.encode_arrow import as_text, at_row, strings
from crdb_magic.errors import InputError
from crdb_magic.values.decode import decoder
from crdb_magic.values.encode_types import ColumnTarget
from crdb_magic.values.encode_values import Form, texts
from crdb_magic.values.limits import Bits, Digits, Length, Real, TypeLimit, Whole
from crdb_magic.values.typemap import array_of, text_like

_SHOWN = 60  # characters of a value that is refused
_WIDEST = 76  # digits of Arrow's decimals
_MOST_REPEATED = 1000  # in a pattern of Arrow's
_INTEGER = "-?(?:0|[1-9][0-9]*)"
_INTEGERS = rf"\{{(?:(?:{_INTEGER}|NULL)(?:,(?:{_INTEGER}|NULL))*)?\}}"


def limited(column: Any, target: ColumnTarget) -> Any:
    """Give a column as its target takes it; raise :class:`InputError` with the row of the first value that it refuses.

    ``column`` holds numbers or texts as `crdb_magic.columns.encode_arrow.written` gives them.
    """
    limit = target.limit
    if limit is None:
        return column
    look = (_QUICK_OF_ARRAYS if target.is_array else _QUICK).get(type(limit))
    right = look(column, limit) if look else None
    return _one_by_one(column, limit, target) if right is None else right


def _one_by_one(column: Any, limit: TypeLimit, target: ColumnTarget) -> Any:
    fit = _each(limit) if target.is_array else limit.fit
    cells = as_text(column).to_pylist()
    fitted = [None if text is None else fit(text) for text in cells]
    for row, (text, kept) in enumerate(zip(cells, fitted, strict=True)):
        if kept is None and text is not None:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise InputError(f"holds {shown!r} {at_row(row)}, and its column in the table takes {limit.takes}")
    return strings(fitted)


def _each(limit: TypeLimit) -> Callable[[str], str | None]:
    """Fit the elements of an array literal, in lists as well; a text that is none is left for the server to refuse."""

    def fit(text: str) -> str | None:
        try:
            read = _READ_LISTS(text)
        except ValueError:
            return text
        if (items := _fitted(read, limit)) is None:
            return None
        return text if items == read else texts([items], Form.PLAIN)[0]

    return fit


def _fitted(items: list[Any], limit: TypeLimit) -> list[Any] | None:
    fitted = [
        _fitted(item, limit) if isinstance(item, list) else None if item is None else limit.fit(item) for item in items
    ]
    refused = any(kept is None and item is not None for item, kept in zip(items, fitted, strict=True))
    return None if refused else fitted


# What needs no look at each value: the column as it is to be sent, None if it does.


def _short(column: Any, limit: Length) -> Any:
    """So short an array has no longer element."""
    longest = pc.max(pc.utf8_length(as_text(column))).as_py()
    return column if longest is None or longest <= limit.most else None


def _bits(column: Any, limit: Bits) -> Any:
    if limit.count > _MOST_REPEATED:
        return None
    return _matching(column, f"[01]{{{limit.count if limit.exactly else f'0,{limit.count}'}}}")


def _exact(column: Any, limit: Digits) -> Any:
    if limit.precision > _WIDEST or not 0 <= limit.scale <= limit.precision:
        return None
    try:
        as_text(column).cast(pa.decimal256(limit.precision, limit.scale))
    except pa.ArrowInvalid:
        return None
    return column


def _whole(column: Any, _: Whole) -> Any:
    return column if types.is_integer(column.type) else _matching(column, _INTEGER)


def _all_whole(column: Any, _: Whole) -> Any:
    return _matching(column, _INTEGERS)


def _real(column: Any, _: Real) -> Any:
    if not (types.is_integer(column.type) or types.is_floating(column.type)):
        return None
    exact = column.cast(pa.float64(), safe=False)
    rounded = exact.cast(pa.float32(), safe=False).cast(pa.float64())
    gone = pc.or_(pc.not_equal(pc.is_finite(exact), pc.is_finite(rounded)), pc.xor(_is_zero(exact), _is_zero(rounded)))
    return None if pc.any(gone).as_py() else rounded


def _is_zero(numbers: Any) -> Any:
    return pc.equal(numbers, 0.0)


def _matching(column: Any, pattern: str) -> Any:
    found = pc.all(pc.match_substring_regex(as_text(column), f"^{pattern}$")).as_py()
    return None if found is False else column


_READ_LISTS = decoder(array_of(text_like("TEXT", 25)))
_QUICK: dict[type, Callable[[Any, Any], Any]] = {
    Length: _short, Bits: _bits, Digits: _exact, Whole: _whole, Real: _real,
}  # fmt: skip
_QUICK_OF_ARRAYS: dict[type, Callable[[Any, Any], Any]] = {Length: _short, Whole: _all_whole}
