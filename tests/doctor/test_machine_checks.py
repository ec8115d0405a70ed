"""What is on a machine: versions, JupyterLab's extension, the local server."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError

import pytest

from crdb_magic.doctor import machine_checks
from crdb_magic.doctor.case import Case, Conditions
from crdb_magic.doctor.report import State

OK, NOTE, PROBLEM, _ = State


@pytest.fixture
def case(home):
    return Case("", None, Conditions())


def test_versions_are_told(case):
    (found,) = machine_checks.versions(case)

    assert all(f"{name} " in found.said for name in ("Python", "crdb_magic", "pandas", "psycopg2", "peewee", "IPython"))
    assert "(libpq 1" in found.said


# JupyterLab.


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """JupyterLab, whose extensions and configuration lie in one folder."""
    pytest.importorskip("jupyter_core")
    monkeypatch.setattr(machine_checks, "version", lambda _: "4.4.0")
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *names: [str(tmp_path.joinpath(*names))])
    monkeypatch.setattr("jupyter_core.paths.jupyter_config_path", lambda: [str(tmp_path / "etc")])
    return tmp_path


@pytest.fixture
def installed(lab):
    folder = lab / "labextensions" / "crdb_magic"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    return lab


def test_an_extension_that_is_found_is_told(case, installed):
    (found,) = machine_checks.jupyterlab(case)

    assert found.state is OK
    assert found.said == f"JupyterLab 4.4.0, with our extension in {installed}/labextensions/crdb_magic"


def test_an_extension_that_is_not_found_is_worth_a_note(case, lab):
    (found,) = machine_checks.jupyterlab(case)

    assert found.state is NOTE
    assert "does not find our extension" in found.said


# jupyterlab/labapp: of version 4 a mapping, before it a list
@pytest.mark.parametrize("told", [{"crdb_magic": True}, ["crdb_magic"], {"crdb_magic:colours": True}])
def test_an_extension_that_is_disabled_is_worth_a_note(case, installed, told):
    _configure(installed, told)
    (found,) = machine_checks.jupyterlab(case)

    assert found.state is NOTE
    assert found.todo == "jupyter labextension enable crdb_magic"


@pytest.mark.parametrize("told", [{"crdb_magic": False}, {"other": True}, []])
def test_an_extension_that_is_not_disabled_is_none_of_them(case, installed, told):
    _configure(installed, told)

    assert next(iter(machine_checks.jupyterlab(case))).state is OK


def _configure(lab, told):
    (lab / "etc" / "labconfig").mkdir(parents=True)
    (lab / "etc" / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": told}))


def test_no_jupyterlab_is_no_problem(case, monkeypatch):
    def version(_):
        raise PackageNotFoundError

    monkeypatch.setattr(machine_checks, "version", version)

    assert next(iter(machine_checks.jupyterlab(case))).said == "JupyterLab is not in this environment"


# The local server.


def test_which_server_could_be_started_is_told(case):
    (found,) = machine_checks.local_server(case)

    assert found.state is OK
    assert "could" in found.said


@pytest.mark.parametrize(("start_local", "state"), [(False, NOTE), (True, PROBLEM)])
def test_a_program_that_is_none_is_a_problem_for_who_wants_a_server(home, monkeypatch, start_local, state):
    monkeypatch.setenv("COCKROACH_BINARY", "/nowhere/cockroach")
    (found,) = machine_checks.local_server(Case("", None, Conditions(start_local=start_local)))

    assert found.state is state
    assert found.said == "COCKROACH_BINARY names /nowhere/cockroach, which is not a program that can be run."
    assert found.todo.startswith("Correct the variable")


def test_a_local_server_is_started_and_stopped_if_asked(home):
    found = list(
        machine_checks.local_server(Case("", None, Conditions(start_local=True, timer=iter([0.0, 1.5]).__next__)))
    )

    assert [one.state for one in found] == [OK, OK]
    assert found[1].said.startswith("started in 1.5 s: ")
