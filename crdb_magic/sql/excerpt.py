"""Say where in a text an index stands: its line and column, and an excerpt with a caret under it."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_LONGEST = 100
_TAB = " " * 4


def locate(text: str, index: int) -> tuple[int, int]:
    r"""Give the line and the column of an index, both counted from 1; only ``\n`` ends a line."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def excerpt(text: str, index: int, *, first_line: int = 1) -> tuple[str, ...]:
    """Give two lines for an error: ``line 3: `` with the source line of ``index``, and a caret below its place.

    An index outside the text is drawn to its nearest end. ``first_line`` is the number of the text's first line.
    A line of more than 100 characters is cut around the caret; tabs and control characters become spaces.
    """
    index = min(max(index, 0), len(text))
    line, column = locate(text, index)
    begin = index - column + 1
    end = text.find("\n", index)
    left, right = _window(begin, index, len(text) if end < 0 else end)
    before = ("…" if left > begin else "") + _clean(text[left:index])
    after = _clean(text[index:right]) + ("…" if right < end or (end < 0 and right < len(text)) else "")
    label = f"line {line + first_line - 1}: "
    return (f"{label}{before}{after}".rstrip(), " " * (len(label) + width(before)) + "^")


def _window(begin: int, index: int, end: int) -> tuple[int, int]:
    """Give the part of the line from ``begin`` to ``end`` to show: at most 100 characters, ``index`` among them."""
    left = max(begin, min(index - _LONGEST // 2, end - _LONGEST))
    return left, min(end, left + _LONGEST)


def _clean(text: str) -> str:
    """Give the text without what would move the caret, or act on a terminal."""
    return "".join(" " if category(char) in {"Cc", "Zl", "Zp"} else char for char in text.replace("\t", _TAB))


def width(text: str) -> int:
    """Give the columns that a text takes in a font of fixed width."""
    return sum(map(_width, text))


def _width(char: str) -> int:
    if category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(char) in {"W", "F"} else 1
