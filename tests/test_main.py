"""python -m crdb_magic."""

from __future__ import annotations

import getpass
import json
import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from crdb_magic.__main__ import main
from crdb_magic.demo.data import QUICKSTART
from crdb_magic.environment import FROZEN

_COMMAND = [sys.executable, "-m", "crdb_magic"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "copy.ipynb"


@pytest.fixture(scope="module")
def demo(copy):
    """What the demo says; it ran once."""
    return subprocess.run([*_COMMAND, "demo", "--output", copy], capture_output=True, text=True, check=False)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Run ``demo --lab`` in a folder, with a JupyterLab that says what it is to open."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "jupyterlab.py").write_text("import sys; print(sys.argv[1:])")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*options):
        return subprocess.run([*_COMMAND, "demo", "--lab", *options], capture_output=True, text=True, check=True).stdout

    return run


def test_the_demo_runs_the_quickstart_and_leaves_the_executed_copy(demo, copy):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert str(copy) in demo.stdout
    assert all(
        cell["outputs"] is not None for cell in json.loads(copy.read_text())["cells"] if cell["cell_type"] == "code"
    )


def test_the_demo_leaves_no_kernel_that_misses_its_parent(demo):
    assert "WARNING" not in demo.stderr


@pytest.mark.parametrize(
    ("output", "why"), [("missing/copy.ipynb", "No such file or directory"), (".", "Is a directory")]
)
def test_the_demo_says_first_where_it_can_not_leave_its_copy(tmp_path, output, why):
    done = subprocess.run(
        [*_COMMAND, "demo", "--output", output], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{output} can't be written: {why}.\n")


def test_the_demo_opens_jupyterlab_on_a_copy(lab):
    assert lab() == "Copied to quickstart.ipynb.\n['--LabApp.default_url=/lab/tree/quickstart.ipynb']\n"
    assert Path("quickstart.ipynb").read_bytes() == QUICKSTART.read_bytes()


def test_jupyterlab_takes_what_stands_behind(lab):
    assert lab("--allow-root", "--port", "1").endswith("/lab/tree/quickstart.ipynb', '--allow-root', '--port', '1']\n")


def test_the_demo_draws_no_bar_into_a_file(demo):
    assert "%|" not in demo.stderr


def test_without_a_command_it_says_which_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["crdb-magic"])

    assert main() == 0
    assert "run the quickstart notebook" in capsys.readouterr().out


def test_a_quickstart_that_is_there_is_opened_as_it_is(lab):
    Path("quickstart.ipynb").write_text("with notes of mine")

    assert lab().startswith("quickstart.ipynb is here already, and opened as it is.\n")
    assert Path("quickstart.ipynb").read_text() == "with notes of mine"


def test_without_jupyterlab_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["crdb-magic", "demo", "--lab"])
    monkeypatch.setitem(sys.modules, "jupyterlab", None)  # not to be found

    assert main() == 1
    assert capsys.readouterr().err == (
        "InputError: Not installed: jupyterlab.\nHint: pip install jupyterlab 'crdb_magic[demo]'\n"
    )
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.parametrize("option", [[], ["--timeout", "1"]], ids=["together", "around an option"])
def test_the_doctor_takes_keywords_without_quotes_and_shows_no_password(monkeypatch, capsys, option):
    words = ["host=127.0.0.1", "port=1", *option, "user=ann", "password=s3cret"]
    monkeypatch.setattr(sys, "argv", ["crdb-magic", "doctor", *words])
    status, shown = main(), capsys.readouterr()

    assert status == 1
    assert "host 127.0.0.1, port 1, user ann, password (the keywords)" in " ".join(shown.out.split())
    assert "s3cret" not in shown.out + shown.err


def test_the_doctor_asks_for_a_password(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["crdb-magic", "doctor", "postgresql://ann@127.0.0.1:1/bank", "--ask-password"])
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret")
    main()
    shown = capsys.readouterr().out

    assert "password (asked for)" in " ".join(shown.split())
    assert "s3cret" not in shown


def test_an_option_that_there_is_not_is_named_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["crdb-magic", "doctor", "--typo", "host=h", "--local", "password=s3cret"])
    with pytest.raises(SystemExit):
        main()

    assert capsys.readouterr().err.endswith("error: unrecognized arguments: --typo\n")


def test_an_error_is_one_line_on_stderr_and_a_status(tmp_path):
    (tmp_path / "something").write_text("of somebody else")
    done = subprocess.run([*_COMMAND, "local", tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("LocalServerError: ")
