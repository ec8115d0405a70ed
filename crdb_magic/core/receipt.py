"""How a transaction came to be committed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crdb_magic.core.asof import time_of
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """How a transaction went until it was committed.

    ``retries`` are the attempts before the one that was committed (in a dry run, the one that was completed);
    ``as_of`` is the exact timestamp read (an HLC in nanoseconds since 1970), if one was asked for; ``committed_at``
    the one from which its writes are visible, if the server reports it. ``ended_at`` is when it ended, by this
    machine's clock; ``elapsed`` is in seconds, waits included. ``notes`` are sentences for the reader: which options
    have no effect on this server. ``notices`` are the server's own, from the last attempt, in order.
    ``connection`` and ``ran`` are the name in the notebook, and the beginnings of the statements (or what else
    ran), if a magic ran it.
    """

    server: str
    options: TransactionOptions
    retries: tuple[Attempt, ...]
    as_of: Decimal | None
    elapsed: float
    statements: int
    rows: int
    notes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    committed_at: Decimal | None = None
    ended_at: datetime | None = None
    connection: str = ""
    ran: tuple[str, ...] = ()

    @property
    def committed(self) -> bool:
        """Whether it was committed: all but a dry run is, or there would be an error instead of a receipt."""
        return not self.options.dry_run

    @property
    def attempts(self) -> int:
        """How many attempts were made, the committed one included."""
        return len(self.retries) + 1

    @property
    def instant(self) -> Decimal | None:
        """The timestamp that it read or committed at, at which the same can be read again."""
        return self.as_of if self.as_of is not None else self.committed_at

    @property
    def staleness(self) -> float | None:
        """How many seconds old what it read was at its end, by this machine's clock."""
        if self.as_of is None or self.ended_at is None:
            return None
        return (self.ended_at - time_of(self.as_of)).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values that JSON can hold."""
        options = self.options
        return {
            "server": self.server,
            "committed": self.committed,
            "attempts": self.attempts,
            "retries": [asdict(retry) for retry in self.retries],
            "priority": options.priority.value if options.priority else None,
            "isolation": options.isolation.value if options.isolation else None,
            "as_of_asked": options.as_of.asked if options.as_of else None,
            "as_of": _text_of(self.as_of),
            "committed_at": _text_of(self.committed_at),
            "ended_at": self.ended_at.astimezone(UTC).isoformat() if self.ended_at else None,
            "staleness_seconds": None if self.staleness is None else round(self.staleness, 6),
            "elapsed_seconds": round(self.elapsed, 6),
            "statements": self.statements,
            "rows": self.rows,
            "notes": list(self.notes),
            "notices": list(self.notices),
        }


def _text_of(hlc: Decimal | None) -> str | None:
    return f"{hlc:.10f}" if hlc else None
