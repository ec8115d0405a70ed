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

- **Python** is what records hold. NULL is `None`.
- **pandas** has two back-ends. With NumPy's, NULL is `pandas.NA`, `NaT`, or NaN in `str`; among objects it is `None`,
  and in JSON `pandas.NA`, since its own null is `None`. With Arrow's it is `pandas.NA`. NaN is a value in both.
- **Arrow** is the type in a `pyarrow.Table`. Where a column of Arrow's back-end has another one, it is named.
- **written as** is the type that a new table gets for such a column, of NumPy's and, if it is another one, of Arrow's
  back-end. A table that there is takes the values as its own types read them.

Each type stays the same with NULLs and without rows.

"""
_ARRAYS = """\

The scale of a DECIMAL is that of its column, where it was declared with one, else the largest one of its values; above
38 digits it is `decimal256`, above 76 text. An enum and a domain have another OID in each database.

## Arrays

Lists of the same values. Of more than one dimension they are nested lists in Python, text in Arrow.

"""
_EXACT = """\

## What is exact text, and why

A value that Python's type cannot hold is handed on as the server wrote it, and its column has objects (in Arrow, texts:
instants in UTC). Nothing is cut, rounded or made infinite. A text that does not have the form of its type at all, of a
server that is older or newer than these pages, stays that text, too; a warning (`ExactTextWarning`) names its column.

"""
_IN_ARROW = """\

These Python holds, and a column of NumPy's back-end as objects; Arrow has texts for them:

"""
_PARTS = """\

TIMETZ is text in Arrow always, which has no time with an offset, and so is JSON, under the name `arrow.json`. An
interval with months (or too long for 64 bits of microseconds) makes its column one of `Interval`s, in Arrow of
`month_day_nano_interval`. A label that an enum did not have when the session met it first makes its column text.

Where rows come in parts (`db.frames`, `db.export`), each part has the types that its own values need: a DECIMAL without
declared digits has the scale of its part, and an INTERVAL is a `timedelta` in one part and an `Interval` in the next. A
file has one type for all rows, so in Parquet and Arrow files these two are text; `::DECIMAL(12, 2)` gives numbers. The
UUIDs of arrays are text in files as well: pandas can't read Arrow's in a list. In a CSV file NULL is nothing and an
empty text is `""`; in one of a single column both are `""`: nothing would be a blank line, which readers pass over. A
BOOL is `true` or `false` there.
The file of a frame (`%crdb_export df prices.parquet`) is that of a table of it; a DECIMAL has the digits of its values.

A DataFrame of polars (`--as polars`, `db.polars`) has the types that polars makes of Arrow's: UUID and JSON are text in
it, intervals with months and decimals of more than 38 digits are exact text, and an enum is an `Enum` of its labels.

A CHAR(n) comes without the blanks that fill it up, whichever server and way it comes from. A FLOAT4 among Python's
values is the number that its shortest text names (0.1), in a column the nearest one of 32 bits.
"""
_WRITING = """\
## What settings change

A connection sets `intervalstyle`, `datestyle`, `extra_float_digits` and `bytea_output` to what is read exactly,
whatever the defaults of the server, the database and the role are. What you set yourself is yours:

- Under another `datestyle` or `intervalstyle` the columns that it forms are refused (`ResultTypeError`): 01/02/2026 is
  nobody's guess.
- With fewer `extra_float_digits` the server rounds its floats, and the rounded ones are what comes.
- `bytea_output = 'escape'` is read; CockroachDB's `'base64'` can't be told from it, and is not.
- Instants are in UTC whatever the time zone is. It still says what `TIMESTAMP` and `DATE` the server makes of them.

## How it is written back

- Into a table that there is, each value goes as the table's column reads it: a text of a UUID or of an instant becomes
  a UUID, an instant again, and a float without a fraction an integer; one with a fraction is refused, not rounded. So
  each value above, exact texts included, comes back as it was.
- A midnight goes into a DATE (in its own zone, if it has one); a timestamp with another time of the day is refused, not
  cut. An instant goes into TIMESTAMP as its time in UTC. For the rest a column takes what an INSERT would put there:
  the server rounds to the digits of `DECIMAL(10, 2)` or `TIMESTAMP(0)`, and a TIME takes the time of a timestamp.
- Into JSON, the texts of a `str` column (or of Arrow's) go as they are: they have to be JSON. A text in an `object`
  column is one of JSON's strings, since that is what a JSON column read into Python's values has. To have texts of JSON
  read there, make them a column of texts: `df["doc"].astype("str")`.
- In a new table a column of texts is TEXT. To have another type there, name it: `dtypes` says the type of a column.
- Lists of lists are JSONB in a new table: CockroachDB has no arrays of arrays. Into an array of PostgreSQL that there
  is, or that `dtypes` names, they go as such.
- An `Interval` is spelt as the server spells it (`str(value)`); added to timestamps it is
  `pandas.DateOffset(months=i.months, days=i.days, microseconds=i.microseconds)`.
- A DECIMAL keeps its digits, and NaN stays NaN. NULL stays NULL, and JSON's own null stays that.

## How this page is made

The golden values of [tests/type_cases.py](../tests/type_cases.py) are run through the code
(`.venv/bin/python tests/types_page.py`); a test compares the page with what they become now. The same values are
selected from a server, by SELECT and by COPY, and written back.
"""
_FOR_PANDAS = """\

## What pandas computes with

Exact is the default. But `plot`, `describe`, `* 1.1`, `.dt` and `resample` want machine numbers and instants. With
`--numbers float` and `--dates datetime64` on a cell, `%config CrdbMagic.numbers` and `CrdbMagic.dates` for all of them,
or `db.frame(…, numbers="float", dates="datetime64")` and `db.frames` read two types in another way:

"""
_LOST = """\

- A float is the nearest one of 64 bits: it holds 15 to 17 digits. Those beyond are lost, and so is how many there were
  (1.50 is 1.5); a sum of floats is no sum of cents. Beyond 1.8e308 it is infinite, below 5e-324 zero.
- NULL stays apart from NaN and ±Infinity: it is `pandas.NA`, they are values.
- A date is the midnight that it begins with, NULL is `NaT`. A column with a date that is infinite or not of the years 1
  to 9999 stays one of dates and exact texts as a whole; a warning (`ExactTextWarning`) names it.
- What is in arrays and in JSON stays exact, and so do rows, Arrow tables and files.

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
