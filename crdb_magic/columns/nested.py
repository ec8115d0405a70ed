"""Array literals -> an Arrow list of the texts of their elements: all the bytes of a column at a time, by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.columns.arrow import TEXT, Array, bytes_of
from crdb_magic.values.decode import bare
from crdb_magic.values.typemap import Family, SqlType

_BOUNDS = r"^(?:\[-?\d+:-?\d+\])+="  # at which index it begins is forgotten
_BRACE = ord("{")
_QUOTE, _ESCAPE = b'"\\'
_NOTHING = pa.scalar(None, TEXT)
_JSON = frozenset({114, 3802})  # OIDs


def split(type_: SqlType, texts: Array) -> Array | None:
    """Give a list of texts for each literal of an array or vector; None if one has more than one dimension.

    Raise `ValueError` for a text that is no such literal.
    """
    start, comma, end = _signs(type_)
    filled = pc.fill_null(texts, chr(start) + chr(end))
    if start != _BRACE and pc.any(pc.equal(texts, "[]")).as_py():
        raise ValueError("a VECTOR of nothing, which is no array")
    if start == _BRACE and pc.any(pc.starts_with(filled, "[")).as_py():
        filled = pc.replace_substring_regex(filled, _BOUNDS, "")
    places, data = bytes_of(filled)
    first, last = places[:-1], places[1:] - 1
    _check(last > first)
    quote, escape = _marks(data)
    outside = ~np.logical_xor.accumulate(quote)
    ends = outside & (data == comma)
    _check((data[first] == start) & (data[last] == end) & outside[first] & outside[last])
    _check_quotes(data, quote, outside, (start, comma, end))
    if np.count_nonzero(outside & ((data == start) | (data == end))) != 2 * len(filled):
        return None
    dropped = ends | quote | escape
    dropped[first] = dropped[last] = True
    ends[last[last - first > 1]] = True
    values = _values(data, ~dropped, np.flatnonzero(ends), np.cumsum(quote))
    counts = np.concatenate([[0], np.cumsum(ends)[last]]).astype(np.int32)
    if type_.element and type_.element.oid in _JSON:  # whatever family it is shown as
        values = _bare(values)
    return pa.ListArray.from_arrays(pa.array(counts), values, mask=texts.is_null())


def _bare(values: Array) -> Array:
    """Give the texts of JSON that are literals of SQL, as older servers have them in arrays."""
    if not pc.any(pc.match_substring_regex(values, "^e?'")).as_py():
        return values
    return pa.array([None if one is None else bare(one) for one in values.to_pylist()], TEXT)


def _signs(type_: SqlType) -> tuple[int, ...]:
    """Give the signs that begin, part and end a literal."""
    if type_.family is Family.VECTOR:
        return tuple(b"[,]")
    return tuple(b"{:}" if type_.element and type_.element.family is Family.GEO else b"{,}")


def _check(right: Any) -> None:
    if not right.all():
        raise ValueError("not an array or vector")


def _check_quotes(data: Any, quote: Any, outside: Any, signs: tuple[int, ...]) -> None:
    """Look for a sign of the literal before each quote that opens, and behind each that closes."""
    if quote.any():
        _check(np.isin(data[np.flatnonzero(quote & ~outside) - 1], signs))
        _check(np.isin(data[np.flatnonzero(quote & outside) + 1], signs))


def _marks(data: Any) -> tuple[Any, Any]:
    """Tell which bytes are quotes that stand for themselves, and which escape the one behind."""
    quote, backslash = data == _QUOTE, data == _ESCAPE
    if not backslash.any():
        return quote, backslash
    here = np.arange(len(data))
    before = np.concatenate([[-1], np.maximum.accumulate(np.where(backslash, -1, here))[:-1]])  # the last other one
    escaped = (here - before) % 2 == 0  # an odd number of backslashes in between
    return quote & ~escaped, backslash & ~escaped


def _values(data: Any, kept: Any, ends: Any, quotes: Any) -> Array:
    """Make the texts of elements that end there, of the bytes that are kept."""
    places = np.concatenate([[0], np.cumsum(kept)[ends]]).astype(np.int32)
    text = pa.py_buffer(data[kept])
    values = pa.Array.from_buffers(TEXT, len(ends), [None, pa.py_buffer(places), text])
    bare = pa.array(np.diff(quotes[ends], prepend=0) == 0)
    if pc.any(pc.and_(bare, pc.equal(pc.binary_length(values), 0))).as_py():
        raise ValueError("an array with an empty place")
    return pc.if_else(pc.and_(bare, pc.equal(values, "NULL")), _NOTHING, values)
