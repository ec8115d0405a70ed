"""%crdb_schema in a notebook: what is shown, and what the value is."""

from __future__ import annotations

import pytest
from tables import unique

from crdb_magic.drawing.schema import diagram_bundle
from crdb_magic.errors import NotConnectedError, OptionError, ParameterError
from crdb_magic.explore.diagram import Diagram

_EVIL = '<img src=x onerror=alert(1)> "&" {x}'


@pytest.fixture
def card_schema(notebook):
    """A schema of two tables, one of an evil name."""
    name = unique("shown")
    notebook["evil"] = _EVIL
    notebook(f"%crdb_txn CREATE SCHEMA {name}")
    notebook(f'%crdb_txn CREATE TABLE {name}."{_EVIL.replace(chr(34), chr(34) * 2)}" (id INT PRIMARY KEY)')
    notebook(f"%crdb_txn CREATE TABLE {name}.cards (number INT PRIMARY KEY, note TEXT DEFAULT '<b>')")
    notebook(f"%%crdb_txn\nCOMMENT ON TABLE {name}.cards IS 'line one\nline <two>'")
    yield name
    notebook(f"%crdb_txn DROP SCHEMA {name} CASCADE")


def shown(notebook, line: str) -> dict[str, str]:
    return notebook.forms(notebook(line))


def test_a_schema_is_shown_in_columns(notebook, card_schema):
    text = shown(notebook, f"%crdb_schema {card_schema}")["text/plain"]

    assert text.splitlines()[2:] == [
        f"Schema {card_schema}",
        f"  name{' ' * (len(_EVIL) - 2)}kind   comment",
        f"  {_EVIL}  table",
        f"  cards{' ' * (len(_EVIL) - 3)}table  line one⏎ line <two>",
    ]


def test_a_table_is_shown_without_what_it_has_not(notebook, card_schema):
    text = shown(notebook, f"%crdb_schema {card_schema}.cards")["text/plain"]

    assert text.splitlines()[:3] == [f"Table {card_schema}.cards", "line one", "line <two>"]
    assert [heading for heading in ("Columns", "Indexes", "CREATE statement") if heading not in text] == []
    assert "Foreign keys" not in text


@pytest.mark.parametrize("line", ["%crdb_schema {s}", "%crdb_schema {s}.cards", '%crdb_schema {s}."{evil}"'])
def test_what_the_server_says_is_escaped(notebook, card_schema, line):
    html = shown(notebook, line.replace("{s}", card_schema).replace("{evil}", _EVIL.replace('"', '""')))["text/html"]

    assert "<img" not in html
    assert "<two>" not in html
    assert "style=" in html


def test_the_value_has_frames(notebook, card_schema):
    notebook(f"found = %crdb_schema {card_schema}.cards")

    assert notebook["found"].columns.name.tolist()[0] == "number"


def test_it_is_the_same_on_every_run(notebook, card_schema):
    assert shown(notebook, "%crdb_schema") == shown(notebook, "%crdb_schema")
    assert shown(notebook, f"%crdb_schema {card_schema}.cards") == shown(notebook, f"%crdb_schema {card_schema}.cards")


def test_a_picture_is_mermaids_and_text_elsewhere(notebook, card_schema):
    forms = shown(notebook, f"%crdb_schema {card_schema} --diagram")

    assert set(forms) == {"text/plain", "text/vnd.mermaid"}
    assert forms["text/vnd.mermaid"].startswith('%%{init: {"themeVariables": {"lineColor": "#888888"}}}%%\nerDiagram\n')
    assert "cards (number PK, note)" in forms["text/plain"]


def test_a_picture_of_nothing_says_so():
    assert diagram_bundle(Diagram((), ()))["text/plain"] == "No tables."


def test_sizes_are_shown_on_demand(notebook, card_schema):
    assert " size" not in shown(notebook, f"%crdb_schema {card_schema}")["text/plain"]
    assert "rows: " in shown(notebook, f"%crdb_schema --sizes {card_schema}.cards")["text/plain"]


def test_a_semicolon_behind_the_name_does_not_matter(notebook, card_schema):
    assert notebook(f"%crdb_schema {card_schema}.cards;").relation.name == "cards"


def test_the_name_may_be_that_of_a_variable(notebook, card_schema):
    notebook["name"] = f"{card_schema}.cards"

    assert notebook("%crdb_schema :name").relation.name == "cards"


def test_in_a_python_cell_it_shows_what_that_has_made(notebook, card_schema):
    create = f'db.execute_sql("CREATE TABLE {card_schema}.fresh (id INT PRIMARY KEY)")'
    notebook(f"%%crdb_txn --python\n{create}\nt = %crdb_schema {card_schema}")

    assert "fresh" in set(notebook["t"].tables.name)


@pytest.mark.parametrize(
    ("line", "error", "match"),
    [
        ("--diagrm", OptionError, "Did you mean --diagram"),
        ("--sizes --diagram", OptionError, "A picture has no sizes"),
        ("--on nowhere", NotConnectedError, "nowhere"),
        (":nothing", ParameterError, "no variable nothing"),
        ("no_such_table", OptionError, "no table or schema"),
    ],
)
def test_nonsense_is_refused(notebook, line, error, match):
    with pytest.raises(error) as caught:
        notebook(f"%crdb_schema {line}")

    assert match in str(caught.value)


def test_unloading_takes_the_forms_away(notebook):
    found = notebook("%crdb_schema public")
    notebook("%unload_ext crdb_magic")
    forms = notebook.forms(found)
    notebook("%load_ext crdb_magic")

    assert "text/html" not in forms
