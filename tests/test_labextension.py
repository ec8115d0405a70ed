"""The extension of JupyterLab: the sources make what is committed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_SOURCES = _ROOT / "labextension"
_BUILT = _SOURCES / "built"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _run(*command: str | Path, cwd: Path) -> None:
    """Run what needs a program and the network: without them the test is skipped, but not in CI."""
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(f"{command[0]} {command[1]}: {said.strip().splitlines()[-1]}")


def test_what_is_committed_is_what_the_sources_make(tmp_path: Path) -> None:
    copy = tmp_path / "labextension"
    shutil.copytree(_SOURCES, copy, ignore=shutil.ignore_patterns("node_modules", "built"))
    _run("npm", "ci", "--no-audit", "--no-fund", cwd=copy)
    subprocess.run(["npm", "run", "build"], cwd=copy, check=True)

    assert _files(copy / "built") == _files(_BUILT)


def test_its_version_is_the_packages() -> None:
    version = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert json.loads((_BUILT / "package.json").read_text())["version"] == version


def test_it_is_small() -> None:
    assert sum(map(len, _files(_BUILT).values())) < 20_000
