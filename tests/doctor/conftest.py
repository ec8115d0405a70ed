"""Looks at a target as the doctor does, from an empty home."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from proxy import Proxy

from crdb_magic.core.target import Target
from crdb_magic.doctor.case import Conditions
from crdb_magic.doctor.examination import examine
from crdb_magic.doctor.report import CheckResult, Report, State
from crdb_magic.session.session_state import SessionState

_NOBODY = 65534


class Seen(NamedTuple):
    """A report, and its findings by the names of their checks."""

    report: Report

    def of(self, check: str) -> list[CheckResult]:
        return [one for one in self.report.findings if one.check == check]

    def worst(self, check: str) -> CheckResult:
        """Give what a check says that is not ok; its first word if all is."""
        found = self.of(check)
        return next((one for one in found if one.state is not State.OK), found[0])

    def state(self, check: str) -> State:
        return self.worst(check).state


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a file in it, for libpq too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def look(home: Path) -> Callable[..., Seen]:
    def seen(asked: str | Target = "", *, told: SessionState | None = None, **conditions: Any) -> Seen:
        return Seen(examine(asked, told=told, conditions=Conditions(**conditions)))

    return seen


@pytest.fixture
def refusing(proxy: Proxy) -> Proxy:
    """A port at which nobody listens."""
    proxy.refuse()
    return proxy


@pytest.fixture
def apart() -> Iterator[Path]:
    """A folder that all users may look into, which those of pytest are not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def closed() -> Iterator[Callable[[Path], None]]:
    """Closes a file or a folder to this process, which is another user's then if it is root's."""
    user = os.geteuid()

    def close(path: Path) -> None:
        path.chmod(0)
        os.seteuid(user or _NOBODY)

    yield close
    os.seteuid(user)
