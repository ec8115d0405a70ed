"""What a magic is: a function, its help and a table of options; and what all of ours share in a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import update_wrapper
from inspect import cleandoc
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, needs_local_scope, no_var_expand
from traitlets import (
    Bool,
    Bunch,
    CaselessStrEnum,
    Dict,
    Float,
    Int,
    List,
    TraitError,
    Unicode,
    Union,
    observe,
    validate,
)
from traitlets.config import Config

from crdb_magic.columns.frame_options import Backend, Dates, FrameOptions, Numbers
from crdb_magic.core.options import DEFAULT_MAX_ATTEMPTS, Choice, Isolation, Priority, RetryPolicy
from crdb_magic.core.receipt import Receipt
from crdb_magic.core.retry import is_of_connecting
from crdb_magic.errors import CrdbMagicError, OptionError
from crdb_magic.magics.arguments import MOST_ROWS, ON, Call, Option, Rest, Words, describe, parse, refuse_rest
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.connections import Connections
from crdb_magic.magics.habits import assignment_meant
from crdb_magic.magics.limit import GUARD
from crdb_magic.magics.namespace import Namespace, visible
from crdb_magic.magics.notebook_recording import NotebookRecording
from crdb_magic.magics.outputs import say
from crdb_magic.magics.read_history import ReadHistory
from crdb_magic.magics.receipt_history import ReceiptHistory
from crdb_magic.magics.remarks import Remarks
from crdb_magic.magics.shown import Receipts
from crdb_magic.magics.sql_name import SqlName
from crdb_magic.magics.status import How, StatusLine
from crdb_magic.magics.steadiness_hints import SteadinessHints
from crdb_magic.magics.waiting import show_short
from crdb_magic.session.session import Session

_ASKED_BEFORE = {"priority": None, "isolation": None, "max-attempts": DEFAULT_MAX_ATTEMPTS, "timeout": None}
_LOOKS = "%crdb_doctor --on "
_BELOW = "SQL goes below; put quotes around a value with blanks."
_OF_RETRIES = frozenset({"max_attempts", "timeout"})
_SETTING = re.compile(r"[a-z_]\w*(\.\w+)*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic: ``run`` gives its value, and its docstring is the help, with a place for the table of options.

    ``words`` are what completes the rest of its line.
    """

    run: Callable[[CrdbMagic, Call], Any]
    options: tuple[Option, ...]
    rest: Rest
    takes_cell: bool
    words: Words

    @property
    def name(self) -> str:
        """What it is called behind the %."""
        return self.run.__name__

    @property
    def help(self) -> str:
        """What ``%magic?`` shows."""
        return (cleandoc(self.run.__doc__ or "") + "\n").replace("{options}", describe(self.options))

    def read(self, line: str, cell: str | None, namespace: Namespace) -> Call:
        """Read what was typed; raises :class:`OptionError` for what is no option, and none of its rest either."""
        follows = Rest.NOTHING if self.rest is Rest.SQL and cell is not None else self.rest
        call = parse(line, self.options, namespace, follows)
        if follows is Rest.NOTHING:
            mark, hint = ("%", None) if cell is None else ("%%", assignment_meant(call.rest) or _BELOW)
            refuse_rest(call.rest, f"{mark}{self.name}", hint)
        return replace(call, cell=cell)


def magic(
    options: tuple[Option, ...], *, rest: Rest = Rest.NOTHING, takes_cell: bool = False, words: Words = ()
) -> Callable[[Callable[[CrdbMagic, Call], Any]], Magic]:
    """Make a magic of a function, which is handed what its line asks for."""
    return lambda run: Magic(run, options, rest, takes_cell, words)


def _one_of(default: Choice, help_: str) -> Any:
    """Make a setting of %config that takes a word of the default's kind."""
    return CaselessStrEnum(list(default.words()), default_value=default.value, help=help_).tag(config=True)


def _perhaps_one_of(kind: type[Choice], help_: str) -> Any:
    """Make a setting of %config that takes a word of that kind, and is None if nothing is asked for."""
    return CaselessStrEnum(list(kind.words()), default_value=None, allow_none=True, help=help_).tag(config=True)


class CrdbMagic(Magics):
    """CockroachDB in a notebook: its connections, what it has shown, and what %config sets."""

    registered = True

    receipts = Bool(
        default_value=True,
        help="Put a receipt (attempts, times) into outputs' metadata and df.attrs; if False, a steady "
        "status line has no times either.",
    ).tag(config=True)

    priority = _perhaps_one_of(Priority, "Decides which transaction is aborted in a conflict: low, normal or high.")

    isolation = _perhaps_one_of(Isolation, "The isolation level: serializable or read-committed.")

    max_attempts = Int(DEFAULT_MAX_ATTEMPTS, min=1, help="How many attempts a cell has in all.").tag(config=True)

    timeout = Float(
        None, min=0.001, allow_none=True, help="Seconds for the whole transaction of a cell, retries included."
    ).tag(config=True)

    settings = Dict(
        key_trait=Unicode(),
        value_trait=Union([Bool(), Int(), Float(), Unicode(), List(Unicode(), minlen=1)]),
        help="Session variables to SET on each new connection: "
        '{"statement_timeout": "30s", "search_path": ["shop", "public"]}.',
    ).tag(config=True)

    dtype_backend = _one_of(Backend.NUMPY, "What DataFrame columns are made of: NumPy and Python objects, or Arrow.")

    numbers = _one_of(Numbers.EXACT, "DECIMAL columns of DataFrames: exact, or the nearest float.")

    dates = _one_of(Dates.DATE, "DATE columns of DataFrames: dates, or datetime64 at midnight.")

    limit = Int(
        None,
        min=1,
        max=MOST_ROWS,
        allow_none=True,
        help="Fetch at most so many rows of each query of a cell; None: all of them.",
    ).tag(config=True)

    guard = Int(
        GUARD,
        min=1,
        max=MOST_ROWS,
        allow_none=True,
        help="Fetch at most so many rows of a query if the planner expects more; None: all of them.",
    ).tag(config=True)

    status = _one_of(
        How.STEADY,
        "The line under a result. steady: its times are in the metadata, which our JupyterLab extension shows; "
        "full: they are in the output itself, which then differs on each run; off: no line.",
    )

    sql = Bool(
        default_value=False, help="Make %sql and %%sql aliases of %crdb_txn, if no other extension has that name."
    ).tag(config=True)

    shell: InteractiveShell
    _begins = True

    def __init__(self, shell: InteractiveShell, magics: Iterable[Magic], **kwargs: Any) -> None:
        functions = {one: self._function(one) for one in magics}
        self.magics = {
            "line": {one.name: function for one, function in functions.items()},
            "cell": {one.name: function for one, function in functions.items() if one.takes_cell},
        }
        self.sql_name = SqlName(shell, self.magics["cell"]["crdb_txn"])
        self.remarks = Remarks(shell)
        super().__init__(shell, **kwargs)
        self._begins = False
        self.connections = Connections()
        self.freezing = NotebookRecording(self.connections)
        self.shown = Receipts()
        self.again = SteadinessHints()
        self.ledger = ReceiptHistory()
        self.readings = ReadHistory()
        self.leaving = ExitStack()  # what is to be undone when the extension is unloaded
        self.status_line = StatusLine(shell, self)

    def _load_config(self, cfg: Config, section_names: Any = None, traits: Any = None) -> None:
        """Load what is configured; as we begin, setting by setting, so that one that is refused takes no other with it.

        It leaves the configuration, where it would be refused again at each %config; to that IPython says it.
        """
        if not self._begins:
            super()._load_config(cfg, section_names, traits)
            return
        ours = cfg[type(self).__name__]
        for name, value in list(ours.items()):
            try:
                super()._load_config(Config({type(self).__name__: {name: value}}), section_names, traits)
            except TraitError as error:
                self.remarks.add(f"{str(error).rstrip('.')}. CrdbMagic.{name} has its default.")
                del ours[name]

    @validate("settings")
    def _are_names(self, asked: Bunch) -> Any:
        for name, value in asked.value.items():
            if not _SETTING.fullmatch(name):
                raise TraitError(f"CrdbMagic.settings: {name!r} is not the name of a setting.")
            if name.lower() == "search_path" and isinstance(value, str) and "," in value:
                raise TraitError(f"CrdbMagic.settings: {value!r} would be one schema; of several make a list.")
        return asked.value

    @validate("max_attempts", "timeout", "limit", "guard")
    def _can_be(self, asked: Bunch) -> Any:
        """Refuse what traitlets takes for a number, and RetryPolicy or a LIMIT does not."""
        name, value = asked.trait.name, asked.value
        if isinstance(value, bool):
            raise TraitError(f"CrdbMagic.{name} is a whole number, not {value}.")
        try:
            if name in _OF_RETRIES:
                RetryPolicy(**{name: value})
        except OptionError as error:
            raise TraitError(f"CrdbMagic.{error}") from None
        return value

    @validate("sql")
    def _may_be_named(self, asked: Bunch) -> bool:
        refused = asked.value and self.sql_name.held
        if refused:  # said, not raised: a configuration file may ask for it, and the rest is to be loaded
            self.remarks.add("%sql belongs to another extension: restart the kernel, and do not load that one.")
        return bool(asked.value) and not refused

    @observe("sql")
    def _name(self, change: Bunch) -> None:
        if change.new:
            self.sql_name.take()
        else:
            self.sql_name.leave()

    def _function(self, one: Magic) -> Callable[..., Any]:
        """Make what IPython calls."""

        def call(line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
            __tracebackhide__ = True
            if line.strip() == "--help":
                return say(one.help)
            asked = one.read(line, cell, visible(self.shell.user_ns, local_ns))
            try:
                return one.run(self, asked)
            except KeyboardInterrupt as interrupt:
                show_short(interrupt, f"KeyboardInterrupt: %{one.name} was interrupted.")
                raise
            except CrdbMagicError as error:
                if ON in one.options and is_of_connecting(error):
                    self._name_connection(error, asked)
                raise

        update_wrapper(call, one.run).__doc__ = one.help
        function: Any = no_var_expand(needs_local_scope(call))
        function.declared = one
        return function  # type: ignore[no-any-return]

    def _name_connection(self, error: CrdbMagicError, call: Call) -> None:
        """Say of which connection an error is, unless a magic within a cell of Python has said so."""
        name = call.given.get(ON.name) or self.connections.current
        if _LOOKS not in (error.hint or ""):
            error.advise(f"It is the connection {name}: {_LOOKS}{name} checks it.")

    def session_of(self, call: Call) -> Session:
        """Give the session that a line is for: that of ``--on NAME``, or the current one."""
        return self.connections.get(call.given.get(ON.name))

    def noted(self, receipt: Receipt, connection: str | None, ran: Iterable[str]) -> Receipt:
        """Keep the receipt of a transaction that a magic has run on that connection, or the current one."""
        if not self.receipts:
            return receipt
        return self.ledger.note(receipt, connection or self.connections.current or "", tuple(ran), self.shell.user_ns)

    def wanted(self, call: Call) -> Mapping[str, Any]:
        """Give what a cell asks for: what is typed goes before what %config says, whose defaults are the library's.

        What is typed may be None: ``--timeout none``, ``--limit all``. Within a transaction that is open
        already nothing is asked for again, unless it is typed.
        """
        of_transaction = {
            "priority": self.priority and Priority(self.priority),
            "isolation": self.isolation and Isolation(self.isolation),
            "max-attempts": self.max_attempts,
            "timeout": self.timeout,
        }
        of_frames = {"numbers": Numbers(self.numbers), "dates": Dates(self.dates), "limit": self.limit}
        within = self.connections.in_transaction(call.given.get("on"))
        return (_ASKED_BEFORE if within else of_transaction) | of_frames | dict(call.given)

    def frame_options(self, wanted: Mapping[str, Any]) -> FrameOptions:
        """Say what frames are made of."""
        return FrameOptions(Backend(self.dtype_backend), wanted["numbers"], wanted["dates"])

    @property
    def audience(self) -> Audience:
        """Who sees what is shown now."""
        return Audience.of(self.shell)
