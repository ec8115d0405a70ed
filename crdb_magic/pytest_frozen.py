"""pytest --crdb-frozen: notebooks that pytest runs (by nbval) are answered from their recordings, without a server.

--crdb-freeze makes these.

pytest loads this in every project of an environment that has us: it imports nothing large, and does nothing unless it
is asked to. Without it, a notebook is tested so: ``CRDB_MAGIC_FROZEN=frozen/report pytest --nbval report.ipynb``.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from crdb_magic.environment import FREEZE, FROZEN

_NEAR = "frozen"  # the folder of recordings beside a notebook
_NOTEBOOK = ".ipynb"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options; the folder has one of its own: pytest would take what stands behind the others for it."""
    group = parser.getgroup("crdb_magic", "notebooks with crdb_magic")
    group.addoption(
        "--crdb-frozen",
        action="store_true",
        help=f"Run each notebook against its recording: {_NEAR}/NAME beside NAME{_NOTEBOOK}. No server is needed.",
    )
    group.addoption("--crdb-freeze", action="store_true", help="Record each notebook there: a server is needed.")
    group.addoption(
        "--crdb-frozen-dir",
        metavar="DIR",
        help=f"The same, with all recordings in that folder: a/NAME{_NOTEBOOK} below the rootdir has DIR/a/NAME.",
    )


def recording_of(notebook: Path, config: pytest.Config) -> Path | None:
    """Give the folder of a notebook's recording, or None where nobody asked for it."""
    option = config.option
    if option.crdb_frozen_dir is not None:
        below = (
            notebook.relative_to(config.rootpath) if notebook.is_relative_to(config.rootpath) else Path(notebook.name)
        )
        return Path(config.invocation_params.dir, option.crdb_frozen_dir, below.with_suffix(""))
    return notebook.parent / _NEAR / notebook.stem if option.crdb_frozen or option.crdb_freeze else None


class Missing(pytest.File):
    """A notebook without a recording: one error of its own, instead of one a cell."""

    def collect(self) -> list[pytest.Item]:
        """Say which folder is missing."""
        raise self.CollectError(
            f"{self.path.name} has no recording: there is no folder {recording_of(self.path, self.config)}.\n"
            f"Hint: record it: pytest --crdb-freeze, or %crdb_freeze in the notebook."
        )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, list[Any], list[Any]]:
    """Refuse a notebook without a recording, if anybody is to run it."""
    collected = yield
    folder = recording_of(file_path, parent.config) if file_path.suffix == _NOTEBOOK else None
    if not collected or folder is None or folder.is_dir() or parent.config.option.crdb_freeze:
        return collected
    return [Missing.from_parent(parent, path=file_path)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the kernel that is started for a notebook's first cell know the recording: it inherits our environment."""
    folder = recording_of(item.path, item.config) if item.path.suffix == _NOTEBOOK else None
    if folder is None:
        return (yield)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(FREEZE if item.config.option.crdb_freeze else FROZEN, str(folder))
        return (yield)
