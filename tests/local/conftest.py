"""Servers, folders and processes for the tests of the local server."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
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


def query(url: str, sql: str) -> list[tuple]:
    """Run a statement in a transaction of its own and give its rows."""
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def processes_of(folder: Path) -> set[int]:
    """Give the processes that have the folder in their command line, and the children of these."""
    listing = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listing.splitlines()[1:]]
    named = {int(pid) for pid, _, args in rows if f"{folder}/" in f"{args}/".replace(" ", "/ ")}
    return named | {int(pid) for pid, parent, _ in rows if int(parent) in named} - {os.getpid()}


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    """Look again and again until something is true, and fail if it does not become so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Say whether a process exists and is not a zombie."""
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listing.stdout.strip().strip("Z"))
