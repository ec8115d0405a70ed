"""A magic's line -> its options, as declared in a table; the same table writes the help, and what Tab offers.

Not argparse: it refuses ``--as-of -10s``, accepts ``--prio``, and eats the quotes of SQL that follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from crdb_magic.core.asof import AsOf
from crdb_magic.errors import OptionError, ParameterError
from crdb_magic.magics.expression import end_of
from crdb_magic.magics.habits import option_meant
from crdb_magic.magics.namespace import Namespace

T = TypeVar("T")
_NAME = re.compile(r"--([A-Za-z][\w-]*)(=?)")
# In quotes as a whole, or up to a blank that stands in no quotes or parentheses: "my schema"."t", a=DECIMAL(10, 2).
_VALUE = re.compile(r"""(?!#(?!\S))(?:'([^']*)'(?!\S)|"([^"]*)"(?!\S)|((?:"[^"]*"|'[^']*'|\([^()]*\)|\S)+))""")
# Up to a blank that stands in no quotes, of a name or of a value of libpq's: "my # table", password='two  blanks --a'.
_QUOTED = r"""(?:\A|(?<=\.))(?:"[^"]*"|'[^']*')|=\s*'(?:[^'\\]|\\.)*'"""
_WORD = re.compile(rf"(?:{_QUOTED}|\S)+", re.DOTALL)
_ONE_DASH = re.compile(r"[-\u2013\u2014]([A-Za-z][\w-]*)")  # or one that an editor has made of two
_ASSIGN = re.compile(r"([^\W\d]\w*)\s*<<\s*")
_END = re.compile(r"#(?!\S)|\Z")  # a # within a word is part of it: of a URL, say
_NOT_TOLD = re.compile(r"\s|=|://")  # may begin a secret
_NAME_BEGUN = re.compile(r"--?[\w-]*")


class Takes(Enum):
    """Whether an option is followed by a value."""

    NOTHING = "nothing"
    A_VALUE = "a value"
    PERHAPS = "perhaps a value"
    GLUED = "perhaps a value, behind an equals sign: what follows may be SQL"


_VALUE_USAGE = {Takes.NOTHING: "", Takes.A_VALUE: " {}", Takes.PERHAPS: " [{}]", Takes.GLUED: "[={}]"}
_FOLLOWED = frozenset({Takes.A_VALUE, Takes.PERHAPS})


class Fills(Enum):
    """Where the words come from that complete a value, or what stands behind the options."""

    CONNECTIONS = "the names of the open connections"
    TABLES = "the database's tables"
    COLUMNS = "the columns of the frame that is named"
    FRAMES = "the notebook's frames"
    DATABASES = "the notebook's databases of models"
    FILES = "files"
    SQL = "a statement"
    QUERY = "a query in quotes"


Words = tuple[str | Fills, ...]


class Rest(Enum):
    """What stands behind a magic's options; a comment ends it, unless it is SQL, where # is an operator."""

    NOTHING = "nothing"
    WORDS = "words: a name, an address, an instant"
    PYTHON = "an expression of Python, which may hold -- and # within its quotes and brackets"
    SQL = "SQL, where -- begins a comment; nothing where it stands below, in a cell"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``--name METAVAR``, its help, how its value is read (which raises OptionError), what completes it.

    A class whose ``parse`` reads the value, and that has ``words()``, says by them what completes it.
    """

    name: str
    help: str
    metavar: str = ""
    takes: Takes = Takes.A_VALUE
    read: Callable[[Any], Any] = str
    fills: Words = ()

    @property
    def words(self) -> Words:
        """What its value may be, as far as that can be listed."""
        known: Callable[[], Words] = getattr(getattr(self.read, "__self__", None), "words", tuple)
        return self.fills or known()

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"--{self.name}{_VALUE_USAGE[self.takes].format(self.metavar)}"


ON = Option("on", "use the connection NAME instead of the current one", "NAME", fills=(Fills.CONNECTIONS,))
AS_OF = Option(
    "as-of",
    "read as of: -10s, a timestamp with its offset, an HLC, follower, or :variable; now: ignore the pin",
    "WHEN",
    read=AsOf.parse,
)


@dataclass(frozen=True, slots=True)
class Call:
    """What was typed: the options given (read), the variable to assign to, the rest of the line, the cell below it.

    ``namespace`` is what names mean.
    """

    given: Mapping[str, Any]
    into: str | None
    rest: str
    namespace: Namespace
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A line that is being typed: what was given before (unread), and what its end is the beginning of.

    ``typed`` is the end: of a value if there is an ``option``, of an option's name if ``is_name``, else of the rest of
    the line, the last of its ``rest`` words.
    """

    typed: str
    given: Mapping[str, str]
    rest: tuple[str, ...] = ()
    option: Option | None = None
    is_name: bool = False


def unfinished(line: str, options: Sequence[Option], *, sql_follows: bool = False) -> Unfinished:
    """Read a line up to where somebody types, by the same rules as `parse`; raises nothing."""
    reader = _Unread(line, {option.name: option for option in options})
    while not _NAME_BEGUN.fullmatch(reader.line):
        found = _NAME.match(reader.line)
        end = reader.option(found) if found else reader.word(is_end=sql_follows)
        if end is not None:
            return end
    return Unfinished(reader.line, reader.given, reader.rest, is_name=True)


class _Unread:
    """A position in a line that is being typed, moving over what is complete."""

    def __init__(self, line: str, options: Mapping[str, Option]) -> None:
        self.line = line.lstrip()
        self.given: dict[str, str] = {}
        self.rest: tuple[str, ...] = ()
        self._options = options

    def option(self, found: re.Match[str]) -> Unfinished | None:
        """Move over an option and its value; give what is being typed, if that is the value."""
        name, glued = found[1], bool(found[2])
        behind = self.line[found.end() :]
        self.line = behind if glued else behind.lstrip()
        self.given[name] = ""
        option = self._options.get(name)
        is_followed = option is not None and option.takes in _FOLLOWED and not self.line.startswith("--")
        if option is None or not (glued or is_followed):
            return None
        value = _VALUE.match(self.line)
        if value is None or value.end() == len(self.line):
            return Unfinished(self.line, self.given, self.rest, option)
        self.given[name] = _text_of(value)
        self.line = self.line[value.end() :].lstrip()
        return None

    def word(self, *, is_end: bool) -> Unfinished | None:
        """Move over ``NAME <<`` or a word; give what is being typed, if that is the word or all that follows."""
        if assigned := _ASSIGN.match(self.line):
            self.line = self.line[assigned.end() :]
            return None
        word, blank, behind = self.line.partition(" ")
        if is_end or not blank:
            return Unfinished(self.line, self.given, self.rest)
        self.rest, self.line = (*self.rest, word), behind.lstrip()
        return None


def _text_of(value: re.Match[str]) -> str:
    """Give a value without the quotes around it."""
    return next(group for group in value.groups() if group is not None)


def parse(line: str, options: Sequence[Option], namespace: Namespace, follows: Rest = Rest.WORDS) -> Call:
    """Read ``[NAME <<] [--option [value]]… rest``; a value ``:name`` is that variable of the namespace.

    Options may also follow the rest, unless that is SQL, where ``--`` begins a comment. Elsewhere a ``#`` that stands
    by itself does.

    Raises :class:`OptionError` for an option that does not exist, comes twice, or has a value that it can't have.
    """
    reader = _LineReader(line, {option.name: option for option in options}, namespace)
    reader.may_subtract = follows is Rest.PYTHON
    into = reader.assignment()
    while reader.option():
        pass
    into = into or reader.assignment()
    parts = reader.expressions() if follows is Rest.PYTHON else reader.words()
    rest = reader.rest if follows is Rest.SQL else " ".join(parts)
    return Call(MappingProxyType(reader.given), into, rest, namespace)


def refuse_rest(rest: str, where: str, hint: str | None = None) -> None:
    """Raise :class:`OptionError` for what stands behind the options of what takes nothing there."""
    if rest:
        raise OptionError(f"{where} takes no {_NOT_TOLD.split(rest, maxsplit=1)[0]!r}.", hint=hint)


class _LineReader:
    """A position in the line, moving over its options."""

    def __init__(self, line: str, options: Mapping[str, Option], namespace: Mapping[str, object]) -> None:
        self.rest = line.strip()
        self.given: dict[str, Any] = {}
        self.may_subtract = False
        self._options = options
        self._namespace = namespace

    def assignment(self) -> str | None:
        found = _ASSIGN.match(self.rest)
        if found is None:
            return None
        self.rest = self.rest[found.end() :]
        return found.group(1)

    def words(self) -> Iterator[str]:
        """Give what is no option, reading the options in between."""
        while not _END.match(self.rest):
            if not self.option():
                word = _WORD.match(self.rest)
                assert word is not None  # noqa: S101 - what is left begins with no blank
                self.rest = self.rest[word.end() :].lstrip()
                yield word.group()

    def expressions(self) -> Iterator[str]:
        """Give what is no option and no part of one, blanks and all."""
        while not _END.match(self.rest):
            if not self.option():
                end = end_of(self.rest)
                yield self.rest[:end].rstrip()
                self.rest = self.rest[end:]

    def option(self) -> bool:
        found = _NAME.match(self.rest)
        if found is None:  # also `-- `, which begins a comment of SQL
            self._check_dash()
            return False
        option = self._known(found.group(1))
        self.rest = self.rest[found.end() :]
        self.given[option.name] = self._value(option, glued=bool(found.group(2)))
        self.rest = self.rest.lstrip()
        return True

    def _check_dash(self) -> None:
        found = None if self.may_subtract else _ONE_DASH.match(self.rest)
        if found and found[1] in self._options:
            raise OptionError(f"There is no option {found[0]}.", hint=f"Did you mean --{found[1]}?")

    def _known(self, name: str) -> Option:
        if name in self.given:
            raise OptionError(f"--{name} is given twice.")
        if name in self._options:
            return self._options[name]
        meant = option_meant(name, self._options) or f"There are: {_listing(self._options.values())}."
        raise OptionError(f"There is no option --{name}.", hint=meant)

    def _value(self, option: Option, *, glued: bool) -> Any:
        if option.takes is Takes.NOTHING:
            if glued:
                raise OptionError(f"--{option.name} takes no value.")
            return True
        if option.takes is Takes.GLUED and not glued:
            return True
        found = _VALUE.match(self.rest if glued else self.rest.lstrip())
        if found is None or (not glued and found.group().startswith("--")):
            if option.takes is Takes.PERHAPS and not glued:
                return True
            raise OptionError(f"--{option.name} needs a value: {option.usage}.")
        self.rest = (self.rest if glued else self.rest.lstrip())[found.end() :]
        return option.read(resolved(_text_of(found), self._namespace, f"--{option.name}"))


def resolved(text: str, namespace: Mapping[str, object], where: str) -> object:
    """Give a text, or what it names as ``:name``; raises :class:`ParameterError` that says for what it was wanted."""
    if not text.startswith(":"):
        return text
    name = text[1:]
    if name not in namespace:
        raise ParameterError(f"There is no variable {name} for {where} {text}.")
    return namespace[name]


def path_of(text: str, namespace: Mapping[str, object], where: str, what: str) -> Path:
    """Give the path that a text is, or ``:name`` names; raises :class:`ParameterError` that says of ``what``."""
    value = resolved(text, namespace, where)
    if not isinstance(value, str | Path):
        raise ParameterError(f"{text} is a {type(value).__name__}, not the name of a {what}.")
    return Path(value)


def _listing(options: Any) -> str:
    return ", ".join(f"--{option.name}" for option in options)


def describe(options: Sequence[Option]) -> str:
    """Write the part of a magic's help that lists its options."""
    width = max(len(option.usage) for option in options)
    return "\n".join(f"    {option.usage:<{width}}  {option.help}" for option in options)


def or_none(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """Let ``none`` be read too: then it is not asked for, whatever %config says."""
    return lambda value: None if str(value).lower() == "none" else read(value)


def whole_number(value: Any) -> int:
    """Read a whole number."""
    try:
        return int(str(value))
    except ValueError:
        raise OptionError(f"{value!r} is not a whole number.") from None


MOST_ROWS = 2**63 - 2
"""What a LIMIT may be: a BIGINT, and one more is asked for, to know whether there is."""


def rows(value: Any) -> int | None:
    """Read a number of rows, 1 at least; None for all of them."""
    if str(value).lower() == "all":
        return None
    with suppress(OptionError):
        if 0 < (number := whole_number(value)) <= MOST_ROWS:
            return number
    raise OptionError(f"{value!r} is not a number of rows: 1 at least, or all.")


def seconds(value: Any) -> float:
    """Read a number of seconds, with or without the unit."""
    try:
        return float(str(value).removesuffix("s"))
    except ValueError:
        raise OptionError(f"{value!r} is not a number of seconds.") from None
