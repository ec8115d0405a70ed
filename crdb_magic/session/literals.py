"""Python values -> SQL literals, by psycopg2's own quoting; what it does not know is turned into what it does.

A dict is sent as JSONB, and so is a list that holds one (nobody means an array of JSONB); other lists, sets, ranges,
and the arrays and columns of numpy, pandas and Arrow as arrays, tuples as tuples. None and what pandas calls missing
is NULL: in a column of float64 that is NaN too, elsewhere NaN is a number.

What has two meanings has the plain one. JSON's own null is ``'null'::JSONB`` in SQL, a list of numbers or texts as JSON
``to_jsonb(:name)``.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set, ValuesView
from datetime import time
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions, extras

from crdb_magic.core.decode import Interval
from crdb_magic.errors import ParameterError

Turn = Callable[[Any], Any]


def literal(name: str, value: object, connection: extensions.connection) -> str:
    """Quote a value for this connection; raises :class:`ParameterError` naming the parameter."""
    turned = _named(f":{name}", value)
    try:
        adapted = extensions.adapt(turned)
        if hasattr(adapted, "prepare"):
            adapted.prepare(connection)
        quoted = str(adapted.getquoted(), "utf-8")
    except (psycopg2.ProgrammingError, TypeError, ValueError):  # of an adapter that is not ours
        raise _without_form(value).named(f":{name}", value) from None
    return f"({quoted.strip()})" if quoted.startswith((" -", "-")) else quoted  # -5::TEXT would be -(5::TEXT)


def adaptable_all(values: Any) -> Any:
    """Give the values of a statement, by position or by name, as psycopg2 can adapt them.

    Raises :class:`ParameterError` naming the value. A mapping may hold much else: what no statement asks for is not
    looked at.
    """
    if values is None or len(values) == 0:
        return None
    if isinstance(values, Mapping):
        return _ByName(values)
    return [_named(f"Parameter {number}", value) for number, value in enumerate(values, 1)]


class _ByName(Mapping[str, Any]):
    """Values by name, each turned when it is asked for."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return _named(f"%({name})s", self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Refused(Exception):  # noqa: N818 - a ParameterError, once the name of the parameter is known
    """A value that can't be sent."""

    def __init__(self, value: object, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self._value, self._hint = value, hint

    def named(self, name: str, given: object) -> ParameterError:
        return ParameterError(f"{name} {'is' if self._value is given else 'holds'} {self}.", hint=self._hint)


def _without_form(value: object) -> _Refused:
    return _Refused(
        value,
        f"a {type(value).__name__}, which has no SQL form",
        "give a number, text, bytes, date, time, UUID, dict (as JSON), or a list of one of them.",
    )


def _named(name: str, value: object) -> Any:
    try:
        return _adaptable(value)
    except _Refused as refused:
        raise refused.named(name, value) from None
    except RecursionError:
        raise ParameterError(f"{name} is nested deeper than Python goes, or holds itself.") from None


def _adaptable(value: Any) -> Any:
    """Give a value that psycopg2 can adapt: for those that it can't, and those that it would get wrong."""
    return _turn_of(type(value))(value)


def _turn_of(kind: type) -> Turn:
    known = hasattr(kind, "__conform__") or (kind, extensions.ISQLQuote) in extensions.adapters
    if known and kind not in _TURNED_ALWAYS:
        return _unchanged
    if unwrap := _unwrapping(kind):
        return lambda value: _adaptable(unwrap(value))
    return next((turn for kinds, turn in _TURNS.items() if issubclass(kind, kinds)), _left_to_the_driver)


def _unchanged(value: Any) -> Any:
    return value


def _left_to_the_driver(value: Any) -> Any:
    """Let psycopg2 do it, which knows the subclasses of what it knows."""
    try:
        extensions.adapt(value)
    except psycopg2.ProgrammingError:
        raise _without_form(value) from None
    return value


# Into SQL


class _Cast:
    """A text that the server is to read as a type; by the protocol of psycopg2's adapters."""

    def __init__(self, text: object, type_: str) -> None:
        self._text, self._type = extensions.QuotedString(_text(str(text))), type_

    def __conform__(self, _: object) -> _Cast:
        return self

    def prepare(self, connection: extensions.connection) -> None:
        self._text.prepare(connection)

    def getquoted(self) -> bytes:
        return bytes(self._text.getquoted()) + f"::{self._type}".encode()


def _text(value: str) -> str:
    try:
        if b"\0" not in value.encode():
            return str.__str__(value)
    except UnicodeEncodeError:  # half of a surrogate pair
        pass
    raise _Refused(value, "a text that holds a character no server takes")


def _float(value: float) -> Any:
    """Give a float whose repr is SQL. Written as a number, -0.0 would be a DECIMAL, which has no such zero."""
    return _Cast("-0.0", "FLOAT8") if value == 0 and math.copysign(1, value) < 0 else float(value)


def _decimal(value: Decimal) -> Any:
    return _Cast(value, "DECIMAL") if value.is_infinite() else value  # psycopg2 would send NaN


def _time(value: time) -> time:
    if value.tzinfo and value.utcoffset() is None:  # the server would give it the session's
        raise _Refused(value, "a time in a zone whose offset depends on the day")
    return value


def _list(values: Iterable[Any]) -> Any:
    values = list(values)
    if _hold_document(values):
        return _document(values)
    turns = {kind: _turn_of(kind) for kind in set(map(type, values))}
    turned = [turns[type(value)](value) for value in values]
    return turned if any(one or not isinstance(one, list) for one in turned) else []  # ARRAY[ARRAY[]] has no type


def _hold_document(values: Iterable[Any]) -> bool:
    if any(_turn_of(kind) is _document for kind in set(map(type, values))):
        return True
    return any(_hold_document(value) for value in values if isinstance(value, list | tuple))


def _document(value: object) -> _Cast:
    return _Cast(_json(value), "JSONB")


def _psycopg2_json(value: extras.Json) -> extras.Json:
    """Write psycopg2's (and so peewee's) documents as ours, unless they say how to."""
    ours = getattr(value, "_dumps", None) is json.dumps
    return extras.Json(_text(_json(value.adapted)), dumps=str) if ours else value


_TURNS: dict[Any, Turn] = {
    str: _text,
    float: _float,
    Decimal: _decimal,
    memoryview: bytes,  # psycopg2 takes a contiguous one only
    time: _time,
    tuple: lambda value: tuple(map(_adaptable, value)),
    (list, Set, ValuesView, range, deque): _list,
    Mapping: _document,
    extras.Json: _psycopg2_json,
    UUID: lambda value: _Cast(value, "UUID"),
    Interval: lambda value: _Cast(value, "INTERVAL"),
    (IPv4Address, IPv4Network, IPv6Address, IPv6Network): lambda value: _Cast(value, "INET"),
}
_TURNED_ALWAYS = frozenset({str, float, Decimal, memoryview, time, tuple, list, extras.Json})

# Into JSON


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)  # in C
    except (TypeError, ValueError):
        return _exact_json(value, "")


def _exact_json(value: Any, path: str) -> str:
    """Write a document with each digit of its Decimals; ``path`` is where in it the value stands."""
    if unwrap := _unwrapping(type(value)):
        return _exact_json(unwrap(value), path)
    if isinstance(value, Mapping):
        members = (f"{_key(key, path)}: {_exact_json(member, f'{path}[{key!r}]')}" for key, member in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_exact_json(member, f'{path}[{index}]') for index, member in enumerate(value))}]"
    if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
        raise _Refused(value, f"{value}{_at(path)}, which is no number in JSON", "give None for a null.")
    return str(value) if isinstance(value, Decimal) else _scalar(value, path)


def _scalar(value: Any, path: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # Value: an int of more digits than Python writes
        what = f"a {type(value).__name__}{_at(path)}, which JSON has no form for"
        raise _Refused(value, what, "make a text or a number of it.") from None


def _key(key: Any, path: str) -> str:
    """Write a key, a number or None as the text of it: what Python's own JSON does."""
    if unwrap := _unwrapping(type(key)):
        return _key(unwrap(key), path)
    if not isinstance(key, str | int | float | None):
        raise _Refused(key, f"a {type(key).__name__} as a key{_at(path)}, where JSON takes texts")
    return json.dumps(key if isinstance(key, str) else json.dumps(key), ensure_ascii=False)


def _at(path: str) -> str:
    return f" at {path}" if path else ""


# Out of the wrappings of numpy, pandas and Arrow, which are not imported for it


def _unwrapping(kind: type) -> Turn | None:
    """Find what makes a plainer value of the values of this class."""
    if issubclass(kind, Enum):
        return attrgetter("value")
    families = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((_FAMILIES[family] for family in families if family in _FAMILIES), None)


def _from_numpy(value: Any) -> Any:
    kind = value.dtype.kind if hasattr(value, "tolist") else "V"
    if kind in {"V", "c"}:  # structured, complex
        raise _without_form(value)
    if kind in {"M", "m"}:
        return _moments(value)
    plain = value.tolist()
    return Decimal(str(value)) if type(plain) is type(value) else plain  # a longdouble has no plainer form


_DAYS = ("Y]", "M]", "W]", "D]")


def _moments(value: Any) -> Any:
    """Give dates of what counts days or more, else datetimes; or timedeltas."""
    kind, unit = value.dtype.kind, value.dtype.name
    missing = value != value  # noqa: PLR0124 - NaT
    if missing.all():
        return value.tolist()
    if kind == "m" and (unit.endswith(("Y]", "M]")) or "[" not in unit):
        raise _Refused(value, "a timedelta64 in a unit of no fixed length")
    fine = value.astype(f"{kind}8[us]")
    if not ((fine.astype(value.dtype) == value) | missing).all():
        raise _too_fine(value)
    plain = value if unit.endswith(_DAYS) and kind == "M" else fine
    if any(isinstance(one, int) for one in plain.ravel().tolist()):
        raise _out_of_range(value)
    return plain.tolist()


def _from_pandas(value: Any) -> Any:
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if hasattr(value, "tolist") and not hasattr(value, "levels"):
        return [None if missing else one for one, missing in zip(value.tolist(), value.isna(), strict=True)]
    if hasattr(value, "to_pydatetime"):
        return _exact(value, value.nanosecond, value.to_pydatetime)
    if hasattr(value, "to_pytimedelta"):
        return _exact(value, value.nanoseconds, value.to_pytimedelta)
    raise _without_form(value)


def _exact(value: Any, nanoseconds: int, convert: Callable[[], Any]) -> Any:
    if nanoseconds:
        raise _too_fine(value)
    try:
        return convert()
    except (ValueError, OverflowError):
        raise _out_of_range(value) from None


def _too_fine(value: object) -> _Refused:
    what = f"a {type(value).__name__} with digits below the microsecond, which no server keeps"
    return _Refused(value, what, "round it first.")


def _out_of_range(value: object) -> _Refused:
    return _Refused(value, f"a {type(value).__name__} outside of the years from 1 to 9999")


def _from_arrow(value: Any) -> Any:
    for name in ("as_py", "to_pylist"):  # of a scalar, of an array
        if hasattr(value, name):
            return getattr(value, name)()
    raise _without_form(value)


_FAMILIES: dict[str, Turn] = {"numpy": _from_numpy, "pandas": _from_pandas, "pyarrow": _from_arrow}
