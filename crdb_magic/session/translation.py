"""psycopg2's errors -> ours: the only place, decided by SQLSTATE and by whether the connection still lives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import extensions

from crdb_magic.core.target import SSLMODES, Target
from crdb_magic.core.wording import without_ids
from crdb_magic.errors import NOT_RECORDED, ConnectionFailedError, CrdbMagicError, NotRecordedError, StatementError
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


# Why a connection could not be opened. psycopg2 gives no SQLSTATE there, so the hint (and only the hint) is
# chosen by words of libpq and of the two servers; the first that fits counts.
_FULL = "the server has no connection left: close some (%crdb_connect --close NAME), or raise its limit."
_HINTS = (
    (
        "connection refused",
        "no server listens there. Check host and port, or start one of your own: %crdb_connect --local.",
    ),
    ("could not translate host name", "the host name is not known. Check its spelling and the network (VPN?)."),
    ("timeout expired", "nothing answered. Check host and port, and whether a firewall is in between."),
    (
        "no password supplied",
        "give one in the URL (user:password@), in PGPASSWORD or in ~/.pgpass.",
    ),
    ("password authentication failed", "check user and password; in a URL, @ / : % must be written %40 %2F %3A %25."),
    ("ssl connection required", "add ?sslmode=verify-full (and sslrootcert=… for your own CA)."),
    ("no encryption", "add ?sslmode=verify-full (and sslrootcert=… for your own CA)."),
    ("server does not support ssl", "this server has no TLS: ?sslmode=disable, for a local one only."),
    (
        "root certificate file",
        "download the cluster's CA certificate there, or name it with sslrootcert=…. On CockroachDB Cloud Basic and "
        "Standard sslrootcert=system does: their certificates are of a public CA.",
    ),
    ("weak sslmode", "sslrootcert=system goes with sslmode=verify-full."),
    (
        "certificate verify failed",  # libpq gives no reason
        "the certificate is not from the CA in sslrootcert, or has expired: check which cluster this is.",
    ),
    ("server certificate for", "the host name is not the certificate's: connect by the name it was issued for."),
    ("group or world access", "chmod 600 the key file: libpq takes no key that others may read."),
    ("private key file", "sslcert=… and sslkey=… name a certificate and its key: the key's file is not there."),
    ("open certificate file", "sslcert=… names no file that can be read."),
    (
        "alert certificate required",
        "the server wants a certificate of the user: sslcert=client.USER.crt and sslkey=client.USER.key.",
    ),
    ("alert certificate expired", "the user's certificate in sslcert has expired."),
    ("alert unknown ca", "the server does not know the CA of the user's certificate in sslcert."),
    ("alert bad certificate", "the server does not take the user's certificate: check sslcert and sslkey."),
    ("too many c", _FULL),  # clients, or connections of a role
    ("connection slots", _FULL),
    ("shutting down", "the server is being stopped: try again, or another node."),
    ("not accepting clients", "the server is being stopped: try again, or another node."),
    ("invalid connection option", "a parameter behind the ? is not one of libpq's; session settings go in options=."),
    (
        "no such file or directory",
        "nothing says where the server is: give a URL, set CRDB_URL, or %crdb_connect --local.",
    ),
    (  # cockroach: pkg/ccl/sqlproxyccl/proxy_handler.go, of CockroachDB Cloud
        "missing cluster identifier",
        "name the cluster: CLUSTER.DATABASE as the database, or ?options=--cluster%3DCLUSTER.",
    ),
    ("invalid sslmode value", f"sslmode is one of {', '.join(SSLMODES)}."),
    (
        "definition of service",
        "~/.pg_service.conf, or the file that PGSERVICEFILE names, has no [section] of that name.",
    ),
    (
        "service file",
        "it is ~/.pg_service.conf, or what PGSERVICEFILE names: [NAME], and below it host=… and the like.",
    ),
    ("does not exist", "check the name of the database and of the user."),
)
_OF_SYSTEM = (
    (
        "certificate verify failed",
        "no public CA has signed the certificate: name the cluster's own by sslrootcert=…. If one should have, OpenSSL "
        "does not find the system's CAs: set SSL_CERT_FILE to what python -m certifi prints.",
    ),
)
_HIDDEN = "***"
_UNKNOWN = "invalid connection option"
_ATTEMPT = re.compile(
    r'connection to server (?:at|on socket) "(?P<host>[^"]*)"(?: \([^)]*\))?(?:, port (?P<port>\d+))? failed: '
    r"(?:(?:FATAL|ERROR): +)?(?P<reason>.+)"
)


def refused(error: psycopg2.Error, target: Target) -> ConnectionFailedError:
    """Translate what opening a connection raised, with the next step as its hint.

    It is to be raised alone, not from the driver's error: libpq repeats what it was given and did not understand.
    """
    text = _without_values(str(error).strip(), target) or "no answer"
    found = _most_telling(text)
    where = f"{found['host']}:{found['port']}" if found and found["port"] else target.get("host", "the server")
    reason = found["reason"] if found else text.splitlines()[0]
    hints = (*_OF_SYSTEM, *_HINTS) if target.get("sslrootcert") == "system" else _HINTS
    hint = next((hint for words, hint in hints if words in reason.lower()), None)
    return ConnectionFailedError(f"Could not connect to {where}: {reason}", hint=hint)


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
    answered = [attempt for attempt in attempts if "connection refused" not in attempt["reason"].lower()]
    return next(iter(answered or attempts), None)
