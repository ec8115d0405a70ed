"""An Arrow column -> the SQL type that holds it, and the column as numbers and texts that the server reads."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from crdb_magic.errors import InputError
from crdb_magic.values.encode_values import CUT, DATES_ALONE, Form, interval_text, normal, texts, whole
from crdb_magic.values.json_text import json_text
from crdb_magic.values.typemap import Family, SqlType, array_of, lookup

FINER = "holds times finer than a microsecond, which is the finest that the server keeps"
ROUND = 'round them first, for instance with .dt.round("us").'


def builtin(oid: int) -> SqlType:
    """Give a type of our own table."""
    known = lookup(oid)
    assert known is not None  # noqa: S101 - it is there
    return known


def _one_of(*tests: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda kind: any(fits(kind) for fits in tests)


is_string = _one_of(types.is_string, types.is_large_string, types.is_string_view)
_is_bytes = _one_of(types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
is_list = _one_of(
    types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view, types.is_large_list_view
)
is_text_or_number = _one_of(is_string, types.is_integer, types.is_floating, types.is_boolean)
may_have_fraction = _one_of(types.is_floating, types.is_decimal)


def _is_extension(kind: Any) -> bool:
    return isinstance(kind, pa.BaseExtensionType)


def sql_type(kind: Any) -> SqlType:
    """Give the type that holds all values of an Arrow type."""
    if isinstance(kind, pa.UuidType):
        return builtin(2950)
    if isinstance(kind, pa.JsonType):
        return builtin(3802)
    if _is_extension(kind):
        return sql_type(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return sql_type(kind.value_type)
    if is_list(kind):
        element = sql_type(kind.value_type)
        return builtin(3802) if element.family in {Family.JSON, Family.ARRAY} else array_of(element)
    return builtin(_rule(kind)[0])


def written(array: Any) -> Any:
    """Give a column as the CSV writer spells it and the server reads it; raises :class:`InputError` if none can."""
    kind = array.type
    if isinstance(kind, pa.UuidType):
        return _plain_texts(array)
    if _is_extension(kind):
        return written(_storage(array))
    if types.is_dictionary(kind):
        return written(_repeated(array))
    if types.is_run_end_encoded(kind):
        return written(pc.run_end_decode(array))
    if is_list(kind):
        return (_json_texts if sql_type(kind).family is Family.JSON else _plain_texts)(array)
    return _rule(kind)[1](array)


def at_row(row: int) -> str:
    """Say where a value stands."""
    return f"in row {row} (df.iloc[{row}])"


def integers(array: Any) -> Any:
    """Cast numbers to integers; raises :class:`InputError` for those that are none."""
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid as error:
        cells = enumerate(array.to_pylist())
        row, other = next((row, value) for row, value in cells if isinstance(whole(value), float | Decimal))
        reason = f"holds {other} {at_row(row)}, and its column in the table takes integers alone"
        raise InputError(reason, hint="make integers of them first, for instance with .round().") from error


def days(array: Any) -> Any:
    """Cast midnights (of their zone, if they have one) to dates; raises :class:`InputError` for other times."""
    local = pc.local_timestamp(array) if array.type.tz else array
    dates = local.cast(pa.date32())
    others = pc.not_equal(dates.cast(local.type), local)
    if pc.any(others).as_py():
        row = pc.index(others, True).as_py()
        raise InputError(f"holds {local[row]} {at_row(row)}, {DATES_ALONE}", hint=CUT)
    return _date(dates)


def values(array: Any) -> list[Any]:
    """Give Python's values, of a map a dict; raises :class:`InputError` for a map that is no dict."""
    try:
        return list(array.to_pylist(maps_as_pydicts="strict"))
    except (KeyError, TypeError) as error:  # twice; one that can't be a key
        hint = "in JSON each key is a text, and occurs only once."
        raise InputError("holds a map whose keys can't be those of a JSON object", hint=hint) from error


def _rule(kind: Any) -> tuple[int, Callable[[Any], Any]]:
    found = next(((oid, write) for fits, oid, write in _RULES if fits(kind)), None)
    if found is None:
        raise InputError(f"holds {kind}, which has no SQL type", hint="convert it first, for instance to text.")
    return found


def strings(cells: list[str | None]) -> Any:
    """Make an Arrow column of texts."""
    return pa.array(cells, pa.large_string())


def _repeated(array: Any) -> Any:
    """Repeat the values of a dictionary, which Arrow does not do with views of texts."""
    kind = pa.large_string() if is_string(array.type.value_type) else array.type.value_type
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return pa.chunked_array([chunk.dictionary.cast(kind).take(chunk.indices) for chunk in chunks], kind)


def _storage(array: Any) -> Any:
    return _whole(array).storage


def _whole(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _as_it_is(array: Any) -> Any:
    return array


def as_text(array: Any) -> Any:
    """Cast a column to texts."""
    return array.cast(pa.large_string())


def _as_double(array: Any) -> Any:
    """Give the double that is the same number: 0.10000000149011612, as a parameter is sent.

    So it is exact in a column of any type; CockroachDB's COPY does not round 0.1 for a FLOAT4.
    """
    return array.cast(pa.float64())


def _plain_texts(array: Any) -> Any:
    return strings(texts(normal(array.to_pylist()), Form.PLAIN))


def _json_texts(array: Any) -> Any:
    return strings([None if value is None else json_text(value) for value in values(array)])


def _hex(array: Any) -> Any:
    return strings([None if value is None else "\\x" + value.hex() for value in array.to_pylist()])


def _in_microseconds(array: Any, kind: Any) -> Any:
    try:
        return array.cast(kind)
    except pa.ArrowInvalid as error:
        if array.type.unit == "ns":
            raise InputError(FINER, hint=ROUND) from error
        raise InputError("holds times beyond those that the server keeps") from error


def _time(array: Any) -> Any:
    return _in_microseconds(array, pa.time64("us"))


def _duration(array: Any) -> Any:
    """Spell each length once: they repeat."""
    counts = pc.dictionary_encode(_whole(_in_microseconds(array, pa.duration("us"))).cast(pa.int64()))
    return strings([interval_text(count) for count in counts.dictionary.to_pylist()]).take(counts.indices)


def _date(array: Any) -> Any:
    return _within_common_era(array.cast(pa.date32()), "D", "")


def _timestamp(array: Any) -> Any:
    return _within_common_era(_in_microseconds(array, pa.timestamp("us")), "us", "")


def _timestamptz(array: Any) -> Any:
    """Spell instants in UTC: Arrow's own writer of zones takes twenty times as long."""
    naive = _in_microseconds(array, pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    spelt = _within_common_era(naive, "us", "+00")
    return spelt if spelt is not naive else pc.binary_join_element_wise(as_text(naive), _UTC, _NOTHING)


def _within_common_era(array: Any, unit: str, zone: str) -> Any:
    """Let Arrow spell the years 1 to 9999; spell those beyond as the servers do: 0044-03-15 BC."""
    instants = pc.drop_null(array).to_numpy(zero_copy_only=False).astype("datetime64[s]")
    if not instants.size or (instants.min() >= _YEAR_1 and instants.max() < _YEAR_10000):
        return array
    values: Any = array.to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]")
    return strings([None if cell == "NaT" else _spelt(cell, zone) for cell in np.datetime_as_string(values).tolist()])


def _spelt(iso: str, zone: str) -> str:
    """Spell what numpy wrote: its year before 1 is 0, and its T stands between date and time."""
    year, _, rest = iso.lstrip("-").partition("-")
    before = iso.startswith("-") or int(year) == 0
    number = 1 + int(year) if before else int(year)
    return f"{number:04}-{rest.replace('T', ' ')}{zone}{' BC' if before else ''}"


_UTC, _NOTHING = (pa.scalar(text, pa.large_string()) for text in ("+00", ""))
_YEAR_1, _YEAR_10000 = np.datetime64("0001-01-01", "s"), np.datetime64("10000-01-01", "s")

# The first test that an Arrow type passes gives the OID of the SQL type that holds all of its values, and how they
# are written.
_RULES: tuple[tuple[Callable[[Any], bool], int, Callable[[Any], Any]], ...] = (
    (types.is_null, 25, as_text),
    (types.is_boolean, 16, _as_it_is),
    (lambda kind: kind in {pa.int8(), pa.int16(), pa.uint8()}, 21, _as_it_is),
    (lambda kind: kind in {pa.int32(), pa.uint16()}, 23, _as_it_is),
    (types.is_uint64, 1700, _as_it_is),
    (types.is_integer, 20, _as_it_is),
    (types.is_float64, 701, _as_it_is),
    (types.is_floating, 700, _as_double),
    (types.is_decimal, 1700, as_text),
    (is_string, 25, as_text),
    (_is_bytes, 17, _hex),
    (types.is_date, 1082, _date),
    (types.is_time, 1083, _time),
    (lambda kind: types.is_timestamp(kind) and kind.tz is not None, 1184, _timestamptz),
    (types.is_timestamp, 1114, _timestamp),
    (types.is_duration, 1186, _duration),
    (types.is_interval, 1186, _plain_texts),
    (lambda kind: types.is_struct(kind) or types.is_map(kind), 3802, _json_texts),
)
