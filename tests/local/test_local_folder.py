"""Temporary folders and kept ones."""

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from seen_from_outside import family, hears, living, owner, query

from crdb_magic.errors import LocalServerError
from crdb_magic.local import start
from crdb_magic.local.folder import FolderKind, open_folder

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as another user")


def test_what_is_kept_is_there_at_the_next_start(place):
    kept = place / "new" / "kept"
    with start(kept) as server:
        query(server.url, "CREATE TABLE t AS SELECT unique_rowid() AS id")
        pids = family(server.folder)
        assert server.description.endswith(f", in {kept}")

    assert not living(pids)

    with start(kept) as server:
        (key,), (again,) = query(server.url, "SELECT id FROM t UNION ALL SELECT unique_rowid()")
        assert key < again


def test_what_was_committed_is_kept_through_kill_9_of_the_owner_and_of_the_server(place):
    with owner(env={"KEPT": str(place)}) as process:
        _, url = hears(process)
        query(url, "CREATE TABLE t AS SELECT 1 AS n")
        for pid in {process.pid} | family(place):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with start(place) as server:
        assert query(server.url, "SELECT n FROM t") == [(1,)]


def test_a_directory_in_use_is_refused_and_stays_in_use(place):
    with start(place) as server:
        with pytest.raises(LocalServerError, match=f"directory {place} is in use by another local server") as refusal:
            start(place / ".." / place.name)
        assert "To share one, run `python -m crdb_magic local DIR`" in str(refusal.value.hint)

        assert query(server.url, "SELECT 1") == [(1,)]


def test_a_directory_with_something_else_in_it_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("work")

    with pytest.raises(LocalServerError, match="holds something other than a local server's data"):
        start(tmp_path)

    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_data_of_an_unknown_engine_is_refused_and_untouched(tmp_path):
    (tmp_path / "crdb_magic.lock").write_text("YugabyteDB")
    (tmp_path / "data").mkdir()

    with pytest.raises(LocalServerError, match="holds something other than a local server's data"):
        start(tmp_path)

    assert (tmp_path / "data").is_dir()


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(LocalServerError, match=r"can't keep its data in .*file: File exists"):
        start(tmp_path / "file")


def test_data_of_another_version_is_refused_and_untouched(place):
    (place / "crdb_magic.lock").write_text("PostgreSQL")
    (place / "data").mkdir()
    (place / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(LocalServerError, match=r"can't read the data in .*, which is of PostgreSQL 9\."):
        start(place)

    assert (place / "data" / "PG_VERSION").exists()


def test_a_first_start_that_was_cut_short_is_begun_again(tmp_path):
    (tmp_path / "crdb_magic.lock").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "half").touch()

    folder = open_folder(tmp_path)
    folder.close()

    assert folder.kind is None
    assert not folder.data.exists()


def test_a_folder_knows_whose_data_it_holds_once_that_is_complete(tmp_path):
    first = open_folder(tmp_path)
    first.finish(FolderKind.COCKROACHDB)
    first.close()

    second = open_folder(tmp_path)
    second.close()

    assert (first.kind, second.kind) == (None, FolderKind.COCKROACHDB)


def test_a_temporary_folder_that_nobody_holds_is_removed_when_the_next_one_is_made(place, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    left = open_folder(None)
    left.close()

    folder = open_folder(None)
    folder.close()

    assert list(place.iterdir()) == [folder.path]


def test_a_folder_that_is_held_or_kept_or_something_else_is_not_removed_as_left(place, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    held = open_folder(None)
    kept = open_folder(place / "crdb_magic-of-the-user")
    kept.finish(FolderKind.POSTGRESQL)
    kept.close()
    cut_short = open_folder(place / "crdb_magic-cut-short")
    cut_short.close()
    (place / "crdb_magic-checkout").mkdir()
    before = {*place.iterdir()}

    folder = open_folder(None)
    folder.close()
    held.close()

    assert {*place.iterdir()} == before | {folder.path}


@needs_root
def test_a_directory_that_the_server_does_not_get_into_is_refused_and_its_parents_untouched(tmp_path):
    modes = [path.stat().st_mode for path in tmp_path.parents]

    with pytest.raises(LocalServerError, match="runs as the user nobody here, who can't enter"):
        start(tmp_path / "kept")

    assert [path.stat().st_mode for path in tmp_path.parents] == modes


@needs_root
def test_a_temporary_folder_is_made_where_the_server_gets_into(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    folder = open_folder(None)
    folder.close()
    shutil.rmtree(folder.path)

    assert folder.path.parent == Path("/tmp")
