"""Facts about the manifest of a recording: what was written comes back, whoever died, and only one writes."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from column_texts import SENDABLE
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.errors import Attempt, RecordingError
from crdb_magic.frozen import store
from crdb_magic.frozen.events import ErrorResponse, Event, EventKind, RecordedColumn, RecordedConnection
from crdb_magic.frozen.manifest import FORMAT, NAME, Manifest, load

PLACE = RecordedConnection(
    number=1, shown="CockroachDB v25.1", parameters={"server_version": "13.0.0", "TimeZone": "UTC"}
)
ODD = "# end\nSELECT '\"\"\"\\', e'\\n'\r\n# end\n\t\x01\x7f 'é🐓' -- \r\n"


def event(number: int = 1, **fields: Any) -> Event:
    return Event(**{"number": number, "kind": EventKind.READ, "connection": 1, "text": "SELECT 1", **fields})


def recorded(folder: Path, *events: Event) -> Path:
    """Make a recording of a block an event, and give its manifest."""
    with Manifest(folder) as manifest:
        for one in events:
            manifest.append([one])
    return folder / NAME


# What is written comes back.

COUNTS = st.integers(0, 10**6)
HOSTILE = [
    *(ODD, "SELECT 1\nFROM t", 'sql = "a"\nread = "b"\n', "\n# end\n", "# end", "# end\na", "\n# end"),
    *(
        '"',
        "'",
        '"\n',
        "\"'",
        "'\"",
        '"""',
        "'''\"",
        "\"'''",
        '"\r',
        '"\x01',
        '"\x7f',
        '"\x80',
        "\\",
        "\r",
        "a\r\nb",
        "a\\\nb",
    ),
]
TEXTS = SENDABLE | st.sampled_from(HOSTILE)
NAMED = st.dictionaries(SENDABLE, TEXTS, max_size=3)
INSTANTS = st.none() | st.decimals(10**17, 2**63 - 1, places=10)
SECONDS = st.floats(0, 1e6)
ATTEMPTS = st.builds(
    Attempt, COUNTS, st.none() | TEXTS, st.none() | TEXTS, TEXTS, wait=st.none() | SECONDS, elapsed=st.none() | SECONDS
)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "statements": COUNTS,
        "rows": COUNTS,
        "elapsed": SECONDS,
        "retries": st.lists(ATTEMPTS, max_size=2).map(tuple),
        "as_of": INSTANTS.filter(bool),
        "committed_at": INSTANTS.filter(bool),
        "ended_at": st.datetimes(timezones=st.just(UTC)),
    },
)
ASKED = st.sampled_from(["commit", "now", "-10s", "follower", "1780315200123456789.0000000002"])
HEADINGS = st.builds(RecordedColumn, TEXTS, st.integers(0, 2**32 - 1), st.integers(-1, 2**31 - 1))
EVENTS = st.builds(
    Event,
    number=COUNTS,
    kind=st.sampled_from([EventKind.READ, EventKind.WRITE, EventKind.RECEIPT]),
    connection=COUNTS,
    text=TEXTS,
    sql=TEXTS,
    values=NAMED,
    after=COUNTS,
    as_of=INSTANTS,
    at=INSTANTS,
    settings=st.lists(TEXTS, max_size=3).map(tuple),
    undone=st.booleans(),
    tag=TEXTS,
    columns=st.none() | st.lists(HEADINGS, max_size=3).map(tuple),
    rows=COUNTS,
    hash=st.just("") | st.binary(min_size=32, max_size=32).map(bytes.hex),
    notices=st.lists(TEXTS, max_size=3).map(tuple),
    told=NAMED,
    digest=TEXTS,
    refusal=st.none() | st.dictionaries(st.sampled_from("SVCMDHPpqWstcdnFLRx"), TEXTS).map(ErrorResponse),
    receipt=FACTS,
) | st.builds(Event, number=COUNTS, kind=st.just(EventKind.INSTANT), connection=COUNTS, text=ASKED, at=INSTANTS)
PLACES = st.builds(RecordedConnection, number=COUNTS, shown=TEXTS, database=TEXTS, user=TEXTS, parameters=NAMED)


@given(st.lists(st.lists(EVENTS | PLACES, max_size=3), min_size=1, max_size=3))
def test_what_was_appended_is_loaded(given):
    given[0].append(PLACE)
    with tempfile.TemporaryDirectory() as folder:
        with Manifest(Path(folder)) as manifest:
            for blocks in given:
                manifest.append(blocks)
        contents = load(Path(folder))

        assert [*contents.connections, *contents.events] == [
            one for kind in (RecordedConnection, Event) for blocks in given for one in blocks if isinstance(one, kind)
        ]


def test_the_version_that_wrote_it_is_known(tmp_path):
    recorded(tmp_path, event())

    assert load(tmp_path).version == "0.1.0"


def test_a_person_can_read_it(tmp_path):
    with Manifest(tmp_path) as manifest:
        manifest.append([PLACE])
        manifest.append(
            [
                event(
                    3,
                    text="SELECT id, total\nFROM bank\nWHERE id = 7",
                    sql="SELECT id, total\nFROM bank\nWHERE id = :id",
                    values={"id": "7"},
                    as_of=Decimal("1780315200123456789.0000000002"),
                    tag="SELECT 1",
                    columns=(
                        RecordedColumn("id", 20),
                        RecordedColumn("total", 1700, 655366),
                        RecordedColumn("mood", 100_107),
                    ),
                    rows=1,
                    hash="0123456789abcdef" * 4,
                )
            ]
        )
        manifest.append(
            [event(4, kind=EventKind.WRITE, text="DELETE FROM b", refusal=ErrorResponse({"C": "42P01", "M": "none"}))]
        )

    assert (tmp_path / NAME).read_text() == (
        """\
# What a database answered to a notebook, recorded by %crdb_freeze of crdb_magic.
# With %crdb_connect --frozen and this folder the notebook is answered the same again, without a server.

format = 1
crdb_magic = "0.1.0"
# end

[[connection]]
number = 1
shown = "CockroachDB v25.1"

[connection.parameters]
server_version = "13.0.0"
TimeZone = "UTC"
# end

[[event]]
number = 3
connection = 1
read = \"""
SELECT id, total
FROM bank
WHERE id = 7\"""
sql = \"""
SELECT id, total
FROM bank
WHERE id = :id\"""
as_of = "1780315200123456789.0000000002"
as_of_time = 2026-06-01 12:00:00.123456+00:00
tag = "SELECT 1"
columns = [
    { name = "id", type = "INT8", oid = 20 },
    { name = "total", type = "DECIMAL", oid = 1700, modifier = 655366 },
    { name = "mood", oid = 100107 },
]
rows = 1
hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

[event.values]
id = "7"
# end

[[event]]
number = 4
connection = 1
write = "DELETE FROM b"

[event.refusal]
sqlstate = "42P01"
message = "none"
# end

"""
    )


def test_sql_with_quotes_stands_there_as_it_is(tmp_path):
    recorded(tmp_path, event(text='SELECT "a" FROM "t" WHERE b = E\'\\n\' AND c'))

    assert "read = '''\nSELECT \"a\" FROM \"t\" WHERE b = E'\\n' AND c'''\n" in (tmp_path / NAME).read_text()


def test_what_a_receipt_does_not_know_is_left_out(tmp_path):
    manifest = recorded(tmp_path, event(receipt={"retries": (Attempt(1, "40001", None, "restart"),)}))

    assert tomllib.loads(manifest.read_text())["event"][0]["facts"] == {
        "retries": [{"number": 1, "sqlstate": "40001", "message": "restart"}]
    }


# Whoever dies leaves a manifest.


def test_wherever_the_last_block_is_torn_the_others_are_there(tmp_path):
    manifest = recorded(tmp_path, event(1, text=ODD), event(2, text="SELECT 2\n# end\nFROM é", values={"a": "1"}))
    whole = manifest.read_bytes()
    first = len(recorded(tmp_path / "other", event(1, text=ODD)).read_bytes())
    for end in range(first, len(whole) - len("# end\n\n")):
        manifest.write_bytes(whole[:end])

        assert [one.number for one in load(tmp_path).events] == [1]


def test_what_was_written_at_once_is_there_as_a_whole_or_not_at_all(tmp_path):
    with Manifest(tmp_path) as manifest:
        manifest.append([event(1)])
        manifest.append([event(2), event(3)])
    path = tmp_path / NAME
    path.write_text(path.read_text().removesuffix("# end\n\n"))

    assert [one.number for one in load(tmp_path).events] == [1]


@pytest.mark.parametrize("changed", [lambda text: text.replace("\n", "\r\n"), str.rstrip], ids=["CRLF", "stripped"])
def test_what_git_and_editors_do_to_ends_of_lines_does_no_harm(tmp_path, changed):
    manifest = recorded(tmp_path, event(1), event(2, text="SELECT 1\nFROM t"))
    manifest.write_bytes(changed(manifest.read_text()).encode())

    assert load(tmp_path).events == (event(1), event(2, text="SELECT 1\nFROM t"))


def process(code: str, folder: Path) -> subprocess.Popen[str]:
    """Start a recorder that says when it has begun."""
    code = f"""
import itertools, sys
from pathlib import Path
from crdb_magic.frozen.events import *
from crdb_magic.frozen.manifest import Manifest
def event(number):
    return Event(number=number, kind=EventKind.READ, connection=1, text="SELECT 1" + "\\n" * 5000)
manifest = Manifest(Path(sys.argv[1]))
{code}
"""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], text=True, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )


def killed(one: subprocess.Popen[str]) -> None:
    one.send_signal(signal.SIGKILL)
    one.communicate()


def test_a_recorder_that_is_killed_while_it_writes_leaves_all_that_was_whole(tmp_path):
    recorder = process("for number in itertools.count(1): manifest.append([event(number)]); print(number)", tmp_path)
    assert recorder.stdout
    for _ in range(20):
        recorder.stdout.readline()
    killed(recorder)
    numbers = [one.number for one in load(tmp_path).events]

    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 20


# Only one writes.


def test_another_process_that_records_there_is_refused_and_named(tmp_path):
    recorder = process("print('begun', flush=True); sys.stdin.read()", tmp_path)
    assert recorder.stdout
    recorder.stdout.readline()
    with pytest.raises(RecordingError) as refused:
        Manifest(tmp_path)
    killed(recorder)

    assert str(refused.value) == (
        f"Another process ({recorder.pid}) is recording into {tmp_path}.\n"
        "Hint: Wait for its end, or end it, or name another folder."
    )


def test_the_folder_of_a_recorder_that_was_killed_is_free(tmp_path):
    recorder = process("manifest.append([event(1)]); print('begun', flush=True); sys.stdin.read()", tmp_path)
    assert recorder.stdout
    recorder.stdout.readline()
    killed(recorder)
    recorded(tmp_path, event(7))

    assert load(tmp_path).events == (event(7),)


def test_a_second_recorder_of_one_process_is_refused(tmp_path):
    with Manifest(tmp_path), pytest.raises(RecordingError, match=r"This process is recording into .* already"):
        Manifest(tmp_path)


def test_a_lock_that_its_owner_removed_meanwhile_holds_nothing(tmp_path, monkeypatch):
    lock = fcntl.flock

    def late(file: int, how: int) -> None:
        monkeypatch.undo()
        (tmp_path / ".recorder").unlink()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with Manifest(tmp_path), pytest.raises(RecordingError):
        Manifest(tmp_path)


def test_a_folder_is_free_when_its_recorder_has_closed_it(tmp_path):
    recorded(tmp_path, event(1))
    recorded(tmp_path, event(2))

    assert load(tmp_path).events == (event(2),)


def test_of_processes_that_begin_together_one_records(tmp_path):
    code = "print('begun', flush=True); sys.stdin.read(); manifest.append([event(1)]); manifest.close()"
    several = [process(code, tmp_path) for _ in range(3)]
    begun = [one for one in several if one.stdout and one.stdout.readline()]
    for one in several:
        one.communicate()

    assert len(begun) == 1
    assert sorted(one.returncode for one in several) == [0, 1, 1]


def test_nothing_but_the_recording_stays_in_the_folder(tmp_path):
    recorded(tmp_path, event())

    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_parents_of_the_folder_are_made(tmp_path):
    recorded(tmp_path / "some" / "where", event())

    assert load(tmp_path / "some" / "where").events == (event(),)


def test_who_changes_the_directory_meanwhile_goes_on_recording(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Manifest(Path("here")) as manifest:
        monkeypatch.chdir("/")
        manifest.append([event()])

    assert load(tmp_path / "here").events == (event(),)
    assert [path.name for path in (tmp_path / "here").iterdir()] == [NAME]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RecordingError, match=r"can't be made in .*: Permission denied"):
        Manifest(tmp_path / "inside")


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"can't be made in .*: File exists"):
        Manifest(tmp_path / "file")


# The one before.


def rows(folder: Path, text: str) -> str:
    """Write rows of one text, and give their hash."""
    return store.write(folder, [RecordedColumn("v", 25)], [(pa.array([text]),)]).hash


def files(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "data").iterdir()}


def test_the_recording_before_stays_until_the_first_block(tmp_path):
    recorded(tmp_path, event(1))
    with Manifest(tmp_path) as manifest:
        before = load(tmp_path).events
        manifest.append([event(2)])

        assert (before, load(tmp_path).events) == ((event(1),), (event(2),))


def test_a_recorder_that_wrote_nothing_leaves_all_as_it_was(tmp_path):
    old = rows(tmp_path, "old")
    recorded(tmp_path, event(1, hash=old))
    recorded(tmp_path)

    assert (load(tmp_path).events, files(tmp_path)) == ((event(1, hash=old),), {old[:16]})


def test_files_that_are_not_named_are_removed_at_the_end(tmp_path):
    recorded(tmp_path, event(1, hash=rows(tmp_path, "old")))
    (tmp_path / "data" / "notes.parquet").touch()
    with Manifest(tmp_path) as manifest:
        new = rows(tmp_path, "new")
        manifest.append([event(2, hash=new)])
        meanwhile = len(files(tmp_path))

    assert (meanwhile, files(tmp_path)) == (3, {new[:16], "notes"})


def test_what_a_killed_writer_left_is_removed_at_the_next_start(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "0123456789abcdef-1-1.part").touch()
    Manifest(tmp_path).close()

    assert files(tmp_path) == set()


@pytest.mark.parametrize("text", ['title = "mine"\n', 'format = 1\ntitle = "mine"\n', "\0\udcff"])
def test_a_file_of_that_name_that_is_of_something_else_is_not_overwritten(tmp_path, text):
    (tmp_path / NAME).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RecordingError) as error:
        Manifest(tmp_path)

    assert str(error.value) == (
        f"{tmp_path / NAME} is not the manifest of a recording, and would be lost.\nHint: Name another folder."
    )
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [text.encode(errors="surrogateescape")]


@pytest.mark.parametrize(
    "text", ["", 'format = 1\n<<<<<<< HEAD\ncrdb_magic = "0.1.0"\n', 'format = 9\r\ncrdb_magic = ""']
)
def test_one_that_is_broken_is_recorded_again(tmp_path, text):
    (tmp_path / NAME).write_text(text, newline="")
    recorded(tmp_path, event())

    assert load(tmp_path).events == (event(),)


# What is no recording.

HEAD = f'format = {FORMAT}\ncrdb_magic = "0.1.0"\n# end\n'
EVENT = f'{HEAD}[[event]]\nnumber = 3\nconnection = 1\nread = "SELECT 1"\n'
BROKEN = "Hint: Take it from where the recording came from, or record again."
NOT_OURS = "Hint: Name a folder that %crdb_freeze has made."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"{{}} is not the manifest of a recording.\n{NOT_OURS}"),
        ("[project]\nname = 'a'", f"{{}} is not the manifest of a recording.\n{NOT_OURS}"),
        ('format = "1"', f"{{}} is not the manifest of a recording.\n{NOT_OURS}"),
        (
            "format = 2\n# end",
            "The recording {} has the format 2, of a newer crdb_magic than this one.\n"
            "Hint: Install that one, or record again.",
        ),
        (
            f"{HEAD}<<<<<<< HEAD\n# end",
            "The recording {} can't be read: Invalid statement (at line 4, column 1).\n" + BROKEN,
        ),
        (
            f"{HEAD}x = {'[' * 3000}\n# end",
            "The recording {} can't be read: maximum recursion depth exceeded.\n" + BROKEN,
        ),
        (f"{HEAD}\udcff\n# end", "The recording {} is not valid text in line 4.\n" + BROKEN),
        (f"{HEAD}event = 7\n# end", "The recording {} has invalid events.\n" + BROKEN),
        (f"{HEAD}event = [7]\n# end", "The recording {} has invalid events.\n" + BROKEN),
        (f"{HEAD}[event]\nnumber = 3\n# end", "The recording {} has invalid events.\n" + BROKEN),
        (f"{HEAD}connection = ['a']\n# end", "The recording {} has invalid connections.\n" + BROKEN),
        (
            f"{HEAD}[[event]]\nnumber = 3\nconnection = 1\ninstant = 'nonsense'\n# end",
            f"The recording {{}} has an invalid event 3: instant is invalid.\n{BROKEN}",
        ),
        *(
            (f"{EVENT}{field}\n# end", f"The recording {{}} has an invalid event 3: {why}.\n{BROKEN}")
            for field, why in [
                ('write = "INSERT"', "it should say one of read, write, instant, receipt"),
                ("rows = true", "rows is invalid"),
                ('as_of = "soon"', "as_of is invalid"),
                ('as_of = "NaN"', "as_of is invalid"),
                ("as_of = 17", "as_of is invalid"),
                ('hash = "../../../../etc/passwd"', "hash is invalid"),
                ('columns = [{ name = "a" }]', "columns is invalid"),
                ('columns = ["a"]', "columns is invalid"),
                ('columns = [{ name = "a", oid = 20, modifier = "x" }]', "columns is invalid"),
                *(
                    (f'columns = [{{ name = "a", {number} }}]', "columns is invalid")
                    for number in ("oid = 9999999999", "oid = -1", "oid = 20, modifier = 2147483648")
                ),
                *(
                    (f"facts = {facts}", "facts is invalid")
                    for facts in (
                        *("7", "{ more = 1 }", "{ text = 'a' }", "{ rows = [1] }", "{ statements = '1' }"),
                        *("{ elapsed = 'x' }", "{ elapsed = nan }", "{ elapsed = -1 }", "{ elapsed = true }"),
                        *("{ ended_at = 'x' }", "{ ended_at = '2026-11-27' }", "{ ended_at = 7 }"),
                        "{ ended_at = '0001-01-01T00:00:00+23:00' }",
                        *("{ as_of = 'x' }", "{ as_of = '7' }", "{ committed_at = '1e400000' }"),
                        *("{ retries = ['a'] }", "{ retries = [{ number = 1 }] }"),
                        "{ retries = [{ number = 1, message = 7 }] }",
                        "{ retries = [{ number = 1, message = 'a', more = 1 }] }",
                    )
                ),
                ("settings = [1]", "settings is invalid"),
                ("values = { a = 1 }", "values is invalid"),
                ('text = "a"', "text is unknown"),
                ("more = 1", "more is unknown"),
            ]
        ),
        (
            f'{HEAD}[[event]]\nread = "a"\n# end',
            "The recording {} has an invalid event without a number: number is missing.\n" + BROKEN,
        ),
        (
            f"{HEAD}[[connection]]\nnumber = 1\npassword = 'a'\n# end",
            "The recording {} has an invalid connection 1: password is unknown.\n" + BROKEN,
        ),
    ],
)
def test_what_is_no_recording_is_an_error_that_says_so(tmp_path, text, said):
    path = tmp_path / NAME
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RecordingError) as error:
        load(tmp_path)

    assert str(error.value) == said.format(path)


@pytest.mark.parametrize("name", ["", "missing", "file"])
def test_where_there_is_none_is_said(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError) as error:
        load(tmp_path / name)

    assert str(error.value) == f"There is no recording in {tmp_path / name}.\n{NOT_OURS}"


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path, monkeypatch):
    with Manifest(tmp_path) as manifest:
        manifest.append([event(1)])
        write, sizes = os.write, iter([10, 0])

        def full(file: int, data: memoryview) -> int:
            size = next(sizes)
            if not size:
                raise OSError(28, os.strerror(28))
            return write(file, data[:size])

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(RecordingError, match="can't be written: No space left on device"):
            manifest.append([event(2)])
        monkeypatch.undo()
        manifest.append([event(3)])

    assert tomllib.loads((tmp_path / NAME).read_text())["event"][1]["number"] == 3
