"""Places and events <-> the blocks of a manifest: TOML that a person can read, without what is as it is anyhow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeVar

import tomli_w

from crdb_magic.core.asof import time_of
from crdb_magic.frozen.events import Event, Heading, Kind, Place, Refusal
from crdb_magic.values.typemap import lookup

T = TypeVar("T")

END = "# end"
"""The line that ends what was written at once: without it, it was not written whole."""

NAMES: dict[type[Place] | type[Event], str] = {Place: "connection", Event: "event"}
"""The names of the blocks."""

_NOT_LITERALLY = r"\r\n", END  # as JSON has them: the one becomes \n within """, the other looks like an end


def written(*blocks: Place | Event) -> str:
    """Write blocks, and the line that ends them."""
    return "\n".join(map(_block, blocks)) + f"{END}\n\n"


def _block(block: Place | Event) -> str:
    name, table = NAMES[type(block)], _table(block)
    plain = json.dumps(table, default=str)
    multiline = not any(one in plain for one in _NOT_LITERALLY)
    text = tomli_w.dumps({name: table}, multiline_strings=multiline).replace(f"[{name}]", f"[[{name}]]", 1)
    for key in ("sql", *(kind.value for kind in Kind)):  # from below, so that what is found is no part of a text
        if _reads_better(table.get(key, "")):
            escaped = tomli_w.dumps({key: table[key]}, multiline_strings=multiline)
            text = text.replace(escaped, f"{key} = '''\n{table[key]}'''\n", 1)
    return text


def _reads_better(sql: str) -> bool:
    """Whether SQL is full of quotes and can stand as it is between three of the others."""
    return bool(re.search(r'["\\]', sql)) and not re.search(rf"'''|'\Z|[^\t\n\x20-\x7e\x80-\U0010ffff]|{END}", sql)


def _table(block: Place | Event) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for one in fields(block):
        value = getattr(block, one.name)
        if one.name == "kind" or value == _default(one):
            continue
        if isinstance(block, Event) and one.name == "text":
            table[block.kind.value] = value
            continue
        table[_WORDS.get(one.name, one.name)] = _FORMS[one.name].write(value)
        if isinstance(value, Decimal):
            with suppress(OverflowError):  # far from any time that a server tells
                table[f"{one.name}_time"] = time_of(value)
    return table


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def place(table: Mapping[str, Any]) -> Place:
    """Read a connection's block; raise `ValueError` with what is wrong in it."""
    return _read(Place, dict(table))


def event(table: Mapping[str, Any]) -> Event:
    """Read an event's block; raise `ValueError` with what is wrong in it."""
    kinds = [kind for kind in Kind if kind.value in table]
    if len(kinds) != 1:
        raise ValueError(f"it should say one of {', '.join(kind.value for kind in Kind)}")
    (kind,) = kinds
    rest = {name: value for name, value in table.items() if name not in {kind.value, *_FOR_READERS}}
    if unknown := {"text", "kind", *_WORDS} & set(rest):
        raise ValueError(f"{min(unknown)} is nothing that is known")
    rest |= {name: rest.pop(word) for name, word in _WORDS.items() if word in rest}
    return _read(Event, {"kind": kind, "text": table[kind.value], **rest})


_WORDS = {"receipt": "facts"}  # what is called receipt is the text of one, as that of a read is called read
_FOR_READERS = {"as_of_time", "at_time"}


def _read(made: type[T], table: dict[str, Any]) -> T:
    known = {one.name: one for one in fields(made)}  # type: ignore[arg-type]
    missing = [name for name, one in known.items() if name not in table and _default(one) is MISSING]
    if missing or not set(table) <= set(known):
        wrong = missing[0] if missing else min(set(table) - set(known))
        raise ValueError(f"{wrong} {'is missing' if missing else 'is nothing that is known'}")
    return made(**{name: _field(name, value) for name, value in table.items()})


def _field(name: str, value: Any) -> Any:
    try:
        return _FORMS[name].read(value)
    except (ValueError, TypeError, KeyError, InvalidOperation):
        raise ValueError(f"{name} is not what it should be") from None


class _Form(NamedTuple):
    """How a field is read, with a `ValueError` for nonsense, and written."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


def _of(kind: type[T]) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        if type(value) is not kind:
            raise ValueError(f"not a {kind.__name__}")
        return value

    return read


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_of(str), _of(list)(value)))


def _named_texts(value: Any) -> dict[str, str]:
    return {name: _of(str)(text) for name, text in _of(dict)(value).items()}


def _instant(value: Any) -> Decimal:
    number = Decimal(_of(str)(value))
    if not number.is_finite():
        raise ValueError("no number")
    return number


def _hash(value: Any) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value):  # it names a file
        raise ValueError("not a hash")
    return str(value)


def _headings(value: Any) -> tuple[Heading, ...]:
    return tuple(
        Heading(_of(str)(one["name"]), _of(int)(one["oid"]), _of(int)(one.get("modifier", -1)))
        for one in _of(list)(value)
    )


def _heading_tables(columns: tuple[Heading, ...]) -> list[dict[str, Any]]:
    return [_heading_table(column) for column in columns]


def _heading_table(column: Heading) -> dict[str, Any]:
    """Write a column: the name of its type is for the reader."""
    known = lookup(column.oid, cockroach=False)
    type_ = {"type": known.name} if known else {}
    modifier = {"modifier": column.modifier} if column.modifier != -1 else {}
    return {"name": column.name, **type_, "oid": column.oid, **modifier}


_CODES = {
    "severity": "S", "severity_in_english": "V", "sqlstate": "C", "message": "M", "detail": "D", "hint": "H",
    "position": "P", "internal_position": "p", "internal_query": "q", "where": "W", "schema": "s", "table": "t",
    "column": "c", "type": "d", "constraint": "n", "file": "F", "line": "L", "routine": "R",
}  # fmt: skip
_MEANINGS = {code: name for name, code in _CODES.items()}


def _refusal(value: Any) -> Refusal:
    return Refusal({_CODES.get(name, name): text for name, text in _named_texts(value).items()})


def _refusal_table(refusal: Refusal) -> dict[str, str]:
    return {_MEANINGS.get(code, code): text for code, text in refusal.fields.items()}


def _without_none(value: Any) -> Any:
    """Leave out what is None, which TOML does not have."""
    if isinstance(value, Mapping):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value if one is not None]
    return value


_WHOLE, _TEXT, _MAPPING = _Form(_of(int)), _Form(_of(str)), _Form(_named_texts)
_INSTANT = _Form(_instant, "{:f}".format)
_FORMS = {
    "number": _WHOLE,
    "kind": _Form(_of(Kind)),
    "connection": _WHOLE,
    "text": _TEXT,
    "sql": _TEXT,
    "values": _MAPPING,
    "after": _WHOLE,
    "as_of": _INSTANT,
    "at": _INSTANT,
    "settings": _Form(_texts),
    "undone": _Form(_of(bool)),
    "tag": _TEXT,
    "columns": _Form(_headings, _heading_tables),
    "rows": _WHOLE,
    "hash": _Form(_hash),
    "notices": _Form(_texts),
    "told": _MAPPING,
    "digest": _TEXT,
    "refusal": _Form(_refusal, _refusal_table),
    "receipt": _Form(_of(dict), _without_none),
    "shown": _TEXT,
    "database": _TEXT,
    "user": _TEXT,
    "parameters": _MAPPING,
}
"""The fields of both, in no order of their own."""
