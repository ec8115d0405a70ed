"""A table that a server does not know: which one may be meant, asked of the catalogue when the statement has failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches

from crdb_magic.errors import CrdbMagicError, StatementError
from crdb_magic.explore.catalogue import Relation, relations
from crdb_magic.explore.questions import read
from crdb_magic.session.session import Session
from crdb_magic.sql.names import table_parts, written

_DIGITS = re.compile(r"\d+")
_NO_TABLE = "42P01"
_NAMED = re.compile(r'"(?:[^"]*\.)?([^".]+)" ')


@contextmanager
def suggesting(session: Session) -> Iterator[None]:
    """Let an error about a table that there is not say which one may be meant: never within an open transaction."""
    try:
        yield
    except StatementError as error:
        named = _NAMED.search(f"{error.message} ")
        if error.sqlstate == _NO_TABLE and named and not (error.hint or error.context or session.in_transaction):
            with suppress(CrdbMagicError):
                error.advise(suggestion(named[1], read(session, relations)))
        raise


def suggestion(name: str, known: Sequence[Relation]) -> str | None:
    """Say which of the known tables a name without its schema may mean; nothing if there is one of that name."""
    same = [one for one in known if one.name == name]
    if any(one.place is not None for one in same):
        return None
    in_other_case = [one for one in known if one.name.lower() == name.lower()]
    alike = get_close_matches(name.lower(), sorted({one.name.lower() for one in known}), n=2)
    found = same or in_other_case or [one for close in alike for one in known if one.name.lower() == close]
    if not found:
        return None
    capitals = any(one.name != one.name.lower() for one in found)
    meant = f"Did you mean {' or '.join(dict.fromkeys(map(_written, found)))}?"
    return f"{meant} Names with capitals are written in double quotes." if capitals else meant


def suggestion_for_new(session: Session, table: str) -> str | None:
    """Say which table may have been meant, instead of one that was made because there was none of its name.

    What differs by a number alone is a table of its own: sales_2025, sales_2026.
    """
    name = table_parts(table)[-1]
    with suppress(CrdbMagicError):
        known = [] if session.in_transaction else read(session, relations)
        return suggestion(name, [one for one in known if _DIGITS.sub("", one.name) != _DIGITS.sub("", name)])
    return None


def _written(relation: Relation) -> str:
    schema = "" if relation.place is not None else f"{written(relation.schema)}."
    return f"{schema}{written(relation.name)}"
