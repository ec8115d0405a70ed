"""Whether a recording is still so: the same values are the same, whichever texts and whichever order they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from personality import Table, query
from proxy import Proxy

from crdb_magic.frozen.manifest import Contents, load
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.frozen.verifying import ReadVerdict, verify
from crdb_magic.session import sizes
from crdb_magic.session.session import Session

CHAR, FLOAT4 = 1042, 700  # OIDs
PLAIN = Table(
    [("c", CHAR), ("f", FLOAT4)], [["a  ", "0.1"], ["b  ", None]], [["a", "0.10000000149011612"], ["b", None]]
)


@pytest.fixture
def record(as_v26: Proxy, tmp_path: Path) -> Iterator[Callable[..., Contents]]:
    """Record that a text is asked some times of what answers as CockroachDB v26.1 does."""

    def record(text: str, times: int = 1) -> Contents:
        recorder = Recorder(tmp_path)
        with closing(Session(as_v26.target)) as session:
            for _ in range(times):
                session.ask(text)
        recorder.close()
        return load(tmp_path)

    return record


@pytest.fixture
def verdicts(as_v26: Proxy, tmp_path: Path) -> Callable[[Contents], list[ReadVerdict]]:
    return lambda contents: [check.verdict for check in verify(contents, tmp_path, lambda _: as_v26.target)]


def test_texts_that_came_by_copy_are_the_values_that_select_gives(as_v26, record, verdicts, monkeypatch):
    monkeypatch.setattr(sizes, "LARGE", 1)
    as_v26.rules.append(query(r"FROM padded", PLAIN))
    contents = record("SELECT c, f FROM padded ORDER BY c", times=2)

    assert len({event.hash for event in contents.events if event.hash}) == 2
    assert verdicts(contents) == [ReadVerdict.SAME] * 2


@pytest.mark.parametrize(("order", "verdict"), [("", ReadVerdict.SAME), (" ORDER BY f", ReadVerdict.DIFFERENT)])
def test_an_order_that_nobody_asked_for_may_be_another_one(as_v26, record, verdicts, order, verdict):
    as_v26.rules.append(query(r"FROM padded", PLAIN))
    contents = record(f"SELECT c, f FROM padded{order}")
    as_v26.rules.append(query(r"FROM padded", Table(PLAIN.columns, PLAIN.rows[::-1])))
    as_v26.rules.reverse()

    assert verdicts(contents) == [verdict]
