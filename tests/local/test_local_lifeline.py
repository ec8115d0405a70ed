"""A server ends with its owner, whatever ends the owner, and with nothing else."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from seen_from_outside import end_watchdog, family, hears, living, owner, query, wait_until

from crdb_magic.local import start
from crdb_magic.local.postgres import Postgres

FORKED = """
if not os.fork():
    server.stop()
    tell(os.getpid())
"""


def gone(folder: Path, pids: set[int]) -> bool:
    return not folder.exists() and not living(pids)


def test_kill_9_of_the_owner_leaves_nothing_behind():
    with owner() as process:
        folder, url = hears(process)
        pids = family(Path(folder))
        assert len(pids) > 2
        assert query(url, "SELECT 1") == [(1,)]

        process.kill()

        wait_until(lambda: gone(Path(folder), pids))


def test_kill_9_of_the_owner_during_the_start_leaves_nothing_behind(place):
    with owner(env={"TMPDIR": str(place)}) as process:
        wait_until(lambda: list(place.glob("crdb_magic-*/data/*")))
        pids = family(place)

        process.kill()

        wait_until(lambda: not list(place.iterdir()) and not living(pids))


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise SystemExit", "1 / 0"])
def test_the_end_of_the_owner_waits_until_nothing_is_left(end):
    with owner(end, stderr=subprocess.DEVNULL) as process:
        folder, _ = hears(process)
        process.wait()

        assert not Path(folder).exists()
        assert not family(Path(folder))


def test_a_fork_of_the_owner_neither_stops_the_server_nor_keeps_it():
    with owner(FORKED) as process:
        folder, url = hears(process)
        (child,) = hears(process)
        pids = family(Path(folder))
        assert query(url, "SELECT 1") == [(1,)]

        process.kill()

        wait_until(lambda: gone(Path(folder), pids))
        assert living({int(child)})


def test_the_end_of_a_forked_child_does_not_stop_the_server():
    with owner("if not os.fork():\n    sys.exit()\nos.wait()\ntell('ended')\n") as process:
        _, url = hears(process)
        assert hears(process) == ["ended"]

        assert query(url, "SELECT 1") == [(1,)]


def test_an_interrupt_at_the_terminal_of_the_owner_is_not_for_the_server():
    ignoring = "import signal; signal.signal(signal.SIGINT, lambda *_: tell('interrupted'))"
    with owner(ignoring + "\ntell('ready')", process_group=0) as process:
        _, url = hears(process)
        assert hears(process) == ["ready"]

        os.killpg(process.pid, signal.SIGINT)

        assert hears(process) == ["interrupted"]
        assert query(url, "SELECT 1") == [(1,)]


def test_a_child_program_of_the_owner_does_not_keep_the_server():
    sleeper = f"import subprocess; tell(subprocess.Popen([{sys.executable!r}, '-c', 'input()'], close_fds=False).pid)"
    with owner(sleeper) as process:
        folder, _ = hears(process)
        (child,) = hears(process)
        pids = family(Path(folder))

        process.kill()

        wait_until(lambda: gone(Path(folder), pids))
        assert living({int(child)})


def test_the_watchdog_told_to_end_by_the_system_stops_the_server_and_cleans_up():
    with owner() as process:
        folder, _ = hears(process)

        pids = end_watchdog(Path(folder), signal.SIGTERM)

        wait_until(lambda: gone(Path(folder), pids))


def test_a_server_whose_watchdog_was_killed_is_stopped_by_its_owner():
    with start() as server:
        pids = end_watchdog(server.folder)
        assert query(server.url, "SELECT 1") == [(1,)]

    assert gone(server.folder, pids)


def test_a_kept_server_whose_watchdog_was_killed_is_shut_down_by_its_owner_and_keeps_its_data(place):
    with start(place) as server:
        query(server.url, "CREATE TABLE t AS SELECT 1 AS n")
        pids = end_watchdog(place)

    assert not living(pids)
    assert "database system is shut down" in (place / "server.log").read_text()

    with start(place) as server:
        assert query(server.url, "SELECT n FROM t") == [(1,)]


def test_an_owner_whose_watchdog_and_server_were_killed_lets_the_next_ones_be(place):
    first = start(place)
    for pid in end_watchdog(place):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with start(place) as second:
        first.stop()

        assert query(second.url, "SELECT 1") == [(1,)]


def test_a_watchdog_that_is_killed_during_the_start_leaves_nothing_behind(place, monkeypatch):
    left = []
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(Postgres, "set_up", lambda _, folder: left.append(end_watchdog(folder.path)) or 1 / 0)

    with pytest.raises(ZeroDivisionError):
        start()

    assert not list(place.iterdir())
    assert not living(left[0])


def test_what_is_left_of_an_owner_its_watchdog_and_its_server_is_removed_at_the_next_start():
    with owner() as process:
        folder, _ = hears(process)
        pids = {process.pid} | family(Path(folder))
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not living(pids))
        assert Path(folder).exists()

    with start():
        assert not Path(folder).exists()
