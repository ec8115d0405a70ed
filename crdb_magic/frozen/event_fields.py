"""What was asked, as an event has it: whether it may write, as it was written, and with which values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psycopg2 import Error

from crdb_magic.errors import ParameterError
from crdb_magic.frozen.events import SOURCE, ErrorResponse, EventKind, plain_text
from crdb_magic.session.driver import Connection
from crdb_magic.session.literals import literal
from crdb_magic.sql.kinds import SETTINGS, may_write
from crdb_magic.sql.statements import Statement

_NAMED = re.compile(r"%\((\w+)\)s")
_CHANGE_SESSION = SETTINGS | {"DISCARD", "PREPARE", "DEALLOCATE", "LISTEN", "UNLISTEN"}


def kind_of(statements: tuple[Statement, ...]) -> EventKind:
    """Tell whether a message may write, or change what the session is; one that is not understood may."""
    if not statements:
        return EventKind.WRITE
    writes = any(may_write(one) or one.keyword in _CHANGE_SESSION for one in statements)
    return EventKind.WRITE if writes else EventKind.READ


def values_of(connection: Connection, written: tuple[str, Any] | None) -> dict[str, str]:
    """Spell the values of a statement as SQL literals, by their names or places."""
    if written is None or not written[1]:
        return {}
    sql, values = written
    if isinstance(values, Mapping):
        names = _NAMED.findall(sql) if not isinstance(values, dict) else values
        return {name: _spelled(name, values[name], connection) for name in names}
    return {str(place): _spelled(str(place), value, connection) for place, value in enumerate(values, 1)}


def _spelled(name: str, value: object, connection: Connection) -> str:
    try:
        return plain_text(literal(name, value, connection))
    except ParameterError:
        return "?"


_FIELDS = {
    "severity": "S",
    "sqlstate": "C",
    "message_primary": "M",
    "message_detail": "D",
    "message_hint": "H",
    "internal_query": "q",
    "context": "W",
    "schema_name": "s",
    "table_name": "t",
    "column_name": "c",
    "datatype_name": "d",
    "constraint_name": "n",
}
_POSITION = "P"


def refusal_of(error: Error, before: int) -> ErrorResponse:
    """Give an error's fields; its position counts from the statement, which ``before`` characters came before."""
    told = {code: getattr(error.diag, name) for name, code in _FIELDS.items()}
    fields = {code: str(value) for code, value in told.items() if value is not None}
    if position := error.diag.statement_position:
        fields[_POSITION] = str(max(int(position) - before, 1))
    if fields.get("D", "").startswith(SOURCE):
        fields["D"] = SOURCE + fields["D"][len(SOURCE) + before :]
    return ErrorResponse(fields)
