"""Completes SQL: a text, a cursor, the names of the database and of the notebook -> what may stand there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from crdb_magic.explore.cursor import CURSOR, Typing, last_word, name_of, typing_at, word_of
from crdb_magic.explore.expected import Expected, clause, expected, following, named_before, qualifier
from crdb_magic.explore.names import SYSTEM_SCHEMAS, DatabaseNames, NamedTable
from crdb_magic.explore.scope import FromItem, Scope
from crdb_magic.sql.functions import HARMLESS
from crdb_magic.sql.keywords import (
    CLAUSES,
    DEFINITIONS,
    FOLLOWING,
    OF_A_COLUMN,
    OPERANDS,
    RELATIONS,
    STATEMENTS,
    TYPES,
)
from crdb_magic.sql.lexer import Token, TokenKind
from crdb_magic.sql.names import meant, written

_MOST_OFFERED = 500  # as many as IPython hands on
_ASKED_FOR = 3  # letters that are typed until functions are offered that few people know
_BEHIND_OPERANDS = tuple(dict.fromkeys((*chain(*CLAUSES.values()), *OF_A_COLUMN, *DEFINITIONS)))
_WORDS = frozenset(" ".join((*STATEMENTS, *_BEHIND_OPERANDS, *OPERANDS, *RELATIONS, *FOLLOWING)).split())


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand in the place of the word at the cursor, and what it is: a column, a table, a keyword."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Completions:
    """What may stand in the place of ``text[start:cursor]``, best first."""

    start: int
    items: tuple[Completion, ...] = ()


@dataclass(frozen=True, slots=True)
class Variables:
    """The notebook's names whose values can be bound: as ``:name``, and those that hold a name, as ``:"name"``."""

    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A completion with the name by which it is found."""

    name: str
    text: str
    kind: str


def complete(text: str, cursor: int, names: DatabaseNames, variables: Variables = Variables()) -> Completions | None:
    """Give what may be typed at a cursor in SQL text; None within strings and comments. Never raises.

    Names are in quotes where they need them, keywords in the case of what was typed. Where the cursor stands within a
    word, the rest of that is left out of what ends in it.
    """
    typing = typing_at(text, cursor)
    if typing is None:
        return None
    found: dict[str, Completion] = {}
    for one in _Offering(typing, names, variables).candidates():
        if _fits(one, typing):
            found.setdefault(one.text, Completion(one.text.removesuffix(typing.rest), one.kind))
        if len(found) == _MOST_OFFERED:
            break
    return Completions(typing.start, tuple(found.values()))


def _fits(candidate: _Candidate, typing: Typing) -> bool:
    is_parameter = typing.kind in {TokenKind.PARAMETER, TokenKind.NAMING}
    begun = typing.word.strip(':"') if is_parameter else meant(typing.word)
    if typing.word.startswith('"') and not candidate.text.startswith('"'):  # it is no name of several parts
        return False
    is_there = candidate.text.lower() == (typing.word + typing.rest).lower() and typing.rest
    return candidate.name.lower().startswith(begun.lower()) and not is_there


class _Offering:
    """What is known at one place."""

    def __init__(self, typing: Typing, names: DatabaseNames, variables: Variables) -> None:
        self._typing = typing
        self._names = names
        self._variables = variables
        self._scope = Scope(typing, names)
        self._quoted = typing.word.startswith('"')
        self._begun = meant(typing.word).lower()

    def candidates(self) -> Iterator[_Candidate]:
        """Give what may stand there, best first."""
        place = expected(self._typing)
        if self._typing.kind in {TokenKind.PARAMETER, TokenKind.NAMING}:
            return self._parameters(is_name=place is Expected.RELATION)
        return _OFFERS[place](self)

    def _written(self, name: str) -> str:
        text = written(name)
        return f'"{text}"' if self._quoted and text == name else text

    def _named(self, names: Iterable[str], kind: str) -> Iterator[_Candidate]:
        fitting = (name for name in names if name.lower().startswith(self._begun))  # of thousands, first
        return (_Candidate(name, self._written(name), kind) for name in fitting)

    def _parameters(self, *, is_name: bool) -> Iterator[_Candidate]:
        if is_name or self._typing.kind is TokenKind.NAMING:
            return (_Candidate(name, f':"{name}"', "param") for name in self._variables.names)
        return (_Candidate(name, f":{name}", "param") for name in self._variables.values)

    def _keywords(self, phrases: Sequence[str]) -> Iterator[_Candidate]:
        if self._quoted:
            return iter(())
        change = _case(self._typing)
        texts = (phrase if phrase.islower() else change(phrase) for phrase in phrases)
        return (_Candidate(text, text, "keyword") for text in texts)

    def new_names(self) -> Iterator[_Candidate]:
        """Give the words that may stand where a new name does."""
        before = self._typing.before
        last = last_word(before)
        if last == "AS":
            return self._keywords(("OF SYSTEM TIME",) if clause(before) in {"FROM", "JOIN"} else ())
        if self._typing.statement != "CREATE":
            return iter(())
        return self._keywords(DEFINITIONS if not before or last == "," else ("IF NOT EXISTS",))

    def statements(self) -> Iterator[_Candidate]:
        """Give the words that begin a statement."""
        return self._keywords(STATEMENTS)

    def following(self) -> Iterator[_Candidate]:
        """Give the other words of a phrase, and what may stand in their place."""
        before = self._typing.before
        yield from self._keywords(following(before))
        if [word_of(item) for item in before[-2:]] == ["SHOW", "CREATE"]:
            yield from self._relations()

    def members(self) -> Iterator[_Candidate]:
        """Give what stands behind a dot: columns of a table, tables of a schema."""
        parts = qualifier(self._typing.before)
        if not parts:
            return
        place = self._typing.before[: -2 * len(parts)]
        at_table = expected(replace(self._typing, at=len(place))) in {Expected.RELATION, Expected.NEW_NAME}
        if not at_table:
            relation = next((one for one in self._scope.seen if (one.alias,) == parts), None)
            if parts == ("excluded",):  # the row that ON CONFLICT is about
                relation = self._scope.target
            found = relation or self._names.find(parts)
            yield from self._named(found.columns if found else (), "column")
        if parts[-1] in self._names.schemas:
            yield from self._tables(table for table in self._names.tables if table.schema == parts[-1])

    def indexes(self) -> Iterator[_Candidate]:
        """Give the indexes of the table before the @."""
        *earlier, last = self._typing.before[:-1] or [CURSOR]
        table = self._names.find((*qualifier(earlier), name_of(last)))
        return self._named(table.indexes if table else (), "index")

    def types(self) -> Iterator[_Candidate]:
        """Give the types of the servers."""
        return self._keywords(TYPES)

    def relations(self) -> Iterator[_Candidate]:
        """Give tables, views and schemas, and functions that stand in their place."""
        yield from self._relations()
        if len(self._typing.word) >= _ASKED_FOR:
            yield from self._functions()
        if last_word(self._typing.before) in {"FROM", "JOIN", ","}:
            yield from self._keywords(RELATIONS)

    def _relations(self) -> Iterator[_Candidate]:
        yield from self._named(self._scope.ctes, "table")
        yield from self._tables(table for table in self._own_tables if self._names.seen(table))
        yield from self._tables((table for table in self._own_tables if not self._names.seen(table)), with_schema=True)
        yield from self._named((name for name in self._names.schemas if name not in SYSTEM_SCHEMAS), "schema")
        if self._typing.word:
            systems = [table for table in self._names.tables if table.schema in SYSTEM_SCHEMAS]
            yield from self._named(sorted(SYSTEM_SCHEMAS & {*self._names.schemas}), "schema")
            yield from self._tables(table for table in systems if self._names.seen(table))

    @property
    def _own_tables(self) -> Iterator[NamedTable]:
        """The tables that are not the server's."""
        return (table for table in self._names.tables if table.schema not in SYSTEM_SCHEMAS)

    def _tables(self, tables: Iterable[NamedTable], *, with_schema: bool = False) -> Iterator[_Candidate]:
        are_sequences = last_word(self._typing.before) == "SEQUENCE"
        for table in tables:
            if (table.kind == "sequence") is are_sequences and table.name.lower().startswith(self._begun):
                schema = f"{written(table.schema)}." if with_schema else ""
                yield _Candidate(table.name, schema + self._written(table.name), table.kind)

    def _functions(self) -> Iterator[_Candidate]:
        """Give the functions that people call; a server has thousands, most of which stand behind its operators."""
        if self._typing.word:
            known = (name for name in self._names.functions if name.upper() in HARMLESS)
            yield from self._named((*self._names.routines, *known), "function")

    def schemas(self) -> Iterator[_Candidate]:
        """Give the schemas."""
        return self._named(self._names.schemas, "schema")

    def databases(self) -> Iterator[_Candidate]:
        """Give the databases."""
        return self._named(self._names.databases, "database")

    def routines(self) -> Iterator[_Candidate]:
        """Give functions and procedures."""
        return self._named((*self._names.routines, *self._names.functions), "function")

    def target_columns(self) -> Iterator[_Candidate]:
        """Give the columns of the table that is written to."""
        target = self._scope.target
        return self._named(target.columns if target else (), "column")

    def listed_columns(self) -> Iterator[_Candidate]:
        """Give the columns of the table before the parenthesis that the list does not have yet."""
        table = self._names.find(named_before(self._typing.group) or ("",))
        columns = table.columns if table else tuple(chain.from_iterable(one.columns for one in self._scope.seen))
        has = {name_of(item) for item in self._typing.group}
        return self._named((name for name in columns if name not in has), "column")

    def common_columns(self) -> Iterator[_Candidate]:
        """Give the columns that more than one table has."""
        counts = Counter(chain.from_iterable(one.columns for one in self._scope.seen))
        return self._named((name for name, count in counts.items() if count > 1), "column")

    def conditions(self) -> Iterator[_Candidate]:
        """Give the conditions of a join that the columns' names suggest, and all else that may stand there."""
        *earlier, joined = self._scope.before or (FromItem(""),)
        for other in reversed(earlier):
            for mine, theirs in _pairs(joined, other):
                text = f"{_of(other, theirs)} = {_of(joined, mine)}"
                yield _Candidate(text, text, "condition")
        yield from self._aliases()
        yield from self.operands()

    def operands(self) -> Iterator[_Candidate]:
        """Give columns, tables, functions and keywords."""
        yield from self._columns()
        yield from self._aliases()
        if self._typing.word and not self._scope.seen:
            yield from self._named(self._names.columns_like(self._begun), "column")
            yield from self._tables(table for table in self._own_tables if self._names.seen(table))
        yield from self._functions()
        yield from self._keywords(OPERANDS)
        if len(self._typing.word) >= _ASKED_FOR:
            yield from self._named(self._names.functions, "function")

    def _aliases(self) -> Iterator[_Candidate]:
        return self._named((one.alias for one in self._relations_here), "table")

    @property
    def _relations_here(self) -> Sequence[FromItem]:
        """The relations of an expression: what INSERT fills counts only behind its rows."""
        if self._typing.statement not in {"INSERT", "UPSERT"}:
            return self._scope.seen
        is_behind = {"RETURNING", "CONFLICT"} & {word_of(item) for item in self._typing.before}
        return [one for one in self._scope.seen if is_behind or not one.is_target]

    def _columns(self) -> Iterator[_Candidate]:
        """Give the columns of the statement's tables, those that several have with the name of each."""
        relations = self._relations_here
        counts = Counter(chain.from_iterable(one.columns for one in relations))
        for one in relations:
            for name in one.columns:
                whose = f"{written(one.alias)}." if counts[name] > 1 and not self._quoted else ""
                yield _Candidate(name, whose + self._written(name), "column")
        if clause(self._typing.before) in {"ORDER", "GROUP"}:
            yield from self._named(
                self._scope.columns_of_query(self._typing.group.items, self._scope.ctes, 0), "column"
            )

    def clauses(self) -> Iterator[_Candidate]:
        """Give the keywords that go on behind an operand."""
        before = clause(self._typing.before)
        is_definition = not before and self._typing.statement == "CREATE"
        phrases = OF_A_COLUMN if is_definition else CLAUSES.get(before, ())
        word = self._typing.word.upper()
        if word and not any(phrase.startswith(word) for phrase in phrases):
            phrases = _BEHIND_OPERANDS
        return self._keywords(phrases)


_OFFERS: dict[Expected, Callable[[_Offering], Iterator[_Candidate]]] = {
    Expected.NEW_NAME: _Offering.new_names,
    Expected.STATEMENT: _Offering.statements,
    Expected.FOLLOWING: _Offering.following,
    Expected.MEMBER: _Offering.members,
    Expected.INDEX: _Offering.indexes,
    Expected.TYPE: _Offering.types,
    Expected.RELATION: _Offering.relations,
    Expected.SCHEMA: _Offering.schemas,
    Expected.DATABASE: _Offering.databases,
    Expected.ROUTINE: _Offering.routines,
    Expected.TARGET_COLUMN: _Offering.target_columns,
    Expected.COMMON_COLUMN: _Offering.common_columns,
    Expected.LISTED_COLUMN: _Offering.listed_columns,
    Expected.CONDITION: _Offering.conditions,
    Expected.OPERAND: _Offering.operands,
    Expected.CLAUSE: _Offering.clauses,
}


def _case(typing: Typing) -> Callable[[str], str]:
    """Tell the case of keywords by the word that is typed, else by the last one before it."""
    before = (item.text for item in reversed(typing.before) if isinstance(item, Token) and word_of(item) in _WORDS)
    words = (typing.word, *before)
    typed = next((word for word in words if any(letter.isalpha() for letter in word)), "")
    return str.lower if typed.islower() else str.upper


def _of(relation: FromItem, column: str) -> str:
    """Write a column with the name of its table."""
    return f"{written(relation.alias)}.{written(column)}"


def _pairs(joined: FromItem, other: FromItem) -> Iterator[tuple[str, str]]:
    """Give the columns that two tables may be joined by: owner_id and the id of owners, then those of one name."""
    yield from ((name, "id") for name in joined.columns if "id" in other.columns and _refers(name, other))
    yield from (("id", name) for name in other.columns if "id" in joined.columns and _refers(name, joined))
    yield from ((name, name) for name in joined.columns if name in other.columns)


def _refers(column: str, to: FromItem) -> bool:
    whose = column.removesuffix("_id")
    return whose != column and to.table in {whose, f"{whose}s", f"{whose}es", f"{whose.removesuffix('y')}ies"}
