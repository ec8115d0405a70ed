"""One run in a fresh process, and rounds in which the ways take turns."""
# ruff: noqa: S608 - the tables' names are ours

from __future__ import annotations

import gc
import json
import mmap
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import psycopg2

from benchmarks.frames.losses import SAMPLE, first_rows, losses
from benchmarks.frames.readers import READERS, Place, Way
from benchmarks.frames.tables import WORKLOADS, WRITTEN, Workload, drop, select
from benchmarks.frames.writers import WRITERS

WAYS = {way.name: way for way in (*READERS, *WRITERS)}

_ROOT = Path(__file__).parents[2]
_LIMIT = 600  # seconds until a run is given up
_SLOW = 20  # seconds from which a way is measured once only
_WARM_UP = 20  # calls, if a run makes several
_MEMORY = 1 << 30  # bytes, more than a way takes for what is compared


@dataclass(frozen=True)
class Order:
    """What to run: a way, by its name, on a workload's table."""

    way: str
    workload: str
    rows: int
    table: str
    url: str
    is_cockroachdb: bool


@dataclass(frozen=True)
class Run:
    """What came of it: seconds for a call, the peak of its memory in MB, the types lost; or why it failed."""

    seconds: float = 0
    peak: float = 0
    lost: str = ""
    failure: str = ""

    def __str__(self) -> str:
        return self.failure or f"{self.seconds:.4f} s"


@dataclass(frozen=True)
class Figures:
    """What the runs of one way came to."""

    way: Way
    runs: tuple[Run, ...]

    @property
    def failure(self) -> str:
        """Say why a run failed, if one did."""
        return next((run.failure for run in self.runs if run.failure), "")

    @property
    def seconds(self) -> list[float]:
        """Give the runs' times, the shortest first."""
        return sorted(run.seconds for run in self.runs)

    @property
    def median(self) -> float:
        """Give the median of the times."""
        return median(self.seconds)

    @property
    def peak(self) -> float:
        """Give the median of the peaks."""
        return median(run.peak for run in self.runs)

    @property
    def lost(self) -> str:
        """Say which types were lost."""
        return self.runs[0].lost


# Inside of the fresh process.


def one(order: Order) -> Run:
    """Run it here."""
    try:
        return (_write if order.workload == WRITTEN.name else _read)(order)
    except BaseException as error:  # panics of Rust are no Exceptions
        return Run(failure=_short(error, order.url))


def _read(order: Order) -> Run:
    way, workload = WAYS[order.way], WORKLOADS[order.workload]
    read, sql = way.open(_place(order)), select(workload, order.table, way.as_text)
    for _ in range(_WARM_UP if workload.calls > 1 else 0):
        read(sql)
    seconds, peak, result = _measured(lambda: read(sql), workload.calls)
    if result is None:  # it was thrown away
        return Run(seconds, peak)
    _check_count(len(result), order.rows)
    return Run(seconds, peak, losses(workload.columns, first_rows(result), workload.truth(SAMPLE)))


def _write(order: Order) -> Run:
    workload = WORKLOADS[order.workload]
    columns = {column.name: [column.at(row) for row in range(order.rows)] for column in workload.columns}
    frame = pd.DataFrame({c.name: pd.Series(columns[c.name], dtype=c.dtype) for c in workload.columns})
    write = WAYS[order.way].open(_place(order))
    seconds, peak, _ = _measured(lambda: write(frame, order.table))
    return Run(seconds, peak, losses(workload.columns, _read_back(order), workload.truth(SAMPLE)))


def _read_back(order: Order) -> dict[str, list[Any]]:
    with psycopg2.connect(order.url) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {order.table}")
        [(count,)] = cursor.fetchall()
        _check_count(count, order.rows)
        cursor.execute(f"SELECT * FROM {order.table} ORDER BY id LIMIT {SAMPLE}")
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, map(list, zip(*cursor.fetchall(), strict=True)), strict=True))


def _measured(call: Callable[[], Any], calls: int = 1) -> tuple[float, float, Any]:
    """Give the median of the calls' seconds, the peak of the memory in MB above what there was before, a result."""
    gc.collect()
    _fault_in()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (Linux)
    before, seconds, result = _memory("VmRSS"), [], None
    for _ in range(calls):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
    return median(seconds), _memory("VmHWM") - before, result


def _fault_in() -> None:
    """See that the machine has the memory that a call may take (Linux): a host takes back what its guest leaves free.

    To get a GB from it again took 2.4 s, without it 0.06 s; that would be charged to whoever touches the memory first.
    """
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    with mmap.mmap(-1, _MEMORY, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)  # NumPy and Arrow ask for large pages, too
        for place in range(0, _MEMORY, mmap.PAGESIZE):
            memory[place] = 1


def _memory(name: str) -> float:
    """Read one of the kernel's figures for this process, in MB; 0 where there is none."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    return 0


def _check_count(got: int, wanted: int) -> None:
    if got != wanted:
        raise ValueError(f"{got} rows instead of {wanted}")


def _place(order: Order) -> Place:
    return Place(order.url, order.is_cockroachdb)


def _short(error: BaseException, url: str) -> str:
    text = str(error).replace(url, "URL").strip() or type(error).__name__
    return text.splitlines()[0].replace("|", "/")[:100]


# Outside of it.


def fresh(order: Order) -> Run:
    """Run it in a process of its own; the URL, which may hold a password, goes through its standard input."""
    command = [sys.executable, "-m", "benchmarks.frames", "one"]
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            command,
            input=json.dumps(asdict(order)),
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            cwd=_ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Run(failure=f"takes more than {_LIMIT} s")
    if done.returncode:
        return Run(failure=f"its process ended with status {done.returncode}")
    return Run(**json.loads(done.stdout))


def rounds(orders: Mapping[str, Order], count: int, heard: Callable[[str], None]) -> dict[str, Figures]:
    """Run each order ``count`` times, taking turns; one that failed or is slow is not run again."""
    runs: dict[str, list[Run]] = {name: [] for name in orders}
    names = list(orders)
    for number in range(count):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            if not any(run.failure or run.seconds > _SLOW for run in runs[name]):
                runs[name].append(_run(orders[name]))
                heard(f"{orders[name].workload}, round {number + 1} of {count}, {name}: {runs[name][-1]}")
    return {name: Figures(WAYS[orders[name].way], tuple(runs[name])) for name in names}


def _run(order: Order) -> Run:
    if order.workload != WRITTEN.name:
        return fresh(order)
    drop(order.url, order.table)
    try:
        return fresh(order)
    finally:
        drop(order.url, order.table)


def orders(ways: Iterable[Way], workload: Workload, place: Place) -> dict[str, Order]:
    """Make an order of each way."""
    return {
        way.name: Order(way.name, workload.name, workload.rows, workload.table, place.url, place.is_cockroachdb)
        for way in ways
    }
