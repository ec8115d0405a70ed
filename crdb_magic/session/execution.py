"""Sends bound statements over a connection and brings their answers back as text, inside an attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg2

from crdb_magic.core.statements import BoundStatement, Parameter
from crdb_magic.errors import CrdbMagicError, StatementError
from crdb_magic.session.driver import Connection, Cursor, text_cursor
from crdb_magic.session.literals import literal
from crdb_magic.session.translation import from_driver, position


@dataclass(frozen=True, slots=True)
class Answer:
    """A statement's answer before its types are known: each column is a name and an OID."""

    tag: str
    columns: tuple[tuple[str, int], ...] | None
    rows: tuple[tuple[str | None, ...], ...]
    row_count: int


def execute(connection: Connection, statements: Sequence[BoundStatement]) -> list[Answer]:
    """Send each statement and fetch all of its rows; raises our errors, which say where in the cell they arose."""
    return [_one(connection, statement, number, len(statements)) for number, statement in enumerate(statements, 1)]


def ask(connection: Connection, sql: str, values: Sequence[object] | Mapping[str, object] | None) -> Answer:
    """Send a statement with psycopg2's own placeholders and fetch all of its rows; raises psycopg2's errors."""
    with text_cursor(connection) as cursor:
        cursor.execute(sql, values)
        return _answer(cursor)


def _one(connection: Connection, statement: BoundStatement, number: int, count: int) -> Answer:
    pieces = [_rendered(piece, connection) for piece in statement.pieces]
    with text_cursor(connection) as cursor:
        try:
            cursor.execute("".join(pieces))
            return _answer(cursor)
        except psycopg2.Error as error:
            raise _placed(error, cursor, statement, pieces, _which(number, count)) from error


def _rendered(piece: str | Parameter, connection: Connection) -> str:
    return piece if isinstance(piece, str) else literal(piece.name, piece.value, connection)


def _answer(cursor: Cursor) -> Answer:
    tag, count = cursor.statusmessage or "", max(cursor.rowcount, 0)
    if cursor.description is None:
        return Answer(tag, None, (), count)
    columns = tuple((column.name, column.type_code) for column in cursor.description)
    return Answer(tag, columns, tuple(cursor.fetchall()), count)


def _placed(
    error: psycopg2.Error, cursor: Cursor, statement: BoundStatement, pieces: list[str], which: tuple[str, ...]
) -> CrdbMagicError:
    """Translate an error, with the line of the cell and a caret under the word that the server means."""
    translated = from_driver(error, connected=not cursor.connection.closed)
    if isinstance(translated, StatementError):
        index = position(error, sent_before=cursor.sent_before)
        if index is None:
            translated.excerpt = (*which, statement.source.excerpt(statement.source.head)[0])
        else:
            place = statement.position(index, [len(piece) for piece in pieces[1::2]])
            translated.excerpt = (*which, *statement.source.excerpt(place))
    return translated


def _which(number: int, count: int) -> tuple[str, ...]:
    return (f"In statement {number} of {count}:",) if count > 1 else ()
