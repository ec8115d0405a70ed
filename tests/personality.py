"""A server that answers as another version does: the real one, of which the proxy tells some things otherwise.

::

    with Proxy(target, personality=v26()) as proxy:
        session = Session(proxy.target)  # session.server is CockroachDB v26.1.0
        proxy.rules.append(query(r"FROM words", Table([("w", CITEXT)], [["abc"]], copied=[["'abc' COLLATE und"]])))

It adds a parameter to what the server says at the start, rewrites what PostgreSQL does not know, and answers some
statements by rules, which are faults (see ``faults``) of their own kind: a test's own come first. Paths are those of
CockroachDB's source (https://github.com/cockroachdb/cockroach), v26.1.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import wire
from faults import Action, Exchange, Fault, ServerError, instead, pass_on
from wire import Message

Texts = Sequence[Sequence[str | None]]

DECIMAL, TEXT, BPCHAR, CITEXT, LTREE = 1700, 25, 1042, 90008, 90010  # OIDs


@dataclass(frozen=True)
class Personality:
    """What is added to the parameters of the start, what is spelled otherwise for the server, and what is answered."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    spellings: Sequence[tuple[re.Pattern[str], str]] = ()
    rules: Sequence[Fault] = ()

    def spelled(self, message: Message) -> Message:
        """Give a client's message as the server understands it."""
        if message.kind != wire.QUERY or not self.spellings:
            return message
        text = message.point or ""
        for pattern, instead_ in self.spellings:
            text = pattern.sub(instead_, text)
        return wire.query(text)

    def heard(self, message: Message) -> Sequence[Message]:
        """Give a server's message, and behind the end of the authentication the parameters that it lacks."""
        if message.kind != wire.AUTHENTICATION or message.code != 0:
            return (message,)
        added = (Message(wire.PARAMETER, f"{name}\0{value}\0".encode()) for name, value in self.parameters.items())
        return (message, *added)


ITSELF = Personality()


# What is answered by script.


@dataclass(frozen=True)
class Table:
    """The rows of a query: names and OIDs of the columns, the texts as SELECT sends them, and as COPY does."""

    columns: Sequence[tuple[str, int]]
    rows: Texts
    copied: Texts | None = None

    @classmethod
    def of_texts(cls, names: str, *rows: tuple[str | None, ...]) -> Table:
        """Make one whose columns are all of texts."""
        return cls([(name, TEXT) for name in names.split()], rows)

    def answer(self, text: str) -> list[Message]:
        """Answer a SELECT, the question for its columns (LIMIT 0), and COPY … TO STDOUT (FORMAT csv)."""
        if text.startswith("COPY"):
            lines = [Message(wire.COPY_DATA, _line(row)) for row in self.copied or self.rows]
            formats = struct.pack(f">bh{len(self.columns)}h", 0, len(self.columns), *[0] * len(self.columns))
            return [Message(wire.COPY_OUT, formats), *lines, Message(wire.COPY_DATA_DONE, b""), _tag("COPY", lines)]
        rows = [] if text.endswith("LIMIT 0") else [Message(wire.ROW, _row(row)) for row in self.rows]
        return [Message(wire.HEADING, self._heading()), *rows, _tag("SELECT", rows)]

    def _heading(self) -> bytes:
        fields = (
            name.encode() + b"\0" + struct.pack(">IhIhih", 0, 0, oid, -1, -1, 0)  # no table, any size, no modifier
            for name, oid in self.columns
        )
        return len(self.columns).to_bytes(2) + b"".join(fields)


def _row(row: Sequence[str | None]) -> bytes:
    cells = (b"\xff\xff\xff\xff" if one is None else len(one.encode()).to_bytes(4) + one.encode() for one in row)
    return len(row).to_bytes(2) + b"".join(cells)


def _line(row: Sequence[str | None]) -> bytes:
    cells = ("" if one is None else '"' + one.replace('"', '""') + '"' for one in row)
    return (",".join(cells) + "\n").encode()


def _tag(verb: str, rows: Sequence[object]) -> Message:
    return Message(wire.COMPLETE, f"{verb} {len(rows)}\0".encode())


def query(pattern: str, table: Table) -> Fault:
    """Answer each query, COPY (SELECT …) and DECLARE … FOR SELECT in which a pattern is found, and what is fetched."""
    cursor: list[Table] = []  # what it has not given yet

    def answer(text: str) -> list[Message]:
        if text.startswith("DECLARE"):
            cursor[:] = [table]
            return [Message(wire.COMPLETE, b"DECLARE CURSOR\0")]
        if text.startswith("FETCH"):
            return (cursor.pop() if cursor else replace(table, rows=[])).answer(text)
        return table.answer(text)

    return _answered(rf"(?:SELECT|WITH|COPY|DECLARE)\b.*{pattern}|FETCH\b", answer)


def show(words: str, table: Table) -> Fault:
    """Answer each SHOW of these words, which no SELECT is around."""
    return _answered(rf"SHOW {words}", table.answer)


def plan(*lines: str) -> Fault:
    """Answer each EXPLAIN."""
    return _answered("EXPLAIN", Table([("info", TEXT)], [[line] for line in lines]).answer)


def always(words: str, do: Action) -> Fault:
    """Do it with each message one of whose statements begins so."""
    pattern = _statement(words)
    return Fault(lambda text: pattern.search(text) is not None, do, times=math.inf)


def _statement(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|;)\s*({words}.*)", re.IGNORECASE | re.DOTALL)


def _answered(words: str, answer: Callable[[str], list[Message]]) -> Fault:
    pattern = _statement(words)

    def act(exchange: Exchange) -> None:
        found = pattern.search(exchange.text)
        assert found is not None
        before = exchange.ask(exchange.text[: found.start(1)]) if found.start(1) else []
        if any(one.kind == wire.ERROR for one in before):
            exchange.tell(before)
        elif exchange.status == wire.ABORTED:  # says so
            exchange.pass_on()
        else:
            exchange.tell([*answer(found[1]), Message(wire.READY, exchange.status)])

    return always(words, act)


# CockroachDB.

_SETTINGS = "autocommit_before_ddl|allow_unsafe_internals|inject_retry_errors_enabled|force_savepoint_restart"
_SPELLINGS = (
    (re.compile(r"\bPRIORITY (?:LOW|NORMAL|HIGH)\b", re.IGNORECASE), "NOT DEFERRABLE"),  # says nothing
    (re.compile(r"\bAS OF SYSTEM TIME (?:'[^']*'|[\d.]+)", re.IGNORECASE), "READ ONLY"),  # the present: it has no past
    (re.compile(r"\b(\w+)\.condef\b"), r"pg_get_constraintdef(\1.oid)"),
    (re.compile(r"\bSET bytea_output = 'base64'"), "SET bytea_output = 'escape'"),  # nor a third form of bytes
    (re.compile(rf"\b(SET (?:LOCAL |SESSION )?|SHOW |RESET )({_SETTINGS})\b", re.IGNORECASE), r"\1crdb.\2"),
)

# pkg/sql/logictest/testdata/logic_test/schema_locked, as v26 clusters word it; older ones say "schema changes are
# disallowed on table …" (pkg/sql/sqlerrors/errors.go).
SCHEMA_LOCKED = ServerError(
    "57000",
    'this schema change is disallowed because table "t" is locked and this operation cannot automatically unlock '
    "the table",
    detail="To unlock the table, execute `ALTER TABLE t SET (schema_locked = false);`",
)
# pkg/sql/unsafesql/unsafesql.go, by a setting of pkg/sql/vars.go; and the answer of a v26 cluster.
UNSAFE_INTERNALS = ServerError(
    "42501",
    "Access to crdb_internal and system is restricted.",
    hint="These interfaces are unsupported in production. To proceed, set the session variable "
    "allow_unsafe_internals = true (not recommended), or contact Cockroach Labs for a supported alternative.",
)
# But pkg/sql/crdb_internal.go, SupportedVTables; https://www.cockroachlabs.com/docs/v26.3/crdb-internal.
_INTERNALS = re.compile(
    r"\bcrdb_internal\.(?!(?:cluster_(?:contended_(?:indexes|keys|tables)|contention_events|locks|queries|sessions"
    r"|transactions)|index_usage_statistics|(?:statement|transaction)_statistics|transaction_contention_events|zones)\b)"
)
# pkg/kv/kvpb/errors.go. The first statement that reads rows says it, not BEGIN.
BEYOND_GC = ServerError(
    "XXUUU",
    "batch timestamp 1722882686.481050825,0 must be after replica GC threshold 1722897086.481050825,0",
)
# pkg/sql/sqlerrors/errors.go
COMMITTED = ServerError("25000", "current transaction is committed, commands ignored until end of transaction block")
# pkg/sql/conn_executor_show_commit_timestamp.go: of a session that has not committed its last transaction.
NO_PREVIOUS = ServerError("25000", "no previous transaction")
# As a CockroachDB v22.1 answered, which knows no COPY … TO.
NO_COPY_TO = ServerError("42601", 'at or near "(": syntax error')
# pkg/sql/vars.go; where nobody has set it.
ISOLATION = Table([("default_transaction_isolation", TEXT)], [["serializable"]])
COMMIT_TIMESTAMP = Table([("commit_timestamp", DECIMAL)], [["1722882686481050825.0000000000"]])


def _refuse_locked(exchange: Exchange) -> None:
    """Refuse the legacy way of a schema change, which it goes beside other statements.

    It does so in pkg/sql/alter_table.go and pkg/sql/truncate.go.
    """
    (instead(SCHEMA_LOCKED) if exchange.in_transaction else pass_on)(exchange)


def _refuse_internals(exchange: Exchange) -> None:
    """Refuse them unless this connection has allowed them, or they are some of the few that stay open."""
    answer = exchange.ask(
        "SELECT 'allowed' WHERE current_setting('crdb.allow_unsafe_internals', true) IN ('on', 'true')"
    )
    allowed = exchange.status == wire.ABORTED or any(one.kind == wire.ROW for one in answer)
    (pass_on if allowed else instead(UNSAFE_INTERNALS))(exchange)


def _commit_timestamp(exchange: Exchange) -> None:
    """Commit the transaction in which it is asked for, which then waits for its end.

    It does so in pkg/sql/conn_executor_show_commit_timestamp.go; COMMIT and ROLLBACK both answer COMMIT then.
    """
    before, _, _ = exchange.text.rpartition("SHOW")
    answer = exchange.ask(before) if before.strip() else []
    opened = exchange.status == wire.IN_TRANSACTION
    if opened:
        answer += exchange.ask("COMMIT")
    if any(one.kind == wire.ERROR for one in answer):
        exchange.tell([one for one in answer if one.kind == wire.ERROR or one is answer[-1]])
        return
    if not opened and any(one.body.startswith(b"ROLLBACK") for one in answer if one.kind == wire.COMPLETE):
        exchange.tell([NO_PREVIOUS.message, Message(wire.READY, exchange.status)])
        return
    waits = Message(wire.READY, wire.IN_TRANSACTION)
    exchange.tell([*COMMIT_TIMESTAMP.answer(""), waits if opened else Message(wire.READY, exchange.status)])
    while opened:
        opened = re.match(r"\s*(COMMIT|END|ROLLBACK|ABORT)\b", exchange.next(), re.IGNORECASE) is None
        over = [Message(wire.COMPLETE, b"COMMIT\0"), Message(wire.READY, wire.IDLE)]
        exchange.tell([COMMITTED.message, waits] if opened else over)


def v26() -> Personality:
    """CockroachDB v26.1, as far as its facts are in the tables here."""
    return Personality(
        {"crdb_version": "CockroachDB CCL v26.1.0 (x86_64-pc-linux-gnu, built 2026/02/02 16:16:16, go1.25.5)"},
        _SPELLINGS,
        (
            always("SHOW COMMIT TIMESTAMP", _commit_timestamp),
            show("default_transaction_isolation", ISOLATION),
            always(r"(TRUNCATE|ALTER TABLE (?!.*schema_locked)|(CREATE|DROP) (UNIQUE )?INDEX)", _refuse_locked),
            Fault(lambda text: _INTERNALS.search(text) is not None, _refuse_internals, times=math.inf),
            # pkg/sql/opt/exec/explain/emit.go
            plan("• scan", "  columns: (name string)", "  estimated row count: 100 - 33,334 (33% of the table)"),
        ),
    )


def v22() -> Personality:
    """CockroachDB v22.2, which can read rows by cursors, but not by COPY."""
    return replace(
        v26(),
        parameters={"crdb_version": "CockroachDB CCL v22.2.19 (x86_64-pc-linux-gnu, built 2024/02/26, go1.19.13)"},
        rules=(always(r"COPY \(", instead(NO_COPY_TO)),),
    )
