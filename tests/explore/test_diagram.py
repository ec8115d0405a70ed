"""A picture of tables: what it draws, and that Mermaid can read it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdb_magic.errors import OptionError
from crdb_magic.explore.catalogue import Attribute, Reference, Relation
from crdb_magic.explore.diagram import Arrow, Diagram, Entity, diagram, drawing
from crdb_magic.explore.table import ColumnDetails


@pytest.fixture
def bank(make, schema):
    make(
        "CREATE TABLE {s}.branches (id INT PRIMARY KEY)",
        "CREATE TABLE {s}.accounts (id INT PRIMARY KEY, branch INT NOT NULL REFERENCES {s}.branches)",
        "CREATE TABLE {s}.cards (number INT PRIMARY KEY, account INT UNIQUE REFERENCES {s}.accounts)",
        "CREATE TABLE {s}.alone (id INT PRIMARY KEY)",
        "CREATE VIEW {s}.rich AS SELECT id FROM {s}.accounts",
    )
    return schema


def test_a_schema_is_drawn_with_its_tables_and_their_keys(session, bank):
    drawn = diagram(session, bank)

    assert [one.name for one in drawn.entities] == ["accounts", "alone", "branches", "cards"]
    assert drawn.text.splitlines() == [
        "accounts (id PK, branch FK)",
        "  branch → branches (id)",
        "alone (id PK)",
        "branches (id PK)",
        "cards (number PK, account FK)",
        "  account → accounts (id)",
    ]


def test_a_table_is_drawn_with_its_neighbours(session, bank):
    assert [one.name for one in diagram(session, f"{bank}.branches").entities] == ["branches", "accounts"]


def test_a_key_that_may_be_null_and_one_of_at_most_one_row_are_told_apart(session, bank):
    arrows = [line.split(":")[0].split() for line in diagram(session, bank).mermaid.splitlines() if "--" in line]

    assert arrows == [["t2", "||--o{", "t0"], ["t0", "|o--o|", "t3"]]


def test_names_of_several_schemas_are_told_with_them(session, make, bank):
    make("CREATE SCHEMA {s}_2", "CREATE TABLE {s}_2.abroad (id INT PRIMARY KEY, home INT REFERENCES {s}.alone)")
    names = [one.name for one in diagram(session, f"{bank}.alone").entities]
    make("DROP SCHEMA {s}_2 CASCADE")

    assert names == [f"{bank}.alone", f"{bank}_2.abroad"]


def test_a_near_miss_has_a_hint(session, bank):
    with pytest.raises(OptionError, match="no table or schema") as caught:
        diagram(session, f"{bank}.acounts")

    assert "accounts" in str(caught.value.hint)


def _many(tables: int) -> Diagram:
    relations = [Relation(oid, "s", f"t{oid}", "table") for oid in range(tables)]
    columns = {
        oid: [Attribute(n, f"c{n}", "text", False, "", "", None, None) for n in range(1, 5)] for oid in range(tables)
    }
    keys = [Reference(oid, "k", "p", "", True, (1,), 0, (), "", "") for oid in range(tables)]
    return drawing(relations, columns, keys)


@pytest.mark.parametrize(("tables", "columns"), [(25, 4), (26, 1)])
def test_of_many_tables_the_keys_alone_are_drawn(tables, columns):
    assert len(_many(tables).entities[0].columns) == columns


# As Mermaid's grammar has it: packages/mermaid/src/diagrams/er/parser/erDiagram.jison.
_ENTITY = re.compile(r'  t\d+\["[^"%\r\n\v\b\\]+"\] \{')
_ATTRIBUTE = re.compile(
    r"    ([*A-Za-z_\u00C0-\U0010FFFF][A-Za-z0-9\-_\[\]()\u00C0-\U0010FFFF*]*) \1( PK| FK| PK, FK)?"
)
_ARROW = re.compile(r'  t\d+ (\|\||\|o)--(o\||o\{) t\d+ : "[^"]*"')


@given(st.text(min_size=1))
def test_any_name_can_be_read_by_mermaid(name):
    entity = Entity(name, (ColumnDetails(name, name, True, None, None, "PK 2, FK", False, None),))
    lines = Diagram((entity,), (Arrow(0, name, 0, name, True, False),)).mermaid.split("\n")

    assert len(lines) == 5
    assert (lines[0], lines[3]) == ("erDiagram", "  }")
    assert _ENTITY.fullmatch(lines[1])
    assert _ATTRIBUTE.fullmatch(lines[2])
    assert _ARROW.fullmatch(lines[4])
