"""The documentation says what the code does."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest
from IPython.core.inputtransformer2 import TransformerManager

import crdb_magic
from crdb_magic.magics import MAGICS
from crdb_magic.magics.activity import ACTIVITY_OPTIONS
from crdb_magic.magics.connect import CONNECT_OPTIONS
from crdb_magic.magics.doctor import DOCTOR_OPTIONS
from crdb_magic.magics.export import EXPORT_OPTIONS
from crdb_magic.magics.freeze import FREEZE_OPTIONS
from crdb_magic.magics.pin import PIN_OPTIONS
from crdb_magic.magics.receipt import RECEIPT_OPTIONS
from crdb_magic.magics.rerun import RERUN_OPTIONS
from crdb_magic.magics.schema import SCHEMA_OPTIONS
from crdb_magic.magics.txn_options import TXN_OPTIONS
from crdb_magic.magics.write import WRITE_OPTIONS

_ROOT = Path(__file__).parents[1]
_README = (_ROOT / "README.md").read_text()
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("magic", "options"),
    [
        ("%%crdb_txn", TXN_OPTIONS),
        ("%crdb_connect", CONNECT_OPTIONS),
        ("%crdb_pin", PIN_OPTIONS),
        ("%crdb_receipt", RECEIPT_OPTIONS),
        ("%crdb_rerun", RERUN_OPTIONS),
        ("%crdb_freeze", FREEZE_OPTIONS),
        ("%crdb_write", WRITE_OPTIONS),
        ("%crdb_export", EXPORT_OPTIONS),
        ("%crdb_schema", SCHEMA_OPTIONS),
        ("%crdb_activity", ACTIVITY_OPTIONS),
        ("%crdb_doctor", DOCTOR_OPTIONS),
    ],
)
def test_the_readmes_table_is_the_declared_options(magic, options):
    table = _README.split(f"| `{magic}` | |\n|---|---|\n")[1].split("\n\n")[0]

    assert table.splitlines() == [f"| `{option.usage}` | {option.help} |" for option in options]


@pytest.mark.parametrize("magic", MAGICS)
def test_the_examples_of_a_magics_help_are_cells(magic):
    examples = dedent(magic.run.__doc__.partition("Examples:")[2])

    for example in examples.strip().split("\n\n" if "%%" in examples else "\n"):
        ast.parse(TransformerManager().transform_cell(example))


def test_the_errors_that_the_readme_explains_exist():
    named = re.findall(r"^\| `(\w+Error|ExceededMaxAttempts)` \|", _README, re.MULTILINE)

    assert [name for name in named if not hasattr(crdb_magic.errors, name)] == []
    assert named


def test_the_version_is_the_same_everywhere():
    changelog = re.search(r"^## (\S+)", (_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert changelog is not None
    assert {crdb_magic.__version__, _PROJECT["version"], changelog.group(1)} == {_PROJECT["version"]}


def test_ci_runs_the_readmes_test_command():
    commands = re.findall(r"^python3 -m venv .*\[test\].*$", _README, re.MULTILINE)
    steps = [step.removeprefix(".venv/bin/") for step in commands[0].split(" && ")[1:]]
    script = (_ROOT / ".ci" / "run").read_text().replace('"$bin/', "").replace('"', "")

    assert [step for step in steps if step.replace("pip install ", "") not in script] == []


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", _README))
def test_a_link_of_the_readme_leads_to_a_file(link):
    assert (_ROOT / link).exists()
