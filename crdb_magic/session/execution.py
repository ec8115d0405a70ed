"""Sends bound statements over a connection and brings their answers back as text, inside an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg2

from crdb_magic.columns.arrow import Batch
from crdb_magic.columns.objects import Finish
from crdb_magic.session.driver import Connection, Cursor, text_cursor
from crdb_magic.session.queries import Query, Values, mogrified, placed, rendered
from crdb_magic.session.reading import Columns, can_copy, columns_of, copies_as_selected, copy, describe, fetch
from crdb_magic.session.sizes import Sizes
from crdb_magic.session.translation import translated
from crdb_magic.sql.kinds import is_query
from crdb_magic.sql.statements import BoundStatement


@dataclass(frozen=True, slots=True)
class Answer:
    """A statement's answer before its types are known: each column is a name and an OID.

    ``more`` is whether it had more rows, which were not wanted.
    """

    tag: str
    columns: Columns | None = None
    batches: tuple[Batch, ...] = ()
    row_count: int = 0
    notices: tuple[str, ...] = ()
    more: bool = False


def execute(connection: Connection, statements: Sequence[BoundStatement], sizes: Sizes, finish: Finish) -> list[Answer]:
    """Send each statement and fetch all of its rows; raises our errors, which say where in the cell they arose."""
    count = len(statements)
    return [
        _one(connection, statement, _which(number, count), sizes, finish)
        for number, statement in enumerate(statements, 1)
    ]


def ask(connection: Connection, sql: str, values: Values, sizes: Sizes, finish: Finish) -> Answer:
    """Send a statement with psycopg2's own placeholders and fetch all of its rows; raises our errors."""
    query = Query.of_text(sql, values) if sizes.large(sql) and can_copy(connection) else None
    heard = connection.notices.heard
    with text_cursor(connection) as cursor, translated(connection):
        cursor.written = sql, values
        answer = (
            _copied(cursor, query.on(connection), finish) if query else _sent(cursor, mogrified(cursor, sql, values))
        )
    sizes.learn(sql, answer.row_count, lambda: Query.of_text(sql, values))
    return _with_notices(answer, connection, heard)


def _one(
    connection: Connection, statement: BoundStatement, which: tuple[str, ...], sizes: Sizes, finish: Finish
) -> Answer:
    pieces, text = rendered(statement, connection), statement.source.text
    sql = "".join(pieces)
    heard = connection.notices.heard
    copying = sizes.large(text) and can_copy(connection)
    with text_cursor(connection) as cursor:
        cursor.written = text, statement.values
        try:
            answer = _copied(cursor, sql, finish) if copying else _sent(cursor, sql)
        except psycopg2.Error as error:
            raise placed(error, cursor, statement, pieces, which) from error
    sizes.learn(text, answer.row_count, lambda: is_query(statement.source))
    return _with_notices(_first(answer, statement.most), connection, heard)


def _first(answer: Answer, rows: int | None) -> Answer:
    """Leave out the rows that are not wanted: the one that tells that there are more, or those of a limit not known."""
    if rows is None or answer.row_count <= rows:
        return answer
    batches, missing = list[Batch](), rows
    for batch in answer.batches:
        batches.append(tuple(column[:missing] for column in batch))
        missing -= len(batches[-1][0])
        if not missing:
            break
    return Answer(f"SELECT {rows}", answer.columns, tuple(batches), rows, more=True)


def _sent(cursor: Cursor, sql: str | bytes) -> Answer:
    cursor.execute(sql)
    columns = None if cursor.description is None else columns_of(cursor)
    return Answer(cursor.statusmessage or "", columns, fetch(cursor, columns or ()), max(cursor.rowcount, 0))


def _copied(cursor: Cursor, query: str, finish: Finish) -> Answer:
    """Read a query by COPY, if that sends the same; what its columns are must be asked for before."""
    columns = describe(cursor, query)
    if not columns or not copies_as_selected(cursor.connection, query, {one.oid for one in columns}):
        return _sent(cursor, query)
    batches = copy(cursor, query, columns, finish)
    rows = sum(len(batch[0]) for batch in batches)
    return Answer(f"SELECT {rows}", columns, batches, rows)


def _with_notices(answer: Answer, connection: Connection, heard: int) -> Answer:
    notices = connection.notices.since(heard)
    return replace(answer, notices=notices) if notices else answer


def _which(number: int, count: int) -> tuple[str, ...]:
    return (f"In statement {number} of {count}:",) if count > 1 else ()
