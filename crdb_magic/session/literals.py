"""Python values -> SQL literals, by psycopg2's own quoting; what it does not know is turned into what it does."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isnan
from typing import Any

import psycopg2
from psycopg2 import extensions, extras

from crdb_magic.errors import ParameterError


def literal(name: str, value: object, connection: extensions.connection) -> str:
    """Quote a value for this connection; raises :class:`ParameterError` naming the parameter."""
    try:
        adapted = extensions.adapt(adaptable(value))
        if hasattr(adapted, "prepare"):
            adapted.prepare(connection)
        quoted = str(adapted.getquoted(), "utf-8")
        return f"({quoted.strip()})" if quoted.startswith((" -", "-")) else quoted  # -5::TEXT would be -(5::TEXT)
    except (psycopg2.ProgrammingError, TypeError) as error:
        if isinstance(value, dict):
            raise ParameterError(f":{name} is a dict that is no JSON: {error}.") from None
        raise ParameterError(
            f":{name} is a {type(value).__name__}, which has no SQL form.",
            hint="give a number, text, bytes, date, time, UUID, dict (as JSON), or a list of one of them.",
        ) from None
    except (ValueError, UnicodeError):  # a zero byte, half of a surrogate pair: no server text holds them
        raise ParameterError(f":{name} is a text that holds a character no server takes.") from None


def adaptable(value: Any) -> Any:
    """Give a value that psycopg2 can adapt: for those that it can't, and those that it would get wrong.

    numpy 2's floats are Python floats whose repr is no SQL; an infinite Decimal would be sent as NaN; a dict is JSON;
    a missing value of pandas' is NULL.
    """
    for kind, turn in _TURNS:
        if isinstance(value, kind):
            return turn(value)
    family = type(value).__module__.partition(".")[0]
    return _FOREIGN[family](value) if family in _FOREIGN else value


def adaptable_all(values: Any) -> Any:
    """Give the values of a statement, by position or by name, as psycopg2 can adapt them."""
    if not values:
        return None
    if isinstance(values, Mapping):
        return {name: adaptable(value) for name, value in values.items()}
    return [adaptable(value) for value in values]


def _from_numpy(value: Any) -> Any:
    kind = value.dtype.kind if hasattr(value, "dtype") else ""
    if kind in {"m", "M"}:  # tolist() makes numbers of those that count nanoseconds
        value = value.astype(f"{kind}8[us]")
    return adaptable(value.tolist()) if hasattr(value, "tolist") else value


def _from_pandas(value: Any) -> Any:
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if hasattr(value, "tolist"):
        return [None if isinstance(one, float) and isnan(one) else adaptable(one) for one in value.tolist()]
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime(warn=False)
    return value.to_pytimedelta() if hasattr(value, "to_pytimedelta") else value


_TURNS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda value: adaptable(value.value)),
    (uuid.UUID, extras.UUID_adapter),
    (Decimal, lambda value: extensions.AsIs(f"'{value}'::DECIMAL") if value.is_infinite() else value),
    (dict, extras.Json),
    (list, lambda value: [adaptable(one) for one in value]),
    (tuple, lambda value: tuple(adaptable(one) for one in value)),
    (set | frozenset, lambda value: [adaptable(one) for one in value]),
)
_FOREIGN: dict[str, Callable[[Any], Any]] = {"numpy": _from_numpy, "pandas": _from_pandas}
