"""What to do about a refusal where the server does not say it: by its SQLSTATE, and by what was sent."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg2

from crdb_magic.session.past_registry import KEEPERS
from crdb_magic.sql.foreign import advice

BEYOND_GC = "must be after replica GC threshold"


class _Hint(NamedTuple):
    """An SQLSTATE that says many things, the words of the one that is meant, and what to do about that."""

    sqlstate: str
    words: str
    hint: str


_MADE_THERE = "the server itself makes that column: leave it out (of a DataFrame by df.drop(columns=…))."

# A hint, and nothing but the hint, is chosen by words too: these codes are shared by much else.
_ROWS = (
    _Hint(  # cockroach: pkg/sql/sqlerrors/errors.go; "schema changes are disallowed on table" in v26.1
        "57000",
        "disallowed",
        "run the schema change in a cell of its own, without options: then the server unlocks the table by itself. "
        "Else ALTER TABLE … SET (schema_locked = false) before it, and true afterwards.",
    ),
    _Hint(  # cockroach: pkg/sql/vars.go, v25.4
        "42501",
        "crdb_internal",
        "SET allow_unsafe_internals = on opens them for this session. What SHOW tells (SHOW RANGES, SHOW JOBS …) "
        "needs no such permission.",
    ),
    _Hint(  # cockroach: pkg/kv/kvpb/errors.go; of an AS OF SYSTEM TIME that is the statement's own, too
        "XXUUU",
        BEYOND_GC,
        "a table's past is kept for gc.ttlseconds: SHOW ZONE CONFIGURATION FROM TABLE … tells how long, "
        "ALTER TABLE … CONFIGURE ZONE USING gc.ttlseconds = … keeps longer what comes from now on.",
    ),
    _Hint(  # cockroach: pkg/sql/pgwire/pgwirebase/encoding.go
        "08P01",
        "message size",
        "CockroachDB takes messages of 16 MiB at most: send less at once, or raise the cluster setting "
        "sql.conn.max_read_buffer_message_size.",
    ),
    _Hint(  # of CALL and DO, on both servers
        "2D000",
        "",
        "what commits by itself can't be in a transaction that may run again: leave its COMMIT out, or send the CALL "
        "by db.connection().cursor() of a CockroachDatabase, as it is and once.",
    ),
    _Hint(  # of CREATE INDEX CONCURRENTLY, VACUUM, BACKUP … on both servers
        "25001",
        "",
        "run it in a cell of its own, without options: it can't be in a transaction.",
    ),
    _Hint("55000", "computed column", _MADE_THERE),  # cockroach: pkg/sql/catalog/schemaexpr/computed_exprs.go
    _Hint("428C9", "", _MADE_THERE),  # of a generated column and of an identity, on both servers
    _Hint("42P10", "generated column", _MADE_THERE),  # what PostgreSQL says at a COPY
)


def hint_for(error: psycopg2.Error) -> str | None:
    """Give what helps against an error of the server; None where only the server's own hint can say it."""
    message = str(error.diag.message_primary)
    for row in _ROWS:
        if row.sqlstate == error.pgcode and row.words in message:
            return row.hint
    return _translated(error.cursor, error.pgcode or "")


def _translated(cursor: Any, sqlstate: str) -> str | None:
    """Say that the words are CockroachDB's, and what PostgreSQL takes instead.

    ``cursor`` is psycopg2's note of where the error arose: one of ours, another one, or none.
    """
    server = getattr(getattr(cursor, "connection", None), "server", None)
    if server is None or server.own_words or not cursor.query:
        return None
    found = advice(cursor.query.decode("utf-8", "replace")[cursor.sent_before :], sqlstate)
    if found is None:
        return None
    ours = cursor.connection.address in KEEPERS
    return f"{_STANDING_IN if ours else _POSTGRESQL} {found}"


_STANDING_IN = "PostgreSQL is standing in for CockroachDB here, and"
_POSTGRESQL = "this server is PostgreSQL, which"
