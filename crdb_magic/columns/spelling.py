"""What typed Arrow arrays hold -> the server's texts of it, column by column; `exact` looks whether they are the same.

A style says what the values alone do not tell: whose way of writing floats and small decimals it is, and the offset in
which instants are written.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crdb_magic.columns.arrow import NO_TEXTS, TEXT, Array, bytes_of
from crdb_magic.columns.tables import spelled

POSTGRESQL, COCKROACHDB = STYLES = "PostgreSQL", "CockroachDB"
"""The styles of floats and decimals."""

UTC_STYLE = "+00"


def texts_of(array: Array, style: str = "") -> Array:
    """Spell an array of any type that `exact.Form` makes; raise `pyarrow.ArrowException` for what has no text."""
    if not len(array):
        return NO_TEXTS
    return next((spell for is_one, spell in _SPELLINGS if is_one(array.type)), _plain)(array, style)


def _plain(array: Array, _: str) -> Array:
    return spelled(array)


def _bools(array: Array, _: str) -> Array:
    return pc.if_else(array, "t", "f")


def _floats(array: Array, style: str) -> Array:
    """Spell most of them by Arrow's kernel, which has other ideas of when to write an exponent."""
    single = array.type == pa.float32()
    exponent_from = 15 if style == POSTGRESQL and not single else 6
    texts, size = spelled(array), pc.abs(array.cast(pa.float64()))
    outside = pc.or_(pc.less(size, 1e-4), pc.greater_equal(size, float(f"1e{exponent_from}")))
    otherwise = pc.or_(outside, pc.match_substring_regex(texts, "[a-z]"))  # nan, inf, 1e-7
    nearer = _nearer(np.float32 if single else np.float64) if style == POSTGRESQL else Decimal
    return _instead(texts, otherwise, lambda text: _float(text, nearer, exponent_from))


def _instead(texts: Array, where: Array, write: Callable[[str], str]) -> Array:
    """Write some of the texts anew, one by one."""
    other = pa.array(map(write, texts.filter(where).to_pylist()), TEXT)
    return pc.replace_with_mask(texts, pc.fill_null(where, False), other)  # noqa: FBT003


_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "0": "0", "-0": "-0"}


def _float(shortest: str, digits_of: Callable[[str], Decimal], exponent_from: int) -> str:
    """Write a float as C and Go do (PostgreSQL's src/common/d2s.c and f2s.c, strconv.FormatFloat of Go)."""
    if shortest in _NO_NUMBERS:
        return _NO_NUMBERS[shortest]
    number = digits_of(shortest).normalize()
    exponent = number.adjusted()
    if -5 < exponent < exponent_from:  # noqa: PLR2004 - of both servers
        return f"{number:f}"
    sign, (first, *rest), _ = number.as_tuple()
    return f"{'-' * sign}{first}{'.' * bool(rest)}{''.join(map(str, rest))}e{exponent:+03}"


def _nearer(kind: Any) -> Callable[[str], Decimal]:
    """Give what finds PostgreSQL's digits of a float: they are nearer to it than to its neighbours, never halfway.

    A few digits stand halfway only where the neighbours are two or more apart.
    """
    bits = np.finfo(kind).nmant + 1

    def digits_of(shortest: str) -> Decimal:
        found, value = Decimal(shortest), float(kind(shortest))
        part, exponent = math.frexp(abs(value))
        gap, number = 2 ** max(exponent - bits, 0), int(value)
        digits = len(found.normalize().as_tuple().digits)
        while gap > 1 and 2 * abs(int(found) - number) >= _gap_towards(int(found), number, gap, power=part == 0.5):  # noqa: PLR2004
            digits += 1
            found = Decimal(f"{Decimal(number):.{digits - 1}e}")
        return found

    return digits_of


def _gap_towards(found: int, number: int, gap: int, *, power: bool) -> int:
    """Tell how far the neighbour on that side is: below a power of two they are half as far apart."""
    return gap // 2 if power and abs(found) < abs(number) else gap


def _decimals(array: Array, style: str) -> Array:
    texts = array.cast(TEXT)
    if style == COCKROACHDB:  # that of apd's Decimal.String, as of Arrow: with an exponent below 0.000001
        return texts
    return _instead(texts, pc.match_substring(texts, "E"), lambda text: f"{Decimal(text):f}")


def _instants(array: Array, style: str) -> Array:
    if style == UTC_STYLE:
        return spelled(array)
    there = pc.add_checked(array.cast(pa.timestamp("us")), pa.scalar(_offset(style), pa.duration("us")))
    return pc.binary_join_element_wise(spelled(there), style, "")


def _offset(style: str) -> timedelta:
    hours, minutes, seconds = (*map(int, re.findall(r"\d\d", style)), 0, 0)[:3]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds) * (-1 if style.startswith("-") else 1)


def _bytes(array: Array, _: str) -> Array:
    places, data = bytes_of(array)
    return pc.binary_join_element_wise("\\x", _array(array, places * 2, binascii.hexlify(data)), "")


_UUID = np.array([sign != "-" for sign in "00000000-0000-0000-0000-000000000000"])


def _uuids(array: Array, _: str) -> Array:
    stored, size = array.storage, array.type.byte_width
    begin = stored.offset * size
    digits = binascii.hexlify(memoryview(stored.buffers()[1])[begin : begin + len(array) * size])
    signs = np.full((len(array), len(_UUID)), ord("-"), np.uint8)
    signs[:, _UUID] = np.frombuffer(digits, np.uint8).reshape(len(array), -1)
    return _array(array, np.arange(len(array) + 1, dtype=np.int32) * len(_UUID), signs)


def _array(like: Array, places: Any, data: Any) -> Array:
    """Make an array of texts that begin and end at the places in the data, with NULLs where the other has them."""
    buffers = [like.is_valid().buffers()[1], pa.py_buffer(places), pa.py_buffer(data)]
    return pa.Array.from_buffers(TEXT, len(like), buffers)


_QUOTED = r'(?i)^$|^null$|[{}",\\ \t\n\r\v\f]'


def _lists(array: Array, style: str) -> Array:
    """Write literals of arrays as both servers do."""
    items = texts_of(array.flatten(), style)
    within_quotes = pc.binary_join_element_wise('"', pc.replace_substring_regex(items, r'(["\\])', r"\\\1"), '"', "")
    written = pc.if_else(pc.match_substring_regex(items, _QUOTED), within_quotes, items)
    places = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(array), 0))]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(places), pc.fill_null(written, "NULL"), mask=array.is_null())
    return pc.binary_join_element_wise("{", pc.binary_join(lists, ","), "}", "")


def _stored(array: Array, _: str) -> Array:
    return array.storage


_SPELLINGS: tuple[tuple[Callable[[Any], bool], Callable[[Array, str], Array]], ...] = (
    (pa.types.is_boolean, _bools),
    (pa.types.is_floating, _floats),
    (pa.types.is_decimal, _decimals),
    (lambda kind: bool(pa.types.is_timestamp(kind) and kind.tz), _instants),
    (pa.types.is_binary, _bytes),
    (pa.types.is_list, _lists),
    (lambda kind: isinstance(kind, pa.UuidType), _uuids),
    (lambda kind: isinstance(kind, pa.JsonType), _stored),
    (pa.types.is_string, lambda array, _: array),
)
