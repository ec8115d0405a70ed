"""Recordings made by hand: what a notebook would have been answered, and what serves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from crdb_magic.columns.arrow import Batch
from crdb_magic.core.target import Target
from crdb_magic.frozen.events import ErrorResponse, Event, EventKind, RecordedColumn, RecordedConnection
from crdb_magic.frozen.recording import Recording

INT, TEXT = 20, 25  # OIDs
POSTGRES = {"server_version": "18.1", "TimeZone": "UTC"}
COCKROACH = {"server_version": "13.0.0", "crdb_version": "CockroachDB CCL v25.4.0 (x86_64-pc-linux-gnu)"}
SHOP = Target.from_url("postgresql://root:s3cret@nowhere:26257/shop")
AT = Decimal("1722882686481050825.0000000000")

Texts = Sequence[Sequence[str | None]]


class Tape:
    """Events in the order in which they are told, with their rows beside them."""

    def __init__(self, parameters: Mapping[str, str] = POSTGRES, connections: int = 1) -> None:
        self.events: list[Event] = []
        self.places = [
            RecordedConnection(number=number, database="shop", user="root", parameters=parameters)
            for number in range(1, connections + 1)
        ]
        self._rows: dict[str, Texts] = {}
        self._after = 0

    def read(
        self, text: str, columns: Mapping[str, int], rows: Texts, kind: EventKind = EventKind.READ, **told: Any
    ) -> Event:
        """Answer a query with rows."""
        hash_ = repr((columns, rows))
        self._rows[hash_] = rows
        headings = tuple(RecordedColumn(name, oid) for name, oid in columns.items())
        facts = {
            "tag": f"SELECT {len(rows)}",
            "columns": headings,
            "rows": len(rows) if columns else 0,
            "hash": hash_,
        } | told
        event = self._add(kind, text, **facts)
        if kind is EventKind.WRITE:
            self._after = event.number
        return event

    def write(self, text: str, tag: str, **told: Any) -> Event:
        """Answer a statement that changes something."""
        event = self._add(EventKind.WRITE, text, tag=tag, **told)
        if event.refusal is None and not event.undone:
            self._after = event.number
        return event

    def sets(self, text: str, **told: Any) -> Event:
        """Answer a SET."""
        return self._add(EventKind.WRITE, text, tag="SET", **told)

    def refuse(
        self, text: str, kind: EventKind = EventKind.READ, told: Mapping[str, Any] | None = None, **fields: str
    ) -> Event:
        """Refuse a statement."""
        return self._add(kind, text, refusal=ErrorResponse(fields), **(told or {}))

    def instant(self, asked: str, at: Decimal, **told: Any) -> Event:
        """Tell which instant was meant."""
        return self._add(EventKind.INSTANT, asked, at=at, **told)

    def receipt(self, **told: Any) -> Event:
        """Tell how a transaction went."""
        return self._add(EventKind.RECEIPT, "", **told)

    def _add(self, kind: EventKind, text: str, **told: Any) -> Event:
        facts = {"connection": 1, "after": self._after, **told}
        self.events.append(Event(number=len(self.events) + 1, kind=kind, text=text, **facts))
        return self.events[-1]

    @property
    def recording(self) -> Recording:
        return Recording(self.places, self.events, self._batches)

    def _batches(self, event: Event) -> Iterable[Batch]:
        columns = zip(*self._rows[event.hash], strict=True)
        return iter([tuple(pa.array(column, pa.string()) for column in columns)])


def texts(report: Any) -> list[tuple[str | None, ...]]:
    """Give the rows of a report's last result, as texts."""
    return as_texts(report.results[-1].rows)


def as_texts(rows: Iterable[Sequence[Any]]) -> list[tuple[str | None, ...]]:
    """Give rows as texts, also where they were cast on their way."""
    return [tuple(None if one is None else str(one) for one in row) for row in rows]
