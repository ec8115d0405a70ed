"""A shell with the extension loaded, whose cells raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output


class Notebook:
    """Runs cells, and holds what the last one showed."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.outputs: list[Any] = []
        self.printed = ""
        self.shown = ""

    def __call__(self, cell: str) -> Any:
        with capture_output() as captured:
            result = self.shell.run_cell(cell)
        self._look(captured)
        result.raise_error()
        return result.result

    def _look(self, captured: CapturedIO) -> None:
        self.outputs = captured.outputs
        self.printed = captured.stdout
        texts = [output.data.get("text/plain", "") for output in captured.outputs]
        self.shown = "\n".join([*texts, self.printed])

    def forms(self, value: Any) -> dict[str, Any]:
        """Give what a value is shown as, by the MIME type."""
        return self.shell.display_formatter.format(value)[0]

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.shell.user_ns[name] = value


@pytest.fixture
def unconnected() -> Iterator[Notebook]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "crdb_magic")
    yield Notebook(shell)
    shell.run_line_magic("unload_ext", "crdb_magic")
    shell.config.pop("CrdbMagic", None)  # where %config keeps what was set for the next time
    shell.reset(new_session=False)


@pytest.fixture
def notebook(unconnected: Notebook, url: str) -> Notebook:
    unconnected(f"%crdb_connect {url}")
    return unconnected


@pytest.fixture
def log(notebook: Notebook, keeper: object) -> Iterator[Notebook]:
    """A notebook that may read the past, and has a table of one number."""
    notebook("%crdb_txn DROP TABLE IF EXISTS log")
    notebook("%crdb_txn CREATE TABLE log (n INT)")
    notebook("%crdb_txn INSERT INTO log VALUES (1)")
    yield notebook
    notebook("%crdb_pin off")
    notebook("%crdb_txn DROP TABLE log")


@pytest.fixture
def refused(refuse_until: Callable[[int], str]) -> str:
    """A statement that is refused twice."""
    return refuse_until(3)
