"""How a transaction came to be committed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """How a transaction came to be committed.

    ``retries`` are the attempts before the one that was committed, or of a dry run the one that came to its end;
    ``as_of`` is the exact instant read (an HLC in nanoseconds since 1970), where one was asked for; ``elapsed`` is in
    seconds, waits included. ``notes`` are sentences for the reader: what was asked and has no effect on this server.
    ``notices`` are the server's own, of the last attempt, in the order in which they came.
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

    @property
    def committed(self) -> bool:
        """Whether it was committed: all but a dry run is, or there would be an error instead of a receipt."""
        return not self.options.dry_run

    @property
    def attempts(self) -> int:
        """How many attempts were made, the committed one included."""
        return len(self.retries) + 1

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
            "as_of": f"{self.as_of:.10f}" if self.as_of else None,
            "elapsed_seconds": round(self.elapsed, 6),
            "statements": self.statements,
            "rows": self.rows,
            "notes": list(self.notes),
            "notices": list(self.notices),
        }
