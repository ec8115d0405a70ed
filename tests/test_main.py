"""python -m crdb_magic."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psycopg2
import pytest

from crdb_magic.environment import FROZEN

_COMMAND = [sys.executable, "-m", "crdb_magic"]


def test_the_demo_runs_the_quickstart_and_leaves_the_executed_copy(tmp_path):
    copy = tmp_path / "copy.ipynb"
    done = subprocess.run([*_COMMAND, "demo", "--output", copy], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert str(copy) in done.stdout
    assert all(
        cell["outputs"] is not None for cell in json.loads(copy.read_text())["cells"] if cell["cell_type"] == "code"
    )


def test_local_starts_a_server_until_it_is_interrupted(monkeypatch):
    monkeypatch.setenv(FROZEN, "frozen/report")  # it is asked for a server, and starts one
    with subprocess.Popen([*_COMMAND, "local"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        _, url = process.stdout.readline(), process.stdout.readline().strip()
        connection = psycopg2.connect(url)
        connection.close()
        process.send_signal(signal.SIGINT)
        status = process.wait(20)

    assert status == 0
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)


def test_an_error_is_one_line_on_stderr_and_a_status(tmp_path):
    (tmp_path / "something").write_text("of somebody else")
    done = subprocess.run([*_COMMAND, "local", tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("LocalServerError: ")
