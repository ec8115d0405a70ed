"""The tables of figures, as markdown, and the machine they were made on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.frames.runs import Figures
from benchmarks.frames.tables import Workload

_PACKAGES = (
    "pandas", "numpy", "pyarrow", "psycopg2-binary", "psycopg", "SQLAlchemy", "sqlalchemy-cockroachdb", "jupysql",
    "connectorx", "adbc-driver-postgresql", "polars",
)  # fmt: skip
_FLOORS, _PEAK, _LOST = "÷ floor", "peak MB", "types lost"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True)
class Comparison:
    """A workload's figures by the names of the ways, the one that all are compared with, and the floor if any."""

    workload: Workload
    figures: Mapping[str, Figures]
    base: str
    floor: str = ""

    @property
    def in_ms(self) -> bool:
        """Whether its times are latencies."""
        return self.workload.calls > 1

    def shown(self, seconds: float) -> str:
        """Spell a time, without its unit."""
        return f"{1000 * seconds:.2f}" if self.in_ms else f"{seconds:.2f}"

    def markdown(self) -> Iterator[str]:
        """Write the table."""
        heads = [f"median {'ms' if self.in_ms else 's'}", "range", "speed-up", _FLOORS, _PEAK, _LOST]
        kept = [head for head in heads if self._has(head)]
        yield f"\n**{self.workload.title}**\n"
        yield from _table(["", *kept], (self._line(name, heads) for name in self.figures))

    def _has(self, head: str) -> bool:
        return bool(self.floor) if head == _FLOORS else not (self.in_ms and head in {_PEAK, _LOST})

    def _line(self, name: str, heads: Sequence[str]) -> list[str]:
        figures = self.figures[name]
        return [f"**{name}**" if figures.way.ours else name, *self._cells(figures, heads)]

    def _cells(self, figures: Figures, heads: Sequence[str]) -> list[str]:
        if figures.failure:
            return [f"fails: {figures.failure}"]
        times = figures.seconds
        span = f"{self.shown(times[0])}–{self.shown(times[-1])}" if len(times) > 1 else "one run"
        base, floor = self.median(self.base), self.median(self.floor)
        ratios = [f"{base / figures.median:.2f}×" if base else "", f"{figures.median / floor:.1f}" if floor else ""]
        cells = [self.shown(figures.median), span, *ratios, f"{figures.peak:.0f}", figures.lost]
        return [cell for cell, head in zip(cells, heads, strict=True) if self._has(head)]

    def median(self, name: str) -> float:
        """Give a way's time; 0 if there is none."""
        figures = self.figures.get(name)
        return figures.median if figures and not figures.failure else 0


def growth(figures: Mapping[int, Figures]) -> Iterator[str]:
    """Write the table of a way's growth, by the number of rows."""
    yield f"\n**growth: {next(iter(figures.values())).way.name}, narrow tables of several lengths**\n"
    heads = ["rows", "median s", "range", "µs a row", "peak MB", "bytes a row"]
    yield from _table(heads, (_grown(rows, one) for rows, one in figures.items()))


def _grown(rows: int, figures: Figures) -> list[str]:
    if figures.failure:
        return [f"{rows:,}", f"fails: {figures.failure}"]
    seconds = figures.seconds
    span = f"{seconds[0]:.2f}–{seconds[-1]:.2f}"
    each = [f"{1e6 * figures.median / rows:.2f}", f"{figures.peak:.0f}", f"{2**20 * figures.peak / rows:.0f}"]
    return [f"{rows:,}", f"{figures.median:.2f}", span, *each]


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join('---' if head in {'', _LOST} else '---:' for head in heads)}|"
    for line in lines:
        yield f"| {' | '.join([*line, *[''] * (len(heads) - len(line))])} |"


def remarks(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """Say what has to be known of some ways."""
    said: dict[str, dict[str, None]] = {}
    for comparison in comparisons:
        for name, figures in comparison.figures.items():
            if figures.way.remark:
                said.setdefault(figures.way.remark, {})[name] = None
    yield from ("", *(f"- {'; '.join(names)}: {remark}." for remark, names in said.items()))


def machine(server: str, load_before: Sequence[float]) -> str:
    """Say what the figures were made on."""
    loads = ["/".join(f"{one:.1f}" for one in load) for load in (load_before, os.getloadavg())]
    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return (
        f"{_processor()}, {os.cpu_count()} cores (load before {loads[0]}, after {loads[1]}); {server}; "
        f"Python {platform.python_version()}, {versions}; {datetime.now(UTC):%Y-%m-%d}."
    )


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def put_into(document: Path, figures: str) -> None:
    """Replace the figures in a document; its prose stays as it is."""
    head, _, rest = document.read_text().partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    document.write_text(f"{head}{_BEGIN}{figures}\n{_END}{tail}")
