"""Columns for laws: lists of texts that a server may send for a type, and the batches that they may come in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st
from type_cases import GOLDEN

from crdb_magic.columns.arrow import TEXT, cast, from_rows
from crdb_magic.columns.frame_options import Backend, Dates, FrameOptions, Numbers
from crdb_magic.columns.objects import as_read, with_decimals
from crdb_magic.columns.results import Column, Result
from crdb_magic.values.decode import Interval
from crdb_magic.values.typemap import Family, SqlType

ARROW = FrameOptions(Backend.ARROW)
EVERYDAY = FrameOptions(Backend.NUMPY, Numbers.FLOAT, Dates.DATETIME64)
"""What pandas computes with."""
EVERYDAY_ARROW = replace(EVERYDAY, backend=Backend.ARROW)

SENDABLE = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
_ZONES = st.integers(-959, 959).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_INT32, _INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_FLOAT4 = st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda value: str(np.float32(value)))
_PLAIN_JSON = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | SENDABLE


def _trimmed(value: object) -> str:
    """Spell a time as the servers do, without zeros at the end of its fraction."""
    return re.sub(r"(\.\d+?)0+(?!\d)", r"\1", str(value))


_WRITTEN: dict[Family, st.SearchStrategy[str]] = {
    Family.INT8: _INT64.map(str),
    Family.FLOAT8: st.floats(allow_nan=False, allow_infinity=False).map(repr),
    Family.FLOAT4: _FLOAT4,
    Family.DECIMAL: st.decimals(allow_nan=False).map(str),
    Family.TEXT: SENDABLE,
    Family.BYTES: st.binary().map(lambda value: "\\x" + value.hex()),
    Family.DATE: st.dates().map(str),
    Family.TIME: st.times().map(_trimmed),
    Family.TIMESTAMP: st.datetimes().map(_trimmed),
    Family.TIMESTAMPTZ: st.datetimes(timezones=_ZONES | st.just(UTC)).map(_trimmed),
    Family.INTERVAL: st.builds(Interval, _INT32, _INT32, _INT64).map(str),
    Family.UUID: st.uuids().map(str),
    Family.JSON: st.recursive(_PLAIN_JSON, lambda inner: st.lists(inner) | st.dictionaries(SENDABLE, inner)).map(
        partial(json.dumps, ensure_ascii=False)
    ),
    Family.GEO: st.binary().map(bytes.hex),
    Family.VECTOR: st.lists(_FLOAT4, min_size=1).map(lambda numbers: f"[{','.join(numbers)}]"),
}
_QUOTED = re.compile(r'\A\Z|\Anull\Z|[{}",:\\\s]', re.IGNORECASE)


def array_literal(items: Sequence[str | None], delimiter: str = ",") -> str:
    """Write the literal of an array as the servers do."""
    return "{" + delimiter.join(map(_element, items)) + "}"


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"' if _QUOTED.search(text) else text


def texts_of(name: str) -> st.SearchStrategy[str]:
    """Make texts of the golden type of that name: its golden ones, and others where they can be made up."""
    type_, golden = GOLDEN[name].type, GOLDEN[name].cases + GOLDEN[name].odd
    known = st.sampled_from([case.text for case in golden])
    if type_.element is None:
        return known | _WRITTEN.get(type_.family, known)
    delimiter = ":" if type_.element.family is Family.GEO else ","
    elements = texts_of(name.removesuffix("[]"))
    return known | st.lists(st.none() | elements).map(lambda items: array_literal(items, delimiter))


def column_of(name: str) -> st.SearchStrategy[list[str | None]]:
    """Make a column of texts and NULLs."""
    return st.lists(st.none() | texts_of(name), max_size=8)


def result_of(type_: SqlType, *texts: str | None) -> Result:
    """Make the result of one column ``v``, as it comes in one batch."""
    return result_of_rows([Column("v", type_)], *((text,) for text in texts))


def result_of_rows(columns: Sequence[Column], *rows: Sequence[str | None]) -> Result:
    """Make a result of rows of texts."""
    return Result(f"SELECT {len(rows)}", tuple(columns), (from_rows(rows),) if rows else (), len(rows))


@st.composite
def parted(draw: Callable[[st.SearchStrategy[Any]], Any], type_: SqlType, texts: Sequence[str | None]) -> Result:
    """Make the same result in several batches, some of them cast or finished while others came, some of them slices."""
    ends = sorted({*draw(st.lists(st.integers(0, len(texts)))), 0, len(texts)})
    whole = pa.array(texts, TEXT)
    batches = []
    for start, end in pairwise(ends):
        batch = whole.slice(start, end - start) if draw(st.booleans()) else pa.array(texts[start:end], TEXT)
        finish = draw(st.sampled_from([as_read, with_decimals]))
        batches.append(finish([type_], (cast(type_, batch) if draw(st.booleans()) else batch,)))
    return Result("SELECT", (Column("v", type_),), tuple(batches), len(texts))


_READ_ALIKE = {(one.type.family, one.type.element): name for name, one in reversed(GOLDEN.items()) if one.cases}
EACH = list(reversed(_READ_ALIKE.values()))
"""One type of each family, and the arrays."""


def arrow(kind: pa.DataType, *values: object) -> pd.Series:
    """Make a column of pandas that holds an array of Arrow's."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))
