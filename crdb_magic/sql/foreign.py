"""CockroachDB's words that PostgreSQL does not know, and what is written there instead: a table."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

from crdb_magic.errors import ScriptError
from crdb_magic.sql.lexer import Token, TokenKind, fold, lex


class Advice(NamedTuple):
    """What PostgreSQL does not know, and what does the same there; empty where nothing does."""

    word: str
    instead: str

    def __str__(self) -> str:
        return f"has no {self.word}{f': {self.instead}' if self.instead else ''}."


_CATALOGUE = "SELECT … FROM information_schema.{}"
_SHOWN = {  # SHOW …: what PostgreSQL's catalogue has of it
    "TABLES": _CATALOGUE.format("tables WHERE table_schema = 'public'"),
    "COLUMNS": _CATALOGUE.format("columns WHERE table_name = '…'"),
    "INDEX": "SELECT * FROM pg_indexes WHERE tablename = '…'",
    "INDEXES": "SELECT * FROM pg_indexes WHERE tablename = '…'",
    "KEYS": "SELECT * FROM pg_indexes WHERE tablename = '…'",
    "CONSTRAINT": _CATALOGUE.format("table_constraints WHERE table_name = '…'"),
    "CONSTRAINTS": _CATALOGUE.format("table_constraints WHERE table_name = '…'"),
    "DATABASES": "SELECT datname FROM pg_database",
    "SCHEMAS": "SELECT nspname FROM pg_namespace",
    "SEQUENCES": "SELECT * FROM pg_sequences",
    "TYPES": "SELECT typname FROM pg_type WHERE typtype = 'e'",
    "ENUMS": "SELECT enum_range(NULL::…)",
    "FUNCTIONS": _CATALOGUE.format("routines"),
    "USERS": "SELECT rolname FROM pg_roles",
    "ROLES": "SELECT rolname FROM pg_roles",
    "GRANTS": _CATALOGUE.format("role_table_grants"),
    "SESSIONS": "SELECT * FROM pg_stat_activity",
    "QUERIES": "SELECT * FROM pg_stat_activity",
    "STATEMENTS": "SELECT * FROM pg_stat_activity",
    "TRANSACTIONS": "SELECT * FROM pg_stat_activity",
    "STATISTICS": "SELECT * FROM pg_stats WHERE tablename = '…'",
    "DATABASE": "SELECT current_database()",
}
_CREATED = f"{_CATALOGUE.format('columns')} and pg_indexes; pg_get_viewdef(…) for a view"
_NEEDS_CLUSTER = "that takes a cluster"
_SHOWN_BY_A_CLUSTER = (
    "CLUSTER SETTING", "CLUSTER SETTINGS", "COMMIT TIMESTAMP", "ZONE", "PARTITIONS", "RANGE", "RANGES", "REGIONS",
    "SURVIVAL", "LOCALITY", "JOB", "JOBS", "AUTOMATIC JOBS", "CHANGEFEED JOB", "CHANGEFEED JOBS", "BACKUP", "BACKUPS",
    "SCHEDULE", "SCHEDULES", "TRACE", "SAVEPOINT STATUS", "LAST QUERY STATISTICS", "TENANTS", "VIRTUAL",
)  # fmt: skip


class _Row(NamedTuple):
    """Words of a statement, what they are called, what does the same, and the SQLSTATEs by which they are refused."""

    pattern: str
    word: str
    instead: str
    refused: str = "42601"


# Patterns are over the words of a statement, keywords in capitals, each parted from the next by one blank, without its
# texts and comments. The first that is found counts.
_ROWS = (
    _Row(r"\bAS OF SYSTEM TIME\b", "AS OF SYSTEM TIME", "read the past by --as-of (as_of= or system_time= in Python)"),
    _Row(r"^SHOW CREATE\b", "SHOW CREATE", _CREATED),
    _Row(r"\[ SHOW\b", "[SHOW …]", "information_schema and pg_catalog have it"),
    *(_Row(rf"^SHOW {what}\b", f"SHOW {what}", instead, "42601 42704") for what, instead in _SHOWN.items()),
    *(_Row(rf"^SHOW {what}\b", f"SHOW {what}", _NEEDS_CLUSTER, "42601 42704") for what in _SHOWN_BY_A_CLUSTER),
    _Row(r"\bUPSERT INTO\b", "UPSERT", "INSERT … ON CONFLICT (key) DO UPDATE SET column = excluded.column"),
    _Row(
        r"^USE\b|^SET DATABASE\b",
        "USE",
        "%crdb_connect with the database in the URL, or SET search_path",
        "42601 42704",
    ),
    _Row(
        r"^(SET|SHOW) (SESSION CHARACTERISTICS AS )?TRANSACTION\b.*\bPRIORITY\b|^(BEGIN|START)\b.*\bPRIORITY\b",
        "transaction priorities",
        "leave them out",
    ),
    _Row(r"^(SET|RESET) CLUSTER\b", "SET CLUSTER SETTING", "ALTER SYSTEM SET … for the server's settings"),
    _Row(r"^CREATE (UNIQUE )?(INVERTED|VECTOR) INDEX\b", "inverted indexes", "CREATE INDEX … USING gin (…)"),
    _Row(r"^CREATE (UNIQUE )?INDEX\b.*\bSTORING\b", "STORING", "CREATE INDEX … INCLUDE (…)"),
    _Row(r"^CREATE\b.*\bUSING HASH\b", "hash-sharded indexes", "leave USING HASH out"),
    _Row(
        r"^CREATE TABLE\b.*[(,] (UNIQUE |INVERTED |VECTOR )*INDEX\b",
        "INDEX within CREATE TABLE",
        "CREATE INDEX … ON … (…) after it",
        "42601 42704",
    ),
    _Row(r"^(CREATE|ALTER) TABLE\b.*(,|CREATE) FAMILY\b", "column families", "leave FAMILY out", "42601 42704"),
    _Row(r"^(CREATE|ALTER) TABLE\b.*\bNOT VISIBLE\b", "hidden columns", "leave NOT VISIBLE out"),
    _Row(
        r"^(CREATE|ALTER) TABLE\b(?!.*\bREFERENCES\b).*\bON UPDATE\b",
        "ON UPDATE of a column",
        "a trigger, or set the column in each UPDATE",
    ),
    _Row(
        r"^(CREATE|ALTER) (DATABASE|TABLE)\b.*\b(LOCALITY|REGIONS?|CONFIGURE|SPLIT|UNSPLIT|SCATTER|SURVIVE)\b",
        "zones and regions",
        _NEEDS_CLUSTER,
    ),
    _Row(r"^ALTER TABLE\b.*\bALTER PRIMARY KEY\b", "ALTER PRIMARY KEY", "DROP CONSTRAINT …, ADD PRIMARY KEY (…)"),
    _Row(r"^(CREATE|ALTER) TABLE\b.*\bTTL\w* =", "rows that expire", "DELETE … WHERE … now and then", "22023"),
    _Row(
        r"^(CREATE|ALTER) TABLE\b(?!.*\bGENERATED\b).* AS \(.*\) (STORED|VIRTUAL)\b",
        "computed columns by AS alone",
        "GENERATED ALWAYS AS (…) STORED",
    ),
    _Row(r"\bSCHEMA_LOCKED\b", "schema_locked", "leave it out", "42601 22023"),
    _Row(
        r"^CREATE (DATABASE|USER|ROLE|TYPE) IF NOT EXISTS\b",
        "IF NOT EXISTS after CREATE DATABASE, ROLE and TYPE",
        "leave it out",
    ),
    _Row(r"^DROP DATABASE\b.*\b(CASCADE|RESTRICT)\b", "DROP DATABASE … CASCADE", "leave CASCADE out"),
    _Row(
        r"^(BACKUP|RESTORE|IMPORT|EXPORT|CREATE (CHANGEFEED|SCHEDULE)|(CANCEL|PAUSE|RESUME) (JOBS?|SCHEDULES?))\b",
        "jobs (backups, imports, changefeeds)",
        "%crdb_write and %crdb_export move rows",
    ),
    _Row(r"^CANCEL\b", "CANCEL", "SELECT pg_cancel_backend(pid), pg_terminate_backend(pid)"),
    _Row(
        r"^EXPLAIN( ANALYZE)? \( [^)]*\b(DISTSQL|OPT|VEC|DEBUG|REDACT|PLAN|TYPES)\b",
        "such form of EXPLAIN",
        "EXPLAIN (ANALYZE) …",
    ),
    _Row(
        r"^(UPDATE|DELETE)\b[^(]*\b(LIMIT|ORDER BY)\b",
        "LIMIT of UPDATE and DELETE",
        "WHERE key IN (SELECT key … ORDER BY … LIMIT …)",
    ),
    _Row(r"\bEXPERIMENTAL(_\w+)?\b", "EXPERIMENTAL words", ""),
    _Row(r"[\w\"] @ [\w\"{]", "index hints", "leave @index out"),
    _Row(r":::", "type annotations", "a cast: ::TYPE"),
    _Row("b''", "bytes as b'…'", "'…'::BYTES, or '\\x6162'", "22P02 42804 42883"),
    _Row(r"\b(STRING|BYTES) \(", "STRING and BYTES with a length", "VARCHAR(n)"),
    _Row(
        r"\bCRDB_INTERNAL \.",
        "such part of crdb_internal",
        "pg_stat_activity and pg_catalog tell what it does",
        "42P01 42883",
    ),
    _Row(r"\bRETURNING NOTHING\b", "RETURNING NOTHING", "leave it out", "42703"),
    _Row(r"\bUUID_V4 \(", "uuid_v4()", "gen_random_uuid()", "42883"),
    _Row(r"\bREGEXP_EXTRACT \(", "regexp_extract", "substring(… FROM '…')", "42883"),
    _Row(r"\bIFNULL \(", "IFNULL", "COALESCE(…, …)", "42883"),
    _Row(r"\bIF \(", "IF as a function", "CASE WHEN … THEN … ELSE … END", "42883"),
    _Row(r"\bCONCAT_AGG \(", "CONCAT_AGG", "STRING_AGG(…, '')", "42883"),
    _Row(
        r"\b(EXPERIMENTAL_)?STR[FP]TIME \(",
        "STRFTIME and STRPTIME",
        "TO_CHAR(…, 'YYYY-MM-DD'), TO_TIMESTAMP(…)",
        "42883",
    ),
    _Row(r" / / ", "//", "div(a, b), or a / b of integers", "42883"),
)
_ROWS_OF = {state: [row for row in _ROWS if state in row.refused] for row in _ROWS for state in row.refused.split()}
_LONGEST = 20_000  # characters that are looked at: words of a dialect stand at the beginning


def advice(sql: str, sqlstate: str) -> Advice | None:
    """Say what PostgreSQL does not know in a statement that it refused so, and what is written instead, if known."""
    rows = _ROWS_OF.get(sqlstate)
    if rows is None:  # a retry, most often, which should cost nothing
        return None
    text = _words(sql[:_LONGEST])
    found = (row for row in rows if re.search(row.pattern, text, re.DOTALL))  # compiled when first needed
    return next((Advice(row.word, row.instead) for row in found), None)


def _words(sql: str) -> str:
    """Give a statement's words, each parted from the next by a blank; of strings and quoted names the quotes alone."""
    words: list[str] = []
    with suppress(ScriptError):  # cut within a string
        words.extend(map(_word, (one for one in lex(sql) if one.kind is not TokenKind.COMMENT)))
    return " ".join(words)


def _word(token: Token) -> str:
    if token.kind is TokenKind.STRING:
        return "b''" if token.text[0] in "bB" else "''"
    return '""' if token.kind is TokenKind.QUOTED else fold(token.text)
