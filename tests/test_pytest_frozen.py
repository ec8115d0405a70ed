"""pytest --crdb-frozen: what the kernel of a notebook is told, and what is said where there is no recording."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from crdb_magic.environment import FROZEN as VARIABLE

_PLUGIN = "crdb_magic.pytest_frozen"
_ASKS = f"import os; print(os.environ.get('{VARIABLE}'))"


def write(path: Path, shown: object) -> None:
    """Write a notebook that shows the variable, and is right where that is so."""
    output = nbformat.v4.new_output("stream", name="stdout", text=f"{shown}\n")
    cell = nbformat.v4.new_code_cell(_ASKS, outputs=[output], execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


def run(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with nbval in a folder."""
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", _PLUGIN, "-p", "no:randomly", "-p", "no:cacheprovider"),
        *("--color=no", "--nbval", "--nbval-current-env", *options),
    ]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env={**os.environ, **environment}, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A notebook and its recording, which is right if it sees the recording; a test that looks behind it."""
    (tmp_path / "frozen" / "report").mkdir(parents=True)
    write(tmp_path / "report.ipynb", tmp_path / "frozen" / "report")
    (tmp_path / "test_z.py").write_text(f"def test_z():\n    import os\n    assert '{VARIABLE}' not in os.environ\n")
    return tmp_path


def test_a_notebook_s_kernel_sees_the_recording_beside_it_and_nobody_else_does(project):
    done = run(project, "--crdb-frozen", "report.ipynb", "test_z.py")

    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout


def test_all_recordings_may_be_in_another_folder_named_from_where_pytest_was_started(project):
    (project / "kept" / "report").mkdir(parents=True)
    write(project / "report.ipynb", project / "kept" / "report")
    done = run(project, "--crdb-frozen-dir", "kept", "report.ipynb")

    assert done.returncode == 0, done.stdout


def test_notebooks_of_one_name_have_a_recording_each_there(project):
    for name in ("a", "b"):
        (project / name).mkdir()
        (project / "kept" / name / "report").mkdir(parents=True)
        write(project / name / "report.ipynb", project / "kept" / name / "report")
    done = run(project, "--crdb-frozen-dir", "kept", "a/report.ipynb", "b/report.ipynb")

    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout


def test_one_outside_of_pytest_s_rootdir_has_it_by_its_name(project):
    (project / "kept" / "report").mkdir(parents=True)
    write(project / "report.ipynb", project / "kept" / "report")
    (project / "inside").mkdir()
    done = run(project, "--crdb-frozen-dir", "kept", "--rootdir", "inside", "report.ipynb")

    assert done.returncode == 0, done.stdout


def test_without_the_option_the_variable_is_left_alone(project):
    write(project / "report.ipynb", "frozen/mine")
    done = run(project, "report.ipynb", **{VARIABLE: "frozen/mine"})

    assert done.returncode == 0, done.stdout


def test_a_notebook_without_a_recording_is_one_plain_error(project):
    (project / "frozen" / "report").rmdir()
    done = run(project, "--crdb-frozen", "report.ipynb")

    assert done.returncode != 0
    assert f"report.ipynb has no recording: there is no folder {project / 'frozen' / 'report'}.\nHint: " in done.stdout
    assert (done.stdout.count("has no recording:"), "Traceback" in done.stdout) == (1, False)


def test_notebooks_that_nobody_runs_need_none(project):
    (project / "frozen" / "report").rmdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", _PLUGIN, "--crdb-frozen", "report.ipynb", "test_z.py"],
        capture_output=True, text=True, cwd=project, check=False,
    )  # fmt: skip

    assert "has no recording" not in done.stdout


def test_pytest_finds_the_plugin_by_itself():
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["entry-points"]

    assert declared["pytest11"] == {_PLUGIN: _PLUGIN}


def test_loading_it_brings_in_nothing_heavy():
    code = f"import pytest, sys; before = set(sys.modules); import {_PLUGIN}; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {name.partition(".")[0] for name in loaded} <= {"crdb_magic", *sys.stdlib_module_names}
