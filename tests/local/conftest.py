"""A server that is shared, and folders, for the tests of the local server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crdb_magic.local import LocalServer, start


@pytest.fixture(scope="session", autouse=True)
def no_cockroach() -> Iterator[None]:
    """Hide a developer's own CockroachDB: these tests choose the engine themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COCKROACH_BINARY", raising=False)
        patch.setenv("PATH", "/usr/bin:/bin")
        yield


@pytest.fixture(scope="session")
def server(no_cockroach: None) -> Iterator[LocalServer]:
    with start() as running:
        yield running


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder that every user can enter and write to; pytest's own are private."""
    path = Path(tempfile.mkdtemp(prefix="tests-", dir="/tmp"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)
