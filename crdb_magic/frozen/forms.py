"""In which form a statement is sent: after which prelude, and what it does to its transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from crdb_magic.sql.kinds import controls_transaction, words
from crdb_magic.sql.messages import readable
from crdb_magic.sql.names import meant
from crdb_magic.sql.statements import Statement


@dataclass(frozen=True, slots=True)
class Prelude:
    """What goes before a statement in its message: whether it begins a transaction, and of which instant."""

    begins: bool
    as_of: Decimal | None
    length: int


NO_PRELUDE = Prelude(begins=False, as_of=None, length=0)
_PRELUDE = re.compile(
    r"(?P<begin>BEGIN(?P<modes>[^;\n]*)(?:; SET TRANSACTION SNAPSHOT '(?P<snapshot>[^']*)'[^\n]*)?;\n)?"
    r"(?:SET (?:LOCAL )?statement_timeout = \d+;\n)?"
)
_AS_OF = re.compile(r"AS OF SYSTEM TIME '?(?P<at>[\d.]+)'?")
TYPES = "EXPLAIN (TYPES) "
COPY_IN = re.compile(r"COPY\b(?!\s*\().*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
COPY_OUT = re.compile(r"COPY\b.*\bTO\s+STDOUT\b", re.IGNORECASE | re.DOTALL)
LIMIT = re.compile(r"SET (?:LOCAL )?statement_timeout = \d+|RESET statement_timeout")


def prelude_of(message: str) -> Prelude:
    """Read what the driver puts before a statement."""
    found = _PRELUDE.match(message)
    assert found is not None  # noqa: S101 - it matches nothing too
    return Prelude(found["begin"] is not None, read_at(found["modes"] or "", found["snapshot"]), found.end())


def read_at(modes: str, snapshot: str | None = None) -> Decimal | None:
    """Give the instant that a BEGIN reads at, None for the present."""
    found = _AS_OF.search(modes)
    try:
        return Decimal(snapshot or (found["at"] if found else "")) if snapshot or found else None
    except InvalidOperation:  # nobody's snapshot
        return None


@dataclass(frozen=True, slots=True)
class Control:
    """What a statement does to a transaction: the verb (BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, TO), a name."""

    verb: str
    name: str = ""
    as_of: Decimal | None = None
    is_start: bool = False

    @property
    def word(self) -> str:
        """The tag of such a statement."""
        return "ROLLBACK" if self.verb == "TO" else self.verb

    @property
    def ends_failure(self) -> bool:
        """Whether it may follow in a transaction that has failed."""
        return self.verb in {"COMMIT", "ROLLBACK", "TO"}


_OTHER = Control("")
_VERBS = {"BEGIN": "BEGIN", "START": "BEGIN", "COMMIT": "COMMIT", "END": "COMMIT"}
_SAVEPOINTS = {"SAVEPOINT": "SAVEPOINT", "RELEASE": "RELEASE", "ROLLBACK": "TO"}
_QUICK = re.compile(r"\b(?:begin|start|commit|end|abort|rollback|savepoint|release|prepare)\b", re.IGNORECASE)


def statements_of(text: str) -> tuple[Statement, ...]:
    """Give the statements of a message; none where they can't be told apart."""
    return readable(text.encode()) or ()


def controls(text: str) -> tuple[Control, ...]:
    """Give what each statement of a message does to the transaction; nothing if none of them does anything."""
    if not _QUICK.search(text):
        return ()
    found = tuple(map(_control, statements_of(text)))
    return found if any(one.verb for one in found) else ()


def _control(statement: Statement) -> Control:
    if controls_transaction(statement):
        verb = _VERBS.get(statement.keyword, "ROLLBACK")
        at = read_at(statement.text) if verb == "BEGIN" else None
        return Control(verb, as_of=at, is_start=statement.keyword == "START")
    verb = _SAVEPOINTS.get(statement.keyword, "")
    return Control(verb, _savepoint_named(statement)) if verb else _OTHER


def _savepoint_named(statement: Statement) -> str:
    """Give the name of a statement's savepoint."""
    return meant(words(statement)[-1])
