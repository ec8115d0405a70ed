"""Measure how frames are read and written, beside other libraries.

::

    python -m benchmarks.frames [--url URL] [--rounds 5] [--workloads NAME …] [--only WORD …] [--growth] [--write-docs]

Prints markdown; ``--write-docs`` puts it into docs/benchmarks.md as well, and the picture beside it.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path

import psycopg2

from benchmarks.frames import readers, tables, writers
from benchmarks.frames.readers import Place, Way
from benchmarks.frames.report import Comparison, growth, machine, put_into, remarks
from benchmarks.frames.runs import Order, one, orders, rounds
from benchmarks.frames.tables import Workload
from crdb_magic.core.server import Server
from crdb_magic.local import start

_DOCS = Path(__file__).parents[2] / "docs"


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.frames", description=__doc__.splitlines()[0])
    names = [*(workload.name for workload in tables.READ), tables.WRITTEN.name]
    parser.add_argument("--url", help="the server; a local one that is started for it unless given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workloads", nargs="*", choices=names, default=names)
    parser.add_argument("--only", nargs="*", default=[], help="words of the ways to measure besides base and floor")
    parser.add_argument("--growth", action="store_true", help="read up to 10,000,000 rows, too")
    parser.add_argument("--write-docs", action="store_true", help="put the figures into docs/benchmarks.md")
    return parser.parse_args()


def _wanted(ways: Sequence[Way], only: Sequence[str]) -> list[Way]:
    always = (readers.BASE, readers.FLOOR, writers.BASE)
    return [way for way in ways if way in always or not only or any(word in way.name for word in only)]


_heard = partial(print, file=sys.stderr, flush=True)


@contextmanager
def _filled(workload: Workload, place: Place) -> Iterator[None]:
    try:
        tables.fill(place.url, workload)
        yield
    finally:
        tables.drop(place.url, workload.table)


def _compare(workload: Workload, place: Place, given: Namespace) -> Comparison:
    if workload is tables.WRITTEN:
        wanted = orders(_wanted(writers.WRITERS, given.only), workload, place)
        return Comparison(workload, rounds(wanted, given.rounds, _heard), writers.BASE.name)
    wanted = orders(_wanted(readers.READERS, given.only), workload, place)
    with _filled(workload, place):
        return Comparison(workload, rounds(wanted, given.rounds, _heard), readers.BASE.name, readers.FLOOR.name)


def _grow(place: Place, given: Namespace) -> str:
    figures = {}
    for workload in tables.GROWTH:
        with _filled(workload, place):
            done = rounds(orders(readers.READERS[:1], workload, place), given.rounds, _heard)
            [figures[workload.rows]] = done.values()
    return "\n".join(growth(figures))


def _identified(url: str) -> tuple[Place, str]:
    connection = psycopg2.connect(url)
    server = Server.identify(connection.info.parameter_status("crdb_version"), connection.server_version)
    connection.close()
    return Place(url, server.is_cockroachdb), str(server)


def _report(given: Namespace, url: str) -> None:
    load = os.getloadavg()
    place, server = _identified(url)
    chosen = [workload for workload in (*tables.READ, tables.WRITTEN) if workload.name in given.workloads]
    compared = [_compare(workload, place, given) for workload in chosen]
    parts = [line for comparison in compared for line in comparison.markdown()]
    grown = [_grow(place, given)] if given.growth else []
    text = "\n".join([machine(server, load), *remarks(compared), *parts, *grown])
    print(text)
    if given.write_docs:
        from benchmarks.frames.picture import draw

        put_into(_DOCS / "benchmarks.md", text)
        draw(compared, _DOCS / "benchmarks.svg")


def main() -> None:
    """Measure; or, as one of the fresh processes, run what standard input says."""
    if sys.argv[1:] == ["one"]:
        answer, sys.stdout = sys.stdout, sys.stderr  # for what libraries say
        print(json.dumps(asdict(one(Order(**json.load(sys.stdin))))), file=answer)
        return
    given = _arguments()
    with nullcontext(given) if given.url else start() as server:
        _report(given, server.url)


if __name__ == "__main__":
    main()
