"""Facts about the files of rows: exact types for who opens one, and each text of the server exactly as it came."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pytest
from column_texts import EACH, SENDABLE, column_of
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from type_cases import GOLDEN, SOME

from crdb_magic.columns.arrow import TEXT
from crdb_magic.errors import RecordingError
from crdb_magic.frozen import store
from crdb_magic.frozen.events import RecordedColumn
from crdb_magic.frozen.store import Stored, clear, path_of, read, write

Column = list[str | None]
MONEY = (10 << 16 | 2) + 4  # DECIMAL(10,2)


def kept(folder: Path, columns: Sequence[RecordedColumn], *batches: tuple[Column, ...]) -> Stored:
    return write(folder, columns, [tuple(pa.array(one, TEXT) for one in batch) for batch in batches])


def texts(folder: Path, stored: Stored, columns: Sequence[RecordedColumn]) -> list[Column]:
    batches = list(read(folder, stored.hash, columns))
    return [[text for batch in batches for text in batch[place].to_pylist()] for place in range(len(columns))]


def schema(folder: Path, oid: int, *given: str | None, modifier: int = -1) -> Any:
    """Give the field of a column of these texts in its file."""
    stored = kept(folder, [RecordedColumn("v", oid, modifier)], (list(given),))
    return parquet.read_schema(path_of(folder, stored.hash)).field(0)


# What comes back.


@given(st.data(), st.lists(st.sampled_from(EACH), min_size=1, max_size=3), st.sampled_from([-1, MONEY]))
def test_each_text_comes_back_exactly(data, names, modifier):
    columns = [RecordedColumn(name, GOLDEN[name].type.oid, modifier) for name in names]
    given = [data.draw(column_of(name)) for name in names]
    end = min(map(len, given))
    with tempfile.TemporaryDirectory() as folder:
        stored = kept(Path(folder), columns, *([tuple([text] for text in row) for row in zip(*given, strict=False)]))

        assert texts(Path(folder), stored, columns) == [column[:end] for column in given]


def test_rows_of_no_columns_have_a_hash_and_a_file(tmp_path):
    stored = write(tmp_path, [], [(), ()])

    assert (stored.rows, list(read(tmp_path, stored.hash, []))) == (0, [])


def test_columns_of_no_rows_have_a_file(tmp_path):
    columns = [RecordedColumn("a", 20), RecordedColumn("b", 1700)]
    stored = write(tmp_path, columns, [])

    assert (stored.rows, texts(tmp_path, stored, columns)) == (0, [[], []])
    assert parquet.read_schema(path_of(tmp_path, stored.hash)).types == [pa.int64(), pa.decimal128(38, 0)]


def test_a_few_rows_may_come_as_tuples(tmp_path):
    columns = [RecordedColumn("a", 20), RecordedColumn("b", 25)]
    stored = write(tmp_path, columns, [(("1", None), ("a", "b"))])

    assert (stored.rows, texts(tmp_path, stored, columns)) == (2, [["1", None], ["a", "b"]])


# What is in the file.


def test_pandas_reads_exact_types(tmp_path):
    columns = {
        RecordedColumn("id", 20): "7",
        RecordedColumn("total", 1700, MONEY): "-1.50",
        RecordedColumn("rate", 701): "0.1",
        RecordedColumn("ok", 16): "t",
        RecordedColumn("day", 1082): "2026-06-01",
        RecordedColumn("at", 1184): "2026-06-01 12:00:00.5+00",
        RecordedColumn("id", 2950): SOME,
        RecordedColumn("data", 17): "\\x00ff",
        RecordedColumn("json", 3802): '{"a": 1}',
        RecordedColumn("tags", 1009): '{a,"b c",NULL}',
        RecordedColumn("sizes", 1016): "{1,2}",
        RecordedColumn("mood", 100_107): "ok",
    }
    stored = kept(tmp_path, list(columns), tuple([text] for text in columns.values()))
    frame = pd.read_parquet(path_of(tmp_path, stored.hash))

    assert frame.columns.tolist() == [
        *("id", "total", "rate", "ok", "day", "at", "id_1", "data", "json", "tags", "sizes", "mood"),
    ]
    assert [list(cell) if hasattr(cell, "tolist") and cell.ndim else cell for cell in frame.iloc[0]] == [
        *(7, Decimal("-1.50"), 0.1, True, dt.date(2026, 6, 1), pd.Timestamp("2026-06-01 12:00:00.5+00:00")),
        *(UUID(SOME), b"\x00\xff", '{"a": 1}', ["a", "b c", None], [1, 2], "ok"),
    ]


TYPED = [
    ("INT8", 20, ["1", "-9223372036854775808", None], pa.int64(), ""),
    ("DECIMAL", 1700, ["1.50", None, "-0.05"], pa.decimal128(38, 2), "PostgreSQL"),
    ("small DECIMAL of CockroachDB", 1700, ["1.00000000", "0E-8"], pa.decimal128(38, 8), "CockroachDB"),
    ("small DECIMAL of PostgreSQL", 1700, ["1.00000000", "0.00000000"], pa.decimal128(38, 8), "PostgreSQL"),
    ("FLOAT8 of PostgreSQL", 701, ["1000000", "1e+15", "1e-05", "NaN", "-0"], pa.float64(), "PostgreSQL"),
    ("FLOAT8 of CockroachDB", 701, ["1.234567e+06", "100000", "-Infinity"], pa.float64(), "CockroachDB"),
    (
        "FLOAT8 of PostgreSQL, large",
        701,
        ["3.2707786996989368e+16", "8.257195779252301e+16"],
        pa.float64(),
        "PostgreSQL",
    ),
    (
        "FLOAT8 of CockroachDB, large",
        701,
        ["3.270778699698937e+16", "8.2571957792523e+16"],
        pa.float64(),
        "CockroachDB",
    ),
    ("FLOAT4 of PostgreSQL, large", 700, ["9.8680064e+07"], pa.float32(), "PostgreSQL"),
    ("FLOAT4 of CockroachDB, large", 700, ["9.868006e+07"], pa.float32(), "CockroachDB"),
    ("FLOAT4", 700, ["0.1", "1e+06", "3.4028235e+38"], pa.float32(), "PostgreSQL"),
    ("TIMESTAMP", 1114, ["2026-06-01 12:00:00.5", "0001-01-01 00:00:00"], pa.timestamp("us"), ""),
    ("TIMESTAMPTZ", 1184, ["2026-06-01 12:00:00+00"], pa.timestamp("us", "UTC"), "+00"),
    ("TIMESTAMPTZ elsewhere", 1184, ["2026-06-01 12:00:00.25+05:30", None], pa.timestamp("us", "UTC"), "+05:30"),
    ("TIMESTAMPTZ in the west", 1184, ["2026-06-01 12:00:00-03"], pa.timestamp("us", "UTC"), "-03"),
    ("TIMESTAMPTZ[]", 1185, ['{"2026-06-01 12:00:00+02",NULL}'], pa.list_(pa.timestamp("us", "UTC")), "+02"),
    ("TIME", 1083, ["10:11:12.5", "00:00:00"], pa.time64("us"), ""),
    ("UUID", 2950, [SOME, None, SOME], pa.uuid(), ""),
    ("BYTES", 17, ["\\x", "\\x00ff"], pa.binary(), ""),
    ("DECIMAL[]", 1231, ["{1.50,NULL}", "{}", None], pa.list_(pa.decimal128(38, 2)), "PostgreSQL"),
    ("UUID[]", 2951, [f"{{{SOME}}}"], pa.list_(pa.string()), ""),
    ("STRING[]", 1009, ['{a,"b c","","NULL","\\"",NULL}'], pa.list_(pa.string()), ""),
]


@pytest.mark.parametrize(("oid", "given", "kind", "style"), [row[1:] for row in TYPED], ids=[row[0] for row in TYPED])
def test_a_column_has_the_type_of_its_values_where_they_tell_their_texts(tmp_path, oid, given, kind, style):
    field = schema(tmp_path, oid, *given)

    assert (field.type, field.metadata.get(b"style", b"").decode()) == (kind, style)
    assert b"kept_as" not in field.metadata


UNTYPED = [
    ("INT8", 20, ["1", "007"]),
    ("DECIMAL of several scales", 1700, ["1.5", "1.50"]),
    ("DECIMAL", 1700, ["1.5", "NaN"]),
    ("DECIMAL", 1700, ["1E+10"]),
    ("DATE", 1082, ["2026-06-01", "infinity"]),
    ("DATE", 1082, ["0044-03-15 BC"]),
    ("TIMESTAMPTZ of several offsets", 1184, ["2026-06-01 12:00:00+02", "2026-01-01 12:00:00+01"]),
    ("BYTES", 17, ["\\x00", "a\\000"]),
    ("UUID", 2950, [SOME, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]),
    ("INTERVAL", 1186, ["1 mon"]),
    ("INT8[]", 1016, ["{1}", "{{1,2},{3,4}}"]),
    ("INT8[]", 1016, ["[2:3]={1,2}"]),
]


@pytest.mark.parametrize(("name", "oid", "given"), UNTYPED, ids=[f"{name} {given[-1]}" for name, _, given in UNTYPED])
def test_a_column_that_can_not_tell_its_texts_is_kept_as_them_and_says_so(tmp_path, name, oid, given):
    field = schema(tmp_path, oid, *given)

    assert (field.type, field.metadata[b"kept_as"].decode()) == (pa.string(), "the server's text")
    assert (field.metadata[b"type"].decode(), field.metadata[b"oid"].decode()) == (name.partition(" ")[0], str(oid))


# The hash.


def hash_of(columns: Sequence[RecordedColumn], *batches: tuple[Column, ...]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return kept(Path(folder), columns, *batches).hash


def test_the_hash_is_the_same_for_ever():
    columns = [RecordedColumn("id", 20), RecordedColumn("name", 25)]

    assert hash_of(columns, (["1", None], ["é", ""])) == (
        "d78d9d68c4836f16606afb9468b96c4f38e0a2d9a27e61c0c0ea7c2f82e1867b"
    )


@given(st.data())
def test_the_hash_does_not_depend_on_batches_slices_or_what_is_behind_a_null(data):
    given = data.draw(st.lists(st.none() | SENDABLE, max_size=6))
    ends = sorted(data.draw(st.lists(st.integers(0, len(given)), max_size=3)))
    whole = pa.array(given, TEXT)
    behind = pa.array([text or "behind" for text in given], TEXT)
    masked = pa.Array.from_buffers(TEXT, len(given), [whole.is_valid().buffers()[1], *behind.buffers()[1:]])
    with tempfile.TemporaryDirectory() as folder:
        parts = [
            (data.draw(st.sampled_from([whole, masked] if "" not in given else [whole])).slice(start, end - start),)
            for start, end in zip([0, *ends], [*ends, len(given)], strict=True)
        ]
        stored = write(Path(folder), [RecordedColumn("v", 25)], parts)

        assert stored == Stored(hash_of([RecordedColumn("v", 25)], (given,)), len(given))


DIFFERENT = [
    ([RecordedColumn("a", 25)], [["a", "b"]]),
    ([RecordedColumn("b", 25)], [["a", "b"]]),
    ([RecordedColumn("a", 1043)], [["a", "b"]]),
    ([RecordedColumn("a", 25, 5)], [["a", "b"]]),
    ([RecordedColumn("a", 25)], [["b", "a"]]),
    ([RecordedColumn("a", 25)], [["ab", ""]]),
    ([RecordedColumn("a", 25)], [["ab", None]]),
    ([RecordedColumn("a", 25)], [[None, "ab"]]),
    ([RecordedColumn("a", 25)], [["ab"]]),
    ([RecordedColumn("a", 25)], [[]]),
    ([RecordedColumn("a", 25), RecordedColumn("a", 25)], [["a", "b"], ["", ""]]),
    ([RecordedColumn("a", 25), RecordedColumn("a", 25)], [["", ""], ["a", "b"]]),
    ([], []),
]


def test_the_hash_of_each_other_answer_is_another():
    hashes = {hash_of(columns, *([tuple(given)] if given else [])) for columns, given in DIFFERENT}

    assert len(hashes) == len(DIFFERENT)


def test_the_file_is_named_by_the_hash(tmp_path):
    stored = kept(tmp_path, [RecordedColumn("v", 20)], (["1"],))

    assert [path.name for path in (tmp_path / "data").iterdir()] == [f"{stored.hash[:16]}.parquet"]


# Files.

COLUMNS = [RecordedColumn("v", 20)]


def test_a_file_that_is_there_already_is_kept(tmp_path):
    path = path_of(tmp_path, kept(tmp_path, COLUMNS, (["1"],)).hash)
    before = path.stat()
    kept(tmp_path, COLUMNS, (["1"],))

    assert path.stat() == before


@pytest.mark.parametrize("wrong", [b"", b"PAR1", b"x" * 100], ids=["empty", "torn", "other"])
def test_a_file_that_is_there_and_broken_is_written_anew(tmp_path, wrong):
    stored = kept(tmp_path, COLUMNS, (["1"],))
    path_of(tmp_path, stored.hash).write_bytes(wrong)
    kept(tmp_path, COLUMNS, (["1"],))

    assert texts(tmp_path, stored, COLUMNS) == [["1"]]


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    def batches():
        yield (pa.array(["1"]),)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, COLUMNS, batches())

    assert list((tmp_path / "data").iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        kept(tmp_path, COLUMNS, (["1"],))

    assert list((tmp_path / "data").iterdir()) == []


def test_more_than_the_memory_should_hold_waits_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_IN_MEMORY", 100)
    monkeypatch.setattr(store, "_GROUP", 1000)
    given = [str(number) for number in range(1000)]
    stored = kept(tmp_path, COLUMNS, *([given[start : start + 10]] for start in range(0, 1000, 10)))

    assert texts(tmp_path, stored, COLUMNS) == [given]
    assert parquet.ParquetFile(path_of(tmp_path, stored.hash)).num_row_groups > 1


def changed(folder: Path, name: str) -> str:
    """Make a file and do something to it; give the hash under which it is asked for."""
    stored = kept(folder, COLUMNS, (["1", "2"],))
    path = path_of(folder, stored.hash)
    if name == "missing":
        path.unlink()
    elif name == "torn":
        path.write_bytes(path.read_bytes()[:-20])
    elif name == "damaged":
        data = bytearray(path.read_bytes())
        data[8] ^= 0xFF
        path.write_bytes(data)
    elif name == "another":
        path.write_bytes(path_of(folder, kept(folder, COLUMNS, (["1", "3"],)).hash).read_bytes())
    elif name == "wider":
        parquet.write_table(pa.table({"v": [1, 2], "w": [1, 2]}), path)
    elif name == "strange":
        parquet.write_table(pa.table({"v": [{"a": 1}, {"a": 2}]}), path)
    return stored.hash


AGAIN = "Hint: Take it from where the recording came from, or record again."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "is missing"),
        ("torn", "can't be read"),
        ("damaged", "can't be read"),
        ("another", "was changed since it was recorded"),
        ("wider", "can't be read"),
        ("strange", "can't be read"),
    ],
)
def test_a_file_that_does_not_hold_what_was_recorded_is_an_error_before_the_first_row(tmp_path, name, said):
    hash_ = changed(tmp_path, name)
    with pytest.raises(RecordingError) as error:
        next(read(tmp_path, hash_, COLUMNS))

    assert str(error.value) == f"The recording's file {path_of(tmp_path, hash_)} {said}.\n{AGAIN}"


def test_a_file_that_is_asked_for_by_other_columns_is_an_error(tmp_path):
    stored = kept(tmp_path, COLUMNS, (["1"],))
    with pytest.raises(RecordingError, match="was changed"):
        list(read(tmp_path, stored.hash, [RecordedColumn("w", 20)]))


def test_what_nobody_names_is_cleared_away_and_nothing_that_is_not_ours(tmp_path):
    one, other = kept(tmp_path, COLUMNS, (["1"],)), kept(tmp_path, COLUMNS, (["2"],))
    (tmp_path / "data" / f"{one.hash[:16]}-1-1.part").touch()
    others = {"mine.parquet", "big.csv.part", "0123456789abcdef.part", "0123456789abcdef-1-1.part.txt"}
    for name in others:
        (tmp_path / "data" / name).touch()
    clear(tmp_path)
    after = {path.name for path in (tmp_path / "data").iterdir()}
    clear(tmp_path, {other.hash})
    files = {f"{stored.hash[:16]}.parquet" for stored in (one, other)}

    assert (after, {path.name for path in (tmp_path / "data").iterdir()}) == (
        others | files,
        others | {f"{other.hash[:16]}.parquet"},
    )
