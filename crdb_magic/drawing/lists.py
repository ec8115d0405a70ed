"""Parts of an output, drawn twice: as HTML in JupyterLab's own colours, and as plain text in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from crdb_magic.drawing.html import ASIDE, TEXT, Bundle, element
from crdb_magic.sql.excerpt import width

_CELL = "text-align: left; vertical-align: top; padding: 1px 1.5em 1px 0; background: none"
_SHORT = 16  # signs of a cell that is never parted into lines
_MANY, _FRAME = 40, "max-height: 50em; overflow-y: auto"  # rows beyond which a list is rolled
_HEADING = "font-weight: 600; margin: 0.8em 0 0.1em"


@dataclass(frozen=True, slots=True)
class Lines:
    """Words that stand back, below a heading if there is one."""

    lines: Sequence[str]
    heading: str = ""

    @property
    def text(self) -> str:
        """As plain text."""
        return "\n".join(filter(None, (self.heading, *self.lines)))

    @property
    def html(self) -> str:
        """As HTML."""
        lines = element("div", f"{ASIDE}; white-space: pre-wrap", escape("\n".join(self.lines)))
        return _heading(self.heading) + (lines if self.lines else "")


@dataclass(frozen=True, slots=True)
class List:
    """A heading, and rows of texts in columns; a column without any text is left out, and so is all without rows.

    So are the names of the columns, if all are empty.

    ``empty`` is what is said instead of no rows, ``numbers`` are the columns that stand to the right.
    """

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str = ""
    numbers: Sequence[str] = ()

    @property
    def text(self) -> str:
        """As plain text: a row a line."""
        if not self.rows:
            return f"{self.heading}\n  {self.empty}" if self.empty else ""
        columns = [[_one_line(cell) for cell in column] for column in self._filled]
        widths = [max(map(width, column)) for column in columns]
        rows = list(zip(*columns, strict=True))[0 if self._is_named else 1 :]
        lines = ("  ".join(map(_padded, row, widths, self._right)).rstrip() for row in rows)
        return "\n".join([self.heading, *(f"  {line}" for line in lines)])

    @property
    def html(self) -> str:
        """As an HTML table."""
        if not self.rows and not self.empty:
            return ""
        if not self.rows:
            return Lines((self.empty,), self.heading).html
        head, *body = zip(*self._filled, strict=True)
        styles = [_CELL.replace("left", "right", 1) if right else _CELL for right in self._right]
        named = _row(head, "th", [f"{one}; {ASIDE}; font-weight: normal" for one in styles])
        rows = [named] if self._is_named else []
        rows += (_row(row, "td", styles) for row in body)
        table = element("table", f"margin: 0; {TEXT}", "".join(rows))
        framed = element("div", _FRAME, table) if len(self.rows) > _MANY else table
        return _heading(self.heading) + framed

    @property
    def _filled(self) -> list[tuple[str, ...]]:
        """The columns that hold something, each with its heading."""
        columns = zip(self.columns, *self.rows, strict=True)
        return [column for column in columns if any(column[1:])]

    @property
    def _is_named(self) -> bool:
        return any(self.columns)

    @property
    def _right(self) -> list[bool]:
        return [column[0] in self.numbers for column in self._filled]


@dataclass(frozen=True, slots=True)
class Code:
    """A heading, and text as it is, which a notebook opens by a click; nothing if there is none."""

    heading: str
    code: str

    @property
    def text(self) -> str:
        """As plain text."""
        return f"{self.heading}\n{self.code}" if self.code else ""

    @property
    def html(self) -> str:
        """As preformatted HTML."""
        if not self.code:
            return ""
        summary = element("summary", f"{_HEADING}; cursor: pointer", escape(self.heading))
        code = element("pre", f"margin: 0; {TEXT}; white-space: pre-wrap", escape(self.code))
        return f"<details>{summary}{code}</details>"


Part = Lines | List | Code


def bundle_of(parts: Sequence[Part]) -> Bundle:
    """Give both forms of an output."""
    texts, html = filter(None, (part.text for part in parts)), "".join(part.html for part in parts)
    return {"text/plain": "\n\n".join(texts), "text/html": f"<div>{html}</div>"}


def _heading(text: str) -> str:
    return element("div", _HEADING, escape(text)) if text else ""


def _row(cells: Sequence[str], tag: str, styles: Sequence[str]) -> str:
    drawn = (
        element(tag, f"{style}; white-space: {'pre' if len(cell) <= _SHORT else 'pre-wrap'}", escape(cell))
        for cell, style in zip(cells, styles, strict=True)
    )
    return f"<tr>{''.join(drawn)}</tr>"


def _padded(cell: str, columns: int, right: bool) -> str:  # noqa: FBT001 - for map
    blanks = " " * (columns - width(cell))
    return blanks + cell if right else cell + blanks


def _one_line(text: str) -> str:
    return text.replace("\n", "⏎ ")
