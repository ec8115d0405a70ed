"""CockroachDB, as far as it can be known without it: a stand-in checks its arguments and points to a PostgreSQL."""

import sys
from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn
from seen_from_outside import end_watchdog, family, living, query

from crdb_magic.errors import LocalServerError
from crdb_magic.local import start

PROGRAM = f"""#!{sys.executable} -IS
import os, signal, sys, time

command, *options = sys.argv[1:]
assert command == "start-single-node"
options = dict(option.split("=", 1) if "=" in option else (option, "") for option in options)
print("arguments:", options)
url_file = options.pop("--listening-url-file")
store = options.pop("--store")
assert options == {{"--insecure": "", "--listen-addr": "127.0.0.1:0", "--http-addr": "127.0.0.1:0"}}
assert store.startswith(os.environ["EXPECTED_STORE"])
assert os.environ["COCKROACH_SKIP_ENABLING_DIAGNOSTIC_REPORTING"] == "true"
assert "COCKROACH_URL" not in os.environ

if os.environ.get("FAILS"):
    sys.exit("ERROR: the disk is full")

def leave(*_):
    with open(os.environ["FAREWELL"], "w") as file:
        file.write("bye")
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGINT, leave)
url = f"postgresql://root@127.0.0.1:{{os.environ['REAL_PORT']}}?sslmode=disable"
with open(url_file, "w", buffering=1) as file:
    for part in ("", url[:27], url[27:] + "\\n"):
        file.write(part)
        file.flush()
        time.sleep(0.05)

while True:
    signal.pause()
"""


@pytest.fixture
def cockroach(tmp_path, monkeypatch, server):
    program = tmp_path / "cockroach"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("COCKROACH_BINARY", str(program))
    monkeypatch.setenv("COCKROACH_URL", "postgresql://elsewhere")
    monkeypatch.setenv("EXPECTED_STORE", "type=mem,size=")
    real = parse_dsn(server.url)
    monkeypatch.setenv("REAL_PORT", real["port"])
    monkeypatch.setenv("PGPASSWORD", real["password"])  # of the PostgreSQL behind it: the URL is without one
    monkeypatch.setenv("FAREWELL", str(tmp_path / "farewell"))
    return program


def test_it_runs_in_memory_and_answers_at_the_port_that_it_chose(cockroach, server):
    with start() as ours:
        assert ours.description == "CockroachDB single node, in memory"
        assert ours.url == f"postgresql://root@127.0.0.1:{parse_dsn(server.url)['port']}/defaultdb?sslmode=disable"
        assert repr(ours) == f"<LocalServer {ours.url}: {ours.description}>"
        assert query(ours.url, "SELECT 1") == [(1,)]


def test_it_is_told_to_stop_and_leaves_nothing_behind(cockroach):
    with start() as server:
        pids = family(server.folder)

    assert Path(cockroach.parent / "farewell").read_text() == "bye"
    assert not living(pids)
    assert not server.folder.exists()


def test_it_is_told_to_stop_where_its_watchdog_was_killed(cockroach):
    with start() as server:
        pids = end_watchdog(server.folder)

    assert Path(cockroach.parent / "farewell").read_text() == "bye"
    assert not living(pids)
    assert not server.folder.exists()


def test_a_kept_directory_is_its_store(cockroach, tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    monkeypatch.setenv("EXPECTED_STORE", f"path={kept}")
    for _ in range(2):
        with start(kept) as server:
            assert server.description == f"CockroachDB single node, in {kept}"


def test_an_error_at_its_start_shows_its_last_words(cockroach, monkeypatch):
    monkeypatch.setenv("FAILS", "1")

    with pytest.raises(LocalServerError, match=r"(?s)CockroachDB did not start.*ERROR: the disk is full"):
        start()
