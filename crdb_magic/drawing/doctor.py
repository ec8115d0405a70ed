"""How a report of the doctor is shown: a line a finding, and below it what to do."""

from __future__ import annotations

from collections.abc import Iterator

from crdb_magic.doctor.report import Report
from crdb_magic.drawing.html import Bundle
from crdb_magic.drawing.lists import List, bundle_of


def report_bundle(report: Report) -> Bundle:
    """Show how many findings are of which kind, and each of them."""
    return bundle_of([List(report.summary, ("", "", ""), list(_rows(report)))])


def _rows(report: Report) -> Iterator[tuple[str, str, str]]:
    for finding in report.findings:
        yield finding.state.value, finding.check, finding.said
        if finding.todo:
            yield "", "", f"→ {finding.todo}"
