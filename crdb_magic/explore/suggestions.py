"""A table that a server does not know: which one may be meant, asked of the catalogue when the statement has failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches

from crdb_magic.core.options import RetryPolicy
from crdb_magic.errors import StatementError
from crdb_magic.explore.catalogue import Relation, relations
from crdb_magic.explore.questions import read
from crdb_magic.session.session import Session
from crdb_magic.sql.names import table_parts, written

_DIGITS = re.compile(r"\d+")
_NO_TABLE = "42P01"
_NAMED = re.compile(r'"((?:\\"|[^"])+)"(?!\S)')
_ONCE = RetryPolicy(max_attempts=1, timeout=2)  # a hint is worth no longer wait, whatever was asked of the cell


@contextmanager
def suggesting(session: Session) -> Iterator[None]:
    """Let an error about a table that there is not say which one may be meant: never within an open transaction.

    It is the error that is raised, whatever becomes of the question.
    """
    try:
        yield
    except StatementError as error:
        if error.sqlstate == _NO_TABLE and not (error.hint or error.context):
            with suppress(Exception, KeyboardInterrupt):
                parts = named_in(error.message)
                error.advise(suggestion(parts, _known(session, parts)))
        raise


def named_in(message: str) -> tuple[str, ...]:
    """Give the parts of the name that a message has in quotes; raises :class:`OptionError` if there is none.

    CockroachDB writes it as in SQL, and then as in Go: its own quotes have backslashes (pkg/sql/sqlerrors/errors.go,
    ``%q`` of ``tree.ErrString``). PostgreSQL writes it as it is.
    """
    found = _NAMED.search(message)
    return table_parts(found[1].replace('\\"', '"') if found else "")


def suggestion(parts: Sequence[str], known: Sequence[Relation]) -> str | None:
    """Say which of the known tables a name may mean; nothing if there is one of that name, in its schema if it has one.

    The parts are those of the name: its database and its schema, if any, and its own.
    """
    schema, name = ("", *parts)[-2:]
    same = [one for one in known if one.name == name]
    if any(one.schema == schema if schema else one.place is not None for one in same):
        return None
    in_other_case = [one for one in known if one.name.lower() == name.lower()]
    alike = get_close_matches(name.lower(), sorted({one.name.lower() for one in known}), n=2)
    found = same or in_other_case or [one for close in alike for one in known if one.name.lower() == close]
    if not found:
        return None
    nearest = [one for one in found if one.schema == schema] or found
    capitals = any(one.name != one.name.lower() for one in nearest)
    meant = f"Did you mean {' or '.join(dict.fromkeys(map(_written, nearest)))}?"
    return f"{meant} Names with capitals are written in double quotes." if capitals else meant


def suggestion_for_new(session: Session, table: str) -> str | None:
    """Say which table may have been meant, instead of one that was made because there was none of its name.

    What differs by a number alone is a table of its own: sales_2025, sales_2026.
    """
    parts = table_parts(table)
    with suppress(Exception):
        own = _DIGITS.sub("", parts[-1])
        return suggestion(parts, [one for one in _known(session, parts) if _DIGITS.sub("", one.name) != own])
    return None


def _known(session: Session, parts: Sequence[str]) -> list[Relation]:
    """Ask which tables there are: not within a transaction, whose end a refusal would be, nor in another database."""
    another = parts[:-2] and parts[0] != session.connection.database
    return [] if another or session.in_transaction else read(session, relations, retry=_ONCE)


def _written(relation: Relation) -> str:
    schema = "" if relation.place is not None else f"{written(relation.schema)}."
    return f"{schema}{written(relation.name)}"
