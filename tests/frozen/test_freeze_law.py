"""The law of freezing: a script is shown the same again, and a script that was changed what is right, or a refusal.

The oracle of a changed script is the server, on the same data, which runs just what was not refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
import pytest
import scripts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proxy import Proxy
from scripts import CONTROL, ERRORS, READS, SAVEPOINTS, SETS, WRITES, Step, T

from crdb_magic.core.server import Server
from crdb_magic.core.target import Target
from crdb_magic.frozen.playback import open_playback
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.session.snapshots import Keeper

_LAWS = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

_READ, _WRITE = st.sampled_from([*[scripts.ALL] * 5, *READS]), st.sampled_from(WRITES)
_LASTING = [sql for sql in SETS if "LOCAL" not in sql]  # which outside of a transaction gives a warning alone
_SAID = st.one_of(_READ, _WRITE, *map(st.sampled_from, (SAVEPOINTS, _LASTING, CONTROL, ERRORS)))
_CELL = st.lists(st.one_of(_READ, _WRITE, *map(st.sampled_from, (SAVEPOINTS, SETS))), min_size=1, max_size=4)
_ID = st.integers(1, 4)
_STREAMED = _READ.filter(lambda text: not text.startswith("SELECT FROM"))


def _does(name: str, what: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just(name), what, st.sampled_from("aaabc"))


STEPS = st.one_of(
    _does("cell", _READ),
    _does("cell", _WRITE),
    _does("cell", st.sampled_from([*ERRORS, *SETS])),
    _does("cell", _CELL.map("; ".join)),
    _does("dry", st.tuples(_WRITE, _READ).map("; ".join)),
    _does("read only", st.one_of(_READ, _WRITE)),
    _does("past", _READ),
    _does("bound", _ID.map(lambda one: (f"SELECT * FROM {T} WHERE id = :id", {"id": one}))),
    _does(
        "execute", st.one_of(_WRITE.map(lambda sql: (sql, None)), _ID.map(lambda one: (f"SELECT 1 / %s, {one}", [one])))
    ),
    _does("frame", _READ),
    _does("rows", _READ),
    _does("arrow", _READ),
    _does("frames", _STREAMED),
    _does("export", st.tuples(_STREAMED, st.sampled_from(["csv", "parquet"]))),
    _does("write", _ID.map(lambda one: [(one, "w")])),
    _does("model", st.tuples(st.sampled_from(["create", "nested", "transact"]), _ID)),
    _does("spoken", st.lists(_SAID, min_size=1, max_size=5)),
    _does("cursor", st.sampled_from(["dict", "many", "values", "one"])),
    _does("copy", st.sampled_from(["7,x\n8,\n", "1,x\n", "zz\n"])),
    _does("retry", st.integers(1, 3)),
)
SCRIPTS = st.lists(STEPS, min_size=1, max_size=8)


@st.composite
def _changed(draw: st.DrawFn) -> tuple[list[Step], list[Step]]:
    """Give a script, and another one: steps left out, doubled, in other places, on other connections, or new."""
    script = draw(SCRIPTS)
    places = draw(st.lists(st.integers(0, len(script) - 1), max_size=len(script) + 2))
    steps = [script[place] for place in places] if draw(st.booleans()) else list(script)
    for step in draw(st.lists(STEPS, max_size=1)):
        steps.insert(draw(st.integers(0, len(steps))), step)
    place = draw(st.integers(0, max(len(steps) - 1, 0)))
    others = [step._replace(who=draw(st.sampled_from("abc"))) for step in steps[place : place + 1]]
    return script, [*steps[:place], *others, *steps[place + 1 :]]


@pytest.fixture(scope="module")
def keeper_of_all(target: Target, server: Server) -> Iterator[None]:
    """The past of a server that has none of its own: the scripts are in its SQL."""
    if server.is_cockroachdb:
        pytest.skip("the scripts are PostgreSQL's")
    keeper = Keeper(target)
    yield
    keeper.close()


def _fresh(target: Target) -> None:
    """Begin with the same data."""
    with closing(psycopg2.connect(**target)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {T}; DROP SEQUENCE IF EXISTS {scripts.TRIES}")
        cursor.execute(f"CREATE SEQUENCE {scripts.TRIES}; CREATE TABLE {T} (id INT PRIMARY KEY, name TEXT)")
        cursor.execute(f"INSERT INTO {T} VALUES (1, 'a'), (2, NULL)")


def _recorded(target: Target, folder: Path, script: Sequence[Step]) -> list[Any]:
    _fresh(target)
    recorder = Recorder(folder)
    try:
        return scripts.outcomes(target, script)
    finally:
        recorder.close()


@pytest.mark.usefixtures("keeper_of_all")
@_LAWS
@given(script=SCRIPTS)
def test_what_was_shown_is_shown_again_without_a_server(target, script):
    with TemporaryDirectory() as folder, Proxy(target) as proxy:
        live = _recorded(target, Path(folder), script)
        proxy.refuse()
        with open_playback(Path(folder)):
            frozen = scripts.outcomes(proxy.target, script)

    told = [(one, other) for one, other in zip(live, frozen, strict=True) if not _is_of_a_form(one)]
    assert [other for _, other in told] == [one for one, _ in told]


@pytest.mark.usefixtures("keeper_of_all")
@_LAWS
@given(both=_changed())
def test_a_script_that_was_changed_is_shown_what_is_right_or_a_refusal(target, both):
    script, changed = both
    with TemporaryDirectory() as folder:
        _recorded(target, Path(folder), script)
        with open_playback(Path(folder)):
            served = _served(target, changed)
    _fresh(target)

    assert [outcome for _, outcome in served] == scripts.outcomes(target, [step for step, _ in served])


_WHOLE = {"cell", "dry", "read only", "past", "bound", "frame", "rows", "arrow"}
"""Steps of one transaction: where a part is refused all of it is."""


def _served(target: Target, script: Sequence[Step]) -> list[tuple[Step, Any]]:
    """Run a script on a recording; give what was not refused, up to a step of which a part was."""
    served: list[tuple[Step, Any]] = []
    with closing(scripts.Sessions(target)) as sessions:
        for step in script:
            shown = scripts.outcome(sessions, step)
            if "FZ404" not in repr(shown) and "PastUnavailableError" not in repr(shown):
                served.append((step, shown))
            elif step.does not in _WHOLE:
                break
    return served


def _is_of_a_form(shown: Any) -> bool:
    """Whether a query was described, and not asked then: that it was is not recorded."""
    return "ResultTypeError" in repr(shown)
