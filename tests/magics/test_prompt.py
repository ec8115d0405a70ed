"""The SQL of a cell is coloured in a terminal's prompt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal import interactiveshell
from IPython.terminal.ptutils import IPythonPTLexer
from prompt_toolkit.document import Document

from crdb_magic.magics.prompt import PromptLexer


def pieces(text: str, kind: str) -> list[str]:
    """Give the pieces of a text that are of a kind, joined where they touch."""
    lines = PromptLexer().lex_document(Document(text))
    found = [[], *([] for _ in text)]
    at = 0
    for number in range(text.count("\n") + 1):
        for style, piece, *_ in lines(number):
            of_kind = style.startswith(f"class:pygments.{kind}")
            at += not of_kind
            found[at] += [piece] if of_kind else []
        at += 1
    return ["".join(one) for one in found if "".join(one)]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("%%crdb_txn\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
        ("\n%%crdb_export f.csv\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
        ("%%sql\nSELECT 1 FROM t", "keyword", ["SELECT", "FROM"]),
        ("%%crdb_txn\n-- it's\nSELECT 'a'", "comment", ["-- it's"]),
        ("%%crdb_txn\n-- it's\nSELECT 'a'", "literal.string", ["'a'"]),
        ("%%crdb_txn\nSELECT :city, x::int", "name.variable", [":city"]),
        ("%%crdb_txn df << --priority high --as-of=:then\nSELECT 1", "name.variable", ["df", ":then"]),
        ("%%crdb_txn df << --priority high --as-of=:then\nSELECT 1", "name.attribute", ["--priority", "--as-of"]),
        ("%%crdb_txn df << --priority high --as-of=:then\nSELECT 1", "literal.string", ["high"]),
        ("%%crdb_txn --python\nfor x in SELECT: pass", "keyword", ["for", "pass"]),
        ("for x in SELECT: pass", "keyword", ["for", "pass"]),
        ("%%crdb_txns\nfor x in SELECT: pass", "keyword", ["for", "pass"]),
    ],
)
def test_a_piece_is_of_its_kind(text: str, kind: str, expected: list[str]) -> None:
    assert pieces(text, kind) == expected


@pytest.fixture
def terminal() -> Iterator[InteractiveShell]:
    """A shell with a prompt."""
    shell = InteractiveShell.instance()
    shell.pt_app = object()
    yield shell
    shell.run_line_magic("unload_ext", "crdb_magic")
    del shell.pt_app


def test_a_terminal_has_it_while_the_extension_is_loaded(terminal: InteractiveShell) -> None:
    terminal.run_line_magic("load_ext", "crdb_magic")
    loaded = interactiveshell.IPythonPTLexer
    terminal.run_line_magic("unload_ext", "crdb_magic")

    assert (loaded, interactiveshell.IPythonPTLexer) == (PromptLexer, IPythonPTLexer)
