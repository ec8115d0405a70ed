"""psycopg2's errors -> ours: the only place, decided by SQLSTATE and by whether the connection still lives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import extensions

from crdb_magic.core.target import Target
from crdb_magic.core.wording import without_ids
from crdb_magic.errors import NOT_RECORDED, ConnectionFailedError, CrdbMagicError, NotRecordedError, StatementError
from crdb_magic.session.connect_hints import connect_hint
from crdb_magic.session.hints import hint_for

# CockroachDB draws its caret into DETAIL instead of sending a position.
_SOURCE = re.compile(r"source SQL:\n(?P<sql>.*)\n(?P<blank> *)\^", re.DOTALL)


def translate(error: BaseException, *, connected: bool, outside: BaseException | None = None) -> CrdbMagicError | None:
    """Give the error, or the one that it was raised from, in our terms; None if no database is behind it.

    ``outside`` is an error that was being handled before: what came of another transaction.
    """
    for link in _chain(error, outside):
        if isinstance(link, CrdbMagicError):
            return link
        if isinstance(link, psycopg2.Error):
            return from_driver(link, connected=connected)
    return None


def _chain(error: BaseException, outside: BaseException | None) -> Iterator[BaseException]:
    seen = {id(outside)}
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def from_driver(error: psycopg2.Error, *, connected: bool) -> CrdbMagicError:
    """Give an error of psycopg2 in our terms."""
    code, diagnosis = error.pgcode, error.diag
    message = diagnosis.message_primary or str(error).strip() or type(error).__name__
    if not connected:
        return ConnectionFailedError("The connection to the server was lost.", sqlstate=code)
    if code == NOT_RECORDED:
        return NotRecordedError(message, hint=diagnosis.message_hint)
    detail = diagnosis.message_detail
    if detail and _SOURCE.search(detail):
        detail = None
    hint = hint_for(error) or diagnosis.message_hint
    context = without_ids(diagnosis.context) if diagnosis.context else None
    return StatementError(message, sqlstate=code, detail=detail, context=context, hint=hint)


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement that was refused: the error in our terms, its text as it was sent, and the place that was told."""

    error: StatementError
    text: str
    index: int | None


def sent(error: BaseException) -> Sent | None:
    """Find what a server refused behind an error; None if it is no statement."""
    refusal = next((link for link in _chain(error, None) if isinstance(link, psycopg2.Error)), None)
    if refusal is None or refusal.cursor is None or not refusal.pgcode:
        return None
    before: int = getattr(refusal.cursor, "sent_before", 0)
    translated = from_driver(refusal, connected=True)
    if not isinstance(translated, StatementError):
        return None
    text = (refusal.cursor.query or b"").decode(errors="replace")[before:]
    return Sent(translated, text, position(refusal, sent_before=before))


@contextmanager
def translated(connection: extensions.connection) -> Iterator[None]:
    """Let psycopg2's errors become ours: of what is sent on this connection."""
    try:
        yield
    except psycopg2.Error as error:
        raise from_driver(error, connected=not connection.closed) from error


def position(error: psycopg2.Error, *, sent_before: int) -> int | None:
    """Give the index in the statement at which the server saw the error, if it says so.

    ``sent_before`` characters of the message came before the statement.
    """
    if error.diag.statement_position:
        index = int(error.diag.statement_position) - 1
    elif found := _SOURCE.search(error.diag.message_detail or ""):
        index = found["sql"].rfind("\n") + 1 + len(found["blank"])
    else:
        return None
    return max(index - sent_before, 0)


_HIDDEN = "***"
_UNKNOWN = "invalid connection option"
_ATTEMPT = re.compile(
    r'connection to server (?:at|on socket) "(?P<host>[^"]*)"(?: \([^)]*\))?(?:, port (?P<port>\d+))? failed: '
    r"(?P<said>(?:(?:FATAL|ERROR): +)?(?P<reason>.+))"  # with what a server's own words begin with
)


def refused(error: psycopg2.Error, target: Target) -> ConnectionFailedError:
    """Translate what opening a connection raised, with the next step as its hint.

    It is to be raised alone, not from the driver's error: libpq repeats what it was given and did not understand.
    """
    text = _without_values(str(error).strip(), target) or "no answer"
    found = _most_telling(text)
    where = target.get("host", "the server")
    if found and found["port"]:
        where = f"[{found['host']}]" if ":" in found["host"] else found["host"]
        where += f":{found['port']}"
    reason, said = found.group("reason", "said") if found else (text.splitlines()[0],) * 2
    return ConnectionFailedError(f"Could not connect to {where}: {reason}", hint=connect_hint(said, target))


def _without_values(text: str, target: Target) -> str:
    """Hide what may be a part of a password; libpq puts in quotes what it repeats, whatever is in there."""
    for value in sorted(target.unshown, key=len, reverse=True):
        text = text.replace(f'"{value}"', _HIDDEN)
    for name in target.doubtful_names:
        text = text.replace(f'{_UNKNOWN} "{name}"', f"{_UNKNOWN} {_HIDDEN}")
    return text


def _most_telling(text: str) -> re.Match[str] | None:
    """Find the attempt to report where several addresses were tried (localhost has two): one that was answered."""
    attempts = list(_ATTEMPT.finditer(text))
    answered = [attempt for attempt in attempts if not attempt["said"].lower().startswith("connection refused")]
    return next(iter(answered or attempts), None)
