"""The receipts of a notebook's transactions, in their order; the last one is its variable crdb_receipt."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from crdb_magic.core.receipt import Receipt

VARIABLE = "crdb_receipt"
_MOST = 1_000


class ReceiptHistory:
    """The last thousand of them."""

    def __init__(self) -> None:
        self._receipts: deque[Receipt] = deque(maxlen=_MOST)

    def note(self, receipt: Receipt, connection: str, ran: Sequence[str], names: dict[str, Any]) -> Receipt:
        """Keep the receipt of a transaction, and bind the variable, unless the user has given that name to something.

        Give it with what ran, and where.
        """
        noted = replace(receipt, connection=connection, ran=tuple(ran))
        self._receipts.append(noted)
        if isinstance(names.get(VARIABLE, noted), Receipt):
            names[VARIABLE] = noted
        return noted

    def of(self, connection: str | None = None) -> list[Receipt]:
        """Give those of a connection, or all."""
        return [one for one in self._receipts if connection in (None, one.connection)]


def frame_of(receipts: Sequence[Receipt]) -> pd.DataFrame:
    """Make a DataFrame with a row for each: the names of its columns are those of a receipt's attributes.

    ``elapsed`` and ``staleness`` are in seconds, ``as_of`` and ``committed_at`` exact instants as texts.
    """
    facts = [one.as_dict() for one in receipts]
    columns: dict[str, Any] = {
        "ended_at": pd.Series([one.ended_at for one in receipts], dtype="datetime64[us, UTC]"),
        "connection": pd.Series([one.connection for one in receipts], dtype="str"),
        "ran": pd.Series(["; ".join(one.ran) for one in receipts], dtype="str"),
        "rows": pd.Series([one.rows for one in receipts], dtype="int64"),
        "attempts": pd.Series([one.attempts for one in receipts], dtype="int64"),
        "elapsed": pd.Series([one.elapsed for one in receipts], dtype="float64"),
        "committed": pd.Series([one.committed for one in receipts], dtype="bool"),
        "as_of": pd.Series([one["as_of"] for one in facts], dtype="object"),
        "committed_at": pd.Series([one["committed_at"] for one in facts], dtype="object"),
        "staleness": pd.Series([one.staleness for one in receipts], dtype="Float64"),
    }
    return pd.DataFrame(columns)
