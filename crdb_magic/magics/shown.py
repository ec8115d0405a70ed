"""The notebook's frames that came from transactions: how they are shown, and the receipts in their outputs."""

from __future__ import annotations

import weakref
from typing import Any

import pandas as pd

from crdb_magic.core.receipt import Receipt
from crdb_magic.magics.outputs import bundle

_PLANS = (["info"], ["QUERY PLAN"])  # the column of an EXPLAIN: CockroachDB's, PostgreSQL's


class Receipts:
    """Which of the notebook's frames came from which transaction, for their outputs and the metadata of these."""

    def __init__(self) -> None:
        self._frames: weakref.WeakValueDictionary[int, pd.DataFrame] = weakref.WeakValueDictionary()
        self._receipts: dict[int, tuple[dict[str, Any], bool]] = {}

    def attach(self, frame: pd.DataFrame, receipt: Receipt | None, *, explained: bool = False) -> None:
        """Remember the frame, and its receipt if it is to have one: in ``frame.attrs["crdb"]``, as a plain dict."""
        metadata = {"crdb": receipt.as_dict()} if receipt else {}
        frame.attrs |= metadata
        self._receipts = {key: value for key, value in self._receipts.items() if key in self._frames}
        self._frames[id(frame)] = frame
        self._receipts[id(frame)] = metadata, explained

    def bundle(self, frame: pd.DataFrame, *_: Any, **__: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what IPython's mimebundle formatter asks for: the receipt as metadata, and what pandas shows otherwise.

        pandas hands ``attrs`` on to frames made from this one, so the receipt goes by the frame itself.
        """
        if self._frames.get(id(frame)) is not frame:
            return {}, {}
        metadata, explained = self._receipts[id(frame)]
        return own_form(frame, explained=explained) or {}, metadata


def own_form(frame: pd.DataFrame, *, explained: bool) -> dict[str, str] | None:
    """Give what is shown of a frame where pandas would not do: of a plan its lines, of no rows that there are none."""
    if explained:
        return _plan(frame)
    if len(frame):
        return None
    with pd.option_context("display.show_dimensions", True):  # noqa: FBT003 - pandas' signature
        forms = {"text/plain": repr(frame), "text/html": frame._repr_html_()}  # type: ignore[operator]
    return {kind: text for kind, text in forms.items() if text}


def _plan(frame: pd.DataFrame) -> dict[str, str] | None:
    """Give the lines of a plan, which a table would cut and put to the right; None for what EXPLAIN says otherwise."""
    lines: list[Any] = frame.iloc[:, 0].tolist() if list(frame.columns) in _PLANS else [None]
    return bundle("\n".join(lines), style="") if all(isinstance(line, str) for line in lines) else None
