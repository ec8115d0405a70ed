"""How long Tab takes: each place of some statements, through all of IPython's completer, on a database of many tables.

::

    python benchmarks/completion.py [--tables 500] [--columns 15] [--rounds 5] [--url URL]

Prints the times of a completion, with the place that took longest, and those of reading the names from the server.
"""
# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import os
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from platform import python_version
from threading import enumerate as threads

import IPython
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.core.target import Target
from crdb_magic.explore.names import read_names
from crdb_magic.local import start
from crdb_magic.magics.names_cache import THREAD
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

SCHEMA = "tab_benchmark"
CELLS = (
    "%%crdb_txn --priority high --as-of -10s\nSELECT 1",
    "%%crdb_txn\nSELECT a.c1, b.c2, count(*) AS n\nFROM t1 AS a JOIN t2 AS b ON a.id = b.t1_id\nWHERE a.c3 > :limit "
    "AND b.c4 IN (SELECT c5 FROM t3 WHERE id = a.id)\nGROUP BY a.c1, b.c2 ORDER BY n DESC LIMIT 10",
    "%%crdb_txn\nWITH recent AS (SELECT id, c1 AS what, c2 FROM t7 WHERE c3 = 'x'), other AS (SELECT * FROM t8)\n"
    "SELECT what, o.c5 FROM recent r LEFT JOIN other o ON o.id = r.id",
    "%%crdb_txn\nINSERT INTO t100 (id, c1, c2) VALUES (1, 2, 3) ON CONFLICT (id) DO UPDATE SET c1 = excluded.c1;\n"
    "UPDATE t200 SET c1 = c2 + 1, c3 = lower(c4) WHERE id = 5;\nDELETE FROM t300 WHERE c1 IS NULL",
    "%%crdb_txn\nSELECT c, co, t, ti, s",  # without a table: any column, table and function
    "df = %crdb_txn SELECT * FROM t4 WHERE c1 = 1",
)  # fmt: skip


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--columns", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url", help="the server; a local one that is started for it unless given")
    return parser.parse_args()


@contextmanager
def _tables(session: Session, tables: int, columns: int) -> Iterator[None]:
    """Make so many tables in a schema of their own."""
    rest = ", ".join(f"c{number} INT" for number in range(1, columns - 1))
    making = [f"CREATE TABLE {SCHEMA}.t{n} (id INT PRIMARY KEY, t{n - 1}_id INT, {rest})" for n in range(1, tables + 1)]
    for text in (f"CREATE SCHEMA {SCHEMA}", *making):
        session.run([one.bind({}) for one in split(text)])
    try:
        yield
    finally:
        session.run([one.bind({}) for one in split(f"DROP SCHEMA {SCHEMA} CASCADE")])


def _reading(target: Target, rounds: int) -> list[float]:
    """Give the seconds that it takes to read all names."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        read_names(target)
        taken.append(time.perf_counter() - began)
    return taken


def _completing(shell: InteractiveShell, rounds: int) -> Iterator[tuple[float, str]]:
    """Give the seconds of each completion, with its place: at each character of each cell."""
    for _ in range(rounds):
        for cell in CELLS:
            for cursor in range(len("%crdb_txn "), len(cell) + 1):
                began = time.perf_counter()
                with provisionalcompleter():
                    list(shell.Completer.completions(cell, cursor))
                yield time.perf_counter() - began, f"{cell[:cursor]}|{cell[cursor:]}"


def _measure(url: str, given: Namespace) -> None:
    target = Target.from_url(url)
    session = Session(target)
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "crdb_magic")
    with _tables(session, given.tables, given.columns):
        shell.run_line_magic("crdb_connect", url)
        shell.run_line_magic("crdb_txn", f"SET search_path = {SCHEMA}, public")
        next(_completing(shell, 1))
        for thread in threads():
            if thread.name == THREAD:
                thread.join()
        taken = sorted(_completing(shell, given.rounds))
        reading = sorted(_reading(target, given.rounds))
    shell.run_line_magic("unload_ext", "crdb_magic")
    times = [1000 * seconds for seconds, _ in taken]
    print(f"{session.server}; Python {python_version()}, IPython {IPython.__version__}; {date.today()}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    most = times[len(times) * 99 // 100]
    print(f"{given.tables} tables of {given.columns} columns; {len(times)} completions:")
    print(f"median {statistics.median(times):.1f} ms, 99 % below {most:.1f} ms, worst {times[-1]:.1f} ms")
    print(
        "the slowest places:", *{place: f"{1000 * seconds:.1f} ms" for seconds, place in taken[-3:]}.items(), sep="\n  "
    )
    print(f"reading the names: median {1000 * statistics.median(reading):.0f} ms, worst {1000 * reading[-1]:.0f} ms")
    session.close()


def main() -> int:
    """Run, and give the exit status."""
    given = _arguments()
    with nullcontext() if given.url else start() as local:
        _measure(given.url or local.url, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
