"""What the server says besides its answers: NOTICEs and warnings, those of a statement or of a transaction."""

from __future__ import annotations

import re
from collections import deque

_KEPT = 50  # as many as psycopg2's own list keeps
# libpq puts two blanks behind the names of the parts that it writes on lines of their own.
_PART = re.compile(r"\A(\w+):  |^(DETAIL|HINT|QUERY|CONTEXT):  ", re.MULTILINE)


class Notices(deque[str]):
    """The last notices of a connection, as psycopg2 hands them on: it takes whatever has ``append``.

    ``heard`` is how many there ever were: a mark, from which on they can be asked for.
    """

    def __init__(self) -> None:
        super().__init__(maxlen=_KEPT)
        self.heard = 0

    def append(self, notice: str) -> None:
        """Take one."""
        self.heard += 1
        super().append(notice)

    def since(self, mark: int) -> tuple[str, ...]:
        """Give those that came since there were ``mark``; of more than are kept, how many are missing and the last."""
        new = self.heard - mark
        if not new:
            return ()
        heard = [_PART.sub(lambda found: f"{found[1] or found[2]}: ", one).rstrip() for one in list(self)[-new:]]
        missing = new - len(heard)
        return (f"… {missing:,} more before these", *heard) if missing else tuple(heard)
