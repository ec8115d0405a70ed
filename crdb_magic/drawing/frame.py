"""A frame as pandas shows it, but with NULL in one word, whatever the dtype of its column has for it.

pandas words what is missing by dtype (None, NaN, NaT, <NA>), and its ``na_rep`` is for the NaN of floats alone, which
is no NULL. So its own formatter is asked for each column of the part that is shown, and the cells of NULL are then
renamed: all options of pandas hold, and no more of a large frame is looked at than what is shown.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, time
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from pandas.io.formats import format as untyped

from crdb_magic.drawing.html import ASIDE, Bundle, element
from crdb_magic.values.decode import Interval

formats: Any = untyped

_NULL = "NULL"
_MARK = "\ue000NULL\ue000"  # of a private area of Unicode: put into the HTML's cells, and replaced there
# The first colour is for where there are no variables: see html.py.
_HTML = element("span", f"color: #767676; {ASIDE}; font-style: italic", "NULL")
_NO_JSON = (date, time, UUID, bytes, Interval, pd.Timedelta, np.timedelta64)  # datetimes are dates


def frame_bundle(
    frame: pd.DataFrame,
    documents: Collection[Any] | None,
    *,
    dimensions: bool = False,
    absent: pd.DataFrame | None = None,
) -> Bundle | None:
    """Give a frame as text and, unless pandas was told to give none, as HTML; None where it shows a summary instead.

    ``documents`` are the names of the columns of JSON, whose None is JSON's own null; None if that is not known.
    ``absent`` tells of each cell whether it is to be empty.
    """
    if frame._info_repr():  # type: ignore[operator]
        return None
    text = formats.get_dataframe_repr_params()
    width, limits = text.pop("line_width"), {name: text[name] for name in ("max_rows", "min_rows", "max_cols")}
    shown: dict[str, Any] = limits | {"show_dimensions": dimensions or text["show_dimensions"]}
    plain = _Formatter(frame, documents, absent, _NULL, "'NULL'", **shown)
    bundle = {"text/plain": formats.DataFrameRenderer(plain).to_string(line_width=width)}
    if pd.get_option("display.notebook_repr_html"):
        more = {"bold_rows": True, "float_format": pd.get_option("display.float_format")}
        marked = _Formatter(frame, documents, absent, _MARK, _NULL, **shown, **more)
        bundle["text/html"] = formats.DataFrameRenderer(marked).to_html(notebook=True).replace(_MARK, _HTML)
    return bundle


class _Formatter(formats.DataFrameFormatter):  # type: ignore[misc]
    """pandas' formatter, which words NULL as ``null`` and the text 'NULL' as ``text``."""

    def __init__(
        self,
        frame: pd.DataFrame,
        documents: Collection[Any] | None,
        absent: pd.DataFrame | None,
        null: str,
        text: str,
        **options: Any,
    ) -> None:
        super().__init__(frame, **options)
        self._documents, self._absent, self._null, self._text = documents, absent, null, text

    def format_col(self, i: int) -> list[str]:
        """Give the texts of the cells of a column that are shown."""
        column = self.tr_frame.iloc[:, i]
        document = None if self._documents is None else column.name in self._documents
        cells = list(map(self._worded, super().format_col(i), _nulls(column, document=document)))
        gone = None if self._absent is None else self._absent.get(column.name)
        if gone is None:  # or the frame was changed since
            return cells
        empty = gone.reindex(column.index, fill_value=False)
        return ["" if one else cell for cell, one in zip(cells, empty, strict=True)]

    def _worded(self, cell: str, null: bool) -> str:  # noqa: FBT001 - for map
        if null:
            return f" {self._null}"
        return cell.replace(_NULL, self._text) if cell.strip() == _NULL else cell


def _nulls(column: pd.Series, *, document: bool | None) -> list[bool]:
    """Tell which cells are NULL: NaN is none in a column of floats, nor among objects, nor is None in one of JSON."""
    if column.dtype != object:
        is_float = isinstance(column.dtype, np.dtype) and column.dtype.kind == "f"
        return [False] * len(column) if is_float else column.isna().tolist()
    cells = column.tolist()
    if document is None:  # what made it is not known: a cell may tell that it is not of JSON
        document = not any(isinstance(cell, _NO_JSON) for cell in cells)
    return [cell is pd.NA or cell is pd.NaT or (cell is None and not document) for cell in cells]
