"""The parts of pages in docs/ that are made of the code: what is declared there is what a page says.

A page has ``<!-- made: NAME -->`` and ``<!-- end -->`` around each. ``.venv/bin/python tests/made_parts.py`` writes
them anew, and says what stands in no page; `test_docs` fails while a page says something else.
"""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from traitlets import Enum

from crdb_magic import errors
from crdb_magic.core.server import Product, Server
from crdb_magic.magics import MAGICS
from crdb_magic.magics.magic import CrdbMagic, Magic

PAGES = Path(__file__).parents[1] / "docs"

_BEGIN = re.compile(r"<!-- made: (.+?) -->")
_PART = re.compile(r"(<!-- made: (.+?) -->\n)(?:(?!<!-- made: ).)*?(<!-- end -->)", re.DOTALL)
_DO = "What to do: "
_VERSIONS = ((22, 1), (22, 2), (23, 1), (23, 2), (24, 1), (24, 3), (25, 2), (25, 4), (26, 1))
_SOURCE = re.compile(r",? \((?:[^()]*v\d|absent|pkg/)[^()]*\)")
_LEFT_OUT = {"is_cockroachdb", "own_type_names", "range_details", "ranges_name_tables"}  # not about what one can do
_STAND_IN = Server(Product.POSTGRESQL, (18, 0, 0))


def filled(text: str) -> str:
    """Give a page with its parts as the code has them; raise ValueError where one does not end, or is none of ours."""
    begun = _BEGIN.findall(text)
    if wrong := [name for name in begun if name not in PARTS]:
        raise ValueError(f"nothing in the code is called {wrong}: {', '.join(PARTS)}")
    if begun != named(text) or text.count("<!-- end -->") != len(begun):
        without = [name for name in begun if name not in named(text)]
        raise ValueError(f"each <!-- made: NAME --> wants one <!-- end --> of its own below it: {without}")
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", text)


def named(text: str) -> list[str]:
    """Name the parts that a page has."""
    return [name for _, name, _ in _PART.findall(text)]


# Magics


def _options(magic: Magic) -> str:
    return _table(("option", ""), [(f"`{option.usage}`", option.help) for option in magic.options])


# Errors


def error_classes() -> list[type[BaseException]]:
    """Give all classes of errors.py that are raised or warned of, in its order."""
    return [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == errors.__name__
    ]


def remedy(kind: type[BaseException]) -> str | None:
    """Give what the docstring of an error's class says to do about it."""
    found = [part for part in inspect.cleandoc(kind.__doc__ or "").split("\n\n") if part.startswith(_DO)]
    return found[0].removeprefix(_DO) if found else None


def _tree() -> str:
    tree = (errors.__doc__ or "").split("::\n\n")[1].split("\n\n")[0]
    return f"```text\n{inspect.cleandoc(tree)}\n```\n"


def _entries() -> str:
    return "\n".join(_entry(kind) for kind in error_classes())


def _entry(kind: type[BaseException]) -> str:
    text = _as_markdown(inspect.cleandoc(kind.__doc__ or ""))
    base = kind.__bases__[0].__name__
    above = f" A kind of `{base}`." if base in vars(errors) else ""
    meaning, _, what = text.partition(_DO)
    return f"### {kind.__name__}\n\n{meaning.strip()}{above}\n\n**What to do.** {_capital(what)}\n"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _as_markdown(docstring: str) -> str:
    return re.sub(r":class:`(\w+)`", r"`\1`", docstring.replace("``", "`"))


# Settings


def _traits() -> str:
    traits = CrdbMagic.class_own_traits(config=True)
    rows = [(f"`{name}`", _values(trait), f"`{_default(trait)}`", trait.help) for name, trait in traits.items()]
    return _table(("`CrdbMagic.…`", "values", "default", "what it does"), rows)


def _default(trait: Any) -> str:
    return str(trait.default()) or repr("")


def _values(trait: object) -> str:
    if isinstance(trait, Enum):
        return ", ".join(f"`{value}`" for value in trait.values or ())
    none = " or `None`" if getattr(trait, "allow_none", False) else ""
    return _KINDS[type(trait).__name__] + none


_KINDS = {
    "Bool": "`True`, `False`",
    "Int": "an integer",
    "Float": "a number",
    "Unicode": "a string",
    "Dict": "a dict",
}


# Servers


def _capabilities() -> str:
    rows = [
        (_first_sentence(one.fget), by_version, stand_in)
        for name, one in vars(Server).items()
        if isinstance(one, property) and one.fget and inspect.signature(one.fget).return_annotation == "bool"
        for by_version, stand_in in [(_since(name), _yes(getattr(_STAND_IN, name)))]
        if name not in _LEFT_OUT and by_version != stand_in
    ]
    return _table(("capability", "CockroachDB", "the stand-in"), rows)


def _first_sentence(function: Callable[..., object]) -> str:
    text = " ".join(inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].split())
    return _as_markdown(re.split(r"[.;](?: |$)", _SOURCE.sub("", text))[0])


def _since(name: str) -> str:
    known = [version for version in _VERSIONS if getattr(Server(Product.COCKROACHDB, (*version, 0)), name)]
    if not known:
        return "no"
    return "yes" if known[0] == _VERSIONS[0] else "from v{}.{}".format(*known[0])


def _yes(truth: object) -> str:
    return "yes" if truth else "no"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    **{f"options of {magic.name}": partial(_options, magic) for magic in MAGICS},
    "tree of errors": _tree,
    "errors": _entries,
    "settings": _traits,
    "capabilities": _capabilities,
}


def pages() -> list[Path]:
    """Give the pages."""
    return sorted(PAGES.glob("*.md"))


if __name__ == "__main__":
    missing = set(PARTS)
    for page in pages():
        before = page.read_text(encoding="utf-8")
        missing -= set(named(before))
        if (after := filled(before)) != before:
            page.write_text(after, encoding="utf-8")
            print(f"docs/{page.name} is written anew")
    for name in sorted(missing):
        print(f"in no page: put <!-- made: {name} --> and <!-- end --> there")
