"""Which write is the last one in effect for whom, transaction by transaction: a read of the present sees it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

UNCERTAIN = -1
"""The number where the state is one that was never recorded: nothing was asked behind that."""


@dataclass(slots=True)
class _Open:
    """A transaction: its writes in order, what was in effect before the first, and where its savepoints stand."""

    writes: list[int] = field(default_factory=list)
    base: int = 0
    marks: list[tuple[str, int]] = field(default_factory=list)

    def mark(self, name: str) -> int | None:
        """Give the place of the last savepoint of that name."""
        return next((place for place in reversed(range(len(self.marks))) if self.marks[place][0] == name), None)


class VisibleWrites:
    """The last write that was committed, and those of transactions that are open, which only they see.

    ``who`` is a client; what it writes outside of a transaction is committed.
    """

    def __init__(self) -> None:
        self._committed = 0
        self._open: dict[Hashable, _Open] = {}

    def after(self, who: Hashable = None) -> int:
        """Give the number of the last write that a client sees, 0 if there is none."""
        transaction = self._open.get(who)
        return transaction.writes[-1] if transaction and transaction.writes else self._committed

    def wrote(self, who: Hashable, number: int) -> None:
        """Let a write take effect."""
        transaction = self._open.get(who)
        if transaction is None:
            self._committed = number
            return
        if not transaction.writes:
            transaction.base = self._committed
        transaction.writes.append(number)

    def begin(self, who: Hashable) -> None:
        """Begin a transaction."""
        self._open.setdefault(who, _Open())

    def commit(self, who: Hashable) -> None:
        """End a transaction whose writes stay; somebody else's, committed meanwhile, were recorded in another order."""
        ended = self._open.pop(who, _Open())
        if ended.writes:
            self._committed = ended.writes[-1] if ended.base == self._committed else UNCERTAIN

    def roll_back(self, who: Hashable) -> None:
        """End a transaction whose writes are undone."""
        self._open.pop(who, None)

    def save(self, who: Hashable, name: str) -> None:
        """Set a savepoint."""
        transaction = self._open[who]
        transaction.marks.append((name, len(transaction.writes)))

    def release(self, who: Hashable, name: str) -> bool:
        """Forget a savepoint and those set since; False if there is none of that name."""
        transaction = self._open[who]
        place = transaction.mark(name)
        if place is not None:
            del transaction.marks[place:]
        return place is not None

    def roll_back_to(self, who: Hashable, name: str) -> bool:
        """Undo what was written since a savepoint, which stays; False if there is none of that name."""
        transaction = self._open[who]
        place = transaction.mark(name)
        if place is not None:
            del transaction.writes[transaction.marks[place][1] :]
            del transaction.marks[place + 1 :]
        return place is not None
