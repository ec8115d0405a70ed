"""A column is sent as its type takes it: what is right goes as it is, whatever Arrow's type; all else is looked at."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from column_texts import arrow

from crdb_magic.columns import encode_limits
from crdb_magic.columns.encode import Load

INFINITY, NAN = float("inf"), float("nan")


def sent(column: object, type_: str) -> list[str]:
    load = Load.of(pd.DataFrame({"c": column}), {"c": type_})
    return "".join(text.getvalue().decode() for _, text in load.chunks()).splitlines()


@pytest.mark.parametrize(
    ("column", "type_", "lines"),
    [
        ([Decimal("1.239"), None], "DECIMAL(10,2)", ['"1.24"', ""]),
        ([1.239, 2.5], "DECIMAL(10,2)", ['"1.24"', '"2.50"']),
        (["1e3", "NaN"], "DECIMAL(10,2)", ['"1000.00"', '"NaN"']),
        ([[Decimal("1.25")], None], "DECIMAL(4,1)[]", ['"{""1.3""}"', ""]),
        ([[[1.25]], [[1]]], "DECIMAL(4,1)[]", ['"{{""1.3""}}"', '"{{""1.0""}}"']),
        (["010", None], "INT8", ['"10"', ""]),
        (["{010}", "{1}", "no array"], "INT8[]", ['"{""10""}"', '"{1}"', '"no array"']),
        ([0.1, None, NAN, INFINITY, 0.0], "REAL", ["0.10000000149011612", "", "", "inf", "0"]),
        (arrow(pa.float64(), NAN, -0.0), "REAL", ["nan", "-0"]),
        ([16777217], "REAL", ["16777216"]),
        (pd.Series([0.1], dtype="float32"), "FLOAT8", ["0.10000000149011612"]),
        (["1" * 2000], "BIT(2000)", [f'"{"1" * 2000}"']),
        (["0.1", "x"], "REAL", ['"0.10000000149011612"', '"x"']),
        ([[0.1, np.float32(0.5)]], "REAL[]", ['"{""0.10000000149011612"",""0.5""}"']),
    ],
)
def test_what_a_server_may_not_round_is_rounded_before(column, type_, lines):
    assert sent(column, type_) == lines


@pytest.mark.parametrize(
    ("column", "type_"),
    [
        (["abc", "größe"[:3], None, ""], "VARCHAR(3)"),
        ([1, 12], "VARCHAR(2)"),
        ([None, None], "VARCHAR(3)"),
        ([], "BIT(3)"),
        (["101", None], "BIT(3)"),
        ([["a"], []], "VARCHAR(9)[]"),
        ([1.5, None], "DECIMAL(10,2)"),
        ([1, 2], "DECIMAL(10,2)"),
        ([Decimal("1.5")], "DECIMAL(76,2)"),
        ([1, 2], "INT4"),
        (["1", "-20", "0"], "INT4"),
        ([1.0, None], "INT8"),
        ([[1, None], [], None], "INT8[]"),
        ([0.5, None, INFINITY], "REAL"),
    ],
)
def test_what_arrow_sees_to_be_right_is_not_looked_at_one_by_one(column, type_, monkeypatch):
    monkeypatch.delattr(encode_limits, "_one_by_one")

    assert len(sent(column, type_)) == len(column)


@pytest.mark.parametrize(("type_", "text"), [("DECIMAL(100,2)", "1.50"), ("DECIMAL(100)", "2"), ("DECIMAL(3,-1)", "0")])
def test_a_decimal_that_arrow_has_no_type_for_is_rounded_too(type_, text):
    assert sent(["1.5"], type_) == [f'"{text}"']
