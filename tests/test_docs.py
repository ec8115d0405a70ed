"""The documentation says what the code does."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from made_parts import PARTS, error_classes, filled, named, pages, remedy

import crdb_magic
from crdb_magic.core.target import URL_VARIABLES
from crdb_magic.environment import FREEZE, FROZEN
from crdb_magic.magics import MAGICS
from crdb_magic.magics.magic import CrdbMagic

_ROOT = Path(__file__).parents[1]
_README = (_ROOT / "README.md").read_text()
_OF_SQL = {magic.name for magic in MAGICS if magic.takes_cell} | {"sql"}
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_a_page_says_of_the_code_is_what_is_declared(page):
    text = page.read_text(encoding="utf-8")

    assert text == filled(text), "run .venv/bin/python tests/made_parts.py"


@pytest.mark.parametrize(
    "marks",
    [
        ["made: settings"],
        ["end"],
        ["made: settings", "made: errors", "end"],
        ["made: settings", "end", "end"],
        ["end", "made: settings"],
        ["made: nothing of ours", "end"],
    ],
    ids=", ".join,
)
def test_what_stands_between_marks_that_do_not_pair_is_not_taken_away(marks):
    with pytest.raises(ValueError, match=r"made: NAME|nothing in the code"):
        filled("".join(f"<!-- {mark} -->\nwritten by hand\n" for mark in marks))


def test_all_that_is_declared_stands_in_a_page_once():
    stands = Counter(name for page in pages() for name in named(page.read_text(encoding="utf-8")))

    assert stands == Counter(list(PARTS)), ".venv/bin/python tests/made_parts.py says what stands in no page"


@pytest.mark.parametrize("trait", CrdbMagic.class_own_traits().values(), ids=lambda trait: trait.name)
def test_a_setting_can_be_set_by_config_and_says_what_it_does(trait):
    assert trait.metadata.get("config"), "declare it with .tag(config=True)"
    assert trait.help


@pytest.mark.parametrize("error", error_classes())
def test_the_help_of_an_error_says_what_to_do(error):
    assert remedy(error)


def test_the_drawn_tree_of_errors_has_each_of_them():
    drawn = re.findall(r"\b\w+(?:Error|Warning|Attempts)\b", crdb_magic.errors.__doc__ or "")

    assert {error.__name__ for error in error_classes()} == set(drawn)


@pytest.mark.parametrize("variable", [*URL_VARIABLES, FROZEN, FREEZE, "COCKROACH_BINARY"])
def test_the_page_about_the_configuration_names_a_variable_of_the_environment(variable):
    assert f"`{variable}`" in (_ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_the_navigation_of_the_site_names_each_page_once():
    (nav,) = (
        ast.literal_eval(line.value)
        for line in ast.parse((_ROOT / "docs" / "conf.py").read_text(encoding="utf-8")).body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "NAV"
    )

    assert Counter(name for part in nav.values() for name in part) == Counter(
        page.stem for page in pages() if page.stem != "index"
    )


def test_the_python_page_has_each_public_name():
    page = (_ROOT / "docs" / "api.md").read_text(encoding="utf-8")

    assert [name for name in crdb_magic.__all__ if not re.search(rf"^\.\. auto\w+:: \S*\b{name}$", page, re.M)] == []


@pytest.mark.parametrize("magic", MAGICS)
def test_the_examples_of_a_magics_help_are_cells(magic):
    examples = dedent(magic.run.__doc__.partition("Examples:")[2])

    for example in examples.strip().split("\n\n" if "%%" in examples else "\n"):
        ast.parse(TransformerManager().transform_cell(example))


@pytest.mark.parametrize("file", ["crdb_magic/magics/prompt.py", "docs/conf.py", "labextension/src/parts.js"])
def test_what_colours_cells_knows_each_that_holds_sql(file):
    names = re.findall(r"%%\??\(\?:([\w|]+)\)", (_ROOT / file).read_text(encoding="utf-8"))

    assert [set(one.split("|")) for one in names] == [_OF_SQL]


def test_jupyterlab_colours_the_sql_of_lines_too():
    lines = re.findall(r"case '(\w+)':", (_ROOT / "labextension" / "src" / "parts.js").read_text(encoding="utf-8"))

    assert set(lines) == _OF_SQL


def test_the_version_is_the_same_everywhere():
    changelog = re.search(r"^## (\S+)", (_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert changelog is not None
    assert {crdb_magic.__version__, _PROJECT["version"], changelog.group(1)} == {_PROJECT["version"]}


def test_ci_runs_the_readmes_test_command():
    commands = re.findall(r"^python3 -m venv .*\[test\].*$", _README, re.MULTILINE)
    steps = [step.removeprefix(".venv/bin/") for step in commands[0].split(" && ")[1:]]
    script = (_ROOT / ".ci" / "run").read_text().replace('"$bin/', "").replace('"', "")

    assert [step for step in steps if step.replace("pip install ", "") not in script] == []


@pytest.mark.parametrize("page", [*_ROOT.glob("*.md"), *pages()], ids=lambda page: page.name)
def test_a_link_leads_to_a_file(page):
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
