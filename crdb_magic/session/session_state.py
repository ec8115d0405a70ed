"""What a session was told that outlives its transactions: settings, to be told again to a connection that stands in.

They are kept as the statements that were sent, and found by their words: what a function sets within is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from crdb_magic.sql.kinds import SAVEPOINTS, SETTINGS, ends_transaction, words
from crdb_magic.sql.messages import FILLER, readable
from crdb_magic.sql.statements import Statement

# A quick look at a message: most leave nothing. SET stands in each UPDATE too, so it must come first.
_STAYS = re.compile(
    FILLER + rb"(?:set|reset|use|discard|prepare|deallocate|listen|unlisten|create|alter|drop)\b"
    rb"|(?:savepoint|release|rollback|commit|end|abort)\b"
    rb"|\b(?:set_config|pg_\w*advisory\w*)\s*\("
    rb"|\b(?:create|local|global|replace|into)\s+temp(?:orary)?\b|\bpg_temp\s*\.",
    re.DOTALL,
)
_CHANGE_NAMES = frozenset({"CREATE", "ALTER", "DROP"})
_TAGS = frozenset(
    {"SET", "RESET", "USE", "DISCARD", "PREPARE", "DEALLOCATE", "LISTEN", "UNLISTEN", *_CHANGE_NAMES, "COMMIT"}
)
_UNDOING = frozenset({"ROLLBACK", "ABORT"})
_LOOKED_AT = 1 << 16  # bytes of a message, whose rest are values
_MAKERS = frozenset({"CREATE", "SELECT", "WITH"})
_PASSING = frozenset({"LOCAL", "TRANSACTION", "CONSTRAINTS", "CLUSTER"})  # the last is the whole cluster's
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})
_BEFORE_TEMPORARY = frozenset({"CREATE", "LOCAL", "GLOBAL", "REPLACE", "INTO"})
_BEFORE_A_NAME = frozenset({"TABLE", "VIEW", "SEQUENCE", "IF", "NOT", "EXISTS", "RECURSIVE", "."})
_OF_SESSION = frozenset({"AUTHORIZATION", "CHARACTERISTICS"})  # behind SESSION, which else changes nothing
_KEPT_BY_RESET_ALL = frozenset({"ROLE", "SESSION AUTHORIZATION"})
_ENDED_BY = {"DROP": "temporary", "DEALLOCATE": "prepared", "UNLISTEN": "LISTEN"}
_LOCKS = re.compile(r"PG_(?:TRY_)?ADVISORY_(?:(?P<ends>UNLOCK)|LOCK)(?P<all>_ALL)?(?:_SHARED)?")  # of the session
_DOUBTED = "SET "
_LOCK = "LOCK "
_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SessionState:
    """The settings, by what is set, and what can't be had again on another connection, by its name.

    ``changes`` counts the statements that may have made other names known.
    """

    settings: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    bound: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    changes: int = field(default=0, compare=False)

    @property
    def standing(self) -> tuple[str, ...]:
        """Give the settings, and the names of what is bound to the connection."""
        return (*self.settings.values(), *self.bound.values())

    def after(self, statements: Sequence[Statement]) -> SessionState:
        """Give what stays when these statements were run as well."""
        told = self
        for statement in statements:
            with suppress(IndexError):  # a bare SET, of a message that failed
                told = told._after(statement.keyword, words(statement), statement.text)
            if statement.keyword in _CHANGE_NAMES:
                told = replace(told, changes=told.changes + 1)
        return told

    def _after(self, keyword: str, said: list[str], text: str) -> SessionState:
        if keyword in SETTINGS:
            passing = len(said) > 1 and said[1] in _PASSING
            return self if passing else self._having_set(said, text)
        if keyword == "DISCARD":
            return SessionState(changes=self.changes) if said[1:] == ["ALL"] else self
        if keyword in _ENDED_BY:
            return replace(self, bound=_without(self.bound, keyword, said))
        bound = _locked(self.bound, said)
        name, what = _bound(keyword, said)
        return replace(self, bound=_last(bound, name, what) if name else bound)

    def _having_set(self, said: list[str], text: str) -> SessionState:
        certain = _DOUBTED if said == ["RESET", "ALL"] else f"{_DOUBTED}{_what_is_set(said)} "
        bound = {name: what for name, what in self.bound.items() if not name.startswith(certain)}
        return replace(self, settings=_set(self.settings, said, text), bound=bound)

    def or_perhaps(self, other: SessionState) -> SessionState:
        """Give what is certain of two of which nobody knows which is true; the rest is lost with its connection."""
        names = {**other.settings, **self.settings}
        doubted = [name for name in names if self.settings.get(name) != other.settings.get(name)]
        doubts = {f"{_DOUBTED}{name} ": f"what a message that failed may have SET: {name.lower()}" for name in doubted}
        bound = {**other.bound, **self.bound, **doubts}
        return replace(self, bound=bound, changes=max(self.changes, other.changes))


NOTHING = SessionState()
SET_CONFIG = "SET_CONFIG"  # stands among the names for settings of which only the server knows


class SessionStateTracker:
    """What one connection was told: its transaction's settings count when that has ended, or are undone with it.

    ``undone`` is whether the server undoes them.
    """

    def __init__(self, *, undone: bool) -> None:
        self._undone = undone
        self._at_last = self._now = NOTHING
        self._marks: list[tuple[str, SessionState]] = []
        self._unread: list[bytes] = []  # savepoints of a transaction that was told nothing yet: most never are
        self._has_failed = False

    @property
    def told(self) -> SessionState:
        """What outlives the connection."""
        return self._at_last

    @property
    def now(self) -> SessionState:
        """What counts within the transaction."""
        return self._now

    def begin_with(self, told: SessionState) -> None:
        """Take what another connection was told for what this one was."""
        self._at_last = self._now = told

    def succeeded(self, word: str, said: bytes, *, idle: bool) -> None:
        """Note a message that was answered; ``word`` is the first of its tag, ``idle`` that no transaction is open."""
        if word in SAVEPOINTS and self._now is self._at_last and not idle and b";" not in said[:-1]:
            self._unread.append(said)
        elif said and may_stay(word, said):
            self._read()
            self._take(readable(said) or ())
        if idle:
            self._settle(failed=word == "ROLLBACK")

    def failed(self, said: bytes, *, idle: bool, ended: bool) -> None:
        """Note a message that failed: what stood before the statement that did may have been done.

        It is undone with that, unless the server undoes none, or the message may have ``ended`` its transaction before,
        or holds a savepoint to which the transaction goes back.
        """
        self._read()
        if may_stay("", said):
            perhaps = copy(self)
            perhaps._marks = [*self._marks]
            perhaps._take((readable(said) or ())[:-1])
            if ended or not self._undone:
                self._at_last = self._at_last.or_perhaps(perhaps._at_last)
            self._now = self._now.or_perhaps(perhaps._now)
            if perhaps._marks != self._marks:
                self._marks = [(name, told.or_perhaps(perhaps._now)) for name, told in self._marks]
        self._has_failed = True
        if idle:
            self._settle(failed=True)

    def _read(self) -> None:
        unread, self._unread = self._unread, []
        for said in unread:
            self._take(readable(said) or ())

    def _take(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            said = words(statement)
            if statement.keyword in SAVEPOINTS and not ends_transaction(statement):
                self._keep_marks(statement.keyword, said[-1])
            elif ends_transaction(statement):
                self._settle(failed=self._has_failed or statement.keyword in _UNDOING)
            else:
                self._now = self._now.after([statement])

    def _keep_marks(self, keyword: str, name: str) -> None:
        """Set a savepoint, go back to it, or give it up, and with it those that were set since."""
        if keyword == "SAVEPOINT":
            self._marks.append((name, self._now))
            return
        if keyword == "ROLLBACK":
            self._has_failed = False
        places = [place for place, (known, _) in enumerate(self._marks) if known == name]
        if not places:  # it was set by a message that failed: what that may have done is in doubt already
            return
        if keyword == "ROLLBACK" and self._undone:
            self._now = self._marks[places[-1]][1]
        del self._marks[places[-1] + (keyword == "ROLLBACK") :]

    def _settle(self, *, failed: bool) -> None:
        if failed and self._undone:
            self._now = self._at_last
        self._at_last = self._now
        self._marks.clear()
        self._unread.clear()
        self._has_failed = False


def may_stay(word: str, said: bytes) -> bool:
    """Whether something of a message may stay, so that it is worth reading; ``word`` is the first one of its tag."""
    if word in _TAGS or word in SAVEPOINTS:
        return True
    beginning = said[:_LOOKED_AT].lower()
    # Quicker to look for than the expression, which matches nothing without one of them. CREATE TABLE AS has no tag of
    # its own.
    signs = b";" in beginning or b"temp" in beginning or b"set_config" in beginning or b"advisory" in beginning
    return (signs or b"create" in beginning) and _STAYS.search(beginning) is not None


def _last(said: Mapping[str, str], name: str, text: str) -> Mapping[str, str]:
    """Put the last word behind the others: it may need what they say."""
    return {key: value for key, value in said.items() if key != name} | {name: text}


def _set(settings: Mapping[str, str], said: list[str], text: str) -> Mapping[str, str]:
    if said == ["RESET", "ALL"]:  # nothing to be said to a new connection, of which it would take our own settings
        return {name: text for name, text in settings.items() if name in _KEPT_BY_RESET_ALL}
    return _last(settings, _what_is_set(said), text)


def _what_is_set(said: list[str]) -> str:
    """Give the name of what is set or reset: A . B, TIME, USE; all that is said of SESSION CHARACTERISTICS."""
    if said[0] == "USE":
        return "USE"
    rest = said[2:] if said[1] == "SESSION" and said[2] not in _OF_SESSION else said[1:]
    if rest[0] == "SESSION":
        return " ".join(rest[:2] if rest[1] == "AUTHORIZATION" else rest)
    whole = len(rest) if said[0] == "RESET" and rest[0] != "TIME" else 1
    return " ".join(rest[: next((place for place, word in enumerate(rest) if word in {"=", "TO"}), whole)])


def _without(bound: Mapping[str, str], keyword: str, said: list[str]) -> Mapping[str, str]:
    all_ = (keyword == "DEALLOCATE" and "ALL" in said) or said[1:] == ["*"]
    return {
        name: what
        for name, what in bound.items()
        if not (what.startswith(_ENDED_BY[keyword]) and (all_ or name.removeprefix("LISTEN ") in said))
    }


def _bound(keyword: str, said: list[str]) -> tuple[str | None, str]:
    """Give the name of what can't be had again on another connection, and what it is."""
    if keyword == "PREPARE" and said[1] != "TRANSACTION":
        return said[1], f"prepared statement {said[1].lower()}"
    if keyword == "LISTEN":
        return f"LISTEN {said[1]}", f"LISTEN {said[1].lower()}"
    if keyword in _MAKERS and (name := _temporary(said)):
        return name, f"temporary table {name.lower()}"
    return (SET_CONFIG, "what set_config() has set") if _sets_by_function(said) else (None, "")


def _sets_by_function(said: list[str]) -> bool:
    """Whether set_config is called, but for the transaction alone: set_config(name, value, true)."""
    calls = (said[place + 1 : place + 8] for place, word in enumerate(said) if word == SET_CONFIG)
    return any([call[0:1], call[2:3], call[4:]] != [["("], [","], [",", "TRUE", ")"]] for call in calls)


def _locked(bound: Mapping[str, str], said: list[str]) -> Mapping[str, str]:
    """Give what is bound when a statement has taken advisory locks of the session, and given up others."""
    for place, word in enumerate(said):
        found = _LOCKS.fullmatch(word)
        if found is None or said[place + 1 : place + 2] != ["("]:
            continue
        lock = _LOCK if found["all"] else f"{_LOCK}{''.join(said[place + 2 : said.index(')', place)])}"
        bound = {name: what for name, what in bound.items() if not name.startswith(lock)}
        if not found["ends"]:
            bound[lock] = f"advisory lock {lock.removeprefix(_LOCK)}"
    return bound


def _temporary(said: list[str]) -> str | None:
    """Give the name behind TEMP: of CREATE TEMP TABLE, SELECT … INTO TEMP, CREATE TABLE pg_temp.t."""
    for place, (before, word) in enumerate(pairwise(said), 2):
        if (word in _TEMPORARY and before in _BEFORE_TEMPORARY) or (before, word) == ("PG_TEMP", "."):
            gone = ("ON", "COMMIT", "DROP") in zip(said, said[1:], said[2:], strict=False)  # with its transaction
            return None if gone else next((name for name in said[place:] if name not in _BEFORE_A_NAME), None)
    return None
