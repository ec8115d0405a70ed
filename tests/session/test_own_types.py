"""CockroachDB's own names of types, STRING and BYTES: the same values on each server, wherever they come from."""

from __future__ import annotations

from functools import partial

import pandas as pd
import pytest
from column_texts import ARROW

from crdb_magic.columns.frames import records, to_frame
from crdb_magic.columns.tables import to_arrow
from crdb_magic.transfer.loading import Mode, Writing, write

_MADE = "CREATE TABLE {} (id INT PRIMARY KEY, s STRING, b BYTES, ss STRING[], bs BYTES[])"
_PLAIN = "SELECT id, s::TEXT AS s, b::BYTEA AS b, ss::TEXT[] AS ss, bs::BYTEA[] AS bs FROM {}"


@pytest.fixture
def words(session, sql, table):
    """A table of such columns, which it takes the place of."""
    session.run(sql(f"DROP TABLE {table}; {_MADE.format(table)}"))
    session.run(sql(f"INSERT INTO {table} VALUES (1, 'naïve', 'ab', ARRAY['a', NULL, 'b,c'], ARRAY['c'::BYTES])"))
    session.run(sql(f"INSERT INTO {table} (id) VALUES (2)"))
    return table


@pytest.mark.parametrize("copied", [False, True], ids=["by SELECT", "by COPY"])
def test_they_are_read_as_text_and_bytes(session, sql, words, copied):
    query = f"SELECT * FROM {words} ORDER BY id"
    session._sizes.note(query, 10**6 if copied else 1)
    result = session.run(sql(query)).results[0]

    assert records(result) == [(1, "naïve", b"ab", ["a", None, "b,c"], [b"c"]), (2, None, None, None, None)]
    for form in (to_frame, partial(to_frame, options=ARROW), to_arrow):
        plain = session.run(sql(_PLAIN.format(words) + " ORDER BY id")).results[0]

        assert form(result).equals(form(plain))


def test_casts_parameters_and_functions_take_them(session, sql):
    rows = session.run(
        sql(
            "SELECT 1::STRING || :s, 'x'::STRING = ANY(:l), length('ab'::BYTES), ARRAY['a']::STRING[]",
            {"s": "2", "l": ["x"]},
        )
    )

    assert records(rows.results[0]) == [("12", True, 2, ["a"])]


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.UPSERT])
def test_a_frame_is_written_into_them(session, sql, words, mode):
    frame = pd.DataFrame({"id": [3], "s": ["three"], "b": [b"\x00"], "ss": [["x"]], "bs": [[b"y"]]})
    write(session, frame, Writing(table=words, mode=mode))
    rows = records(session.run(sql(f"SELECT s, b, ss, bs FROM {words} WHERE id = 3")).results[0])

    assert rows == [("three", b"\x00", ["x"], [b"y"])]


def test_a_frame_makes_a_table_of_them(session, sql, table):
    session.run(sql(f"DROP TABLE {table}"))
    write(session, pd.DataFrame({"s": ["a"], "b": [b"b"]}), Writing(table=table, dtypes="s=STRING,b=BYTES"))

    assert records(session.run(sql(f"SELECT * FROM {table}")).results[0]) == [("a", b"b")]
