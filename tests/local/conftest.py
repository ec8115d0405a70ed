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


@pytest.fixture(scope="session", autouse=True)
def fast_folders() -> Iterator[None]:
    """Keep folders in memory where there is room: ext4 takes ever longer to make files where many were just removed."""
    memory = Path("/dev/shm")
    with pytest.MonkeyPatch.context() as patch:
        if memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30:
            patch.setenv("TMPDIR", str(memory))
            patch.setattr(tempfile, "tempdir", str(memory))
        yield


@pytest.fixture(scope="session")
def server(fast_folders: None, no_cockroach: None) -> Iterator[LocalServer]:
    with start() as running:
        yield running


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder that every user can enter and write to; pytest's own are private."""
    path = Path(tempfile.mkdtemp(prefix="tests-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)
