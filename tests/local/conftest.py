"""A server that is shared, and folders, for the tests of the local server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crdb_magic.local import LocalServer, start

MEMORY = Path("/dev/shm")


def settle(patch: pytest.MonkeyPatch) -> None:
    """Hide a developer's own CockroachDB, and keep folders in memory where there is room.

    ext4 takes ever longer to make files where thousands were removed in the last minutes: a start takes 2 s then.
    """
    patch.delenv("COCKROACH_BINARY", raising=False)
    patch.setenv("PATH", "/usr/bin:/bin")
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 << 30:
        patch.setenv("TMPDIR", str(MEMORY))
        patch.setattr(tempfile, "tempdir", str(MEMORY))


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path_factory.getbasetemp()  # pytest's own stays where it is
    settle(monkeypatch)


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with pytest.MonkeyPatch.context() as patch:
        settle(patch)
        running = start()
    with running:
        yield running


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder that every user can enter and write to; pytest's own are private."""
    path = Path(tempfile.mkdtemp(prefix="tests-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)
