"""How a receipt is shown: what ran, how it ended, and the instants at which the same can be read again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from crdb_magic.core.amounts import duration, rows_in_words
from crdb_magic.core.asof import time_of
from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing import attempts
from crdb_magic.drawing.html import Bundle
from crdb_magic.drawing.lists import Lines, List, bundle_of


def receipt_bundle(receipt: Receipt) -> Bundle:
    """Show it as lines of a name and what it is, and the attempts if there were several."""
    facts = [fact for fact in _facts(receipt) if fact[1]]
    drawn = bundle_of([List(_heading(receipt), ("", ""), facts), Lines((*receipt.notes, *receipt.notices))])
    if not receipt.retries:
        return drawn
    return {
        "text/plain": f"{drawn['text/plain']}\n\n{attempts.as_text(receipt)}",
        "text/html": f"{drawn['text/html']}<div>{attempts.as_html(receipt)}</div>",
    }


def _heading(receipt: Receipt) -> str:
    ended = "Committed" if receipt.committed else "Rolled back"
    return f"{ended} on {receipt.connection}" if receipt.connection else ended


def _facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    for place, what in enumerate(receipt.ran):
        yield "" if place else "ran", what
    yield "rows", rows_in_words(receipt.rows) if receipt.rows else ""
    tries = f", {receipt.attempts:,} attempts" if receipt.retries else ""
    yield "took", duration(receipt.elapsed) + tries
    yield "ended at", f"{receipt.ended_at:%Y-%m-%d %H:%M:%S.%f} UTC" if receipt.ended_at else ""
    yield "read at", _instant(receipt.as_of)
    yield "behind", "" if receipt.staleness is None else duration(max(receipt.staleness, 0))
    yield "committed at", _instant(receipt.committed_at)
    yield "server", receipt.server


def _instant(hlc: Decimal | None) -> str:
    if hlc is None:
        return ""
    digits = f"{hlc:.10f}".rstrip("0").removesuffix(".")  # the same however many zeros it was told with
    return f"{digits} ({time_of(hlc):%Y-%m-%d %H:%M:%S.%f} UTC)"
