"""What a column takes: a value is stored as an INSERT would, or refused by row and column, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from crdb_magic.errors import InputError
from crdb_magic.transfer.loading import Mode, Writing, write


@pytest.fixture(params=["fail", "append", "upsert"])
def put(request, session, sql, name) -> Callable[[str, object], None]:
    """Write a column into a table with a column of a type, that there is or that is made."""

    def written(type_: str, column: object) -> None:
        if request.param != "fail":
            session.run(sql(f"CREATE TABLE {name} (i INT8 PRIMARY KEY, v {type_})"))
        frame = pd.DataFrame({"v": column})
        asked = {"key": "i", "dtypes": {"v": type_}} if request.param == "fail" else {}
        write(session, frame.assign(i=range(len(frame))), Writing(table=name, mode=Mode(request.param), **asked))

    return written


@pytest.fixture
def stored(rows, name) -> Callable[[], list[str | None]]:
    return lambda: [value for (value,) in rows(f"SELECT v FROM {name} ORDER BY i")]


NUMBERS = [Decimal("1.005"), Decimal("-1.005"), Decimal("7"), None, Decimal("99999999.994")]
ROUNDED = ["1.01", "-1.01", "7.00", None, "99999999.99"]
KEPT = {
    "VARCHAR": ("VARCHAR(3)", ["abc", "größe"[:3], "", None], ["abc", "grö", "", None]),
    "elements of a VARCHAR": ("VARCHAR(2)[]", [["ab", None], [], None], ["{ab,NULL}", "{}", None]),
    "elements of a CHAR": ("CHAR(2)[]", [["ab"]], ["{ab}"]),
    "a VARCHAR of another kind": ("VARCHAR(3)", [123, 4], ["123", "4"]),
    "BIT": ("BIT(3)", ["101", None], ["101", None]),
    "VARBIT": ("BIT VARYING(3)", ["1", "101", ""], ["1", "101", ""]),
    "elements of a BIT": ("BIT(3)[]", [["101"]], ["{101}"]),
    "DECIMAL": ("DECIMAL(10,2)", NUMBERS, ROUNDED),
    "DECIMAL of texts": ("DECIMAL(10,2)", ["1.005", "1e-9", "NaN"], ["1.01", "0.00", "NaN"]),
    "DECIMAL of floats": ("DECIMAL(10,2)", [1.239, 1e7, None], ["1.24", "10000000.00", None]),
    "DECIMAL of integers": ("DECIMAL(4,1)", [7, -999], ["7.0", "-999.0"]),
    "DECIMAL of Arrow": (
        "DECIMAL(5)",
        pd.Series([Decimal("1.50")], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
        ["2"],
    ),
    "elements of a DECIMAL": ("DECIMAL(4,1)[]", [[Decimal("1.25"), None, 2]], ["{1.3,NULL,2.0}"]),
    "integers": ("INT8", ["010", "-007", " 5 ", None], ["10", "-7", "5", None]),
    "integers of four bytes": ("INT4", ["08"], ["8"]),
    "elements of integers": ("INT8[]", ["{010,NULL}", "{1}"], ["{10,NULL}", "{1}"]),
    "REAL": ("REAL", [0.1, None, float("inf")], ["0.1", None, "Infinity"]),
    "elements of a REAL": ("REAL[]", [[0.1]], ["{0.1}"]),
    "FLOAT8 of float32": ("FLOAT8", pd.Series([0.1], dtype="float32"), ["0.10000000149011612"]),
}


@pytest.mark.parametrize(("type_", "column", "texts"), KEPT.values(), ids=KEPT)
def test_what_a_column_takes_is_stored_as_an_insert_stores_it(put, stored, type_, column, texts):
    put(type_, column)

    assert stored() == texts


@pytest.mark.parametrize("type_", ["REAL", "FLOAT4"])
def test_a_double_in_a_column_of_four_bytes_is_rounded(put, rows, name, type_):
    put(type_, [0.1, 0.5])

    assert rows(f"SELECT v::FLOAT8 = 0.10000000149011612 FROM {name} WHERE i = 0") == [("t",)]


REFUSED = {
    "VARCHAR": ("VARCHAR(3)", ["a", "long text"], "'long text'", "3 characters at most"),
    "a blank is a character": ("VARCHAR(3)", ["a", "abc "], "'abc '", "3 characters at most"),
    "CHAR": ("CHAR(2)", ["a", "abc"], "'abc'", "2 characters at most"),
    "CHAR alone": ("CHAR", ["a", "ab"], "'ab'", "1 character at most"),
    "VARCHAR of numbers": ("VARCHAR(2)", [1, 123], "'123'", "2 characters at most"),
    "elements of a VARCHAR": ("VARCHAR(2)[]", [["ab"], ["a", "abc"]], "'{\"a\",\"abc\"}'", "2 characters at most"),
    "elements of a CHAR": ("CHAR(2)[]", [["ab"], ["abc"]], "'{\"abc\"}'", "2 characters at most"),
    "BIT too short": ("BIT(3)", ["101", "10"], "'10'", "3 bits"),
    "BIT too long": ("BIT(3)", ["101", "1010"], "'1010'", "3 bits"),
    "VARBIT": ("VARBIT(3)", ["1", "1010"], "'1010'", "3 bits at most"),
    "elements of a BIT": ("BIT(3)[]", [["101"], ["1"]], "'{\"1\"}'", "3 bits"),
    "DECIMAL": ("DECIMAL(10,2)", [1, Decimal("1e20")], r"'1E\+20'", r"numbers below 10\^8"),
    "DECIMAL rounded up": ("DECIMAL(4,2)", ["1", "99.995"], r"'99\.995'", r"numbers below 10\^2"),
    "DECIMAL of floats": ("DECIMAL(10,2)", [1.0, 1e8], r"'100000000'", r"numbers below 10\^8"),
    "elements of a DECIMAL": ("DECIMAL(4,1)[]", [[1], [1000]], r"'\{1000\}'", r"numbers below 10\^3"),
    "octal digits": ("INT8", ["1", "0x1F"], "'0x1F'", "integers alone, in decimal digits"),
    "underscores": ("INT8", ["1", "1_000"], "'1_000'", "integers alone"),
    "no number": ("INT4", ["1", "x"], "'x'", "integers alone"),
    "elements of integers": ("INT8[]", [["1"], ["0x1F"]], "'{\"0x1F\"}'", "integers alone"),
    "REAL": ("REAL", [1.5, 1e39], "'1e\\+39'", "numbers from"),
    "REAL to nothing": ("REAL", [1.5, 1e-50], "'1e-50'", "numbers from"),
}  # fmt: skip


@pytest.mark.parametrize(("type_", "column", "value", "takes"), REFUSED.values(), ids=REFUSED)
def test_what_a_column_does_not_take_is_refused_by_row_and_column(put, type_, column, value, takes):
    with pytest.raises(
        InputError, match=rf"^Column 'v' holds {value} in row 1 \(df\.iloc\[1\]\), and .* takes {takes}"
    ):
        put(type_, column)


def test_a_char_is_not_longer_for_its_blanks(put, stored):
    put("CHAR(3)", ["ab     "])

    assert stored()[0].rstrip(" ") == "ab"


def test_the_table_s_own_type_says_what_fits_whatever_type_is_given(session, sql, name):
    session.run(sql(f"CREATE TABLE {name} (v VARCHAR(3))"))

    with pytest.raises(InputError, match="3 characters at most"):
        write(session, pd.DataFrame({"v": ["long"]}), Writing(table=name, mode=Mode.APPEND, dtypes="v=TEXT"))


def test_a_long_text_is_not_shown_whole(session, name):
    with pytest.raises(InputError, match=rf"'{'x' * 60}…'"):
        write(session, pd.DataFrame({"v": ["x" * 1000]}), Writing(table=name, dtypes="v=VARCHAR(3)"))
