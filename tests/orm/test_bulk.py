"""What a database gives frames of, and takes, besides pandas' objects."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from tables import unique

from crdb_magic import CockroachDatabase
from crdb_magic.errors import InputError, OptionError

QUERY = "SELECT 1.50::DECIMAL(10, 2) AS price, '2026-11-23'::DATE AS day"


@pytest.fixture
def name(db: CockroachDatabase) -> Iterator[str]:
    made = unique("bulk")
    yield made
    db.execute_sql(f"DROP TABLE IF EXISTS {made}")


@pytest.mark.parametrize(
    ("options", "dtypes"),
    [
        ({}, ["object", "object"]),
        ({"numbers": "float"}, ["Float64", "object"]),
        ({"dates": "datetime64"}, ["object", "datetime64[us]"]),
        (
            {"numbers": "float", "dates": "datetime64", "dtype_backend": "arrow"},
            ["double[pyarrow]", "timestamp[us][pyarrow]"],
        ),
    ],
    ids=["exact", "numbers", "dates", "arrow"],
)
def test_frames_are_of_what_was_asked_for(db, options, dtypes):
    assert [str(dtype) for dtype in db.frame(QUERY, **options).dtypes] == dtypes
    assert [str(dtype) for dtype in next(db.frames(QUERY, **options)).dtypes] == dtypes


@pytest.mark.parametrize("options", [{"numbers": "double"}, {"dates": "datetime"}])
def test_a_word_that_there_is_not_is_refused_with_those_that_there_are(db, options):
    with pytest.raises(OptionError, match=r"does not exist: (exact, float|date, datetime64)\."):
        db.frame(QUERY, **options)


def test_a_frame_of_polars(db):
    polars = pytest.importorskip("polars")

    assert db.polars(QUERY).schema == {"price": polars.Decimal(10, 2), "day": polars.Date}


def test_a_frame_of_polars_is_written(db, name):
    polars = pytest.importorskip("polars")
    db.write_frame(
        polars.DataFrame({"a": [1, None], "b": ["x", ""], "c": polars.Series(["y", None], dtype=polars.Categorical)}),
        name,
    )

    assert db.rows(f"SELECT * FROM {name} ORDER BY a NULLS LAST") == [(1, "x", "y"), (None, "", None)]


def test_an_arrow_table_is_written(db, name):
    table = db.arrow(QUERY)
    db.write_frame(table, name)

    assert db.arrow(f"SELECT * FROM {name}").to_pylist() == table.to_pylist()


@pytest.mark.parametrize("source", [[1], pa.array([1]), {"a": [1]}], ids=["list", "array", "dict"])
def test_what_has_no_columns_is_refused(db, source):
    with pytest.raises(InputError, match="not a DataFrame"):
        db.write_frame(source, "t")
