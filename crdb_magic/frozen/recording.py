"""What was recorded, found by what was asked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from crdb_magic.columns.arrow import Batch
from crdb_magic.core.asof import AsOf
from crdb_magic.frozen.events import COMMITTED, PRESENT, Event, EventKind, RecordedConnection
from crdb_magic.session.catalog import OF_TYPES
from crdb_magic.sql.kinds import SETTINGS
from crdb_magic.sql.messages import FILLER, readable

Rows = Callable[[Event], Iterable[Batch]]

_OF_TYPES = OF_TYPES.partition("{")[0].strip()
_SETTING_TAGS = frozenset({"SET", "SET TRANSACTION", "RESET"})  # not SET CLUSTER SETTING: tags of CockroachDB
_SETS = re.compile(FILLER + rb"(?:set|reset|use)\b", re.IGNORECASE | re.DOTALL)
_OF_NOW = frozenset({COMMITTED, PRESENT})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked on a connection: its text as sent, the exact instant read, and what the session had been SET to."""

    connection: int
    text: str
    as_of: Decimal | None = None
    settings: tuple[str, ...] = ()

    @classmethod
    def of(cls, event: Event) -> Question:
        """Give the question that an event answered."""
        return cls(event.connection, event.text, event.as_of, event.settings)


def only_sets(text: str) -> tuple[str, ...]:
    """Give the statements of a message that does nothing but SET, RESET and USE; none of any other."""
    sent = text.encode()
    if not _SETS.match(sent):
        return ()
    statements = readable(sent) or ()
    return tuple(one.text for one in statements) if all(one.keyword in SETTINGS for one in statements) else ()


def is_setting(event: Event) -> bool:
    """Whether an event only set, or would have set, what a session is: no write that others would see."""
    return (event.refusal is not None or event.tag in _SETTING_TAGS) and bool(only_sets(event.text))


def is_timeless(question: Question) -> bool:
    """Whether the answer is that of an instant, or of types, which are asked for when a value of one is first seen."""
    return question.as_of is not None or question.text.startswith(_OF_TYPES)


class Recording:
    """A recording: its connections, its events in order, and what reads the rows of one. Nothing in it changes."""

    def __init__(self, places: Iterable[RecordedConnection], events: Iterable[Event], rows: Rows) -> None:
        self.places: Mapping[int, RecordedConnection] = {place.number: place for place in places}
        self.rows = rows
        self._asked: dict[Question, list[Event]] = defaultdict(list)
        self._settings: dict[tuple[int, str], list[Event]] = defaultdict(list)
        self._other: dict[Hashable, list[Event]] = defaultdict(list)
        self._writes: dict[int, Event] = {}
        self._instants: set[tuple[int, Decimal]] = set()
        for event in sorted(events, key=lambda one: one.number):
            self._add(event)

    def _add(self, event: Event) -> None:
        if event.kind is EventKind.INSTANT:
            self._other[instant_key(event.connection, event.text, event.after)].append(event)
        elif event.kind is EventKind.RECEIPT:
            self._other[receipt_key(event)].append(event)
        elif is_setting(event):
            self._settings[event.connection, event.text].append(event)
        else:
            self._asked[Question.of(event)].append(event)
            if event.kind is EventKind.WRITE:
                self._writes[event.number] = event
        self._instants.update((event.connection, at) for at in (event.as_of, event.at) if at is not None)

    @property
    def statements(self) -> Sequence[Event]:
        """Reads and writes in their order."""
        return sorted((event for events in self._asked.values() for event in events), key=lambda one: one.number)

    def answers(self, question: Question, after: int) -> list[Event]:
        """Give what was answered to a question, one after the other: of the present, behind that write only."""
        events = self._asked.get(question, [])
        return events if is_timeless(question) else [one for one in events if one.after == after]

    def knows(self, question: Question) -> bool:
        """Whether it was ever asked, be it at another place."""
        return question in self._asked

    def write(self, number: int) -> Event | None:
        """Give a write by its number."""
        return self._writes.get(number)

    def next_write(self, after: int) -> Event | None:
        """Give the write that was done next."""
        done = (one for one in self._writes.values() if one.refusal is None and not one.undone)
        return next((one for one in done if one.after == after), None)

    def having_set(self, connection: int, text: str) -> Event | None:
        """Give the answer to a SET, with all that it ever told; None if it is not there."""
        events = self._settings.get((connection, text), [])
        done = [event for event in events if event.refusal is None]
        if not done:
            return events[0] if events else None
        return replace(done[0], told={name: value for event in done for name, value in event.told.items()})

    def others(self, key: Hashable) -> list[Event]:
        """Give instants and receipts."""
        return self._other.get(key, [])

    def is_read_at(self, connection: int, at: Decimal) -> bool:
        """Whether something was read on a connection at exactly that instant."""
        return (connection, at) in self._instants

    def keeps_the_past(self, connection: int) -> bool:
        """Whether something was read at an instant on a connection."""
        return any(number == connection for number, _ in self._instants)


def instant_key(connection: int, asked: str, after: int) -> Hashable:
    """Give what tells instants apart: one that counts from the present is another one behind another write."""
    return connection, asked, after if asked in _OF_NOW or AsOf.parse(asked).ago is not None else None


def receipt_key(event: Event) -> Hashable:
    """Give what tells the receipts of transactions apart."""
    facts = event.receipt
    return "receipt", event.connection, event.after, *map(facts.get, ("as_of", "statements", "rows"))
