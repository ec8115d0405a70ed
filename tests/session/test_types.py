"""Each type that a server has, selected from it: the same values in records, DataFrames and Arrow tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import pandas as pd
import pytest
from column_texts import ARROW, EVERYDAY
from type_cases import GOLDEN, MOOD, Case, alike, cells

from crdb_magic.columns.frame_options import EXACT
from crdb_magic.columns.frames import records, to_frame
from crdb_magic.columns.results import Result
from crdb_magic.columns.tables import to_arrow
from crdb_magic.errors import StatementError
from crdb_magic.transfer.loading import Mode, Writing, write

Select = Callable[..., Result]

SELECTED = [name for name, golden in GOLDEN.items() if golden.sql and golden.cases]
CASES = [(name, case) for name in SELECTED for case in GOLDEN[name].cases]
_HUGE = 100_000  # characters: more than a statement should have


def _sendable(case: Case) -> bool:
    """Whether a server may know the value: no label that the enum does not have, and no literal too long."""
    return len(case.text) < _HUGE and "euphoric" not in case.text


ODD = [(name, case) for name in SELECTED for case in GOLDEN[name].odd if _sendable(case)]


def _names(cases: Sequence[tuple[str, Case]]) -> list[str]:
    return [f"{name} {case.text:.40}" for name, case in cases]


@pytest.fixture
def type_names(session, sql) -> Iterator[dict[str, str]]:
    """What each type is called here; an enum and a domain are made, where the server has domains."""
    names = {"mood": f"mood_{os.getpid()}", "port": f"port_{os.getpid()}"}
    labels = ", ".join("'" + label + "'" for label in MOOD.labels)
    session.run(sql(f"CREATE TYPE {names['mood']} AS ENUM ({labels})"))
    try:
        session.run(sql(f"CREATE DOMAIN {names['port']} AS INT4"))
        yield names
        session.run(sql(f"DROP DOMAIN {names['port']}"))
    except StatementError:
        yield names
    session.run(sql(f"DROP TYPE {names['mood']}"))


def spelt(name: str, type_names: dict[str, str]) -> str:
    """Spell the golden type of that name for SQL."""
    return GOLDEN[name].sql.replace('"mood"', type_names["mood"]).replace("port", type_names["port"])


@pytest.fixture
def select(session, sql, type_names) -> Select:
    """Select texts as values of a type, in their order, and NULL behind them."""

    def selected(name: str, *texts: str, copied: bool = False) -> Result:
        type_ = spelt(name, type_names)
        try:
            session.run(sql(f"SELECT NULL::{type_}"))
        except StatementError as error:
            pytest.skip(f"{session.server} has no {name}: {error.sqlstate}")
        values = [f"'{_doubled(text)}'::{type_}" for text in texts] + [f"NULL::{type_}"]
        rows = ", ".join(f"({place}, {value})" for place, value in enumerate(values))
        query = f"SELECT v FROM (VALUES {rows}) AS t (place, v) ORDER BY place"
        session._sizes.note(query, 10**6 if copied else 1)
        return session.run(sql(query)).results[0]

    return selected


def _doubled(text: str) -> str:
    return text.replace("'", "''")


def forms(result: Result) -> dict[str, list[object]]:
    """Give the one column of a result in each form."""
    return {
        "value": [value for (value,) in records(result)],
        "table": to_arrow(result).column(0).to_pylist(),
        "numpy": cells(to_frame(result).iloc[:, 0]),
        "arrow": cells(to_frame(result, ARROW).iloc[:, 0]),
        "everyday": cells(to_frame(result, EVERYDAY).iloc[:, 0]),
    }


@pytest.mark.filterwarnings("ignore::crdb_magic.errors.ExactTextWarning")
@pytest.mark.parametrize("copied", [False, True], ids=["by select", "by copy"])
@pytest.mark.parametrize(("name", "case"), CASES, ids=_names(CASES))
def test_a_value_is_read_as_it_is_in_each_form(select, name, case, copied):
    result = select(name, case.text, copied=copied)
    # What is text only where a form has no better type is the server's own spelling: +03 or +03:00.
    spelling = case.text if case.value == case.text else result.rows[0][0]

    for form, values in forms(result).items():
        expected = getattr(case, form)
        assert alike(values, [spelling if expected == case.text else expected, None]), form


@pytest.mark.parametrize("name", [name for name in SELECTED if GOLDEN[name].type.oid < 16384])
def test_the_type_of_a_column_is_that_of_the_table_of_types(select, server, name):
    column = select(name).columns[0].type

    assert column.name == ("JSONB" if name == "JSON" and server.is_cockroachdb else name)


@pytest.mark.parametrize("name", SELECTED)
def test_all_values_of_a_type_are_the_same_by_select_and_by_copy(select, name):
    texts = [case.text for case in GOLDEN[name].cases]

    assert repr(forms(select(name, *texts))) == repr(forms(select(name, *texts, copied=True)))


@pytest.mark.parametrize("copied", [False, True], ids=["by select", "by copy"])
@pytest.mark.parametrize(("name", "case"), ODD, ids=_names(ODD))
def test_an_odd_value_among_others_is_still_exact(select, name, case, copied):
    usual = GOLDEN[name].cases[0]
    try:
        (odd,), (beside,), (null,) = records(select(name, case.text, usual.text, copied=copied))
    except StatementError as error:
        pytest.skip(f"not a value of this server: {error}")

    assert (repr(beside), null) == (repr(usual.value), None)
    assert isinstance(odd, str) if isinstance(case.value, str) else alike(odd, case.value)


@pytest.mark.parametrize("copied", [False, True], ids=["by select", "by copy"])
def test_numbers_of_rows_next_to_null_stay_whole(session, sql, copied):
    query = "SELECT CASE WHEN i = 2 THEN NULL ELSE unique_rowid() END AS v FROM generate_series(1, 3) AS t (i)"
    session._sizes.note(query, 10**6 if copied else 1)
    result = session.run(sql(query)).results[0]
    first, null, last = to_frame(result)["v"]

    assert null is pd.NA
    assert [(first, None, last)] == list(zip(*([value] for (value,) in records(result)), strict=True))
    assert last > first > 2**53


@pytest.mark.parametrize("copied", [False, True], ids=["by select", "by copy"])
def test_a_tuple_is_the_text_of_the_server(session, sql, copied):
    query = "SELECT ROW(1, 'a,b', NULL) AS v"
    session._sizes.note(query, 10**6 if copied else 1)

    assert records(session.run(sql(query)).results[0]) == [('(1,"a,b",)',)]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_an_instant_is_in_utc_whatever_the_zone_of_the_session(session, sql, zone):
    statements = sql(f"SET TimeZone = '{zone}'; SELECT '2026-11-23 10:11:12.5+00'::TIMESTAMPTZ AS v")
    values = forms(session.run(statements).results[-1])

    assert {str(value) for (value,) in values.values()} == {"2026-11-23 10:11:12.500000+00:00"}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_the_last_instant_of_a_zone_is_exact(session, sql, zone):
    statements = sql(f"SET TimeZone = '{zone}'; SELECT '9999-12-31 23:59:59'::TIMESTAMPTZ AS v")
    (value,) = forms(session.run(statements).results[-1])["value"]

    assert str(value)[:19] in {"9999-12-31 23:59:59", "9999-12-31 18:29:59"}


def test_rows_of_a_table_are_read_alike_by_select_and_by_copy(session, sql, select):
    columns = "i, i * 1.5 AS d, 'x' || i AS s, CASE WHEN i % 3 = 0 THEN i END AS n"
    query = f"SELECT {columns} FROM generate_series(1, 50000) AS t (i)"
    session._sizes.note(query, 1)
    one = session.run(sql(query)).results[0]
    session._sizes.note(query, 10**6)
    other = session.run(sql(query)).results[0]

    assert to_arrow(one).equals(to_arrow(other))
    pd.testing.assert_frame_equal(to_frame(one), to_frame(other))


@pytest.mark.parametrize("options", [EXACT, ARROW], ids=["numpy", "arrow"])
@pytest.mark.parametrize("odd", [False, True], ids=["usual", "odd"])
@pytest.mark.parametrize("name", SELECTED)
def test_what_was_read_can_be_written_and_read_again(select, session, sql, type_names, name, odd, options):
    golden = GOLDEN[name]
    texts = [case.text for case in (golden.odd if odd else golden.cases) if _sendable(case)]
    try:
        result = select(name, *texts)
    except StatementError as error:
        pytest.skip(f"not values of this server: {error}")
    table = f"types_{os.getpid()}"
    session.run(sql(f"CREATE TABLE {table} (place INT PRIMARY KEY, v {spelt(name, type_names)})"))
    try:
        frame = to_frame(result, options)
        write(session, frame.assign(place=range(len(frame))), Writing(table=table, mode=Mode.APPEND))
        again = session.run(sql(f"SELECT v FROM {table} ORDER BY place")).results[0]
    finally:
        session.run(sql(f"DROP TABLE {table}"))

    assert repr(records(again)) == repr(records(result))
