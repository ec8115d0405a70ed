"""What was asked and answered, as frozen values: they are what a recording is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any

from crdb_magic.core.retry import COMMITTED_BUT, UNKNOWN_AT_COMMIT
from crdb_magic.frozen.secrets import without_secrets


class EventKind(Enum):
    """What an event is: of two writes the order counts, an instant is what a time ago meant, a receipt how it went."""

    READ = "read"
    WRITE = "write"
    INSTANT = "instant"
    RECEIPT = "receipt"


COMMIT = "COMMIT"
"""The text of an event that is a commit which the server refused."""

_MAY_BE_COMMITTED = UNKNOWN_AT_COMMIT | {COMMITTED_BUT}

SOURCE = "source SQL:\n"
"""Before the message, up to the line with the error and with a caret below, of pkg/sql/parser/lexer.go."""

COMMITTED, PRESENT = "commit", "now"
"""What is asked for in an event of an instant: that of the last commit, the present; else what --as-of was given."""

FACTS = ("statements", "rows", "elapsed", "retries", "as_of", "committed_at", "ended_at")
"""What is kept of a receipt, by the names of its fields."""


@dataclass(frozen=True, slots=True)
class RecordedColumn:
    """A column of an answer as the server described it; ``modifier`` is -1 where its type has none."""

    name: str
    oid: int
    modifier: int = -1


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error of the server, by the codes of its fields: C the SQLSTATE, M the message, D, H, P, W and others.

    Where in the statement it is, its place P tells; CockroachDB draws that below the statement, into D (`SOURCE`).
    See https://www.postgresql.org/docs/current/protocol-error-fields.html
    """

    fields: Mapping[str, str]

    def within(self, before: str) -> dict[str, str]:
        """Give the fields as they are where that text stands before the statement in its message."""
        fields = dict(self.fields)
        if fields.get("P", "").isdigit():
            fields["P"] = str(int(fields["P"]) + len(before))
        if fields.get("D", "").startswith(SOURCE):
            fields["D"] = fields["D"].replace(SOURCE, SOURCE + before, 1)
        return fields

    @property
    def leaves_open(self) -> bool:
        """Whether a commit that was refused so may be done all the same; it is taken for one then."""
        return self.fields.get("C") in _MAY_BE_COMMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was asked on a connection, and its answer.

    ``text`` is what was sent, without the semicolon at its end (`plain_text`); of an instant what was asked for.
    ``sql`` and ``values`` are the same as they were written: with placeholders, and the SQL literals behind them by
    name or place; empty where nothing was put in.

    ``after`` is the number of the last write that was in effect, 0 for none; ``as_of`` the exact instant of a
    transaction that read the past, ``at`` the one at which the present was read, if that is known. ``settings`` are
    what the session had been SET to, in order. ``undone`` says that its transaction was rolled back.

    ``columns`` is None for an answer without rows; ``rows`` counts them, ``hash`` is that of them all and names their
    file (`store`). ``told`` are the server's parameters that it changed (TimeZone …). ``digest`` is the hash of what a
    COPY … FROM STDIN sent. ``receipt`` holds the `FACTS` of a receipt
    that it has.
    """

    number: int
    kind: EventKind
    connection: int
    text: str
    sql: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    after: int = 0
    as_of: Decimal | None = None
    at: Decimal | None = None
    settings: tuple[str, ...] = ()
    undone: bool = False
    tag: str = ""
    columns: tuple[RecordedColumn, ...] | None = None
    rows: int = 0
    hash: str = ""
    notices: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    refusal: ErrorResponse | None = None
    receipt: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_refused_at_once(self) -> bool:
        """Whether a COPY … FROM STDIN was refused before any row was heard."""
        return self.refusal is not None and not self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedConnection:
    """A connection that was recorded: its number in the order of opening, and what it showed of itself.

    ``shown`` is the line that %crdb_connect says; ``parameters`` are those that the server told at the start
    (server_version, crdb_version, TimeZone …). No password, and host and port only where that line has them.
    """

    number: int
    shown: str = ""
    database: str = ""
    user: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


_LONGEST, _SHOWN = 20_000, 2_000  # characters
_REST = "… of"


def plain_text(sent: str) -> str:
    """Give what was sent as it is known by: without blanks around it and the semicolon at its end.

    Secrets in it are masked. Of a very long one, which are values, the beginning and the hash of all of it.
    """
    text = without_secrets(sent.strip().rstrip(";").rstrip())
    if len(text) <= _LONGEST:
        return text
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{text[:_SHOWN]}\n{_REST} {len(text):,} characters, sha256 {digest}"


def is_shortened(text: str) -> bool:
    """Whether a text that something is known by is not all of it."""
    return text.rpartition("\n")[2].startswith(_REST)
