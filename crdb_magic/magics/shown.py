"""The notebook's frames that came from transactions: how they are shown, and the receipts in their outputs."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crdb_magic.core.receipt import Receipt
from crdb_magic.drawing.frame import frame_bundle
from crdb_magic.drawing.html import Bundle, words_bundle
from crdb_magic.magics.outputs import metadata_of

_PLANS = (["info"], ["QUERY PLAN"])  # the column of an EXPLAIN: CockroachDB's, PostgreSQL's


@dataclass(frozen=True, slots=True)
class Look:
    """What a frame does not tell by itself of how it is to be shown.

    Whether it may be a plan; the names of its columns of JSON, None where that is not known; a line below it; of each
    cell whether it is to be empty, None where none is.
    """

    explained: bool = False
    documents: frozenset[str] | None = None
    below: str = ""
    absent: pd.DataFrame | None = field(default=None, compare=False)

    def bundle(self, frame: pd.DataFrame) -> Bundle:
        """Give what is shown of a frame; nothing where that is what pandas itself shows."""
        if self.explained and (plan := _plan(frame)):
            return plan
        bundle = frame_bundle(frame, self.documents, dimensions=not len(frame), absent=self.absent) or {}
        if not bundle or not self.below:
            return bundle
        below = words_bundle(self.below)
        return {kind: f"{shown}\n\n{below[kind]}" for kind, shown in bundle.items()}


class Receipts:
    """Which of the notebook's frames came from which transaction, for their outputs and the metadata of these."""

    def __init__(self) -> None:
        self._frames: weakref.WeakValueDictionary[int, pd.DataFrame] = weakref.WeakValueDictionary()
        self._known: dict[int, tuple[dict[str, Any], Look]] = {}

    def attach(self, frame: pd.DataFrame, receipt: Receipt | None, look: Look = Look()) -> None:
        """Remember the frame, and its receipt if it is to have one: in ``frame.attrs["crdb"]``, as a plain dict."""
        metadata = metadata_of(receipt)
        frame.attrs |= metadata
        self._known = {key: value for key, value in self._known.items() if key in self._frames}
        self._frames[id(frame)] = frame
        self._known[id(frame)] = metadata, look

    def bundle(self, frame: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what IPython's mimebundle formatter asks for: how the frame is shown, and the receipt as metadata.

        pandas hands ``attrs`` on to frames made from this one, so the receipt goes by the frame itself.
        """
        if self._frames.get(id(frame)) is not frame:
            return {}, {}
        metadata, look = self._known[id(frame)]
        return dict(look.bundle(frame)), metadata


def _plan(frame: pd.DataFrame) -> Bundle | None:
    """Give the lines of a plan, which a table would cut and put to the right; None for what EXPLAIN says otherwise."""
    lines: list[Any] = frame.iloc[:, 0].tolist() if list(frame.columns) in _PLANS else [None]
    return words_bundle("\n".join(lines), aside=False) if all(isinstance(line, str) for line in lines) else None
