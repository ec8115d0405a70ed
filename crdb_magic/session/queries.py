"""A query as it is to be sent: one that other statements, such as COPY, take between their parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

import psycopg2

from crdb_magic.errors import CrdbMagicError, ParameterError, ScriptError, StatementError
from crdb_magic.session.driver import Connection, Cursor, text_cursor
from crdb_magic.session.literals import adaptable_all, identifier, literal, members
from crdb_magic.session.translation import from_driver, position
from crdb_magic.sql import nearmisses
from crdb_magic.sql.kinds import is_query
from crdb_magic.sql.names import place_of
from crdb_magic.sql.statements import BoundStatement, Parameter, Statement, split

Values = Sequence[object] | Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Query:
    """The text of a query, by which it is known again, with its values, and what spells both for a connection."""

    text: str
    on: Callable[[Connection], str]
    statement: BoundStatement | None = None
    values: Values = None

    @classmethod
    def of_statement(cls, statement: BoundStatement) -> Query | None:
        """Take a bound statement; None if it is no such query."""
        if not is_query(statement.source):
            return None
        text, values = statement.source.text, statement.values
        return cls(text, lambda connection: "".join(rendered(statement, connection)), statement, values)

    @classmethod
    def of_text(cls, sql: str, values: Values) -> Query | None:
        """Take SQL with psycopg2's placeholders and their values; None if it is no such query, or several."""
        only = _only(sql)
        return cls(sql, lambda connection: _mogrified(connection, only.text, values), None, values) if only else None

    @contextmanager
    def spelled(self, cursor: Cursor) -> Iterator[str]:
        """Give it as `on` does; psycopg2's errors become ours, which show the line of the cell that it is from."""
        pieces = rendered(self.statement, cursor.connection) if self.statement else [self.on(cursor.connection)]
        cursor.written = self.text, self.values
        try:
            yield "".join(pieces)
        except psycopg2.Error as error:
            if self.statement:
                raise placed(error, cursor, self.statement, pieces) from error
            raise from_driver(error, connected=not cursor.connection.closed) from error


def rendered(statement: BoundStatement, connection: Connection) -> list[str]:
    """Give the pieces of a statement with its values quoted for this connection."""
    pieces: list[str] = []
    for piece in statement.pieces:
        pieces.append(piece if isinstance(piece, str) else _spelled(piece, pieces[-1], connection))
    return pieces


def _spelled(parameter: Parameter, before: str, connection: Connection) -> str:
    """Quote a value: behind IN a list as the tuple that it takes, within ANY() a tuple as the array that it takes."""
    name, value = parameter.name, parameter.value
    if parameter.names:
        return identifier(name, value, connection.server.longest_name)
    if found := _BEHIND_IN.search(before):
        row = members(name, value)
        spelled = literal(name, row, connection)
        return spelled[1:-1] if found["open"] and row is not value else spelled
    if isinstance(value, tuple) and _WITHIN_ANY.search(before):
        value = list(value)
    return literal(name, value, connection)


_BEHIND_IN = re.compile(r"\bIN\s*(?P<open>\(?)\s*\Z", re.IGNORECASE)
_WITHIN_ANY = re.compile(r"\b(?:ANY|ALL|SOME)\s*\(\s*\Z", re.IGNORECASE)


def placed(
    error: psycopg2.Error, cursor: Cursor, statement: BoundStatement, pieces: Sequence[str], which: Sequence[str] = ()
) -> CrdbMagicError:
    """Translate an error, with the line of the cell and a caret under the word that the server means."""
    translated = from_driver(error, connected=not cursor.connection.closed)
    if isinstance(translated, StatementError):
        source, index = statement.source, position(error, sent_before=cursor.sent_before)
        told = None if index is None else statement.position(index, [len(piece) for piece in pieces[1::2]])
        place = _named(translated, source.text) if told is None else told
        shown = source.excerpt(source.head)[:1] if place is None else source.excerpt(place)
        translated.excerpt = (*which, *shown)
        translated.advise(nearmisses.hint(statement, error.pgcode, told, translated.message))
    return translated


def _named(error: StatementError, text: str) -> int | None:
    """Give the place of the name that the message is about: CockroachDB sends positions of syntax errors alone."""
    quoted = _QUOTED.search(error.message) if (error.sqlstate or "").startswith(_OF_A_NAME) else None
    return place_of(quoted[1], text) if quoted else None


_QUOTED = re.compile(r'"((?:[^"]|"")+)"')
_OF_A_NAME = ("42", "3D", "3F", "23502")  # undefined or ambiguous names, databases, schemas; a column that is NULL


def mogrified(cursor: Cursor, sql: str, values: Values) -> bytes:
    """Put values into psycopg2's placeholders; raises :class:`ParameterError` if they do not fit."""
    try:
        return bytes(cursor.mogrify(sql, adaptable_all(values)))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ParameterError(
            f"The values do not fit the placeholders of the SQL: {error}.", hint=_PLACEHOLDERS
        ) from error


_PLACEHOLDERS = "%s takes a list with a value for each, %(name)s a dict; a percent sign is %% where there are values."


def _mogrified(connection: Connection, sql: str, values: Values) -> str:
    with text_cursor(connection) as cursor:
        return str(mogrified(cursor, sql, values), "utf-8")


@lru_cache(maxsize=256)
def _only(sql: str) -> Statement | None:
    """Give the one query of a text, without its semicolon; remembered for those who ask again and again."""
    with suppress(ScriptError):
        statements = split(sql)
        if len(statements) == 1 and is_query(statements[0]):
            return statements[0]
    return None
