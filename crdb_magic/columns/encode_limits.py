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
from crdb_magic.values.encode_types import Target
from crdb_magic.values.encode_values import Form, texts
from crdb_magic.values.limits import Bits, Digits, Length, Limit, Real, Whole
from crdb_magic.values.typemap import array_of, text_like

_SHOWN = 60  # characters of a value that is refused
_INTEGER = "-?(?:0|[1-9][0-9]*)"
_WHOLE = {
    False: f"^{_INTEGER}$",
    True: rf"^\{{(?:(?:{_INTEGER}|NULL)(?:,(?:{_INTEGER}|NULL))*)?\}}$",
}
_WIDEST = 76  # digits of Arrow's decimals


def limited(column: Any, target: Target) -> Any:
    """Give a column as its target takes it; raise :class:`InputError` with the row of the first value that it refuses.

    ``column`` holds numbers or texts as `crdb_magic.columns.encode_arrow.written` gives them.
    """
    limit = target.limit
    if limit is None:
        return column
    quick = _QUICK[type(limit)](column, limit, target.is_array)
    return _one_by_one(column, limit, target) if quick is None else quick


def _one_by_one(column: Any, limit: Limit, target: Target) -> Any:
    fit = _each(limit) if target.is_array else limit.fit
    cells = as_text(column).to_pylist()
    fitted = [None if text is None else fit(text) for text in cells]
    for row, (text, kept) in enumerate(zip(cells, fitted, strict=True)):
        if kept is None and text is not None:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise InputError(f"holds {shown!r} {at_row(row)}, and its column in the table takes {limit.takes}")
    return strings(fitted)


def _each(limit: Limit) -> Callable[[str], str | None]:
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


def _fitted(items: list[Any], limit: Limit) -> list[Any] | None:
    fitted = [
        _fitted(item, limit) if isinstance(item, list) else None if item is None else limit.fit(item) for item in items
    ]
    refused = any(kept is None and item is not None for item, kept in zip(items, fitted, strict=True))
    return None if refused else fitted


# What needs no look at each value.


def _short(column: Any, limit: Any, is_array: bool) -> Any:  # noqa: FBT001, ARG001 - so of arrays all elements are
    longest = pc.max(pc.utf8_length(as_text(column))).as_py()
    return column if longest is None or longest <= limit.most else None


def _bits(column: Any, limit: Any, is_array: bool) -> Any:  # noqa: FBT001
    cells = as_text(column)
    quantifier = limit.count if limit.exactly else f"0,{limit.count}"
    return column if not is_array and _all_match(cells, f"^[01]{{{quantifier}}}$") else None


def _exact(column: Any, limit: Any, is_array: bool) -> Any:  # noqa: FBT001
    if is_array or limit.precision > _WIDEST or not 0 <= limit.scale <= limit.precision:
        return None
    try:
        as_text(column).cast(pa.decimal256(limit.precision, limit.scale))
    except pa.ArrowInvalid:
        return None
    return column


def _whole(column: Any, limit: Any, is_array: bool) -> Any:  # noqa: FBT001, ARG001
    right = types.is_integer(column.type) or _all_match(as_text(column), _WHOLE[is_array])
    return column if right else None


def _real(column: Any, limit: Any, is_array: bool) -> Any:  # noqa: FBT001, ARG001
    if not (types.is_integer(column.type) or types.is_floating(column.type)):
        return None
    exact = column.cast(pa.float64(), safe=False)
    rounded = exact.cast(pa.float32(), safe=False).cast(pa.float64())
    gone = pc.or_(pc.not_equal(pc.is_finite(exact), pc.is_finite(rounded)), pc.xor(_is_zero(exact), _is_zero(rounded)))
    return None if pc.any(gone).as_py() else rounded


def _is_zero(numbers: Any) -> Any:
    return pc.equal(numbers, 0.0)


def _all_match(cells: Any, pattern: str) -> bool:
    found = pc.all(pc.match_substring_regex(cells, pattern)).as_py()
    return found is None or bool(found)


_READ_LISTS = decoder(array_of(text_like("TEXT", 25)))
_QUICK: dict[type[Any], Callable[[Any, Any, bool], Any]] = {
    Length: _short, Bits: _bits, Digits: _exact, Whole: _whole, Real: _real,
}  # fmt: skip
