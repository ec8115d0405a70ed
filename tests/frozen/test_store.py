"""Facts about the files of rows: exact types for who opens one, and each text of the server exactly as it came."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from column_texts import column_of
from hypothesis import given
from hypothesis import strategies as st
from type_cases import GOLDEN

from crdb_magic.columns.arrow import TEXT
from crdb_magic.frozen.events import Heading
from crdb_magic.frozen.store import Stored, read, write


def kept(folder: Path, columns: list[Heading], *batches: tuple[list[str | None], ...]) -> Stored:
    return write(folder, columns, [tuple(pa.array(one, TEXT) for one in batch) for batch in batches])


def texts(folder: Path, stored: Stored, columns: list[Heading]) -> list[list[str | None]]:
    batches = list(read(folder, stored.hash, columns))
    return [[text for batch in batches for text in batch[place].to_pylist()] for place in range(len(columns))]


@pytest.mark.parametrize("name", [name for name, golden in GOLDEN.items() if golden.cases])
@given(data=st.data())
def test_each_text_comes_back_exactly(name, data):
    columns, given = [Heading("v", GOLDEN[name].type.oid)], data.draw(column_of(name))
    end = data.draw(st.integers(0, len(given)))
    with tempfile.TemporaryDirectory() as folder:
        stored = kept(Path(folder), columns, (given[:end],), (given[end:],))

        assert texts(Path(folder), stored, columns) == [given]
