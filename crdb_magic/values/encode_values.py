"""Python values -> the server's text of each, and the one type that holds a whole column of them.

The way back of `crdb_magic.values.decode`: what it makes of the server's text is written as that text again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from math import isfinite, isnan
from typing import Any
from uuid import UUID

from crdb_magic.errors import InputError
from crdb_magic.values.decode import Interval, decoder
from crdb_magic.values.json_text import json_text
from crdb_magic.values.typemap import BUILTIN, Family, SqlType, array_of
from crdb_magic.values.unwrap import is_na, is_wrapping, plain


class Form(Enum):
    """How values are written where the type of their column has to decide: a list is an array, or JSON.

    WHOLE is that of integers: a number without a fraction is written without a point. DAY is that of dates: a midnight
    is written without the time. JSON_ARRAY is that of arrays of JSON, whose elements are written as JSON is.
    """

    PLAIN = auto()
    WHOLE = auto()
    DAY = auto()
    JSON = auto()
    JSON_ARRAY = auto()
    GEO = auto()


def texts(values: Sequence[Any], form: Form) -> list[str | None]:
    """Give the text of each value, None for NULL. They have been through `normal`.

    NULL is what pandas calls missing: None, NA, NaT, NaN. But in JSON, and in arrays of it, None is JSON's own null.
    """
    if form is Form.JSON:
        return [None if _is_missing(value) else json_text(value) for value in values]
    if form is Form.GEO:
        return [None if value is None or _is_missing(value) else _geo(value) for value in values]
    if form is Form.JSON_ARRAY:
        values = [_of_json(value) for value in values]
    if form in _NARROWER:
        values = [_NARROWER[form](value) for value in values]
    writers = {kind: _writer(kind) for kind in set(map(type, values))}
    return [writers[type(value)](value) for value in values]


def infer(values: Iterable[Any], *, inside: bool = False) -> SqlType:
    """Give the type that holds all of the values, which have been through `normal`; TEXT if all are missing.

    Lists of one type of value are arrays; all others (lists of lists, which CockroachDB's arrays are not), and those
    that stand among other values, are JSON. ``inside`` says that the values are those of lists, where NaN is a value.
    """
    present = [value for value in values if value is not None and (inside or not _is_missing(value))]
    families = _families(present)
    if families == {Family.ARRAY} and not inside:
        element = infer([plain(item) for value in present for item in value], inside=True)
        return element if element.family is Family.JSON else array_of(element)
    return _TYPES[_common(families, present, inside=inside)]


def normal(values: list[Any]) -> list[Any]:
    """Turn the values of enums, numpy, pandas and Arrow into Python's own; cost nothing where there are none.

    NA and NaT stay: in JSON, None is another value. NaN in lists is None where texts stand beside it in the column: so
    pandas marks one that is missing.
    """
    strange = {kind for kind in set(map(type, values)) if is_wrapping(kind) and not is_na(kind)}
    plainer = [plain(value) if type(value) in strange else value for value in values] if strange else values
    return _without_nan_beside_texts(plainer)


def whole(value: Any) -> Any:
    """Give a number without a fraction as an int, in lists as well; all else as it is, for the server to refuse."""
    if isinstance(value, list | tuple):
        return [whole(plain(item)) for item in value]
    if not isinstance(value, float | Decimal):
        return value
    finite = value.is_finite() if isinstance(value, Decimal) else isfinite(value)
    return int(value) if finite and -_TOO_LARGE <= value < _TOO_LARGE and value == int(value) else value


def day(value: Any) -> Any:
    """Give a midnight as its date, in lists as well; raise :class:`InputError` for another time of a day.

    The server would cut it off, after it was brought to UTC.
    """
    if isinstance(value, list | tuple):
        return [day(plain(item)) for item in value]
    if not isinstance(value, datetime) or _is_missing(value):
        return value
    if value.time() != time():
        raise InputError(f"holds {value}, {DATES_ALONE}", hint=CUT)
    return value.date()


def _is_missing(value: Any) -> bool:
    """Tell what pandas calls missing, None excepted."""
    return (isinstance(value, float) and isnan(value)) or is_na(type(value))


def interval_text(microseconds: int) -> str:
    """Spell a span of time as the server does, its days apart as pandas and psycopg2 show them."""
    days, rest = divmod(abs(microseconds), _DAY)
    sign = -1 if microseconds < 0 else 1
    return str(Interval(0, sign * days, sign * rest))


# What a value is.


def _without_nan_beside_texts(values: list[Any]) -> list[Any]:
    lists = {list, tuple} & set(map(type, values))
    inside = {kind for value in values if type(value) in lists for kind in map(type, value)} if lists else set()
    if not inside >= {str, float}:
        return values
    return [
        [None if _is_missing(item) else item for item in value] if type(value) in lists else value for value in values
    ]


def _kind(kind: type) -> tuple[Family, Callable[[Any], str]]:
    """Give the family of a Python type, and what writes its values."""
    found = next((_KINDS[base] for base in kind.__mro__ if base in _KINDS), None)
    if found is None:
        hint = _INSTEAD.get(kind.__name__, "convert it first, for instance to text with .astype(str).")
        raise InputError(f"holds {kind.__name__}, which has no SQL type", hint=hint)
    return found


def _writer(kind: type) -> Callable[[Any], str | None]:
    if kind is type(None) or is_na(kind):
        return lambda _: None
    if issubclass(kind, float):
        return lambda value: None if isnan(value) else float.__repr__(value)
    return _kind(kind)[1]


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
    # Lists alone come here from inside of lists: JSON.
    family = next(iter(families - {Family.ARRAY}), None) if len(families) == 1 else next(wider, None)
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
    names = ", ".join(sorted({_named(value) for value in present}))
    raise InputError(
        f"holds values of several types: {names}",
        hint="make them of one type, or say which is meant with --dtype COLUMN=TYPE (dtypes= in Python).",
    )


def _named(value: Any) -> str:
    zoned = isinstance(value, datetime | time) and _is_zoned(value)
    return type(value).__name__ + (" with a time zone" if zoned else "")


def _is_of(family: Family, value: str) -> bool:
    try:
        decoder(_TYPES[family])(value)
    except ValueError:
        return False
    return True


# How it is written.


def _of_json(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return [None if _is_missing(item) else json_text(item) for item in value]


def _bool(value: Any) -> str:
    return "true" if value else "false"


def _bytes(value: Any) -> str:
    return f"\\x{value.hex()}"


def _geo(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).hex()


def _datetime(value: datetime) -> str:
    """Spell an instant in UTC, as Arrow's are: a TIMESTAMP forgets the offset, and keeps the rest."""
    try:
        return (value.astimezone(UTC) if value.utcoffset() else value).isoformat(" ")
    except OverflowError:  # in the year 0 or 10000 there
        return value.isoformat(" ")


def _timedelta(value: timedelta) -> str:
    return interval_text((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds)


def _array(items: Iterable[Any]) -> str:
    return "{" + ",".join(map(_item, items)) + "}"


def _item(value: Any) -> str:
    if type(value) is int or type(value) is float:
        return repr(value)
    value = plain(value)
    if value is None:
        return "NULL"
    family, write = _kind(type(value))
    if family is Family.ARRAY:
        return write(value)
    return '"' + write(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


DATES_ALONE = "and its column in the table takes dates alone"
CUT = "make dates of them first, for instance with .dt.normalize()."
_NARROWER: dict[Form, Callable[[Any], Any]] = {Form.WHOLE: whole, Form.DAY: day}
_DAY = 86_400_000_000  # microseconds
_TOO_LARGE = 2**63  # for any integer of the server
_LARGEST = {Family.INT8: _TOO_LARGE - 1, Family.FLOAT8: 2**53 - 1}
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
    **dict.fromkeys(
        ("complex", "complex64", "complex128"), "write its real and its imaginary part as two columns: .real, .imag."
    ),
    "Period": "write the instant that it begins: .dt.to_timestamp().",
    "Interval": "write its two ends as two columns: .left, .right.",
}
