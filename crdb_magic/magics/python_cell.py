"""A cell of Python that may run several times: its names and its outputs count only for the last time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.core.options import TransactionOptions
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.retry import Observer
from crdb_magic.errors import ScriptError
from crdb_magic.magics.capture import CapturedOutputs
from crdb_magic.magics.outputs import say
from crdb_magic.magics.tracebacks import say_as_cells_do, shown_as_of
from crdb_magic.sql.excerpt import excerpt

if TYPE_CHECKING:
    from crdb_magic.orm.database import CockroachDatabase

_ABSENT = object()
_LOOKED_AT = 200  # how many of a container's objects are compared
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_AWAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith)


class PythonCell:
    """A cell's code, compiled as IPython would, to be run in the notebook's own namespace.

    Not in a copy of it: a function that is defined in the cell would keep the copy for ever.
    """

    def __init__(self, shell: InteractiveShell, source: str) -> None:
        self._shell = shell
        self.source = source
        code = self._transformed()
        self.file_name = shell.compile.cache(code, shell.execution_count, raw_code=source)
        self._run, self._value = self._compiled(code)

    def _transformed(self) -> str:
        try:
            return str(self._shell.transform_cell(self.source))
        except SyntaxError as error:  # of an indentation, which it must understand
            raise _not_python(error, self.source) from None

    def _compiled(self, code: str) -> tuple[CodeType, CodeType | None]:
        try:
            tree = self._shell.transform_ast(ast.parse(code, self.file_name))
            if not tree.body:
                raise ScriptError("The cell has no code.")
            _refuse_await(tree)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            value = None
            if isinstance(last, ast.Expr):
                value = compile(ast.Expression(last.value), self.file_name, "eval")
            return compile(tree, self.file_name, "exec"), value
        except SyntaxError as error:
            raise _not_python(error, code) from None

    def __call__(self) -> Any:
        """Run it once; gives the value of its last expression."""
        namespace = self._shell.user_ns
        exec(self._run, namespace)  # noqa: S102 - a notebook's cell
        return None if self._value is None else eval(self._value, namespace)  # noqa: S307

    def traceback_of(self, error: BaseException) -> TracebackType | None:
        """Give the part of an error's traceback that begins in this cell."""
        step = error.__traceback__
        while step is not None and step.tb_frame.f_code.co_filename != self.file_name:
            step = step.tb_next
        return step

    def line_of(self, traceback: TracebackType | None) -> int:
        """Give the cell's own line at which a traceback leaves it, from 1."""
        line = 0
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.file_name:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return line


def _not_python(error: SyntaxError, code: str) -> ScriptError:
    """Say the same as ours: IPython shows a SyntaxError with each of our frames that it came through."""
    before = code.splitlines(keepends=True)[: (error.lineno or 1) - 1]
    place = sum(map(len, before)) + max((error.offset or 1) - 1, 0)
    return ScriptError("\n".join((f"The cell is not Python: {error.msg}.", *excerpt(code, place))))


def _refuse_await(tree: ast.AST) -> None:
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, _AWAITS):
            raise ScriptError(
                f"A transaction cell cannot await (line {node.lineno}): between its statements nothing else may run.",
                hint="await in a cell of its own, and use the result here.",
            )
        nodes += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _OWN_SCOPE)]


class BeforeImage:
    """The names of a namespace as they were: new ones can be removed and changed ones bound again.

    Objects stay as they are: what was appended to a list stays appended. ``changed_in_place`` names the lists,
    dicts and sets of which that can be seen.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._before = dict(namespace)
        self._marks = {name: _mark(value) for name, value in namespace.items() if _may_change(name, value)}
        self.changed_in_place: set[str] = set()

    def restore(self) -> None:
        """Undo every binding of a name that was made since."""
        for name in self._namespace.keys() - self._before.keys():
            del self._namespace[name]
        self._namespace.update(self._before)
        self.changed_in_place |= {name for name, mark in self._marks.items() if _mark(self._before[name]) != mark}

    def warn(self) -> None:
        """Say what could not be undone."""
        if self.changed_in_place:
            names = ", ".join(sorted(self.changed_in_place))
            say(f"Changed in place by an attempt that was rolled back, and not undone: {names}.")


def _may_change(name: str, value: object) -> bool:
    return isinstance(value, list | dict | set | bytearray) and not name.startswith("_") and name not in {"In", "Out"}


def _mark(value: Any) -> tuple[int, tuple[int, ...]]:
    """Give what differs when a container was changed: its length, and which objects come first in it."""
    items = value.items() if isinstance(value, dict) else value
    first = islice((part for item in items for part in (item if isinstance(item, tuple) else (item,))), _LOOKED_AT)
    return len(value), tuple(map(id, first))


@contextmanager
def bound(namespace: dict[str, Any], name: str, value: object) -> Iterator[None]:
    """Bind a name for a while."""
    before = namespace.get(name, _ABSENT)
    namespace[name] = value
    try:
        yield
    finally:
        if before is _ABSENT:
            namespace.pop(name, None)
        else:
            namespace[name] = before


def run_python(
    shell: InteractiveShell,
    cell: PythonCell,
    database: CockroachDatabase,
    options: TransactionOptions,
    observer: Observer,
    *,
    ask_when: bool,
) -> tuple[Any, Receipt]:
    """Run a cell as the callback of a transaction on ``database``, which it sees as ``db``.

    Shown are the outputs of the last attempt, kept the names of the committed one.
    """
    names, held = BeforeImage(shell.user_ns), CapturedOutputs()

    def attempt(db: CockroachDatabase) -> Any:
        names.restore()
        with held.back(shell), bound(shell.user_ns, "db", db):
            return cell()

    try:
        done = database.transact(attempt, options, observer, ask_when=ask_when)
    except BaseException as error:
        names.restore()
        held.show()
        names.warn()
        traceback = cell.traceback_of(error)
        if traceback is not None and not isinstance(error, KeyboardInterrupt):  # that is shown short
            say_as_cells_do(error, cell.source, cell.line_of(traceback))
            shown_as_of(shell, error, traceback)
        raise
    held.show()
    names.warn()
    return done
