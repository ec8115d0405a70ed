"""--numbers, --dates and --as: what the value of a cell is made of."""

from __future__ import annotations

import pytest

from crdb_magic.errors import OptionError

QUERY = "SELECT 1.50::DECIMAL(10, 2) AS price, '2026-11-23'::DATE AS day"


@pytest.mark.parametrize(
    ("options", "dtypes"),
    [
        ("", ["object", "object"]),
        ("--numbers float", ["Float64", "object"]),
        ("--dates datetime64", ["object", "datetime64[us]"]),
        ("--numbers FLOAT --dates datetime64", ["Float64", "datetime64[us]"]),
    ],
)
def test_a_cell_says_what_its_frame_is_made_of(notebook, options, dtypes):
    assert [str(dtype) for dtype in notebook(f"%%crdb_txn {options}\n{QUERY}").dtypes] == dtypes


def test_the_configuration_says_it_for_all_cells_and_a_cell_otherwise(notebook):
    notebook('%config CrdbMagic.numbers = "float"\n%config CrdbMagic.dates = "datetime64"')
    frames = [notebook(f"%%crdb_txn {options}\n{QUERY}") for options in ("", "--numbers exact --dates date")]
    earlier = notebook(f"%%crdb_txn\n{QUERY};\nSELECT 1") is not None and notebook.shown

    assert [[str(dtype) for dtype in frame.dtypes] for frame in frames] == [
        ["Float64", "datetime64[us]"],
        ["object"] * 2,
    ]
    assert "0    1.5 2026-11-23" in earlier


@pytest.mark.parametrize("form", ["rows", "arrow"])
@pytest.mark.parametrize("option", ["--numbers float", "--dates datetime64"])
def test_other_forms_are_exact_and_refuse_them(notebook, form, option):
    with pytest.raises(OptionError, match="is for frames"):
        notebook(f"%%crdb_txn --as {form} {option}\n{QUERY}")


@pytest.mark.filterwarnings("default::crdb_magic.errors.ExactTextWarning")
@pytest.mark.parametrize("more", ["", "; SELECT 1"])
def test_a_date_that_is_no_instant_is_told_of_each_time(notebook, more):
    for _ in range(2):
        notebook(f"%%crdb_txn --dates datetime64\nSELECT 'infinity'::DATE AS day{more}")

        assert 'Column "day" has a date that does not fit datetime64' in notebook.shown


def test_a_frame_of_polars_is_the_value(notebook):
    polars = pytest.importorskip("polars")
    frame = notebook(f"%%crdb_txn --as polars\n{QUERY}")

    assert frame.schema == {"price": polars.Decimal(10, 2), "day": polars.Date}


def test_without_polars_it_is_said_how_to_have_it_before_anything_is_sent(notebook, table, monkeypatch):
    monkeypatch.setattr("crdb_magic.columns.polars_frame.find_spec", lambda _: None)
    with pytest.raises(OptionError, match=r"polars is not installed\.\n.*%pip install polars"):
        notebook(f"%crdb_txn --as polars DELETE FROM {table} RETURNING id")

    assert len(notebook(f"%crdb_txn SELECT * FROM {table}")) == 2


def test_a_setting_that_was_refused_does_not_stand_in_the_way_of_loading_again(unconnected):
    unconnected("%config CrdbMagic.numbers = 'flot'")
    unconnected("%unload_ext crdb_magic")
    unconnected("%load_ext crdb_magic")
    said = unconnected.shown
    unconnected("%config CrdbMagic.numbers = 'float'")
    unconnected("%crdb_connect --list")

    assert "expected any of ['exact', 'float']" in said
    assert ". CrdbMagic.numbers has its default." in said
    assert "No connection is open." in unconnected.shown
