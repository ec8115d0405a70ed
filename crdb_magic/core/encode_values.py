"""Python values -> the server's text of each, and the one type that holds a whole column of them.

The way back of `crdb_magic.core.decode`: what it makes of the server's text is written as that text again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from math import isnan
from typing import Any
from uuid import UUID

from crdb_magic.core.decode import Interval, decoder
from crdb_magic.core.typemap import BUILTIN, Family, SqlType, array_of
from crdb_magic.errors import InputError

FINER = "holds times finer than a microsecond, which is the finest that the server keeps"
ROUND = 'round them first, for instance with .dt.round("us").'


class Form(Enum):
    """How values are written where the type of their column has to decide: a list is an array, or JSON."""

    PLAIN = auto()
    JSON = auto()
    GEO = auto()


def text(value: Any) -> str:
    """Give the server's text of one value; raises :class:`InputError` if no type of the server holds it."""
    value = _plain(value)
    return _kind(type(value))[1](value)


def texts(values: Sequence[Any], form: Form) -> list[str | None]:
    """Give the text of each value, None for NULL.

    NULL is what pandas calls missing: None, NA, NaT, NaN. But in JSON, None is JSON's own null.
    """
    if form is Form.JSON:
        return [None if is_missing(value) else json_text(value) for value in values]
    if form is Form.GEO:
        return [None if value is None or is_missing(value) else _geo(value) for value in values]
    writers = {kind: _writer(kind) for kind in set(map(type, values))}
    return [writers[type(value)](value) for value in values]


def infer(values: Iterable[Any], *, inside: bool = False) -> SqlType:
    """Give the type that holds all of the values, which have been through `normal`; TEXT if all are missing.

    Lists of one type of value are arrays; all others, and those that stand among other values, are JSON. ``inside``
    says that the values are those of lists, where NaN is a value.
    """
    missing = _is_na_value if inside else is_missing
    present = [value for value in values if value is not None and not missing(value)]
    families = _families(present)
    if families == {Family.ARRAY}:
        element = infer(normal([item for value in present for item in value]), inside=True)
        return element if element.family in {Family.ARRAY, Family.JSON} else array_of(element)
    return _TYPES[_common(families, present, inside=inside)]


def normal(values: list[Any]) -> list[Any]:
    """Turn the values of numpy and of enums into Python's own; cost nothing where there are none."""
    strange = {kind for kind in set(map(type, values)) if _is_foreign(kind)}
    return [_plain(value) if type(value) in strange else value for value in values] if strange else values


def is_missing(value: Any) -> bool:
    """Tell what pandas calls missing, None excepted."""
    return (isinstance(value, float) and isnan(value)) or _is_na_value(value)


def interval_text(microseconds: int) -> str:
    """Spell a span of time as the server does, its days apart as pandas and psycopg2 show them."""
    days, rest = divmod(abs(microseconds), _DAY)
    sign = -1 if microseconds < 0 else 1
    return str(Interval(0, sign * days, sign * rest))


def json_text(value: Any) -> str:
    """Write JSON, a Decimal with the digits that it has; raises :class:`InputError` for what JSON can't say."""
    try:
        try:
            return _quick_json(value)
        except _DecimalError:
            return _exact_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"holds a value that is no JSON: {error}", hint="JSON has no NaN, bytes or sets.") from error


# What a value is.


def _is_na(kind: type) -> bool:
    return kind.__name__ in {"NAType", "NaTType"}


def _is_na_value(value: Any) -> bool:
    return _is_na(type(value))


def _is_foreign(kind: type) -> bool:
    return issubclass(kind, Enum) or kind.__module__.partition(".")[0] in {"numpy", "pandas"}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if _is_na(type(value)):
        return value
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _from_numpy(value)
    if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
        raise InputError(FINER, hint=ROUND)
    return value


def _from_numpy(value: Any) -> Any:
    kind, unit = value.dtype.kind, value.dtype.name
    if kind == "m" and unit.endswith(("Y]", "M]")):
        raise InputError("holds a timedelta64 in a unit of no fixed length", hint='.astype("timedelta64[D]") fixes it.')
    if kind in "mM" and not (kind == "M" and unit.endswith(_DAYS)):
        whole = value.astype(f"{kind}8[us]")  # tolist() makes numbers of those that count nanoseconds
        if not ((whole == value) | (value != value)).all():  # noqa: PLR0124 - NaT
            raise InputError(FINER, hint=ROUND)
        value = whole
    return value.tolist()


def _kind(kind: type) -> tuple[Family, Callable[[Any], str]]:
    """Give the family of a Python type, and what writes its values."""
    found = next((_KINDS[base] for base in kind.__mro__ if base in _KINDS), None)
    if found is None:
        hint = _INSTEAD.get(kind.__name__, "convert it first, for instance to text with .astype(str).")
        raise InputError(f"holds {kind.__name__}, which has no SQL type", hint=hint)
    return found


def _writer(kind: type) -> Callable[[Any], str | None]:
    if kind is type(None) or _is_na(kind):
        return lambda _: None
    if issubclass(kind, float):
        return lambda value: None if isnan(value) else float.__repr__(value)
    return text if _is_foreign(kind) else _kind(kind)[1]


def _families(present: Sequence[Any]) -> set[Family]:
    found: set[Family] = set()
    kinds: set[Any] = set(map(type, present))
    for kind in kinds:
        family = _kind(kind)[0]
        if family in _ZONED:
            found |= {_ZONED[family] if _is_zoned(value) else family for value in present if isinstance(value, kind)}
        else:
            found.add(family)
    return found


def _is_zoned(value: datetime | time) -> bool:
    offset = value.utcoffset()
    if value.tzinfo is not None and offset is None:  # the server would give it the session's
        raise InputError("holds a time in a zone whose offset depends on the day", hint="write a timestamp.")
    return offset is not None


def _common(families: set[Family], present: Sequence[Any], *, inside: bool) -> Family:
    if not families:
        return Family.TEXT
    wider = (family for family, holds in _WIDER if families <= holds)
    family = next(iter(families)) if len(families) == 1 else next(wider, None)
    if family is None and (inside or families & {Family.JSON, Family.ARRAY}) and families <= _IN_JSON:
        family = Family.JSON
    family = family or _beside_texts(families, present)
    return Family.DECIMAL if family in _LARGEST and _too_large(present, _LARGEST[family]) else family


def _too_large(present: Sequence[Any], largest: int) -> bool:
    """Tell whether an integer would be refused, or would lose digits as a float."""
    return any(isinstance(value, int) and not -largest - 1 <= value <= largest for value in present)


def _beside_texts(families: set[Family], present: Sequence[Any]) -> Family:
    """Give the family of dates, times or intervals among exact texts of what Python's own can't hold: infinity."""
    others = families - {Family.TEXT}
    if Family.TEXT in families and len(others) == 1 and others <= _HAVE_EXACT_TEXTS:
        (family,) = others
        if all(_is_of(family, value) for value in present if isinstance(value, str)):
            return family
    names = ", ".join(sorted({type(value).__name__ for value in present}))
    raise InputError(
        f"holds values of several types: {names}",
        hint="make them of one type, or say which is meant with --dtype COLUMN=TYPE (dtypes= in Python).",
    )


def _is_of(family: Family, value: str) -> bool:
    try:
        decoder(_TYPES[family])(value)
    except ValueError:
        return False
    return True


# How it is written.


def _bool(value: Any) -> str:
    return "true" if value else "false"


def _bytes(value: Any) -> str:
    return f"\\x{value.hex()}"


def _geo(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).hex()


def _datetime(value: datetime) -> str:
    return value.isoformat(" ")


def _timedelta(value: timedelta) -> str:
    return interval_text((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds)


def _array(items: Iterable[Any]) -> str:
    return "{" + ",".join(map(_item, items)) + "}"


def _item(value: Any) -> str:
    if type(value) is int or type(value) is float:
        return repr(value)
    value = _plain(value)
    if value is None or _is_na(type(value)):
        return "NULL"
    family, write = _kind(type(value))
    if family is Family.ARRAY:
        return write(value)
    return '"' + write(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class _DecimalError(Exception):
    """There is a Decimal, which Python's own JSON can't write."""


def _for_json(value: Any) -> Any:
    """Give the JSON value of what is none by itself."""
    if isinstance(value, Decimal):
        raise _DecimalError
    if _is_na(type(value)):
        return None
    if _is_foreign(type(value)) and (plain := _plain(value)) is not value:
        return plain
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID | Interval):
        return str(value)
    raise TypeError(f"a {type(value).__name__}")


_quick_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_for_json).encode


def _exact_json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json_key(key)}: {_exact_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_exact_json, value)) + "]"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"a Decimal that is {value}")
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return _quick_json(value)
    return _exact_json(_for_json(value))


def _json_key(key: Any) -> str:
    return _quick_json({key: 0}).removeprefix("{").removesuffix(": 0}")


_DAY = 86_400_000_000  # microseconds
_DAYS = ("Y]", "M]", "W]", "D]")  # numpy's units that make dates
_LARGEST = {Family.INT8: 2**63 - 1, Family.FLOAT8: 2**53 - 1}
_TYPES = {type_.family: type_ for type_ in reversed(BUILTIN)}
_KINDS: dict[type, tuple[Family, Callable[[Any], str]]] = {
    bool: (Family.BOOL, _bool),
    int: (Family.INT8, int.__repr__),
    float: (Family.FLOAT8, float.__repr__),
    Decimal: (Family.DECIMAL, Decimal.__str__),
    str: (Family.TEXT, str.__str__),
    bytes: (Family.BYTES, _bytes),
    bytearray: (Family.BYTES, _bytes),
    memoryview: (Family.BYTES, _bytes),
    datetime: (Family.TIMESTAMP, _datetime),
    date: (Family.DATE, date.isoformat),
    time: (Family.TIME, time.isoformat),
    timedelta: (Family.INTERVAL, _timedelta),
    Interval: (Family.INTERVAL, str),
    UUID: (Family.UUID, str),
    dict: (Family.JSON, json_text),
    **dict.fromkeys((list, tuple, set, frozenset, range, deque), (Family.ARRAY, _array)),
    **dict.fromkeys((IPv4Address, IPv4Network, IPv6Address, IPv6Network), (Family.TEXT, str)),
}
_ZONED = {Family.TIMESTAMP: Family.TIMESTAMPTZ, Family.TIME: Family.TIMETZ}
_WIDER = (
    (Family.FLOAT8, {Family.INT8, Family.FLOAT8}),
    (Family.DECIMAL, {Family.INT8, Family.FLOAT8, Family.DECIMAL}),
    (Family.TIMESTAMP, {Family.DATE, Family.TIMESTAMP}),
)
_HAVE_EXACT_TEXTS = {
    Family.DATE, Family.TIME, Family.TIMETZ, Family.TIMESTAMP, Family.TIMESTAMPTZ, Family.INTERVAL,
}  # fmt: skip
_IN_JSON = {
    Family.JSON, Family.ARRAY, Family.TEXT, Family.INT8, Family.FLOAT8, Family.BOOL, Family.DECIMAL,
}  # fmt: skip
_INSTEAD = {
    "complex": "write its real and its imaginary part as two columns: .real, .imag.",
    "Period": "write the instant that it begins: .dt.to_timestamp().",
    "Interval": "write its two ends as two columns: .left, .right.",
}
