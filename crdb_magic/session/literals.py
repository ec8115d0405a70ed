"""Python values -> SQL literals, by psycopg2's own quoting; what it does not know is turned into what it does.

A dict is sent as JSONB, and so is a list that holds one (nobody means an array of JSONB); other lists, sets, ranges,
and the arrays and columns of numpy, pandas and Arrow as arrays, tuples as tuples; in SQL cells what stands behind IN
is a tuple, and what stands in ANY() an array, whatever it was. None and what pandas calls missing is NULL: in a column
of float64 that is NaN too, elsewhere NaN is a number. What a document may hold, and how it is written there (a date as
a text), is for `crdb_magic.values.json_text`.

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
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions, extras

from crdb_magic.errors import ParameterError
from crdb_magic.sql.names import quoted
from crdb_magic.values.decode import Interval
from crdb_magic.values.json_text import json_text
from crdb_magic.values.unwrap import NoFormError, is_wrapping, plain

Turn = Callable[[Any], Any]


def literal(name: str, value: object, connection: extensions.connection) -> str:
    """Quote a value for this connection; raises :class:`ParameterError` naming the parameter."""
    turned = _named(f":{name}", value)
    try:
        adapted = extensions.adapt(turned)
        if hasattr(adapted, "prepare"):
            adapted.prepare(connection)
        spelled = str(adapted.getquoted(), "utf-8")
    except (psycopg2.ProgrammingError, TypeError, ValueError):  # of an adapter that is not ours
        raise _refused(f":{name}", value, _without_form(value)) from None
    return f"({spelled.strip()})" if spelled.startswith((" -", "-")) else spelled  # -5::TEXT would be -(5::TEXT)


def identifier(name: str, value: object, longest: int | None) -> str:
    """Quote a value as the name of a table or a column, of ``longest`` bytes at most.

    Raises :class:`ParameterError` for what can't be one.
    """
    parameter = f':"{name}"'
    if not isinstance(value, str):
        raise ParameterError(f"{parameter} is not a name, but of type {type(value).__name__}.", hint=_ONE_NAME)
    if not value:
        raise ParameterError(f"{parameter} is not a name: it is empty.", hint=_ONE_NAME)
    spelled: str = _named(parameter, value)
    if longest and len(spelled.encode()) > longest:
        raise ParameterError(f"{parameter} is longer than a name can be there: {longest} bytes.")
    return quoted(spelled)


_ONE_NAME = 'It takes a text, the name of a table or a column; for two of them write :"schema".:"table".'


def members(name: str, value: object) -> object:
    """Give a collection as the tuple that IN takes, all else as it is; raises :class:`ParameterError` for nothing."""
    listed = plain(value) if is_wrapping(type(value)) else value
    if not isinstance(listed, (tuple, *_LISTS)):
        return value
    if len(listed) == 0:
        raise ParameterError(
            f":{name} holds nothing, and there is no SQL for IN ().",
            hint=f"= ANY(:{name}) and <> ALL(:{name}) take a list of any length.",
        )
    return tuple(listed)


def adaptable_all(values: Any) -> Any:
    """Give the values of a statement, by position or by name, as psycopg2 can adapt them.

    Raises :class:`ParameterError` naming the value. A mapping may hold much else: what no statement asks for is not
    looked at.
    """
    if values is None or len(values) == 0:
        return None
    if isinstance(values, Mapping):
        return _ByName(values)
    if _LEFT_ALONE.issuperset(map(type, values)):
        return list(values)
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


def _named(name: str, value: object) -> Any:
    try:
        return _adaptable(value)
    except NoFormError as error:
        raise _refused(name, value, error) from None
    except RecursionError:
        raise ParameterError(f"{name} is nested deeper than Python goes, or holds itself.") from None


def _refused(name: str, value: object, error: NoFormError) -> ParameterError:
    return ParameterError(f"{name} {'is' if error.value is value else 'holds'} {error}.", hint=error.hint)


def _without_form(value: object) -> NoFormError:
    return NoFormError(
        value,
        f"a {type(value).__name__}, which has no SQL form",
        "give a number, text, bytes, date, time, UUID, dict (as JSON), or a list of one of them.",
    )


def _adaptable(value: Any) -> Any:
    """Give a value that psycopg2 can adapt: for those that it can't, and those that it would get wrong."""
    return _turn_of(type(value))(value)


def _turn_of(kind: type) -> Turn:
    return _chosen(kind, hasattr(kind, "__conform__") or (kind, extensions.ISQLQuote) in extensions.adapters)


@lru_cache(256)
def _chosen(kind: type, known: bool) -> Turn:  # noqa: FBT001 - whether an adapter is registered, which may change
    if known and kind not in _TURNED_ALWAYS:
        return _unchanged
    if is_wrapping(kind):
        return _unwrapped
    return next((turn for kinds, turn in _TURNS.items() if issubclass(kind, kinds)), _left_to_the_driver)


def _unchanged(value: Any) -> Any:
    return value


def _unwrapped(value: Any) -> Any:
    plainer = plain(value)
    return _left_to_the_driver(value) if plainer is value else _adaptable(plainer)


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
    raise NoFormError(value, "a text that holds a character no server takes")


def _float(value: float) -> Any:
    """Give a float whose repr is SQL. Written as a number, -0.0 would be a DECIMAL, which has no such zero."""
    return _Cast("-0.0", "FLOAT8") if value == 0 and math.copysign(1, value) < 0 else float(value)


def _decimal(value: Decimal) -> Any:
    return _Cast(value, "DECIMAL") if value.is_infinite() else value  # psycopg2 would send NaN


def _time(value: time) -> time:
    if value.tzinfo and value.utcoffset() is None:  # the server would give it the session's
        raise NoFormError(value, "a time in a zone whose offset depends on the day")
    return value


def _list(values: Iterable[Any]) -> Any:
    values = list(values)
    turns = _turns_of(values)
    if _hold_document(values, turns):
        return _document(values)
    turned = [turns[type(value)](value) for value in values]
    return turned if any(one or not isinstance(one, list) for one in turned) else []  # ARRAY[ARRAY[]] has no type


def _turns_of(values: Iterable[Any]) -> dict[type, Turn]:
    return {kind: _turn_of(kind) for kind in set(map(type, values))}


def _hold_document(values: Iterable[Any], turns: Mapping[type, Turn]) -> bool:
    if _document in turns.values():
        return True
    nested = any(issubclass(kind, list | tuple) for kind in turns)
    return nested and any(_hold_document(one, _turns_of(one)) for one in values if isinstance(one, list | tuple))


def _document(value: object) -> _Cast:
    return _Cast(json_text(value), "JSONB")


def _psycopg2_json(value: extras.Json) -> extras.Json:
    """Write psycopg2's (and so peewee's) documents as ours, unless they say how to."""
    ours = getattr(value, "_dumps", None) is json.dumps
    return extras.Json(_text(json_text(value.adapted)), dumps=str) if ours else value


_LISTS = (list, Set, ValuesView, range, deque)
_TURNS: dict[Any, Turn] = {
    str: _text,
    float: _float,
    Decimal: _decimal,
    memoryview: bytes,  # psycopg2 takes a contiguous one only
    time: _time,
    tuple: lambda value: tuple(map(_adaptable, value)),
    _LISTS: _list,
    Mapping: _document,
    extras.Json: _psycopg2_json,
    UUID: lambda value: _Cast(value, "UUID"),
    Interval: lambda value: _Cast(value, "INTERVAL"),
    (IPv4Address, IPv4Network, IPv6Address, IPv6Network): lambda value: _Cast(value, "INET"),
}
_LEFT_ALONE = frozenset({bool, int, type(None)})  # the commonest of those that psycopg2 gets right
_TURNED_ALWAYS = frozenset({str, float, Decimal, memoryview, time, tuple, list, extras.Json})
