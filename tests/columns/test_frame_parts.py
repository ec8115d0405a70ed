"""The file of a frame is that of the query which it was read from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from column_texts import result_of
from pyarrow import parquet
from type_cases import GOLDEN, alike

from crdb_magic.columns.files import writer
from crdb_magic.columns.frames import to_frame
from crdb_magic.columns.lines import csv_of
from crdb_magic.transfer.exporting import export_frame

# These a frame spells in another way than the server did, or as another type: 2.50 is 2.5 in Python's JSON, an interval
# of a day less an hour is 23 hours, the elements of an array are quoted; texts of an enum are texts; nested lists JSON.
APART = {"TIMETZ", "INTERVAL", "INTERVAL[]", "JSONB", "JSON", "JSONB[]", "DECIMAL[]", "VECTOR", "VECTOR[]"}
NAMES = [name for name, golden in GOLDEN.items() if golden.cases and name not in APART]


@pytest.mark.parametrize("name", NAMES)
def test_the_values_of_a_type_are_those_of_the_querys_file(name, tmp_path: Path):
    result = result_of(GOLDEN[name].type, *[case.text for case in GOLDEN[name].cases], None)
    export_frame(to_frame(result), tmp_path / "frame.parquet")
    with writer(tmp_path / "query.parquet", result.columns, ()) as file:
        for batch in result.batches:
            file.write(csv_of(batch))
    made, asked = (parquet.read_table(tmp_path / f"{which}.parquet")["v"].to_pylist() for which in ("frame", "query"))

    assert alike(made, asked)


def test_a_decimal_has_the_digits_of_all_values_of_the_frame(tmp_path: Path):
    export_frame(pd.DataFrame({"v": [Decimal("1.50"), None, Decimal("-12.345")]}), tmp_path / "a.parquet")

    assert parquet.read_table(tmp_path / "a.parquet")["v"].type == pa.decimal128(5, 3)


def test_a_decimal_with_a_nan_is_text(tmp_path: Path):
    export_frame(pd.DataFrame({"v": [Decimal("1.50"), Decimal("NaN")]}), tmp_path / "a.parquet")

    assert parquet.read_table(tmp_path / "a.parquet")["v"].to_pylist() == ["1.50", "NaN"]


def test_its_csv_is_spelled_as_that_of_a_query(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "b": [True, False],
            "f": np.array([float("inf"), 0.5]),
            "g": np.array([0.1, 2], np.float32),
            "t": pd.to_datetime(["2026-11-23 10:11:12.5", None]),
            "s": ["", None],
        }
    )
    export_frame(frame, tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_text().splitlines() == [
        '"b","f","g","t","s"', 'true,Infinity,0.1,2026-11-23 10:11:12.5,""', "false,0.5,2,,"
    ]  # fmt: skip
