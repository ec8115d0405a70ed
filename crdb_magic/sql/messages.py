"""Judge a message, as it is sent: by a quick look at its words, and by what its statements are."""

from __future__ import annotations

import re
from collections.abc import Callable

from crdb_magic.errors import ScriptError
from crdb_magic.sql.kinds import ends_transaction
from crdb_magic.sql.statements import Statement, split

# A quick look: what it finds is read.
FILLER = rb"(?:\A|;)(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*+"
"""What comes before the first word of a statement in a message: a semicolon, blanks and comments."""
_MAY_END = re.compile(FILLER + rb"(?:commit|end|abort|rollback|prepare|show)\b", re.IGNORECASE | re.DOTALL)
_RESETS_ALL = re.compile(FILLER + rb"(?:reset|discard)\s+all\b", re.IGNORECASE | re.DOTALL)


def readable(sent: bytes) -> tuple[Statement, ...] | None:
    """Give the statements of a message, None where they can't be told apart."""
    try:
        return split(sent.decode(errors="replace"))
    except ScriptError:
        return None


def some(is_so: Callable[[Statement], bool], sent: bytes, *, unreadable: bool = False) -> bool:
    """Whether one of a message's statements is so; ``unreadable`` where they can't be told apart."""
    statements = readable(sent)
    return unreadable if statements is None else any(map(is_so, statements))


def ends_one(sent: bytes) -> bool:
    """Whether a message holds a statement that ends a transaction, be it that it begins another one behind it."""
    return _MAY_END.search(sent) is not None and some(ends_transaction, sent)


def resets_all(sent: bytes) -> bool:
    """Whether a message may hold RESET ALL or DISCARD ALL."""
    return _RESETS_ALL.search(sent) is not None


# Regular expressions of both Python and PostgreSQL, upper and lower case being the same.
LETS_GO = "(^|[^a-z0-9_])(exception[^a-z0-9_].*when|rollback)($|[^a-z0-9_])"
"""What may let go of the locks of a transaction before it ends: ROLLBACK TO, EXCEPTION WHEN."""
LOOKS_UP = (
    "(^|[^a-z0-9_])(reg(class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)|u&|"
    "to_reg[a-z]+|has_[a-z_]+|current_schema|row_security_active|execute|"
    "pg_(?!(attrdef|attribute|catalog|class|collation|constraint|database|description|extension|get_constraintdef|"
    "get_expr|get_indexdef|index|indexes|inherits|namespace|sequence|type)($|[^a-z0-9_]))[a-z0-9_]+)($|[^a-z0-9_])"
)
"""What may look something up in the catalogue by a name, and without touching it as a table does."""
_OF_THE_SERVER = re.compile(r"'(pg_catalog\.)?pg_class'::regclass", re.IGNORECASE)


def says(pattern: str, sent: bytes) -> bool:
    """Whether a message has a word of such a pattern, be it in a comment."""
    text = _OF_THE_SERVER.sub("", sent.decode(errors="replace"))
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None
