"""JupyterLab in a browser without a window: both are started once, each test opens a notebook of its own.

Where Playwright, JupyterLab or Chromium is missing these tests are skipped, unless CRDB_MAGIC_BROWSER=required.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from lab import Lab, serving
from page import Notebook, opening

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

_HERE = Path(__file__).parent
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of this folder be the last: Playwright's event loop runs until the end, in the way of others."""
    items.sort(key=lambda item: _HERE in item.path.parents)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running JupyterLab."""
    if find_spec("jupyterlab") is None:
        _missing("JupyterLab is not installed")
    with serving(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def notebook_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running Notebook, which is JupyterLab in another dress."""
    if find_spec("notebook") is None:
        _missing("Notebook is not installed")
    with serving(tmp_path_factory.mktemp("notebook"), app="notebook") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    """A running Chromium, which says what it is about itself."""
    if find_spec("playwright") is None:
        _missing("Playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        _missing("there is no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield chromium.new_context()
        chromium.close()


def _missing(what: str) -> NoReturn:
    if os.environ.get("CRDB_MAGIC_BROWSER") == "required":
        pytest.fail(f"{what}, and CRDB_MAGIC_BROWSER=required.")
    pytest.skip(f"{what}: pip install '.[browser]', and a Chromium.")


@pytest.fixture
def open_notebook(lab: Lab, browser: BrowserContext) -> Iterator[Callable[..., Notebook]]:
    """Open a notebook of cells (see `lab.code`); none given is one empty cell."""
    with opening(lab, browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def connected(lab: Lab, browser: BrowserContext, url: str) -> Iterator[Notebook]:
    """A notebook that is connected to the server under test: one for the tests of a file, each of which adds cells."""
    with opening(lab, browser) as opened:
        notebook = opened()
        notebook.run("%load_ext crdb_magic")
        notebook.run(f"%crdb_connect {url}")
        yield notebook
