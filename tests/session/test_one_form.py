"""A value has one form, whether it comes by SELECT, by COPY, in a stream or in a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from personality import BPCHAR, CITEXT, TEXT, Table, plan, query
from proxy import Proxy

from crdb_magic.columns.frames import records, to_frame
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session
from crdb_magic.transfer.exporting import export
from crdb_magic.transfer.streaming import results

FLOAT4 = 700
QUERY = "SELECT w FROM words"


def doors(session: Session, text: str, folder: Path) -> dict[str, list[Any]]:
    """Give the values of a query's first column by each way that leads to them, NULL as None."""
    query = Query.of_text(text, None)
    session._sizes.note(text, 1)
    by_select = session.ask(text)
    session._sizes.note(text, 10**6)
    by_copy = session.ask(text)
    export(session, query, folder / "a.csv")
    export(session, query, folder / "a.parquet")
    return {
        "select": [row[0] for row in records(by_select)],
        "frame of few": _cells(to_frame(by_select)),
        "copy": [row[0] for row in records(by_copy)],
        "frame": _cells(to_frame(by_copy)),
        "stream": [row[0] for part in results(session, query, 10) for row in records(part)],
        "csv": _cells(pd.read_csv(folder / "a.csv", skip_blank_lines=False)),
        "parquet": _cells(pd.read_parquet(folder / "a.parquet")),
    }


def all_are(found: dict[str, list[Any]], values: list[Any]) -> bool:
    wrong = {name: there for name, there in found.items() if there != values}
    assert wrong == {}
    return True


def _cells(frame: pd.DataFrame) -> list[Any]:
    column = frame.iloc[:, 0]
    return [None if missing else cell for cell, missing in zip(column, column.isna(), strict=True)]


# The OID, what SELECT sends, what COPY sends instead, and the type that the plan names.
SCRIPTED = {
    "CITEXT": (CITEXT, ["Abc", "it's"], ["'Abc' COLLATE und_u_ks_level2", "e'it\\'s' COLLATE und_u_ks_level2"], ""),
    "COLLATE": (TEXT, ["abc", "ä"], ["'abc' COLLATE en_US", "e'\\u00E4' COLLATE en_US"], "collatedstring{en_US}"),
    "STRING": (TEXT, ["'abc' COLLATE en_US", "b"], [], "string"),
    "CHAR": (BPCHAR, ["ab   ", "c    "], ["ab", "c"], "char(5)"),
}


def _play(proxy: Proxy, oid: int, selected: list[str], copied: list[str], type_: str = "") -> None:
    rows, lines = ([*([text] for text in texts), [None]] for texts in (selected, copied or selected))
    proxy.rules += [query("FROM words", Table([("w", oid)], rows, lines)), plan("• scan", f"  columns: (w {type_})")]


@pytest.mark.parametrize("name", SCRIPTED)
def test_texts_are_those_that_select_sends(as_v26: Proxy, through_v26: Session, tmp_path, name):
    oid, selected, copied, type_ = SCRIPTED[name]
    _play(as_v26, oid, selected, copied, type_)
    found = doors(through_v26, QUERY, tmp_path)

    assert all_are(found, [*(text.rstrip() for text in selected), None])


def test_a_plan_that_tells_no_types_is_not_trusted(as_v26: Proxy, through_v26: Session, tmp_path):
    _play(as_v26, TEXT, ["abc"], ["'abc' COLLATE en_US"])
    as_v26.rules[-1] = plan("• scan")
    found = doors(through_v26, QUERY, tmp_path)

    assert all_are(found, ["abc", None])


@pytest.mark.parametrize(("oid", "type_", "copies"), [(TEXT, "string", True), (TEXT, "collatedstring{de}", False)])
def test_only_what_may_be_collated_does_not_come_by_copy(as_v26: Proxy, through_v26: Session, oid, type_, copies):
    _play(as_v26, oid, ["abc"], [], type_)
    through_v26._sizes.note(QUERY, 10**6)
    through_v26.ask(QUERY)

    assert any(text.startswith("COPY") for text in as_v26.log) is copies


def test_a_float4_has_the_digits_of_its_own(as_v26: Proxy, through_v26: Session, tmp_path):
    _play(as_v26, FLOAT4, ["0.1", "3.4028235e+38"], ["0.10000000149011612", "3.4028234663852886e+38"])
    found = doors(through_v26, QUERY, tmp_path)
    in_columns = {name: found.pop(name) for name in ("frame", "frame of few", "parquet")}

    assert all_are(found, [0.1, 3.4028235e38, None])
    assert all_are(in_columns, [0.10000000149011612, 3.4028234663852886e38, None])
    assert (tmp_path / "a.csv").read_text() == '"w"\n0.1\n3.4028235e+38\n""\n'


@pytest.fixture
def chars(session: Session) -> Iterator[str]:
    name = f"chars_{os.getpid()}"
    session.ask(f"CREATE TABLE {name} (id INT PRIMARY KEY, c CHAR(5), a CHAR(3)[])")
    session.ask(
        f"INSERT INTO {name} VALUES (1, 'ab', ARRAY['x', NULL, 'a \"']), (2, '', ARRAY[]::CHAR(3)[]), (3, NULL, NULL)"
    )
    yield name
    session.ask(f"DROP TABLE {name}")


def test_a_char_has_no_blanks_behind_it(session, chars, tmp_path):
    found = doors(session, f"SELECT c FROM {chars} ORDER BY id", tmp_path)
    found["csv"] = [found["csv"][0], found["csv"][1] or "", None]  # pandas tells no empty text from NULL

    assert all_are(found, ["ab", "", None])


def test_nor_has_one_in_an_array(session, chars, tmp_path):
    found = doors(session, f"SELECT a FROM {chars} ORDER BY id", tmp_path)
    of_csv, of_parquet = found.pop("csv"), found.pop("parquet")

    assert all_are(found, [["x", None, 'a "'], [], None])
    assert [one and one.replace('"x"', "x") for one in of_csv] == ['{x,NULL,"a \\""}', "{}", None]
    assert [None if one is None else list(one) for one in of_parquet] == [["x", None, 'a "'], [], None]
