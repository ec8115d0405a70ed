"""Which writes are in effect, transaction by transaction: the last of them tells what a read of the present sees."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

UNCERTAIN = -1
"""What `InEffect.after` is where nobody can tell which writes are in effect: no read was recorded after that."""


@dataclass(slots=True)
class _Open:
    """A transaction: its writes in order, and its savepoints with how many there were before them."""

    writes: list[int] = field(default_factory=list)
    marks: list[tuple[str, int]] = field(default_factory=list)

    def mark(self, name: str) -> int | None:
        """Give the place of the last savepoint of that name."""
        return next((place for place in reversed(range(len(self.marks))) if self.marks[place][0] == name), None)


class InEffect:
    """The writes of all connections in their order, without those that were rolled back.

    ``undone`` tells of a write, by its number, whether its transaction was rolled back when it was recorded. One that
    ends otherwise now, while others have written behind it, leaves what was never recorded.
    """

    def __init__(self, undone: Callable[[int], bool]) -> None:
        self._undone = undone
        self._writes: list[int] = []
        self._open: dict[Hashable, _Open] = {}

    @property
    def after(self) -> int:
        """The number of the last write in effect, 0 if there is none."""
        return self._writes[-1] if self._writes else 0

    def wrote(self, who: Hashable, number: int) -> None:
        """Let a write take effect: within the transaction of that client, if one is open."""
        self._writes.append(number)
        if who in self._open:
            self._open[who].writes.append(number)

    def begin(self, who: Hashable) -> None:
        """Begin a transaction."""
        self._open.setdefault(who, _Open())

    def commit(self, who: Hashable) -> None:
        """End a transaction whose writes stay."""
        ended = self._open.pop(who, _Open()).writes
        if any(map(self._undone, ended)) and not self._are_last(ended):
            self._writes.append(UNCERTAIN)

    def roll_back(self, who: Hashable) -> None:
        """End a transaction whose writes are undone."""
        self._undo(self._open.pop(who, _Open()).writes)

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
        if place is None:
            return False
        kept = transaction.marks[place][1]
        del transaction.marks[place + 1 :]
        undone, transaction.writes = transaction.writes[kept:], transaction.writes[:kept]
        self._undo(undone)
        return True

    def _undo(self, numbers: list[int]) -> None:
        certain = self._are_last(numbers) or all(map(self._undone, numbers))
        self._writes = [number for number in self._writes if number not in numbers]
        if not certain:
            self._writes.append(UNCERTAIN)

    def _are_last(self, numbers: list[int]) -> bool:
        return not numbers or self._writes[-len(numbers) :] == numbers
