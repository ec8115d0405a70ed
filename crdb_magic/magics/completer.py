"""Tab: IPython's completer asks us first, and within our magics nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from inspect import ismodule
from string import ascii_letters, digits

import pandas as pd
from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.errors import NotConnectedError
from crdb_magic.explore.completion import Completion, Variables, complete
from crdb_magic.explore.names import UNKNOWN, DatabaseNames
from crdb_magic.magics.arguments import Fills, Option, Unfinished, Words, unfinished
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.cursor_position import AtCursor, InCell, InLine, in_cell, in_line, member_of_db, sql_sent
from crdb_magic.magics.magic import CrdbMagic, Magic
from crdb_magic.magics.names_cache import NamesCache
from crdb_magic.sql.names import written
from crdb_magic.sql.statements import public

_NAME = "crdb_magic"
_FILES = "IPCompleter.file_matcher"
_FIRST = 1000.0  # of IPython's own none has a priority above 1
_OF_A_WORD = f"{ascii_letters}{digits}_-"
_TABLE_KINDS = frozenset({"table", "view", "schema"})


class _Matches(list[SimpleCompletion]):
    """What we offer; IPython would take an empty list for no answer, and ask the others."""

    def __len__(self) -> int:
        return super().__len__() or 1


def _answered(fragment: str, offered: Iterable[Completion], besides: Iterable[str] = ()) -> SimpleMatcherResult:
    return SimpleMatcherResult(
        completions=_Matches(SimpleCompletion(one.text, type=one.kind) for one in offered),
        matched_fragment=fragment,
        suppress=True,
        do_not_suppress=set(besides),
        ordered=True,
    )


def _not_ours() -> SimpleMatcherResult:
    return SimpleMatcherResult(completions=[], suppress=False)  # another one each time: IPython writes into it


class Completer:
    """The face of `crdb_magic.explore.completion` for IPython, and of the option tables."""

    def __init__(self, notebook: CrdbMagic) -> None:
        self._notebook = notebook
        self._shell: InteractiveShell = notebook.shell
        self.known = NamesCache()

        @context_matcher(identifier=_NAME, priority=_FIRST)  # type: ignore[untyped-decorator]
        def matcher(context: CompletionContext) -> SimpleMatcherResult:
            return self._match(context)

        self._matcher = matcher  # IPython marks a function, which a bound method can't be

    def join(self) -> None:
        """Take part in the shell's completion, and read names after cells for who may press Tab."""
        self._shell.Completer.custom_matchers.append(self._matcher)
        self._shell.events.register("post_run_cell", self._look)

    def leave(self) -> None:
        """Take no part any longer."""
        self._shell.Completer.custom_matchers.remove(self._matcher)
        self._shell.events.unregister("post_run_cell", self._look)

    def _look(self, *_: object) -> None:
        connections = self._notebook.connections
        if self._notebook.audience is not Audience.NOBODY:
            for name in connections.names():
                self.known.look_at(connections.get(name))

    def _match(self, context: CompletionContext) -> SimpleMatcherResult:
        lines = context.full_text.split("\n")[: context.cursor_line]
        cursor = sum(len(line) + 1 for line in lines) + context.cursor_position
        below = in_cell(context.full_text, cursor)
        magic = self._magic(below.magic, "cell") if below else None
        if below and magic and (answer := self._in_cell(magic, below)):
            return answer
        at = in_line(context.full_text, cursor)
        magic = self._magic(at.magic, "cell" if at.is_cell else "line") if at else None
        return self._in_line(magic, at) if at and magic else _not_ours()

    def _magic(self, name: str, kind: str) -> Magic | None:
        """Give the magic of ours that has a name in the shell, be it one that it was given by others."""
        function = self._shell.magics_manager.magics[kind].get(name)
        declared: Magic | None = getattr(function, "declared", None)
        return declared

    # Below a cell's magic.

    def _in_cell(self, magic: Magic, below: InCell) -> SimpleMatcherResult | None:
        given = unfinished(f"{below.line} ", magic.options).given
        if "python" not in given:
            return self._sql(below.body, given)
        if sent := sql_sent(below.body):
            return self._sql(sent, given)
        typed = member_of_db(below.body)
        return None if typed is None else _answered(typed, _members(typed))

    def _sql(self, sql: AtCursor, given: Mapping[str, str]) -> SimpleMatcherResult:
        found = complete(sql.text, sql.cursor, self._names(given), self._variables())
        return _answered(sql.text[found.start : sql.cursor], found.items) if found else _answered("", ())

    def _names(self, given: Mapping[str, str]) -> DatabaseNames:
        try:
            return self.known.of(self._notebook.connections.get(given.get("on")))
        except NotConnectedError:
            return UNKNOWN

    @property
    def _space(self) -> dict[str, object]:
        return dict(self._shell.user_ns)  # a copy: other threads may bind names

    def _variables(self) -> Variables:
        space = self._space
        values = [name for name in public(space) if not (callable(space[name]) or ismodule(space[name]))]
        return Variables(tuple(sorted(values)), tuple(sorted(one for one in values if isinstance(space[one], str))))

    # In a magic's line.

    def _in_line(self, magic: Magic, at: InLine) -> SimpleMatcherResult:
        is_sql = Fills.SQL in magic.words or Fills.QUERY in magic.words
        line = unfinished(at.line.before, magic.options, sql_follows=is_sql)
        behind = at.line.text[at.line.cursor :]
        end = behind[: len(behind) - len(behind.lstrip(_OF_A_WORD))]  # of the word, where the cursor is within one
        if line.option:
            return self._words(line.option.words, line.typed, end, line)
        if line.is_name or (at.is_cell and not line.typed):
            others = f"{at.line.before.removesuffix(line.typed)} {behind.removeprefix(end)} "
            given = unfinished(others, magic.options, sql_follows=is_sql).given
            options = [option for option in magic.options if option.name not in given]
            return _answered(line.typed, _fitting(line.typed.replace("_", "-"), end, _named(options)))
        if is_sql and not at.is_cell and (sql := _sql_of(magic, line.typed, behind)):
            return self._sql(sql, line.given)
        return self._words(magic.words, line.typed.rpartition(" ")[2], end, line)

    def _words(self, words: Words, typed: str, end: str, line: Unfinished) -> SimpleMatcherResult:
        if Fills.TABLES in words and not typed.startswith(":"):
            return self._tables(typed, end, line.given)
        if Fills.FRAMES in words and typed and not typed.isidentifier():  # an expression, or a file
            return _not_ours()
        if Fills.COLUMNS in words:
            typed = typed.rpartition(",")[2]
        offered: Iterable[Completion] = (one for word in words for one in self._of_word(word, line))
        if typed.startswith(":"):
            offered = (Completion(f":{name}", "param") for name in self._variables().values)
        return _answered(typed, _fitting(typed, end, offered), besides=[_FILES] if Fills.FILES in words else [])

    def _of_word(self, word: str | Fills, line: Unfinished) -> Iterator[Completion]:
        space = self._space
        match word:
            case str():
                yield Completion(word, "value")
            case Fills.CONNECTIONS:
                yield from (Completion(name, "connection") for name in self._notebook.connections.names())
            case Fills.FRAMES:
                frames = (name for name in public(space) if isinstance(space[name], pd.DataFrame))
                yield from (Completion(name, "frame") for name in sorted(frames))
            case Fills.DATABASES:
                from crdb_magic.orm.database import CockroachDatabase

                databases = (name for name in public(space) if isinstance(space[name], CockroachDatabase))
                yield from (Completion(name, "database") for name in sorted(databases))
            case Fills.COLUMNS:
                frame = space.get(line.rest[0]) if line.rest else None
                names = frame.columns if isinstance(frame, pd.DataFrame) else ()
                yield from (Completion(_in_list(name), "column") for name in names if isinstance(name, str))

    def _tables(self, typed: str, end: str, given: Mapping[str, str]) -> SimpleMatcherResult:
        """Complete a table's name as SQL does behind TABLE."""
        before = "TABLE "
        found = complete(before + typed + end, len(before + typed), self._names(given))
        if found is None:
            return _answered("", ())
        tables = (one for one in found.items if one.kind in _TABLE_KINDS)
        return _answered(typed[found.start - len(before) :], tables)


def _sql_of(magic: Magic, typed: str, behind: str) -> AtCursor | None:
    """Give the SQL in a line, if the cursor is in it: all of the rest, or what is in quotes."""
    if Fills.SQL in magic.words:
        return AtCursor(typed + behind, len(typed))
    quote, begun = typed[:1], typed[1:]
    if quote not in {"'", '"'} or quote in begun:
        return None
    rest = behind.rpartition(quote)[0] if quote in behind else behind
    return AtCursor(begun + rest, len(begun))


def _named(options: Iterable[Option]) -> Iterator[Completion]:
    return (Completion(f"--{option.name}", "option") for option in options)


def _fitting(typed: str, end: str, offered: Iterable[Completion]) -> Iterator[Completion]:
    """Give what begins as it was typed, without what stands behind the cursor already."""
    for one in offered:
        rest = end if typed else ""
        text = one.text.removesuffix(rest)
        if one.text.lower().startswith(typed.lower()) and (text != typed or not rest):
            yield Completion(text, one.kind)


def _in_list(name: str) -> str:
    """Write a column's name as it stands in a list of them."""
    return name if name == name.strip() and not {",", "=", '"', " "} & {*name} else written(name)


def _members(typed: str) -> Iterator[Completion]:
    """Give what the database of a Python cell can do: our own first, then peewee's."""
    from crdb_magic.orm.bulk import Bulk
    from crdb_magic.orm.database import CockroachDatabase
    from crdb_magic.orm.dialect import Dialect

    names = [name for name in dir(CockroachDatabase) if name.startswith(typed) and (typed or name[0] != "_")]
    for name in sorted(names, key=lambda name: (hasattr(Dialect, name), not hasattr(Bulk, name), name)):
        yield Completion(name, "function" if callable(getattr(CockroachDatabase, name)) else "property")
