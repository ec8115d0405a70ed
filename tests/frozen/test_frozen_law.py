"""Whatever is asked of a recording, in whatever order: the answer is what a database would give, or a refusal."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import COCKROACH, INT, POSTGRES, SHOP, Tape, as_texts
from tables import unique

from crdb_magic.core.asof import AsOf
from crdb_magic.core.options import TransactionOptions
from crdb_magic.errors import NotRecordedError, PastUnavailableError
from crdb_magic.frozen.playback import Playback, open_playback
from crdb_magic.frozen.recorder import Recorder
from crdb_magic.session.session import Session
from crdb_magic.sql.statements import split

_SELECT = "SELECT value FROM box"
_FIRST = Decimal(10**18)


class Box:
    """A database that holds one number: the model."""

    def __init__(self) -> None:
        self.value = 0
        self.past: list[int] = []

    def do(self, cell: tuple[str, ...]) -> int | None:
        """Do what a cell does; gives what it read."""
        match cell:
            case ("add", amount):
                self.value += int(amount)
            case ("try", amount):
                return self.value + int(amount)
            case ("both", amount):
                self.value += int(amount)
                return self.value
            case ("past", place):
                return self.past[int(place)] if int(place) < len(self.past) else None
            case ("read",):
                return self.value
        return None


AMOUNTS = st.sampled_from(["1", "2"])
CELLS = st.one_of(
    st.tuples(st.just("add"), AMOUNTS),
    st.tuples(st.just("try"), AMOUNTS),
    st.tuples(st.just("both"), AMOUNTS),
    st.tuples(st.just("past"), st.sampled_from(["0", "1"])),
    st.just(("read",)),
)


def add(amount: str, table: str = "box") -> str:
    return f"UPDATE {table} SET value = value + {amount}"


def recorded(cells: list[tuple[str, ...]], parameters: dict[str, str]) -> tuple[Tape, list[int]]:
    """Record cells, as the recorder would; gives the tape, and the states of the past at instants."""
    tape, box = Tape(parameters), Box()
    for cell in cells:
        match cell:
            case ("add", amount):
                tape.write(add(amount), "UPDATE 1")
                box.do(cell)
            case ("both", amount):
                tape.write(add(amount), "UPDATE 1")
                _read(tape, box.do(cell))
            case ("try", amount):
                undone = tape.write(add(amount), "UPDATE 1", undone=True)
                _read(tape, box.do(cell), after=undone.number)
            case ("past", place):
                while len(box.past) <= int(place):
                    box.past.append(box.value)
                _read(tape, box.do(cell), as_of=_FIRST + int(place))
            case _:
                _read(tape, box.do(cell))
    return tape, box.past


def _read(tape: Tape, value: int | None, **told: object) -> None:
    tape.read(_SELECT, {"value": INT}, [(str(value),)], **told)


def asked(session: Session, cell: tuple[str, ...], table: str = "box") -> int | None:
    """Run a cell; gives what it read."""
    options, select = TransactionOptions(), f"SELECT value FROM {table}"
    match cell:
        case ("add", amount):
            text = add(amount, table)
        case ("both", amount):
            text = f"{add(amount, table)}; {select}"
        case ("try", amount):
            text, options = f"{add(amount, table)}; {select}", TransactionOptions(dry_run=True)
        case ("past", place):
            text, options = select, TransactionOptions(as_of=AsOf.parse(_FIRST + int(place)))
        case _:
            text = select
    report = session.run([statement.bind({}) for statement in split(text)], options)
    last = report.results[-1]
    return None if last.columns is None else int(as_texts(last.rows)[0][0] or "")


@settings(max_examples=100)
@given(
    cells=st.lists(CELLS, max_size=8),
    again=st.lists(st.integers(0, 7), max_size=12),
    others=st.lists(CELLS, max_size=3),
    parameters=st.sampled_from([POSTGRES, COCKROACH]),
)
def test_an_answer_is_right_or_refused(cells, again, others, parameters):
    tape, past = recorded(cells, parameters)
    box = Box()
    box.past = past
    with Playback(tape.recording), closing(Session(SHOP)) as session:
        for cell in [*(cells[place] for place in again if place < len(cells)), *others]:
            try:
                answer = asked(session, cell)
            except (NotRecordedError, PastUnavailableError):  # the latter where no past was kept at all
                continue

            assert answer == box.do(cell)


@settings(max_examples=50)
@given(cells=st.lists(CELLS, max_size=8), parameters=st.sampled_from([POSTGRES, COCKROACH]))
def test_what_was_recorded_is_answered_in_its_order(cells, parameters):
    tape, past = recorded(cells, parameters)
    box = Box()
    box.past = past
    with Playback(tape.recording), closing(Session(SHOP)) as session:
        for cell in cells:
            assert asked(session, cell) == box.do(cell)


PRESENT = CELLS.filter(lambda cell: cell[0] != "past")


@settings(max_examples=15)
@given(cells=st.lists(PRESENT, min_size=1, max_size=8), again=st.lists(st.integers(0, 7), max_size=10))
def test_so_it_is_of_what_the_recorder_heard(target, cells, again):
    name = unique("box")
    with TemporaryDirectory() as folder, closing(Session(target)) as live:
        live.ask(f"CREATE TABLE {name} (value INT)")
        live.ask(f"INSERT INTO {name} VALUES (0)")
        recorder = Recorder(Path(folder))
        try:
            box = Box()
            for cell in cells:
                assert asked(live, cell, name) == box.do(cell)
        finally:
            recorder.close()
            live.ask(f"DROP TABLE {name}")
        with open_playback(Path(folder)), closing(Session(target)) as frozen:
            box = Box()
            for cell in [cells[place] for place in again if place < len(cells)]:
                try:
                    answer = asked(frozen, cell, name)
                except NotRecordedError:
                    continue

                assert answer == box.do(cell)
        with open_playback(Path(folder)), closing(Session(target)) as frozen:
            box = Box()
            for cell in cells:
                assert asked(frozen, cell, name) == box.do(cell)
