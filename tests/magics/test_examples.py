"""The examples of README and docs/ are run: each page in a notebook of its own, from its top to its end.

A fence of ``python`` is a cell. A fence of ``text`` right behind one is what it shows, where … stands for what differs
from run to run. What can't be run here says why: ``python title="on a cluster"``.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^Out\[\d+\]: ", re.MULTILINE)

# No guides: measurements, decisions, lists, what tests/test_reproducible.py runs, and files of the repository's top.
_WITHOUT = {
    *("benchmarks", "contention", "design", "types", "reproducing", "notebooks-in-ci"),
    *("index", "contributing", "security", "changelog"),
}


class Example(NamedTuple):
    """A cell of a page, its line, and what it shows, if the page says so."""

    line: int
    code: str
    shown: str | None


def examples_of(page: Path) -> list[Example]:
    """Give the cells of a page that are to be run."""
    text = page.read_text(encoding="utf-8")
    fences = [*_FENCE.finditer(text), None]
    return [
        Example(text.count("\n", 0, fence.start()) + 1, fence[3], behind[3] if behind and _is_output(behind) else None)
        for fence, after in pairwise(fences)
        if fence and fence[1] == "python" and not fence[2]
        for behind in [after if after and not text[fence.end() : after.start()].strip() else None]
    ]


def _is_output(fence: re.Match[str]) -> bool:
    return fence[1] == "text" and not fence[2]


def _matches(said: str, shown: str, printed: str) -> bool:
    """Whether it is what was shown: a shell prints a value, and shows the line about it before or behind it."""
    pattern = re.compile(r"[^\n]*".join(map(re.escape, _plain(said).split("…"))))
    turned = printed + shown.removesuffix(printed)
    return any(pattern.fullmatch(_plain(text)) for text in (shown, turned))


def _plain(text: str) -> str:
    """Leave out blank lines, and the prompt that a shell puts before a value."""
    return "\n".join(line.rstrip() for line in _PROMPT.sub("", text).splitlines() if line.strip())


@pytest.mark.parametrize("page", [page for page in _PAGES if examples_of(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_do_what_it_says(page, unconnected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unconnected("%unload_ext crdb_magic")  # each page loads it
    wrong = []
    for example in examples_of(page):
        try:
            unconnected(example.code)
            shown, printed = unconnected.shown, unconnected.printed
        except Exception as error:
            shown, printed = f"{type(error).__name__}: {error}", ""
            if example.shown is None:
                raise AssertionError(f"{page.name}:{example.line}: {shown}") from error
        if example.shown is not None and not _matches(example.shown, shown, printed):
            wrong.append(f"{page.name}:{example.line} shows\n{shown}")

    assert not wrong, "\n\n".join(wrong)


def test_each_guide_begins_with_an_example_that_is_run():
    guides = [page for page in _PAGES if page.stem not in _WITHOUT]
    first = {
        page.name: re.search(r"^```python(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE) for page in guides
    }

    wrong = [name for name, fence in first.items() if fence is None or fence[1]]
    assert not wrong, f"let it begin with a fence of python that is run; what is no guide stands in _WITHOUT: {wrong}"


def test_what_is_not_run_says_why():
    titled = re.compile(r' title="[^"]{5,}"|\{eval-rst\}|')
    fences = [(page.name, fence[2]) for page in _PAGES for fence in _FENCE.finditer(page.read_text(encoding="utf-8"))]

    wrong = [(name, info) for name, info in fences if not titled.fullmatch(info)]
    assert not wrong, f'nothing may stand there but title="…" with a reason of 5 characters at least: {wrong}'
