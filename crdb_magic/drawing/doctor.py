"""How a report of the doctor is shown: a line a finding, and below it what to do."""

from __future__ import annotations

from collections.abc import Iterator

from crdb_magic.doctor.findings import Report
from crdb_magic.drawing.html import Bundle
from crdb_magic.drawing.lists import Lines, List, bundle_of


def report_bundle(report: Report) -> Bundle:
    """Show the findings, and how many of them are of which kind."""
    rows = list(_rows(report))
    return bundle_of([List("", ("", "", ""), rows), Lines((report.summary,))])


def _rows(report: Report) -> Iterator[tuple[str, str, str]]:
    for finding in report.findings:
        yield finding.state.value, finding.check, finding.said
        if finding.todo:
            yield "", "", f"→ {finding.todo}"
