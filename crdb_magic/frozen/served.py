"""What is asked now -> the answer that was recorded, in its order, or a refusal that says what is different."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from decimal import Decimal

from crdb_magic.errors import NotRecordedError
from crdb_magic.frozen import nearest
from crdb_magic.frozen.events import COMMITTED, ErrorResponse, Event, EventKind
from crdb_magic.frozen.recording import Question, Recording, instant_key, is_timeless, receipt_key
from crdb_magic.frozen.visible_writes import VisibleWrites


class Served:
    """What of a recording was served so far, on all of its connections: so it is known what comes next.

    Threads may share it; ``who`` is one client of them, to whom transactions belong.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.lock = threading.RLock()
        self.effect = VisibleWrites()
        self._times: Counter[Hashable] = Counter()

    def look(self, question: Question, who: Hashable) -> Event:
        """Give the answer that will be served next; raises :class:`NotRecordedError`."""
        with self.lock:
            return self._answer(question, self._candidates(question, who), self._times[self._key(question, who)])

    def take(self, question: Question, who: Hashable, digest: str | None = None) -> Event:
        """Serve an answer, and let it take effect if it is a write; raises :class:`NotRecordedError`.

        ``digest`` is that of the rows that came with it.
        """
        with self.lock:
            candidates = self._candidates(question, who)
            if digest is not None and not (candidates := [one for one in candidates if one.digest == digest]):
                raise nearest.other_rows(question.text)
            key = self._key(question, who, digest or "")
            event = self._answer(question, candidates, self._times[key])
            self._times[key] += 1
            if event.kind is EventKind.WRITE and event.refusal is None:
                self.effect.wrote(who, event.number)
            return event

    def refusal(self, question: Question, who: Hashable, *sqlstates: str) -> ErrorResponse | None:
        """Serve the error that was answered to what else is always done, such as a COMMIT, if there was one here.

        Where SQLSTATEs are given, one of these alone.
        """
        with self.lock:
            refusal = self._refusal(question, who)
            if refusal is None or (sqlstates and refusal.fields.get("C") not in sqlstates):
                return None
            self._times[self._key(question, who)] += 1
            return refusal

    def _refusal(self, question: Question, who: Hashable) -> ErrorResponse | None:
        left = self.recording.answers(question, self.effect.after(who))[self._times[self._key(question, who)] :]
        return left[0].refusal if left else None

    def instant(self, connection: int, asked: str) -> Decimal | None:
        """Give the instant that was meant by what is asked for, None if none was recorded or what is left differs."""
        with self.lock:
            event = self._in_turn(instant_key(connection, asked, self.effect.after()), last_again=True)
            return event.at if event else None

    def committed(self, connection: int) -> Decimal | None:
        """Give the instant at which the last write in effect is seen, if it was recorded."""
        with self.lock:
            return next((one.at for one in self.recording.others((connection, COMMITTED, self.effect.after()))), None)

    def receipt(self, like: Event) -> Event | None:
        """Give the receipt of a transaction that went like that, None if none is left."""
        with self.lock:
            return self._in_turn(receipt_key(replace(like, after=self.effect.after())), last_again=False)

    def _in_turn(self, key: Hashable, *, last_again: bool) -> Event | None:
        events, times = self.recording.others(key), self._times[key]
        self._times[key] += 1
        if times < len(events):
            return events[times]
        return events[-1] if events and last_again and len({one.at for one in events}) == 1 else None

    def _key(self, question: Question, who: Hashable, digest: str = "") -> Hashable:
        return question, None if is_timeless(question) else self.effect.after(who), digest

    def _candidates(self, question: Question, who: Hashable) -> list[Event]:
        after = self.effect.after(who)
        candidates = self.recording.answers(question, after)
        if not candidates:
            raise nearest.missing(self.recording, question, after)
        return candidates

    def _answer(self, question: Question, candidates: Sequence[Event], times: int) -> Event:
        if times < len(candidates):
            return candidates[times]
        if any(_said(one) != _said(candidates[0]) for one in candidates):
            raise NotRecordedError(
                "This query ran more often than when it was recorded, with different results: "
                f"{nearest.shortened(question.text)}",
                hint=nearest.FROM_THE_TOP,
            )
        return candidates[-1]


def _said(event: Event) -> tuple[object, ...]:
    """Give what an answer is, to be compared with another one."""
    refusal = dict(event.refusal.fields) if event.refusal else None
    return event.tag, event.columns, event.rows, event.hash, event.notices, dict(event.told), refusal
