"""Writes docs/types.md from the golden values; what the page says of a type is what happens to them.

Run by hand: ``.venv/bin/python tests/types_page.py``, which says what has no golden values yet. `test_types_page` fails
while the page says something else.
"""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from column_texts import ARROW, EVERYDAY, EVERYDAY_ARROW, result_of
from type_cases import ARRAYS, GOLDEN, Case, Golden

from crdb_magic.columns.encode import Load
from crdb_magic.columns.frame_options import EXACT
from crdb_magic.columns.frames import records, to_frame
from crdb_magic.columns.tables import to_arrow
from crdb_magic.values.typemap import BUILTIN, Family

PAGE = Path(__file__).parents[1] / "docs" / "types.md"

ALIASES = {
    "INT8": "INT, BIGINT, INT64, SERIAL",
    "INT4": "INTEGER on PostgreSQL",
    "INT2": "SMALLINT",
    "FLOAT8": "FLOAT, DOUBLE PRECISION",
    "FLOAT4": "REAL",
    "DECIMAL": "NUMERIC, DEC",
    "STRING": "TEXT, COLLATE …",
    "CHAR": "CHARACTER",
    "BYTES": "BYTEA, BLOB",
    "BOOL": "BOOLEAN",
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "TIMETZ": "TIME WITH TIME ZONE",
    "RECORD": "TUPLE, ROW(…)",
    "ENUM": "CREATE TYPE … AS ENUM",
    "DOMAIN": "CREATE DOMAIN … AS INT4: as its base",
    "UNKNOWN": "NULL without a type",
}

_HEAD = """\
# Types

What a column of each SQL type becomes. [Each is tested](#how-this-page-is-made) by reading and writing it.

- **Python** is the type in records (tuples). NULL is `None`.
- **pandas** has two back-ends. With NumPy, NULL is `pandas.NA`, `NaT`, or NaN in `str`; among objects it is `None`,
  and in JSON `pandas.NA`, since JSON null is `None`. With Arrow it is `pandas.NA`. NaN is a value in both.
- **Arrow** is the type in a `pyarrow.Table`. If the Arrow back-end of pandas uses another one, it is named.
- **written as** is the type that a new table gets for such a column, from the NumPy back-end and, if different, the
  Arrow back-end. An existing table takes the values in its own types.

Each type stays the same with NULLs and without rows.

"""
_ARRAYS = """\

The scale of a DECIMAL is the declared scale of its column, otherwise the largest scale among its values; above
38 digits it is `decimal256`, above 76 text. Enums and domains have a different OID in each database.

## Arrays

Lists of the same values. With more than one dimension they are nested lists in Python, text in Arrow.

"""
_EXACT = """\

## What is exact text, and why

A value that the Python type cannot hold is returned as the server wrote it, and its column has objects (in Arrow,
text: timestamps in UTC). Nothing is truncated, rounded or made infinite. A value that is not in the format of its type
at all, from an older or newer server, is kept as that text too; a warning (`ExactTextWarning`) names its column.

"""
_IN_ARROW = """\

Python can hold these, and so can the NumPy back-end, as objects; Arrow has text for them:

"""
_PARTS = """\

TIMETZ is always text in Arrow, which has no time with an offset; so is JSON, as the type `arrow.json`. One
interval with months (or too long for 64 bits of microseconds) makes its whole column `Interval`s, in Arrow
`month_day_nano_interval`. An enum label added after the session first saw the enum makes the column text.

If rows come in parts (`db.frames`, `db.export`), each part has the types that its own values need: a DECIMAL without
declared digits has the scale of its part, and an INTERVAL may be a `timedelta` in one part and an `Interval` in the
next. A file has one type for all rows, so in Parquet and Arrow files these two are text; `::DECIMAL(12, 2)` gives
numbers. UUIDs in arrays are text in files too: pandas can't read Arrow UUIDs in a list. In a CSV file NULL is nothing
and an empty string is `""`; with a single column both are `""`, since readers skip blank lines. A BOOL
is `true` or `false` there.
A DataFrame's file (`%crdb_export df prices.parquet`) is like that of a table; a DECIMAL has the digits of its values.

A polars DataFrame (`--as polars`, `db.polars`) has the types that polars makes of Arrow's: UUID and JSON are text,
intervals with months and decimals of more than 38 digits are exact text, and an enum is an `Enum` of its labels.

A CHAR(n) comes without its blank padding, whichever server and path it comes from. As a Python value a FLOAT4
is the number that its shortest text denotes (0.1), in a column the nearest 32-bit float.
"""
_WRITING = """\
## What settings change

A connection sets `intervalstyle`, `datestyle`, `extra_float_digits` and `bytea_output` to what can be read exactly,
whatever the defaults of the server, the database and the role are. What you set yourself takes effect:

- Under another `datestyle` or `intervalstyle` the columns that it affects are refused (`ResultTypeError`): nobody
  should have to guess what 01/02/2026 means.
- With fewer `extra_float_digits` the server rounds floats, and you get the rounded values.
- `bytea_output = 'escape'` can be read; CockroachDB's `'base64'` can't be told from it, and is not supported.
- Timestamps are in UTC whatever the time zone. It still decides which `TIMESTAMP` and `DATE` the server makes of them.

## How it is written back

- In an existing table, each value is converted to its column's type: the text of a UUID or timestamp becomes
  a UUID or timestamp again, and a float without a fraction an integer; one with a fraction is refused, not rounded. So
  each value above, exact text included, comes back as it was.
- A DATE takes midnight (in its own zone, if it has one); a timestamp with another time of day is refused, not
  truncated. A TIMESTAMP takes a TIMESTAMPTZ as its time in UTC. Otherwise a column takes what INSERT would store:
  the server rounds to the digits of `DECIMAL(10, 2)` or `TIMESTAMP(0)`, and a TIME takes the time of a timestamp.
- For JSON, a `str` column (or an Arrow string column) is taken as JSON text. A string in an `object`
  column is a JSON string, since that is what reading a JSON column into Python values gives. To have such strings
  parsed as JSON, convert the column: `df["doc"].astype("str")`.
- In a new table a string column is TEXT; `dtypes` gives a column another type.
- Nested lists are JSONB in a new table: CockroachDB has no nested arrays. In an existing PostgreSQL array column, or
  one that `dtypes` names, they are stored as arrays.
- An `Interval` is written as the server writes it (`str(value)`); to add one to timestamps use
  `pandas.DateOffset(months=i.months, days=i.days, microseconds=i.microseconds)`.
- A DECIMAL keeps its digits, and NaN stays NaN. SQL NULL and JSON null stay what they are.

## How this page is made

It is generated from the golden values of [tests/type_cases.py](../tests/type_cases.py)
(`.venv/bin/python tests/types_page.py`); a test checks that the page is current. The same values are
read from a server, by SELECT and by COPY, and written back.
"""
_FOR_PANDAS = """\

## What pandas computes with

Exact is the default. But `plot`, `describe`, `* 1.1`, `.dt` and `resample` need floats and `datetime64`.
`--numbers float` and `--dates datetime64` on a cell, `%config CrdbMagic.numbers` and `CrdbMagic.dates` for all cells,
or `db.frame(…, numbers="float", dates="datetime64")` and `db.frames` read two types differently:

"""
_LOST = """\

- A float is the nearest 64-bit one: it holds 15 to 17 digits. Further digits are lost, and so are trailing zeros
  (1.50 is 1.5); summing floats is not exact to the cent. Beyond 1.8e308 it is infinite, below 5e-324 zero.
- NULL stays distinct from NaN and ±Infinity: it is `pandas.NA`, they are values.
- A date becomes its midnight, NULL is `NaT`. A column with a date that is infinite or outside the years 1
  to 9999 keeps all its dates and exact text; a warning (`ExactTextWarning`) names it.
- Values in arrays and JSON stay exact, and so do rows, Arrow tables and files.

"""
_COLUMNS = ("SQL", "also", "OID, array", "Python", "pandas, NumPy", "Arrow", "written as")


def page() -> str:
    """Make the page."""
    scalars = {name: golden for name, golden in GOLDEN.items() if name not in ARRAYS}
    exact = _table(("SQL", "in all forms"), _texts_where(lambda case: case.text == case.value))
    arrows = _table(("SQL", "in Arrow"), _texts_where(lambda case: case.text == case.table != case.value))
    parts = _HEAD, _table(_COLUMNS, _rows(scalars)), _ARRAYS, _table(_COLUMNS, _rows(ARRAYS))
    computed = _FOR_PANDAS, _table(("SQL", "pandas, NumPy", "pandas, Arrow"), _everyday_rows()), _LOST
    return "".join((*parts, _EXACT, exact, _IN_ARROW, arrows, _PARTS, *computed, _WRITING))


def _everyday_rows() -> list[Sequence[str]]:
    """Give the types that are read in another way."""
    rows = []
    for name, golden in GOLDEN.items():
        result = result_of(golden.type, *golden.texts[:1])
        plain, *computed = (to_frame(result, form)["v"].dtype for form in (EXACT, EVERYDAY, EVERYDAY_ARROW))
        if computed[0] != plain:
            rows.append((f"**{_code(name)}**", *(_code(str(dtype)) for dtype in computed)))
    return rows


def _rows(goldens: dict[str, Golden]) -> list[Sequence[str]]:
    return [_row(name, golden) for name, golden in goldens.items()]


def _row(name: str, golden: Golden) -> Sequence[str]:
    result = result_of(golden.type, *golden.texts[:1])
    numpy, arrow = to_frame(result), to_frame(result, ARROW)
    kind, shown = str(to_arrow(result)["v"].type), str(arrow["v"].dtype).removesuffix("[pyarrow]")
    return (
        f"**{_code(name)}**",
        ALIASES.get(name, ""),
        _oids(golden),
        _code(_python(golden)),
        _code(_dtype(numpy["v"].dtype)),
        _code(kind) + ("" if kind == shown else f"; pandas {_code(shown)}"),
        " / ".join(dict.fromkeys(_code(_written(frame)) for frame in (numpy, arrow))),
    )


def _dtype(dtype: Any) -> str:
    return "category (ordered)" if str(dtype) == "category" else str(dtype)


def _oids(golden: Golden) -> str:
    known = golden.type.oid < 100_000 and golden.type.oid
    return f"{golden.type.oid}, {golden.type.array_oid or '–'}" if known else "–"


def _python(golden: Golden) -> str:
    values = [value for (value,) in records(result_of(golden.type, *golden.texts))]
    names = dict.fromkeys(type(value).__name__ for value in values if value is not None)
    if golden.type.element:
        inner = dict.fromkeys(type(item).__name__ for value in values for item in value if item is not None)
        return f"list[{' | '.join(inner)}]"
    return "any of JSON" if golden.type.family is Family.JSON else " | ".join(names) or "None"


def _written(frame: Any) -> str:
    return Load.of(frame).columns[0].ddl


def _texts_where(holds: Callable[[Case], bool]) -> list[Sequence[str]]:
    rows = []
    for name, golden in GOLDEN.items():
        texts = [_shortened(case.text) for case in golden.odd if holds(case)]
        if texts:
            rows.append((f"**{_code(name)}**", ", ".join(map(_code, texts))))
    return rows


def _shortened(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:3]}… ({len(text)} characters)"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print("docs/types.md is written anew")
    for type_ in BUILTIN:
        if type_.name not in GOLDEN:
            print(f"without golden values in tests/type_cases.py: {type_.name}")
