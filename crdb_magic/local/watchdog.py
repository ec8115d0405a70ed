"""Run a server for its owner, and stop it when the owner ends: the script ``python -I -S watchdog.py FOLDER``.

Standard input is a pipe that only the owner holds. First comes the job, one line of JSON (``lifeline.Job``). Its end
says that the owner has stopped the server or died: the server is stopped, FOLDER (may be empty: keep all) is removed.
Standard output is a pipe to the owner that stays empty: its end says that the server ended by itself, or never ran.
Standard error is the log, the server's and our own.

It stands alone: nothing of the package is imported.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

OWNER, REPORT, LOG = 0, 1, 2
RUNNING = "running"
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def listen_to_signals() -> int:
    """Give a file descriptor on which each signal that concerns us arrives as a byte."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (*STOPS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def told_to_stop(signals: int) -> bool:
    """Wait for the owner's end or for a signal, and say whether it means to stop."""
    ready, _, _ = select.select([OWNER, signals], [], [])
    return OWNER in ready or not STOPS.isdisjoint(os.read(signals, 64))


def spawn(command: list[str], job: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, as the user of the job, and note which: we may be killed."""
    child = subprocess.Popen(  # noqa: S603 - the job is our owner's
        command,
        stdin=subprocess.DEVNULL,
        stdout=LOG,
        stderr=LOG,
        cwd=job["folder"],
        user=job["user"],
        group=job["group"],
        extra_groups=None if job["user"] is None else [],
        pass_fds=job["inherit"],
        process_group=0,
    )
    with open(os.path.join(job["folder"], RUNNING), "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    return child


def stop(child: subprocess.Popen[bytes], signals: list[tuple[int, float]]) -> None:
    """Send each signal in turn until the program is gone, giving it the seconds that stand beside the signal."""
    for number, seconds in signals:
        os.killpg(child.pid, number)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def run(job: dict[str, Any], signals: int) -> bool:
    """Run the programs one after the other until one fails or we are told to stop; say whether we were."""
    for program in job["programs"]:
        child = spawn(program["command"], job)
        while child.poll() is None:
            if told_to_stop(signals):
                stop(child, program["stop"])
                return True
        if child.returncode:
            break
    return False


def serve(signals: int) -> None:
    """Do the job that the owner sends; after a failure wait for the owner, who wants to read the log."""
    line = sys.stdin.readline()
    if not line:
        return
    try:
        stopped = run(json.loads(line), signals)
    except OSError as error:
        os.write(LOG, f"{error}\n".encode())
        stopped = False
    os.close(REPORT)
    while not stopped:
        stopped = told_to_stop(signals)


def remove(folder: str) -> None:
    """Remove a folder in which a last process may still be writing."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.02)


def main() -> None:
    """Serve, then clean up."""
    try:
        serve(listen_to_signals())
    finally:
        if folder := sys.argv[1]:
            remove(folder)


if __name__ == "__main__":
    main()
