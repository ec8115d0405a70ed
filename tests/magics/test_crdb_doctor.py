"""%crdb_doctor in a notebook."""

from __future__ import annotations

import getpass

import pytest
from proxy import Proxy

from crdb_magic.doctor.report import Report
from crdb_magic.errors import OptionError


@pytest.fixture
def refusing(proxy: Proxy) -> Proxy:
    """A port at which nobody listens."""
    proxy.refuse()
    return proxy


def test_a_notebook_looks_at_its_connection(notebook):
    report = notebook("%crdb_doctor")

    assert isinstance(report, Report)
    assert not report.failed


def test_a_notebook_looks_at_a_url_that_a_variable_holds(unconnected, refusing):
    unconnected["where"] = f"postgresql://ann:s3cret@127.0.0.1:{refusing.port}/bank"
    report = unconnected("%crdb_doctor :where --timeout 1")

    assert report.failed
    assert "s3cret" not in str(report)


def test_a_notebook_without_a_connection_looks_at_the_environment(unconnected, monkeypatch, refusing):
    monkeypatch.setenv("CRDB_URL", f"postgresql://127.0.0.1:{refusing.port}/bank")

    assert any("CRDB_URL" in one.said for one in unconnected("%crdb_doctor").findings)


def test_a_password_is_asked_for(unconnected, refusing, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret")
    report = unconnected(f"%crdb_doctor postgresql://ann@127.0.0.1:{refusing.port}/bank --ask-password")

    assert any(one.said.endswith("password (asked for)") for one in report.findings)
    assert "s3cret" not in str(report)


def test_what_the_notebook_has_set_counts(notebook):
    notebook("%crdb_txn SET statement_timeout = 5000")

    assert any("ends after 5 s" in one.said for one in notebook("%crdb_doctor --on default").findings)


def test_a_connection_that_is_lost_can_be_looked_at(unconnected, proxy):
    target = proxy.target
    unconnected(f"%crdb_connect {' '.join(f'{key}={value}' for key, value in target.items())}")
    proxy.close()

    assert any(one.said.startswith("nobody listens") for one in unconnected("%crdb_doctor").findings)


def test_a_database_of_models_can_be_looked_at(notebook, url):
    notebook["url"] = url
    notebook("from crdb_magic import CockroachDatabase\ndb = CockroachDatabase(url)\n%crdb_connect db --name models")

    assert not notebook("%crdb_doctor --on models").failed
    notebook("%crdb_connect --close models\ndb.close()")


@pytest.fixture
def recording_folder(notebook, tmp_path):
    """A recording of a notebook that has asked the doctor too."""
    notebook(f"%crdb_freeze {tmp_path}/report")
    notebook("%crdb_doctor")
    notebook("%crdb_txn SELECT 1 AS one")
    notebook("%crdb_freeze off")
    return tmp_path / "report"


def test_a_recorder_does_not_hear_the_doctor(recording_folder):
    assert "clock_timestamp" not in (recording_folder / "manifest.toml").read_text()


def test_a_recording_has_no_server_to_look_at(notebook, recording_folder):
    notebook(f"%crdb_connect --frozen {recording_folder}")

    with pytest.raises(OptionError, match="there is no server to look at"):
        notebook("%crdb_doctor")
