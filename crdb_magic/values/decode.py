"""The server's text of one value -> the Python value, exact or else the text itself.

Each family has one decoder, in a table. It raises `ValueError` for a text that does not have the form of its type,
and hands on the exact text of a value that Python's type cannot hold: an infinite date, a year before 1 or after
9999, 24:00:00, JSON nested deeper than Python goes. So the values of a column are of one type, or text.

The texts are those of ``datestyle = ISO`` and ``intervalstyle = postgres``, which the session pins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from uuid import UUID

from crdb_magic.values.typemap import Family, SqlType

Decoder = Callable[[str], Any]

_SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval as the server stores it: months and days have no fixed length, so the parts are kept separate.

    ``str()`` is in the server's format, so it can be sent back. To add it to timestamps use
    ``pandas.DateOffset(months=i.months, days=i.days, microseconds=i.microseconds)``.
    """

    months: int
    days: int
    microseconds: int

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12)
        sign = -1 if self.months < 0 else 1
        words, before = [], 0
        for count, unit in ((sign * years, "year"), (sign * months, "mon"), (self.days, "day")):
            if count:
                plus = "+" if before < 0 < count else ""
                words.append(f"{plus}{count} {unit}{'' if count == 1 else 's'}")
                before = count
        if self.microseconds or not words:
            words.append(_clock(self.microseconds, plus="+" if before < 0 else ""))
        return " ".join(words)


def decoder(type_: SqlType) -> Decoder:
    """Give the function that turns one text of this type into its value; it raises `ValueError`."""
    if type_.lenient:
        return partial(_or_text, decode=decoder(replace(type_, lenient=False)))
    if type_.element is None:
        return _DECODERS[type_.family]
    return partial(_array, element=decoder(type_.element), delimiter=_DELIMITERS.get(type_.element.family, ","))


def decode(type_: SqlType, text: str | None) -> Any:
    """Turn one text into its value, NULL into None; raise `ValueError` if the text is not one of this type."""
    return None if text is None else decoder(type_)(text)


def _or_text(text: str, *, decode: Decoder) -> Any:
    try:
        return decode(text)
    except (ValueError, OverflowError):
        return text


def _bool(text: str) -> bool:
    if text not in {"t", "f"}:
        raise ValueError("neither t nor f")
    return text == "t"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a decimal number") from error


_ESCAPED = re.compile(rb"\\(?:(\\)|([0-3][0-7]{2}))|\\")


def _bytes(text: str) -> bytes:
    """Read both forms of ``bytea_output``, hex and escape."""
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return _ESCAPED.sub(_unescaped_byte, text.encode("ascii"))


def _unescaped_byte(match: re.Match[bytes]) -> bytes:
    if match[0] == b"\\":
        raise ValueError("a lone backslash")
    return match[1] or bytes([int(match[2], 8)])


_DAY = r"-?\d{4,}-\d\d-\d\d"  # CockroachDB v22.1 has a negative year in its arrays, where others write BC
_CLOCK = r"\d\d:\d\d:\d\d(?:\.\d+)?"
_ZONE = r"[+-]\d\d(?::\d\d){0,2}"
_OUTSIDE = {
    Family.DATE: re.compile(rf"-?infinity|{_DAY}(?: BC)?", re.ASCII),
    Family.TIME: re.compile(r"24:00:00(?:\.0+)?"),
    Family.TIMETZ: re.compile(rf"24:00:00(?:\.0+)?{_ZONE}", re.ASCII),
    Family.TIMESTAMP: re.compile(rf"-?infinity|{_DAY} {_CLOCK}(?: BC)?", re.ASCII),
    Family.TIMESTAMPTZ: re.compile(rf"-?infinity|{_DAY} {_CLOCK}{_ZONE}(?: BC)?", re.ASCII),
}


def _outside(family: Family, text: str) -> str:
    """Hand on the exact text of a value that Python cannot hold."""
    if not _OUTSIDE[family].fullmatch(text):
        raise ValueError(f"not a {family.name}")
    return text


def _date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _outside(Family.DATE, text)


def _time(text: str) -> time | str:
    return _clock_of(Family.TIME, text, zoned=False)


def _timetz(text: str) -> time | str:
    return _clock_of(Family.TIMETZ, text, zoned=True)


def _clock_of(family: Family, text: str, *, zoned: bool) -> time | str:
    if text.startswith("24"):  # Python 3.14 would read it as midnight
        return _outside(family, text)
    value = time.fromisoformat(text)
    _require_zone(value, zoned=zoned)
    return value


def _timestamp(text: str) -> datetime | str:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return _outside(Family.TIMESTAMP, text)
    _require_zone(value, zoned=False)
    return value


def _timestamptz(text: str) -> datetime | str:
    try:
        value = datetime.fromisoformat(text)
        _require_zone(value, zoned=True)
        return value.astimezone(UTC)
    except (ValueError, OverflowError):  # Overflow: a year from 1 to 9999 here, but not in UTC
        return _outside(Family.TIMESTAMPTZ, text)


def _require_zone(value: time | datetime, *, zoned: bool) -> None:
    if (value.tzinfo is not None) != zoned:
        raise ValueError("without an offset" if zoned else "with an offset")


_INTERVAL = re.compile(
    r"(?=.)(?:([+-]?\d+) years?)?(?: ?([+-]?\d+) mons?)?(?: ?([+-]?\d+) days?)?"
    r"(?: ?([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?",
    re.ASCII,
)
_INFINITE = frozenset({"infinity", "-infinity"})  # PostgreSQL 17


def interval(text: str) -> Interval | str:
    """Read an interval with its parts kept apart; hand on an infinite one as its text."""
    return text if text in _INFINITE else Interval(*_interval_parts(text))


def _timedelta(text: str) -> timedelta | Interval | str:
    return text if text in _INFINITE else span(*_interval_parts(text))


def span(months: int, days: int, microseconds: int) -> timedelta | Interval:
    """Make the `timedelta` that an interval is, unless it has months or is too long for one."""
    if not months:
        with suppress(OverflowError):
            return timedelta(days, 0, microseconds)
    return Interval(months, days, microseconds)


def _interval_parts(text: str) -> tuple[int, int, int]:
    match = _INTERVAL.fullmatch(text)
    if not match:
        raise ValueError("not an INTERVAL")
    years, months, days, sign, hours, minutes, seconds, fraction = match.groups()
    clock = 0
    if hours:
        clock = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * _SECOND
        clock += int(fraction.ljust(6, "0")) if fraction else 0
    return int(years or 0) * 12 + int(months or 0), int(days or 0), -clock if sign == "-" else clock


def _clock(microseconds: int, *, plus: str) -> str:
    seconds, fraction = divmod(abs(microseconds), _SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    sign = "-" if microseconds < 0 else plus
    digits = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{sign}{hour:02}:{minute:02}:{second:02}{digits}"


_EXACT_IN_FLOAT = 16  # characters: 15 digits and the point


def _json_number(text: str) -> float | Decimal:
    """Make a float of a number that a float holds exactly as it is written, else a Decimal."""
    value = float(text)
    if len(text) <= _EXACT_IN_FLOAT and "e" not in text and "E" not in text:
        return value
    exact = _decimal(text)
    return value if exact == Decimal(repr(value)) else exact


def _refuse_constant(name: str) -> None:
    raise json.JSONDecodeError("not JSON", name, 0)


_raw_json = json.JSONDecoder(parse_float=_json_number, parse_constant=_refuse_constant).raw_decode


_SQL_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def bare(text: str) -> str:
    """Give what a literal of SQL says, 'a' or e'a'; any other text as it is.

    CockroachDB before v23.1 has JSON in its arrays as such literals (cockroachdb/cockroach#94705).
    """
    if text.startswith("'"):
        return text[1:-1]
    if text.startswith("e'"):
        return _SQL_ESCAPE.sub(_unescaped_sql, text[2:-1].encode()).decode()
    return text


def _unescaped_sql(match: re.Match[bytes]) -> bytes:
    byte, short, long, sign = match.groups()
    if byte:
        return bytes([int(byte, 16)])
    return _CONTROLS.get(sign, sign) if sign else chr(int(short or long, 16)).encode()


def _json(text: str) -> Any:
    stripped = bare(text.strip(" \t\n\r"))  # PostgreSQL's json keeps the text as it was written
    try:
        value, end = _raw_json(stripped)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError):  # nested too deep, or a number of more digits than Python reads
        return text
    if end != len(stripped):
        raise ValueError("more than one JSON value")
    return value


def _vector(text: str) -> list[float]:
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError("not a VECTOR")
    return [float(number) for number in text[1:-1].split(",")]


_SPECIAL = re.compile(r'[{}"\\]')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|[^{}",]+', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BOUNDS = re.compile(r"(?:\[-?\d+:-?\d+\])+=", re.ASCII)
_AS_JSON = {"{": "[", "}": "]", "NULL": "null"}
_read_json = json.JSONDecoder(strict=False).decode
_DELIMITERS = {Family.GEO: ":"}


def _array(text: str, *, element: Decoder, delimiter: str) -> list[Any]:
    """Read an array literal into lists; at which index it begins is forgotten.

    A plain literal is split. One with quotes or dimensions is rewritten as JSON, which is read and checked in C.
    """
    if text[:1] == "{" and text[-1:] == "}" and not _SPECIAL.search(text, 1, len(text) - 1):
        return _values(text[1:-1].split(delimiter), element) if len(text) > len("{}") else []
    bounds = _BOUNDS.match(text)
    literal = text[bounds.end() :] if bounds else text
    if not literal.startswith("{"):
        raise ValueError("not an array")
    try:
        items = _read_json(_TOKEN.sub(_json_token, literal if delimiter == "," else literal.replace(delimiter, ",")))
        return _nested(items, element)
    except RecursionError as error:
        raise ValueError("nested too deep for an array") from error


def _json_token(match: re.Match[str]) -> str:
    token = match[0]
    if token in _AS_JSON:
        return _AS_JSON[token]
    body = token[1:-1] if token[0] == '"' else token
    return json.dumps(_ESCAPE.sub(r"\1", body)) if "\\" in body else f'"{body}"'


def _nested(items: list[Any], element: Decoder) -> list[Any]:
    return [
        _nested(item, element) if isinstance(item, list) else None if item is None else element(item) for item in items
    ]


def _values(items: list[str], element: Decoder) -> list[Any]:
    if "" in items:  # an empty text would be quoted
        raise ValueError("an array with an empty place")
    return [None if item == "NULL" else element(item) for item in items]


_DECODERS: dict[Family, Decoder] = {
    Family.BOOL: _bool,
    Family.INT2: int,
    Family.INT4: int,
    Family.INT8: int,
    Family.FLOAT4: float,
    Family.FLOAT8: float,
    Family.DECIMAL: _decimal,
    Family.TEXT: str,
    Family.BYTES: _bytes,
    Family.DATE: _date,
    Family.TIME: _time,
    Family.TIMETZ: _timetz,
    Family.TIMESTAMP: _timestamp,
    Family.TIMESTAMPTZ: _timestamptz,
    Family.INTERVAL: _timedelta,
    Family.UUID: UUID,
    Family.JSON: _json,
    Family.GEO: bytes.fromhex,
    Family.VECTOR: _vector,
    Family.ENUM: str,
    Family.UNKNOWN: str,
}
