"""Servers and processes as somebody else sees them: through SQL, through ps, and from an owner in another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]

OWNER = """
import os, sys
from pathlib import Path
from crdb_magic.local import start
kept = os.environ.get("KEPT")
server = start(Path(kept) if kept else None)
def tell(*words):  # unbuffered: a signal's handler tells too, perhaps while something is told
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
tell(server.folder, server.url)
"""


def query(url: str, sql: str) -> list[tuple]:
    """Run SQL in a transaction of its own and give its rows."""
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def processes() -> dict[int, tuple[int, str]]:
    """Give the parent and the command line of each process."""
    listing = subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in listing.splitlines())
    return {int(pid): (int(parent), args) for pid, parent, args in rows}


def family(folder: Path) -> set[int]:
    """Give the processes that name a folder, their children, and the watchdog above them."""
    everyone = processes()
    named = {pid for pid, (_, args) in everyone.items() if str(folder) in args}
    below = {pid for pid, (parent, _) in everyone.items() if parent in named}
    above = {everyone[pid][0] for pid in named} & everyone.keys()
    return named | below | {pid for pid in above if "watchdog.py" in everyone[pid][1]}


def living(pids: set[int]) -> set[int]:
    """Give those of the processes that still run; what waits for its parent to look does not."""
    return {pid for pid, (_, args) in processes().items() if pid in pids and "<defunct>" not in args}


def end_watchdog(folder: Path, number: int = signal.SIGKILL) -> set[int]:
    """Send its watchdog a signal, and give the other processes of a server."""
    pids = family(folder)
    (watchdog,) = [pid for pid, (_, args) in processes().items() if pid in pids and "watchdog.py" in args]
    os.kill(watchdog, number)
    return pids - {watchdog}


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    """Look again and again until something is true, and fail if it does not become so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def owner(script: str = "", **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run a process that owns a server, does what the script says, and then waits for its input to end."""
    options["env"] = {**os.environ, "PYTHONPATH": str(ROOT), **options.get("env", {})}
    program = OWNER + script + "\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    ) as process:
        yield process
        process.kill()


def hears(process: subprocess.Popen[str]) -> list[str]:
    """Give the words of the next line that an owner tells."""
    return process.stdout.readline().split()
