"""Result -> polars: no value is lost, whatever polars has types for."""

from __future__ import annotations

import pandas as pd
import pytest
from column_texts import result_of, result_of_rows
from type_cases import GOLDEN, MOOD, alike

from crdb_magic.columns.encode import Load
from crdb_magic.columns.polars_frame import to_polars
from crdb_magic.columns.results import Column, Result
from crdb_magic.columns.sources import as_frame
from crdb_magic.columns.tables import to_arrow
from crdb_magic.values.decode import Interval

polars = pytest.importorskip("polars")

CASES = [(name, case) for name, golden in GOLDEN.items() for case in golden.cases + golden.odd]


def expected(case):
    """Give what Arrow's column holds, of what polars has no type for the text."""
    first = case.arrow[0] if isinstance(case.arrow, list) and case.arrow else case.arrow
    return case.text if isinstance(first, Interval) or case.text == "1" * 40 else case.arrow


@pytest.mark.parametrize("rows", [2, 100], ids=["few", "many"])
@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name} {case.text:.40}" for name, case in CASES])
def test_a_text_becomes_a_value_of_polars(name, case, rows):
    frame = to_polars(result_of(GOLDEN[name].type, *[case.text, None] * (rows // 2)))

    assert alike(frame["v"].to_list()[:2], [expected(case), None])


@pytest.mark.parametrize(
    ("name", "text", "dtype"),
    [
        ("INT8", "1", "Int64"),
        ("FLOAT8", "1", "Float64"),
        ("DECIMAL", "1.50", "Decimal(precision=38, scale=2)"),
        ("STRING", "a", "String"),
        ("UUID", "63616665-6630-3064-6465-616462656566", "String"),
        ("JSONB", "{}", "String"),
        ("DATE", "2026-11-23", "Date"),
        ("TIMESTAMPTZ", "2026-11-23 10:11:12+00", "Datetime(time_unit='us', time_zone='UTC')"),
        ("INTERVAL", "1 day", "Duration(time_unit='us')"),
        ("INTERVAL", "1 mon", "String"),
        ("ENUM", "ok", "Enum(categories=['sad', 'ok', 'so, \"so\"'])"),
        ("INT8[]", "{1}", "List(Int64)"),
    ],
)
def test_the_type_of_a_column(name, text, dtype):
    assert str(to_polars(result_of(GOLDEN[name].type, text))["v"].dtype) == dtype


def test_an_enum_is_sorted_as_it_was_declared():
    assert to_polars(result_of(MOOD, "ok", "sad", None)).sort("v", nulls_last=True)["v"].to_list() == [
        "sad",
        "ok",
        None,
    ]


def test_names_are_those_of_a_frame():
    columns = [Column("id", GOLDEN["INT8"].type), Column("id", GOLDEN["INT8"].type)]

    assert to_polars(result_of_rows(columns, ["1", "2"])).columns == ["id", "id_1"]


@pytest.mark.parametrize("result", [Result("SELECT 2", (), (), 2), Result("UPDATE 1")], ids=["rows", "none"])
def test_a_result_without_columns_has_none(result):
    assert to_polars(result).columns == []


@pytest.mark.parametrize("name", [name for name, golden in GOLDEN.items() if golden.cases and name != "JSONB[]"])
def test_it_is_written_as_arrows_table_is(name):
    golden = GOLDEN[name]
    result = result_of(golden.type, *golden.texts, None)

    assert written(to_polars(result)) == written(to_arrow(result).to_pandas(types_mapper=pd.ArrowDtype))


def written(source):
    return b"".join(text.getvalue() for _, text in Load.of(as_frame(source)).chunks())
