"""What is published: the wheel and the sdist, built once, without the network."""

from __future__ import annotations

import pkgutil
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
_NAME = f"crdb_magic-{_PROJECT['version']}"
_DATA = f"{_NAME}.data/data/share/jupyter/labextensions/crdb_magic/"
_ABOUT = f"{_NAME}.dist-info/"


def _built(kind: str, root: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", folder]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the wheel."""
    with zipfile.ZipFile(_built("wheel", _ROOT, tmp_path_factory.mktemp("wheel"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is in the sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(_built("sdist", _ROOT, folder)) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return folder / "unpacked" / _NAME


@pytest.fixture(scope="module")
def about(wheel: dict[str, bytes]) -> Message:
    return Parser().parsestr(wheel[f"{_ABOUT}METADATA"].decode())


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


# The wheel.


def test_the_wheel_has_the_package_and_the_notebook_of_the_demo(wheel: dict[str, bytes]) -> None:
    package = {f"crdb_magic/{name}": content for name, content in _files(_ROOT / "crdb_magic").items()}
    notebook = {"crdb_magic/demo/quickstart.ipynb": (_ROOT / "notebooks" / "quickstart.ipynb").read_bytes()}

    assert {name: wheel[name] for name in wheel if not name.startswith((_DATA, _ABOUT))} == package | notebook


def test_the_wheel_has_its_extension_where_jupyterlab_looks(wheel: dict[str, bytes]) -> None:
    held = {name.removeprefix(_DATA): content for name, content in wheel.items() if name.startswith(_DATA)}
    sources = _ROOT / "labextension"

    assert held == _files(sources / "built") | {"install.json": (sources / "install.json").read_bytes()}


def test_the_wheel_says_that_it_is_typed(wheel: dict[str, bytes]) -> None:
    assert "crdb_magic/py.typed" in wheel


def test_the_wheel_has_the_licence_that_it_declares(wheel: dict[str, bytes], about: Message) -> None:
    assert about["License-Expression"] == "Apache-2.0"
    assert wheel[f"{_ABOUT}licenses/{about['License-File']}"] == (_ROOT / "LICENSE").read_bytes()
    assert b"Apache License" in wheel[f"{_ABOUT}licenses/LICENSE"]


def test_the_wheel_names_this_python_among_those_that_it_is_for(about: Message) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert f"Programming Language :: Python :: {version}" in about.get_all("Classifier", ())


@pytest.mark.parametrize("script", _PROJECT["scripts"])
def test_each_command_can_be_called(script: str) -> None:
    assert callable(pkgutil.resolve_name(_PROJECT["scripts"][script]))


# The sdist.


def test_the_sdist_makes_the_same_wheel(sdist: Path, wheel: dict[str, bytes], tmp_path: Path) -> None:
    with zipfile.ZipFile(_built("wheel", sdist, tmp_path)) as again:
        assert {name: again.read(name) for name in again.namelist()} == wheel


@pytest.mark.parametrize("folder", ["tests", "notebooks", "docs", "benchmarks", "labextension/src"])
def test_the_sdist_has_what_else_is_worked_on(sdist: Path, folder: str) -> None:
    junk = {".hypothesis", ".ipynb_checkpoints", "node_modules", "screenshots"}
    there = {name for name in _files(_ROOT / folder) if not junk & set(Path(name).parts)}

    assert set(_files(sdist / folder)) == there


def test_what_lies_about_is_not_published(sdist: Path, wheel: dict[str, bytes], tmp_path: Path) -> None:
    strewn = tmp_path / "strewn"
    shutil.copytree(sdist, strewn)
    folders = [strewn, *(path for path in strewn.rglob("*") if path.is_dir() and "built" not in path.parts)]
    for folder in folders:
        for name in ("server.key", "pgpass", "notes.txt", ".env"):
            (folder / name).write_text("secret")
    with tarfile.open(_built("sdist", strewn, tmp_path / "again")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    with zipfile.ZipFile(_built("wheel", strewn, tmp_path / "wheel")) as archive:
        in_wheel = {name: archive.read(name) for name in archive.namelist()}

    assert _files(tmp_path / "unpacked" / _NAME) == _files(sdist)
    assert in_wheel == wheel


def test_the_sdist_has_no_caches(sdist: Path) -> None:
    hidden = {part for name in _files(sdist) for part in Path(name).parts if part.startswith(".")}

    assert hidden == {".ci", ".gitignore"}
