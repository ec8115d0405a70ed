"""How the doctor's report is shown, and its command line."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest

from crdb_magic.doctor.case import Conditions
from crdb_magic.doctor.report import CheckResult, Report, State
from crdb_magic.drawing.doctor import report_bundle
from crdb_magic.errors import OptionError

_COMMAND = [sys.executable, "-m", "crdb_magic", "doctor"]
_REPORT = Report(
    (CheckResult("name", State.OK, "<b>"), CheckResult("port", State.PROBLEM, "nobody listens", "start it"))
)


def test_a_report_is_a_line_a_finding_and_below_it_what_to_do():
    assert report_bundle(_REPORT)["text/plain"].split("\n") == [
        "1 problem, 1 ok",
        "  ok       name  <b>",
        "  problem  port  nobody listens",
        "                 → start it",
    ]


def test_states_are_counted_and_those_without_a_finding_left_out():
    notes = [CheckResult("privileges", State.NOTE, "")] * 2

    assert Report((*_REPORT.findings, *notes)).summary == "1 problem, 2 notes, 1 ok"


def test_a_report_is_html_in_which_markup_is_text():
    html = report_bundle(_REPORT)["text/html"]

    assert "&lt;b&gt;" in html
    assert "→ start it" in html


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, **environment}
    return subprocess.run([*_COMMAND, *arguments], env=given, capture_output=True, text=True, check=False)


def test_the_command_ends_well_if_all_is_well(url):
    done = _run(url)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "is let in" in done.stdout


def test_no_time_to_wait_is_refused(url):
    done = _run(url, "--timeout", "0")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("OptionError: Nothing can answer in no time")


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 86400])
def test_a_time_in_which_nobody_waits_is_refused(seconds):
    with pytest.raises(OptionError, match="--timeout is more than 0, less than 86400 s"):
        Conditions(timeout=seconds)


def test_what_is_no_time_is_not_repeated():
    done = _run("--timeout", "password=s3cret")

    assert done.returncode == 2
    assert done.stderr.endswith("argument --timeout: a number of seconds is wanted\n")


def test_the_command_takes_its_target_from_the_environment(refusing):
    done = _run(CRDB_URL=f"postgresql://ann:s3cret@127.0.0.1:{refusing.port}/bank")

    assert done.returncode == 1
    assert "(CRDB_URL)" in done.stdout
    assert "→ check host and port" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
