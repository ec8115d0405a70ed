"""Places and events <-> the blocks of a manifest: TOML that a person can read, without what is as it is anyhow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields
from datetime import UTC, datetime
from decimal import Decimal
from math import inf
from typing import Any, NamedTuple, TypeVar

import tomli_w

from crdb_magic.core.asof import AsOf, at_hlc, time_of
from crdb_magic.errors import Attempt
from crdb_magic.frozen.events import (
    COMMITTED,
    FACTS,
    PRESENT,
    ErrorResponse,
    Event,
    EventKind,
    RecordedColumn,
    RecordedConnection,
)
from crdb_magic.values.typemap import lookup

T = TypeVar("T")

END = "# end"
"""The line that ends what was written at once: without it, it was not written whole."""

NAMES: dict[type[RecordedConnection] | type[Event], str] = {RecordedConnection: "connection", Event: "event"}
"""The names of the blocks."""

_NOT_LITERALLY = r"\r\n", END  # as JSON has them: the one becomes \n within """, the other looks like an end


def written(*blocks: RecordedConnection | Event) -> str:
    """Write blocks, and the line that ends them."""
    return "\n".join(map(_block, blocks)) + f"{END}\n\n"


def _block(block: RecordedConnection | Event) -> str:
    name, table = NAMES[type(block)], _table(block)
    plain = json.dumps(table, default=str)
    multiline = not any(one in plain for one in _NOT_LITERALLY)
    text = tomli_w.dumps({name: table}, multiline_strings=multiline).replace(f"[{name}]", f"[[{name}]]", 1)
    for key in ("sql", *(kind.value for kind in EventKind)):  # from below, so that what is found is no part of a text
        if _reads_better(table.get(key, "")):
            escaped = tomli_w.dumps({key: table[key]}, multiline_strings=multiline)
            text = text.replace(escaped, f"{key} = '''\n{table[key]}'''\n", 1)
    return text


def _reads_better(sql: str) -> bool:
    """Whether SQL is full of quotes and can stand as it is between three of the others."""
    return bool(re.search(r'["\\]', sql)) and not re.search(rf"'''|'\Z|[^\t\n\x20-\x7e\x80-\U0010ffff]|{END}", sql)


def _table(block: RecordedConnection | Event) -> dict[str, Any]:
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
            table[f"{one.name}_time"] = time_of(value)
    return table


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def place(table: Mapping[str, Any]) -> RecordedConnection:
    """Read a connection's block; raise `ValueError` with what is wrong in it."""
    return _read(RecordedConnection, dict(table))


def event(table: Mapping[str, Any]) -> Event:
    """Read an event's block; raise `ValueError` with what is wrong in it."""
    kinds = [kind for kind in EventKind if kind.value in table]
    if len(kinds) != 1:
        raise ValueError(f"it should say one of {', '.join(kind.value for kind in EventKind)}")
    (kind,) = kinds
    if kind is EventKind.INSTANT:
        _field("instant", table["instant"])
    rest = {name: value for name, value in table.items() if name not in {kind.value, *_FOR_READERS}}
    if unknown := {"text", "kind", *_WORDS} & set(rest):
        raise ValueError(f"{min(unknown)} is unknown")
    rest |= {name: rest.pop(word) for name, word in _WORDS.items() if word in rest}
    return _read(Event, {"kind": kind, "text": table[kind.value], **rest})


_WORDS = {"receipt": "facts"}  # what is called receipt is the text of one, as that of a read is called read
_FOR_READERS = {"as_of_time", "at_time"}


def _read(made: type[T], table: dict[str, Any]) -> T:
    known = {one.name: one for one in fields(made)}  # type: ignore[arg-type]
    missing = [name for name, one in known.items() if name not in table and _default(one) is MISSING]
    if missing or not set(table) <= set(known):
        wrong = missing[0] if missing else min(set(table) - set(known))
        raise ValueError(f"{wrong} {'is missing' if missing else 'is unknown'}")
    return made(**{name: _field(name, value) for name, value in table.items()})


def _field(name: str, value: Any) -> Any:
    try:
        return _FORMS[name].read(value)
    except (ValueError, TypeError, KeyError, ArithmeticError):
        raise ValueError(f"{_WORDS.get(name, name)} is invalid") from None


class _FieldCodec(NamedTuple):
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
    at_hlc(number)
    return number


def _asked(value: Any) -> str:
    if value not in {COMMITTED, PRESENT}:
        AsOf.parse(_of(str)(value))
    return str(value)


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("no offset")
    return time.astimezone(UTC)


def _seconds(value: Any) -> float:
    if type(value) not in {int, float} or not 0 <= value < inf:
        raise ValueError("no duration")
    return float(value)


def _attempts(value: Any) -> tuple[Attempt, ...]:
    known = [{name: _field(name, one) for name, one in _of(dict)(table).items()} for table in _of(list)(value)]
    return tuple(Attempt(**{"sqlstate": None, "reason": None, **one}) for one in known)


def _attempt_tables(attempts: tuple[Attempt, ...]) -> list[dict[str, Any]]:
    """Write attempts without what is None, which TOML does not have."""
    return [{name: value for name, value in asdict(one).items() if value is not None} for one in attempts]


def _facts(value: Any) -> dict[str, Any]:
    if not set(_of(dict)(value)) <= set(FACTS):
        raise ValueError("more than facts")
    return {name: _field(name, one) for name, one in value.items()}


def _fact_table(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _FORMS[name].write(value) for name, value in facts.items()}


def _hash(value: Any) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value):  # it names a file
        raise ValueError("not a hash")
    return str(value)


def _within(value: Any, least: int, end: int) -> int:
    if not least <= _of(int)(value) < end:
        raise ValueError("another size")
    return int(value)


def _headings(value: Any) -> tuple[RecordedColumn, ...]:
    return tuple(
        RecordedColumn(
            _of(str)(one["name"]), _within(one["oid"], 0, 2**32), _within(one.get("modifier", -1), -(2**31), 2**31)
        )
        for one in _of(list)(value)
    )


def _heading_tables(columns: tuple[RecordedColumn, ...]) -> list[dict[str, Any]]:
    return [_heading_table(column) for column in columns]


def _heading_table(column: RecordedColumn) -> dict[str, Any]:
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


def _refusal(value: Any) -> ErrorResponse:
    return ErrorResponse({_CODES.get(name, name): text for name, text in _named_texts(value).items()})


def _refusal_table(refusal: ErrorResponse) -> dict[str, str]:
    return {_MEANINGS.get(code, code): text for code, text in refusal.fields.items()}


_WHOLE, _TEXT, _MAPPING = _FieldCodec(_of(int)), _FieldCodec(_of(str)), _FieldCodec(_named_texts)
_INSTANT, _SECONDS = _FieldCodec(_instant, "{:f}".format), _FieldCodec(_seconds)
_FORMS = {
    "number": _WHOLE,
    "kind": _FieldCodec(_of(EventKind)),
    "connection": _WHOLE,
    "text": _TEXT,
    "sql": _TEXT,
    "values": _MAPPING,
    "after": _WHOLE,
    "as_of": _INSTANT,
    "at": _INSTANT,
    "settings": _FieldCodec(_texts),
    "undone": _FieldCodec(_of(bool)),
    "tag": _TEXT,
    "columns": _FieldCodec(_headings, _heading_tables),
    "rows": _WHOLE,
    "hash": _FieldCodec(_hash),
    "notices": _FieldCodec(_texts),
    "told": _MAPPING,
    "digest": _TEXT,
    "refusal": _FieldCodec(_refusal, _refusal_table),
    "receipt": _FieldCodec(_facts, _fact_table),
    "shown": _TEXT,
    "database": _TEXT,
    "user": _TEXT,
    "parameters": _MAPPING,
    "instant": _FieldCodec(_asked),
    "statements": _WHOLE,
    "elapsed": _SECONDS,
    "retries": _FieldCodec(_attempts, _attempt_tables),
    "committed_at": _INSTANT,
    "ended_at": _FieldCodec(_time, lambda time: time.astimezone(UTC).isoformat()),
    "sqlstate": _TEXT,
    "reason": _TEXT,
    "message": _TEXT,
    "wait": _SECONDS,
}
"""The fields of both, what an instant was asked by, and those of receipts and their attempts."""
