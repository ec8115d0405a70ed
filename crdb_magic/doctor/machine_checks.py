"""The checks of this machine: versions, what JupyterLab draws with, and the local server."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from crdb_magic.core.amounts import duration
from crdb_magic.core.libpq_files import is_file
from crdb_magic.doctor.case import Case
from crdb_magic.doctor.report import Said, note, ok, problem
from crdb_magic.errors import LocalServerError
from crdb_magic.session.versions import driver_version

_PACKAGES = ("crdb_magic", "IPython", "pandas", "pyarrow", "peewee")
_EXTENSION = "crdb_magic"
_COLOURS = "without it JupyterLab shows cells without colours, and no line of times under results."


def versions(_: Case) -> Iterator[Said]:
    """Which versions are here."""
    packages = (f"{name} {found}" for name in _PACKAGES if (found := _version(name)))
    yield ok(", ".join([f"Python {platform.python_version()}", *packages, driver_version()]))


def configuration(case: Case) -> Iterator[Said]:
    """Say what was refused of a notebook's configuration."""
    return (note(one, "correct it in ipython_config.py, or by %config.") for one in case.conditions.remarks)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def jupyterlab(_: Case) -> Iterator[Said]:
    """Whether JupyterLab, if it is here, finds our extension and has it enabled."""
    found = _version("jupyterlab")
    if found is None:
        yield ok("JupyterLab is not in this environment")
        return
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    where = next((path for path in jupyter_path("labextensions", _EXTENSION) if is_file(f"{path}/package.json")), None)
    if where is None:
        yield note(f"JupyterLab {found} does not find our extension: {_COLOURS}", "pip install crdb_magic again there.")
    elif any(_disables(Path(folder)) for folder in jupyter_config_path()):
        yield note(
            f"JupyterLab {found} has our extension disabled: {_COLOURS}", "jupyter labextension enable crdb_magic"
        )
    else:
        yield ok(f"JupyterLab {found}, with our extension in {where}")


def _disables(folder: Path) -> bool:
    """Whether a configuration of JupyterLab disables our extension, or a part of it (as ``name:part``)."""
    try:
        told = json.loads((folder / "labconfig" / "page_config.json").read_text()).get("disabledExtensions", {})
    except (OSError, ValueError):
        return False
    names = [name for name, disabled in told.items() if disabled] if isinstance(told, dict) else told
    return any(str(name).partition(":")[0] == _EXTENSION for name in names)


def local_server(case: Case) -> Iterator[Said]:
    """Which server could be started on this machine, and whether it can, if that was asked for."""
    say = problem if case.conditions.start_local else note
    try:
        yield ok(_program())
        if case.conditions.start_local:
            yield ok(_started(case))
    except LocalServerError as error:
        yield say(error.message, error.hint or "")


def _program() -> str:
    # On Windows the first import raises LocalServerError.
    from crdb_magic.local.account import NAME, server_account
    from crdb_magic.local.binaries import find_cockroach, find_postgres

    if cockroach := find_cockroach():
        return f"CockroachDB could be started: {cockroach}"
    account = server_account()
    install = find_postgres(account)
    as_whom = f", as the user {NAME} since root may not" if account else ""
    return f"no cockroach binary, but PostgreSQL {install.version} could stand in: {install.bin}{as_whom}"


def _started(case: Case) -> str:
    from crdb_magic.local import start

    before = case.conditions.timer()
    with start() as server:
        return f"started in {duration(case.conditions.timer() - before)}: {server.description}"
