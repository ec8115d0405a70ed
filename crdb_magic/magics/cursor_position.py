"""Where somebody types in a cell: in a magic's line, in the cell below it, or in a string of SQL that Python sends."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Behind %time, or below %%time, as well.
_CELL = re.compile(r"\s*(?:%%(?:time|capture)\b[^\n]*\n\s*)?%%(\w+)([^\n]*)")
_LINE = re.compile(r"[ \t]*(?:%time[ \t]+)?(?:[^%\n=]+=[ \t]*)?%(\w+)(?=[ \t])")
# The first argument of a method that takes a query: up to where somebody types, and its end.
_SENT = re.compile(
    r"""\bdb\.(?:arrow|execute|execute_sql|export|frame|frames|polars|rows)\(\s*(?P<q>\"{3}|'{3}|"|')(?P<sql>(?:(?!(?P=q)).)*)\Z""",
    re.DOTALL,
)
_MEMBER = re.compile(r"(?<![\w.])db\.(\w*)\Z")


@dataclass(frozen=True, slots=True)
class AtCursor:
    """A text in which somebody types at ``cursor``."""

    text: str
    cursor: int

    @property
    def before(self) -> str:
        """The text up to the cursor."""
        return self.text[: self.cursor]


@dataclass(frozen=True, slots=True)
class InLine:
    """The cursor is in the line of a magic, behind its name."""

    magic: str
    line: AtCursor
    is_cell: bool


@dataclass(frozen=True, slots=True)
class InCell:
    """The cursor is below the line of a cell's magic."""

    magic: str
    line: str
    body: AtCursor


def in_cell(text: str, cursor: int) -> InCell | None:
    """Tell whether the cursor is below a cell's magic, and of which one."""
    found = _CELL.match(text)
    if found is None or cursor <= found.end():
        return None
    begin = found.end() + 1
    return InCell(found[1], found[2], AtCursor(text[begin:], cursor - begin))


def in_line(text: str, cursor: int) -> InLine | None:
    """Tell whether the cursor is in the line of a magic."""
    begin = text.rfind("\n", 0, cursor) + 1
    end = text.find("\n", cursor)
    line = text[begin : end if end >= 0 else len(text)]
    cell = _CELL.match(text)
    if cell and cell.start(2) < cursor <= cell.end():
        return InLine(cell[1], AtCursor(cell[2], cursor - cell.start(2)), is_cell=True)
    found = _LINE.match(line)
    if found is None or cursor - begin <= found.end():
        return None
    return InLine(found[1], AtCursor(line[found.end() :], cursor - begin - found.end()), is_cell=False)


def sql_sent(body: AtCursor) -> AtCursor | None:
    """Give the SQL within a string that a method of ``db`` is called with, if the cursor is there."""
    found = _SENT.search(body.before)
    if found is None:
        return None
    behind = body.text[body.cursor :].partition(found["q"])[0]
    return AtCursor(found["sql"] + behind, len(found["sql"]))


def member_of_db(body: AtCursor) -> str | None:
    """Give what is typed behind ``db.``, if that is where the cursor is."""
    found = _MEMBER.search(body.before)
    return found[1] if found else None
