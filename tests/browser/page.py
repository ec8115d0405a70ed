"""A notebook as its user has it before the eyes: cells are typed and run, outputs and colours are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab import Lab
    from playwright.sync_api import BrowserContext, Locator, Page

SCREENSHOTS = Path(__file__).parent / "screenshots"
_names = count(1)
# Milliseconds until something has to have happened, on a busy machine.
PATIENCE = 30_000

# JupyterLab drops what is run before there is a kernel.
_KERNEL = "() => ['idle', 'busy'].includes(jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status)"
_OFFERED = ".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match"
_ANSWERED = """
([offered, typed]) => document.querySelector(offered)
    || [...document.querySelectorAll('.jp-Notebook .cm-content')].at(-1).textContent !== typed
"""
# The pieces of each line that have one colour, with the name of JupyterLab's variable which has that colour.
_TOKENS = """
(cell, kinds) => {
    const probe = cell.appendChild(document.createElement('span'));
    const names = new Map();
    for (const kind of [...kinds].reverse()) {
        probe.style.color = `var(--jp-mirror-editor-${kind}-color)`;
        names.set(getComputedStyle(probe).color, kind);
    }
    probe.remove();
    const plain = getComputedStyle(cell.querySelector('.cm-line')).color;
    const found = [];
    for (const line of cell.querySelectorAll('.cm-line')) {
        const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const color = getComputedStyle(walker.currentNode.parentElement).color;
            found.push([walker.currentNode.data, color === plain ? '' : names.get(color) ?? color]);
        }
    }
    return found;
}
"""
# By JupyterLab's names of colours; where two are the same colour, the first.
_KINDS = [
    "keyword", "string", "comment", "number", "operator", "meta", "attribute", "def", "variable-2", "builtin", "atom",
    "string-2", "punctuation", "bracket", "property",
]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One cell of code."""

    at: Locator

    @property
    def outputs(self) -> list[str]:
        """The text of each output, as it is seen."""
        return [text.strip() for text in self.at.locator(".jp-OutputArea-output").all_inner_texts()]

    @property
    def output(self) -> Locator:
        """Where its outputs are."""
        return self.at.locator(".jp-Cell-outputArea")

    @property
    def tokens(self) -> list[tuple[str, str]]:
        """The pieces of its text, each with the kind that its colour stands for ("" where it has none)."""
        self.at.locator(".cm-line span").first.wait_for(timeout=PATIENCE)
        found: list[list[str]] = self.at.evaluate(_TOKENS, _KINDS)
        return [(text, kind) for text, kind in found if text.strip()]

    def of_kind(self, kind: str) -> list[str]:
        """The pieces that have the colour of that kind."""
        return [text for text, found in self.tokens if found == kind]

    def wait(self) -> Cell:
        """Wait until it has run: then it has a number."""
        self.at.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]")).wait_for(timeout=PATIENCE)
        return self


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def cells(self) -> list[Cell]:
        return [Cell(one) for one in self.page.locator(".jp-Notebook .jp-CodeCell").all()]

    def cell(self, number: int) -> Cell:
        """Give a cell of code, counted from 0, or from the end by negative numbers."""
        return Cell(self.page.locator(".jp-Notebook .jp-CodeCell").nth(number))

    def type(self, text: str) -> Cell:
        """Put text where the cursor is in the last cell, behind what stands there."""
        cell = self.cell(-1)
        cell.at.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+End")
        self.page.keyboard.insert_text(text)
        return cell

    def add(self, text: str) -> Cell:
        """Type a cell of its own, below the last one."""
        count = self.page.locator(".jp-Notebook .jp-CodeCell").count()
        self.cell(-1).at.locator(".cm-content").click()
        self.command("notebook:insert-cell-below")
        self.cell(count).at.wait_for(timeout=PATIENCE)
        return self.type(text)

    def start(self, text: str) -> Cell:
        """Type a cell and run it, without waiting for its end; another one is put below it."""
        self.page.wait_for_function(_KERNEL, timeout=PATIENCE)
        count = self.page.locator(".jp-Notebook .jp-CodeCell").count()
        self.type(text)
        self.page.keyboard.press("Shift+Enter")
        self.cell(count).at.wait_for(timeout=PATIENCE)
        return self.cell(count - 1)

    def run(self, text: str) -> Cell:
        """Type a cell, run it, and wait until it has run."""
        return self.start(text).wait()

    def complete(self, text: str) -> list[str]:
        """Type text into the last cell and press Tab: what is offered, or nothing where it was put in at once."""
        typed = self.type(text).at.locator(".cm-content").text_content()
        self.page.keyboard.press("Tab")
        self.page.wait_for_function(_ANSWERED, arg=[_OFFERED, typed], timeout=PATIENCE)
        return self.page.locator(_OFFERED).all_inner_texts()

    def command(self, name: str, **arguments: object) -> None:
        """Let JupyterLab do what a menu's entry does."""
        self.page.evaluate("([name, args]) => jupyterapp.commands.execute(name, args)", [name, arguments])

    @contextmanager
    def dark(self) -> Iterator[None]:
        """Have the dark theme as long as the block lasts; it is that of all notebooks."""
        self._theme("JupyterLab Dark", "false")
        try:
            yield
        finally:
            self._theme("JupyterLab Light", "true")

    def _theme(self, name: str, light: str) -> None:
        self.command("apputils:change-theme", theme=name)
        body = self.page.locator(f"body[data-jp-theme-light='{light}']")
        body.wait_for(state="attached", timeout=PATIENCE)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=PATIENCE)

    def look(self, name: str, height: int = 1000) -> None:
        """Take pictures, light and dark, wide and narrow, to be looked at, into a folder that git ignores."""
        self._pictures(f"{name}-light", height)
        with self.dark():
            self._pictures(f"{name}-dark", height)

    def _pictures(self, name: str, height: int) -> None:
        for width in (800, 1400):
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png")


@contextmanager
def opening(lab: Lab, browser: BrowserContext) -> Iterator[Callable[..., Notebook]]:
    """Open notebooks of cells (see `lab.code`; none given is one empty cell), until the block ends."""
    pages = []

    def opened(*cells: dict[str, Any], app: str = "doc", height: int = 1000) -> Notebook:
        name = f"notebook-{next(_names)}.ipynb"
        lab.write(name, list(cells))
        page = browser.new_page()
        pages.append(page)
        page.set_viewport_size({"width": 1400, "height": height})
        page.goto(lab.address(name, app))
        last = page.locator(".jp-Notebook .jp-CodeCell").nth(max(len(cells), 1) - 1)
        last.locator(".cm-content").wait_for(timeout=2 * PATIENCE)
        return Notebook(page)

    yield opened
    for page in pages:
        page.close()
    lab.end_kernels()
