"""What recording costs, and how fast a recording is served: beside the same statements on the server, in one run.

::

    python benchmarks/frozen.py [--statements 300] [--rows 1000000] [--rounds 5] [--url URL]

Prints, for small statements and for one large result, the medians of the three ways and their ratios to the first.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import statistics
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from crdb_magic.columns.frames import to_frame
from crdb_magic.core.target import Target
from crdb_magic.frozen.playback import open_playback
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.local import start
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

SMALL = "SELECT {} AS id, 'Oslo' AS city, 12.50::DECIMAL(10,2) AS price, now() AS at"
LARGE = (
    "SELECT g AS id, 'text ' || g % 1000 AS name, (g * 0.25)::DECIMAL(12,2) AS price, g * 1.5::FLOAT8 AS size, "
    "'2026-01-01'::TIMESTAMPTZ + g * INTERVAL '1 s' AS at, g % 2 = 0 AS even FROM generate_series(1, {}) g"
)


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statements", type=int, default=300)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url", help="the server; a local one that is started for it unless given")
    return parser.parse_args()


def _small(session: Session, count: int) -> None:
    for number in range(count):
        session.run([split(SMALL.format(number))[0].bind({})])


def _large(session: Session, rows: int) -> None:
    report = session.run([split(LARGE.format(rows))[0].bind({})])
    to_frame(report.results[0])


def _timed(do: Callable[[Session], None], target: Target) -> float:
    session = Session(target)
    _ = session.connection
    started = time.perf_counter()
    do(session)
    elapsed = time.perf_counter() - started
    session.close()
    return elapsed


def _recorded(do: Callable[[Session], None], target: Target, folder: Path) -> float:
    recorder = Recorder(folder)
    try:
        return _timed(do, target)
    finally:
        recorder.close()


def _served(do: Callable[[Session], None], target: Target, folder: Path) -> float:
    with open_playback(folder):
        return _timed(do, target)


def _measure(name: str, do: Callable[[Session], None], target: Target, rounds: int) -> None:
    times: dict[str, list[float]] = {"on the server": [], "recorded": [], "served": []}
    for _ in range(rounds):
        with TemporaryDirectory() as folder:
            times["on the server"].append(_timed(do, target))
            times["recorded"].append(_recorded(do, target, Path(folder)))
            times["served"].append(_served(do, target, Path(folder)))
    base = statistics.median(times["on the server"])
    for way, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:<28} {way:<14} {median:8.3f} s  {median / base:6.2f}x")


def main() -> None:
    """Measure."""
    given = _arguments()
    with nullcontext() if given.url else start() as server:
        target = Target.from_url(given.url or server.url)
        _measure(
            f"{given.statements} small statements", lambda one: _small(one, given.statements), target, given.rounds
        )
        _measure(f"{given.rows:,} rows x 6", lambda one: _large(one, given.rows), target, given.rounds)


if __name__ == "__main__":
    main()
