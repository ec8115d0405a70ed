"""Python values -> JSON text, each Decimal with the digits that it has.

Dates and times are written as their ISO 8601 texts, UUIDs and `Interval` as theirs, what pandas calls missing as null:
JSON has no other form for them, and reads them as texts. All else that it has no form for is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from crdb_magic.values.decode import Interval
from crdb_magic.values.unwrap import NoFormError, plain


def json_text(value: Any) -> str:
    """Write JSON.

    Raises :class:`NoFormError` saying where in the document a value without a form stands, RecursionError for a
    document that is nested too deep or holds itself.
    """
    try:
        return _quick(value)
    except (TypeError, ValueError):
        return _exact(value, ())


def _simpler(value: Any) -> Any:
    """Give what JSON has a form for, or may have; the value itself if there is nothing simpler."""
    value = plain(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Interval) else value


# In C. A Decimal, and what has no form, comes back from `_simpler` as it is, which the encoder takes for a circle.
_quick = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_simpler).encode


def _exact(value: Any, path: tuple[Any, ...]) -> str:
    """Write what the quick way can't; ``path`` are the keys that lead to the value."""
    if isinstance(value, Mapping):
        members = (f"{_key(key, path)}: {_exact(member, (*path, key))}" for key, member in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_exact(member, (*path, index)) for index, member in enumerate(value))}]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    simpler = value if isinstance(value, str | int | float) else _simpler(value)
    return _scalar(value, path) if simpler is value else _exact(simpler, path)


def _key(key: Any, path: tuple[Any, ...]) -> str:
    """Write a key, a number or None as the text of it: what Python's own JSON does."""
    simpler = key if isinstance(key, str | int | float) else plain(key)
    if isinstance(simpler, str):
        return _quick(simpler)
    if simpler is None or isinstance(simpler, int | float):
        return f'"{_scalar(simpler, path)}"'
    raise NoFormError(key, f"a {type(key).__name__} as a key{_at(path)}, where JSON takes texts")


def _scalar(value: Any, path: tuple[Any, ...]) -> str:
    try:
        return _quick(value)
    except (TypeError, ValueError):  # Value: NaN, or an int of more digits than Python writes
        raise _refused(value, _at(path)) from None


def _refused(value: object, at: str) -> NoFormError:
    if isinstance(value, float | Decimal):
        return NoFormError(value, f"{value}{at}, which is not a number in JSON", "give None for a null.")
    what = f"a {type(value).__name__}{at}, which JSON has no form for"
    return NoFormError(value, what, "make a text or a number of it.")


def _at(path: tuple[Any, ...]) -> str:
    return f" at {''.join(f'[{key!r}]' for key in path)}" if path else ""
