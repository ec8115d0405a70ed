"""What is nearly right in a cell: other tools' ways, Python in SQL, what can't be seen; and what to write instead.

What a server would refuse in words of its own gets a hint beside them; what it would take for something else is
refused here. Decided by SQLSTATE and by the statement's own text; of the server's message only a name in quotes counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import name as name_of

from crdb_magic.errors import ParameterError, ScriptError
from crdb_magic.sql.keywords import RESERVED, word_set
from crdb_magic.sql.lexer import Token, TokenKind, fold, lex
from crdb_magic.sql.statements import BoundStatement, Statement, Use, public

# Blanks, marks and signs of no width that are letters of a name for both servers. The joiners are left where they
# belong, between letters of Persian or of India.
_INVISIBLE = re.compile(
    r"[\x85\xa0\xad\u061c\u1680\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
    r"|(?<![^\0-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\0-\x7f])"
)
_TAKEN_AS_THEY_ARE = frozenset({TokenKind.STRING, TokenKind.QUOTED, TokenKind.COMMENT})
_PYTHONS = re.compile(r"\.[^\W\d]\w*+|[ \t]*+\[[^\]\n]*+\]?+")
_QUOTED = re.compile(r'"([^"]+)"')
_BEFORE_NAMES = re.compile(r"\b(?:BY|COLUMN|EXISTS|FROM|INDEX|INTO|JOIN|ONLY|TABLE|UPDATE|VIEW)\s+\Z", re.IGNORECASE)
_PLANNED = frozenset({"(", "SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "EXECUTE"})
_PSQLS = re.compile(r"\\[A-Za-z?!]\w*\+?")
_PSQLS_TEXT = re.compile(r":'([^\W\d]\w*)'")
_AS_ROWS = "df.T shows a DataFrame's rows as columns."
_TO_FILE = "%crdb_export writes a query into a file."
_INSTEAD = {  # of psql's commands; the others list what there is
    "\\copy": "%crdb_write writes a DataFrame into a table, %crdb_export a query into a file.",
    "\\timing": '%config CrdbMagic.status = "full" shows the time under each cell.',
    "\\set": "A variable of Python is one of the SQL: name = 1 in a cell, and :name.",
    "\\gset": "NAME << puts a result into a variable: %%crdb_txn NAME <<.",
    "\\c": "%crdb_connect URL opens a connection.",
    "\\connect": "%crdb_connect URL opens a connection.",
    "\\i": "Its statements go into a cell.",
    "\\o": _TO_FILE,
    "\\g": _TO_FILE,
    "\\gx": _AS_ROWS,
    "\\x": _AS_ROWS,
}
_LISTS = "%crdb_schema lists schemas and tables, %crdb_schema TABLE shows all about one."
_QUOTED_USE = re.compile(r"'(?::(?P<name>[^\W\d]\w*)|\{\{\s*(?P<braced>[^\W\d]\w*)\s*\}\})'")
_EQUALS = re.compile(r"(?P<sign>=|<>|!=)\s*\Z")

# What begins a statement; a line within one may begin so too, behind these words or where the second is missing.
_BEGIN = word_set("SELECT WITH INSERT UPSERT UPDATE DELETE MERGE CREATE ALTER DROP TRUNCATE SHOW EXPLAIN")
_GO_ON = word_set("BEFORE AFTER BETWEEN BY KEY OF SET VALUES VIEW") | RESERVED - word_set(
    """ASC CURRENT_CATALOG CURRENT_DATE CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEFAULT
    DESC END FALSE ISNULL LOCALTIME LOCALTIMESTAMP NOTHING NOTNULL NULL SESSION_USER SYSTEM_USER TRUE USER VERBOSE"""
)
_UNFINISHED = (
    ("VIEW", "AS"),
    ("FUNCTION", "AS"),
    ("PROCEDURE", "AS"),
    ("TRIGGER", "EXECUTE"),
    ("RULE", "DO"),
    ("POLICY", "USING"),
    ("CONFLICT", "DO"),
    ("MATCHED", "THEN"),
)
_QUERIES = word_set("SELECT WITH")
_OWN_LINES = {  # privileges, actions, a CTE whose comma is missing
    "GRANT": _BEGIN,
    "REVOKE": _BEGIN,
    "ALTER": word_set("ALTER DROP"),
    "WITH": word_set("WITH"),
}

_SYNTAX, _NO_COLUMN, _NO_TABLE, _NO_PLACEHOLDER = "42601", "42703", "42P01", "42P02"
_NO_OPERATOR, _NO_VALUE, _NO_TEXT_OF_IT = "42883", "22023", "22P02"


def refuse(statements: Iterable[Statement]) -> None:
    """Refuse what a server would take for something else: a ScriptError, or a ParameterError for ``:name[0]``."""
    for statement in statements:
        for index in _invisible(statement.text):
            char = statement.text[index]
            message = f"An invisible character stands in line {statement.line_of(index)}: {_called(char)}."
            hint = "Write a blank there, or nothing. Where it belongs to a name, put the name in double quotes."
            raise ScriptError("\n".join((message, *statement.excerpt(index))), hint=hint)
        for use in statement.uses:
            if not use.names and (found := _PYTHONS.match(statement.text, use.end)):
                raise _pythons(statement, use, found[0])


def _invisible(text: str) -> Iterator[int]:
    """Give the places of invisible characters, but for those in quotes and comments, which mean themselves."""
    if _INVISIBLE.search(text):
        for token in lex(text):
            if token.kind not in _TAKEN_AS_THEY_ARE:
                yield from (token.start + found.start() for found in _INVISIBLE.finditer(token.text))


def _called(char: str) -> str:
    return f"{name_of(char, 'a control character')} (U+{ord(char):04X})"


def _pythons(statement: Statement, use: Use, access: str) -> ParameterError:
    """Make the error for ``:ids[0]``: SQL counts from 1, and takes a bracket behind a type for an array of it."""
    message = (
        f":{use.name}{access} (line {statement.line_of(use.start)}): a parameter is a variable, not an expression."
    )
    hint = "Assign it to a variable first."
    if access[0] != ".":
        hint += f" In SQL, (:{use.name})[…] counts from 1."
    return ParameterError("\n".join((message, *statement.excerpt(use.start))), hint=hint)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A statement that a server refused: where, if it said so, and in which words."""

    bound: BoundStatement
    place: int | None
    message: str

    @property
    def source(self) -> Statement:
        return self.bound.source

    @property
    def quoted(self) -> str | None:
        """The name that the message quotes."""
        found = _QUOTED.search(self.message)
        return found[1] if found else None

    @property
    def variable(self) -> str | None:
        """The variable of that name: servers tell unquoted names in lower case."""
        name = self.quoted
        return next((one for one in public(self.bound.names) if name in {one, one.lower()}), None)


def _psqls(refused: _Refused) -> str | None:
    text, head, place = refused.source.text, refused.source.head, refused.place
    if place is not None and (value := _PSQLS_TEXT.match(text, place)):
        return f"{value[0]} is psql's: write :{value[1]}."
    found = _PSQLS.match(text, head) or (_PSQLS.match(text, place) if place is not None else None)
    return f"{found[0]} is psql's. {_INSTEAD.get(found[0], _LISTS)}" if found else None


def _without_plan(refused: _Refused) -> str | None:
    """Look for what PostgreSQL can't explain: it finds fault with what stands behind the statement's first words."""
    own = refused.source.text[refused.source.added :]
    first = next((fold(token.text) for token in lex(own) if token.kind is not TokenKind.COMMENT), "")
    if not refused.source.added or first in _PLANNED:
        return None
    if first == "ANALYZE":
        return "The option is --explain=analyze, in one word."
    return "PostgreSQL has plans of queries, INSERT, UPDATE, DELETE, MERGE and CREATE TABLE … AS, and of nothing else."


def _templates(refused: _Refused) -> str | None:
    """Look for ``{x}``, ``{{x}}``, ``$x``, ``${x}``, ``%(x)s``, ``%s``."""
    text = refused.source.text
    for before, token in pairwise(lex(text)):
        if token.kind is not TokenKind.WORD:
            continue
        if before.text in {"{", "$"} or text[before.start - 1 : token.end + 2] == f"%({token.text})s":
            return f'A variable is written :{token.text} for its value, :"{token.text}" for the name that it holds.'
        if text[before.start : token.end] == "%s":
            return _placeholders(refused)
    return None


def _a_value_for_a_name(refused: _Refused) -> str | None:
    for use in refused.source.uses:
        told = refused.place == use.start
        likely = refused.place is None and _BEFORE_NAMES.search(refused.source.text[: use.start])
        if not use.names and (told or likely):
            return f'A value can\'t stand there. The name of a table or a column is written :"{use.name}".'
    return None


def _two_names_in_one(refused: _Refused) -> str | None:
    values = (one for one in refused.bound.parameters if one.names and "." in str(one.value))
    hints = (
        f':"{one.name}" is one name, dots included: write :"schema".:"table", a variable for each.' for one in values
    )
    return next(hints, None)


def _value_without_colon(refused: _Refused) -> str | None:
    return refused.variable and f"The notebook has a variable of that name: write :{refused.variable} for its value."


def _name_without_colon(refused: _Refused) -> str | None:
    name = refused.variable
    return name and f'The notebook has a variable {name}: if it holds the name of the table, write :"{name}".'


def _comment_of_python(refused: _Refused) -> str | None:
    text = refused.source.text
    signs = (token for token in lex(text) if token.text == "#" and text[token.end : token.end + 1] in {" ", ""})
    if refused.place is None or not any(token.start <= refused.place for token in signs):
        return None
    return "# is an operator in SQL: a comment begins with --."


def _text_as_a_name(refused: _Refused) -> str | None:
    place = refused.place
    if place is None or not refused.source.text.startswith('"', place):
        return None
    return "Double quotes are for names. A text is written in single quotes."


def _two_statements(refused: _Refused) -> str | None:
    """Look for a line that begins another statement: its first word is refused, or is an alias and the second is."""
    text, place = refused.source.text, refused.place
    if place is None:
        return None
    tokens = [one for one in lex(text, refused.source.added) if one.kind is not TokenKind.COMMENT]
    at = next((index for index, one in enumerate(tokens) if one.start >= place), 0)
    for index in (at, at - 1):
        if index > 0 and _begins_line(text, tokens[index]) and _may_end(tokens[:index], fold(tokens[index].text)):
            return f"Is a ; missing before {tokens[index].text}?"
    return None


def _begins_line(text: str, token: Token) -> bool:
    begin = text.rfind("\n", 0, token.start) + 1
    return begin > 0 and not text[begin : token.start].strip()


def _may_end(tokens: Sequence[Token], follows: str) -> bool:
    """Whether a statement may be complete with these tokens, so that what follows begins another one."""
    words = [fold(one.text) for one in tokens]
    last = tokens[-1]
    whole = last.text in {")", "]"} if last.kind is TokenKind.SYMBOL else words[-1] not in _GO_ON
    nested = sum((word == "(") - (word == ")") for word in words)
    lacks = any(have in words and want not in words for have, want in _UNFINISHED)
    as_lacks = words[:2] == ["CREATE", "TABLE"] and "AS" not in words and last.text != ")" and follows in _QUERIES
    own = follows in _OWN_LINES.get(words[0], ())
    return follows in _BEGIN and whole and not (nested or lacks or as_lacks or own)


def _list_for_a_value(refused: _Refused) -> str | None:
    """Look for ``= :ids``, of a list: where the server tells no place, the first one."""
    text, place = refused.source.text, refused.place
    values = refused.bound.values
    for use in refused.source.uses:
        found = _EQUALS.search(text[: use.start])
        if not found or use.names or place not in {None, found.start()} or not _is_list(values[use.name]):
            continue
        one, each = ("IN", "= ANY") if found["sign"] == "=" else ("NOT IN", "<> ALL")
        return f":{use.name} is a list: write {one} :{use.name}, or {each}(:{use.name})."
    return None


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | memoryview | Mapping)


def _quoted_use(refused: _Refused) -> str | None:
    return next(iter(quoted_uses(refused.source, refused.bound.names)), None)


def quoted_uses(statement: Statement, names: Collection[str]) -> list[str]:
    """Tell of texts that are the ``:name`` of a variable, which is no error: they are compared, or written."""
    if not _QUOTED_USE.search(statement.text):
        return []
    found = (
        (token.text, use["name"] or use["braced"])
        for token in lex(statement.text)
        if token.kind is TokenKind.STRING and (use := _QUOTED_USE.fullmatch(token.text))
    )
    known = set(public(names)) - set(statement.parameters)  # who writes it without quotes too means a text by this
    meant = [(text, name) for text, name in dict.fromkeys(found) if name in known]
    return [f"{text} is a text; the variable is :{name}, without quotes." for text, name in meant]


def _placeholders(_: _Refused) -> str:
    return "Values come from the notebook's variables here: write :name."


_HINTS: tuple[tuple[frozenset[str], Callable[[_Refused], str | None]], ...] = (
    (frozenset({_SYNTAX}), _psqls),
    (frozenset({_SYNTAX}), _without_plan),
    (frozenset({_SYNTAX}), _templates),
    (frozenset({_SYNTAX}), _a_value_for_a_name),
    (frozenset({_SYNTAX, _NO_COLUMN}), _comment_of_python),
    (frozenset({_SYNTAX}), _two_statements),
    (frozenset({_NO_TABLE, _NO_COLUMN}), _two_names_in_one),
    (frozenset({_NO_COLUMN}), _value_without_colon),
    (frozenset({_NO_COLUMN}), _text_as_a_name),
    (frozenset({_NO_TABLE}), _name_without_colon),
    (frozenset({_NO_PLACEHOLDER}), _placeholders),
    (frozenset({_NO_OPERATOR, _NO_VALUE}), _list_for_a_value),
    (frozenset({_NO_TEXT_OF_IT}), _quoted_use),
)


def hint(bound: BoundStatement, sqlstate: str | None, place: int | None, message: str) -> str | None:
    """Give a hint beside what a server said, if the statement is nearly right; ``place`` is an index of its text."""
    refused = _Refused(bound, place, message)
    hints = (find(refused) for states, find in _HINTS if sqlstate in states)
    return next(filter(None, hints), None)


def hint_in_python(sql: str, sqlstate: str | None) -> str | None:
    """Give the hint for SQL with a ``:name`` of cells where psycopg2's placeholders are taken."""
    if sqlstate != _SYNTAX:
        return None
    with suppress(ScriptError):
        name = next((token.text for token in lex(sql) if token.kind is TokenKind.PARAMETER), None)
        return name and f"{name} is for cells of SQL. In Python write %s, and pass the value separately: [value]."
    return None
