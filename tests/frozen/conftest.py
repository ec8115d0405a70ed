"""What serves a recording to a session."""

from __future__ import annotations

import os
import pickle
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from recordings import SHOP, Tape

from crdb_magic.core.target import Target
from crdb_magic.frozen.playback import Playback
from crdb_magic.session.session import Session


@pytest.fixture
def leaving() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def play(leaving: ExitStack) -> Callable[[Tape], Session]:
    """Serve a recording; give a session with its first connection."""

    def played(tape: Tape) -> Session:
        leaving.enter_context(Playback(tape.recording))
        return leaving.enter_context(closing(Session(SHOP)))

    return played


@pytest.fixture
def other_target() -> Target:
    return Target.from_url("postgresql://root@elsewhere:26257/shop")


@pytest.fixture
def threads_left() -> Callable[[], list[str]]:
    """Name the threads that run."""
    return lambda: [thread.name for thread in threading.enumerate()]


@pytest.fixture
def in_a_fork() -> Callable[[Callable[[], object]], None]:
    """Do something in a process that is forked from this one; raises what it raised."""

    def do(what: Callable[[], object]) -> None:
        here, there = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, from Python 3.12 on
            child = os.fork()
        if not child:
            try:
                what()
                os.write(there, pickle.dumps(None))
            except BaseException as error:
                os.write(there, pickle.dumps(error))
            finally:
                os._exit(0)
        os.close(there)
        os.waitpid(child, 0)
        with os.fdopen(here, "rb") as told:
            raised = pickle.load(told)
        if raised is not None:
            raise raised

    return do
