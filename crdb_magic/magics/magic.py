"""The magics: each one parses its line, resolves what it names, runs, and presents."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Bool, CaselessStrEnum

from crdb_magic.columns.frames import Backend
from crdb_magic.core.asof import AsOf
from crdb_magic.core.kinds import check_cell
from crdb_magic.core.options import DEFAULT_MAX_ATTEMPTS, Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.core.retry import Attempt
from crdb_magic.core.statements import split, strip_markers
from crdb_magic.core.target import Target
from crdb_magic.errors import OptionError, Outcome, ResultTypeError
from crdb_magic.magics.arguments import Call, Option, Takes, describe, parse, seconds, variable, whole_number
from crdb_magic.magics.audience import Audience
from crdb_magic.magics.connections import DEFAULT, Connections
from crdb_magic.magics.display import As, Receipts, Shape, Waiting, interrupts_shown_short, present, say
from crdb_magic.magics.exporting import EXPORT_OPTIONS, asked, export_shown
from crdb_magic.magics.namespace import Namespace, visible
from crdb_magic.magics.pinning import PIN_OPTIONS, pin_shown
from crdb_magic.magics.progress import Arrivals
from crdb_magic.magics.python_cell import PythonCell, run_python
from crdb_magic.magics.writing import WRITE_OPTIONS, frame_named, write_shown, writing
from crdb_magic.session.queries import Query
from crdb_magic.session.session import Session

Method = TypeVar("Method", bound=Callable[..., Any])

CONNECT_OPTIONS = (
    Option("local", "start a server on this machine and connect to it; keep its data in DIR", "DIR", Takes.PERHAPS),
    Option("name", "a name for this connection, for --on and --use", "NAME"),
    Option("list", "show the open connections", takes=Takes.NOTHING),
    Option("use", "make another open connection the current one", "NAME"),
    Option("close", "close a connection", "NAME"),
)
TXN_OPTIONS = (
    Option("priority", "low, normal or high: who gives way in a conflict", "WORD", read=Priority.parse),
    Option("as-of", "read the past: -10s, a time with its offset, an HLC, follower, or :variable; now: not the pin",
           "WHEN", read=AsOf.parse),
    Option("max-attempts", f"how often to try in all (default {DEFAULT_MAX_ATTEMPTS})", "N", read=whole_number),
    Option("timeout", "seconds for the whole transaction, retries included", "S", read=seconds),
    Option("read-only", "let the server refuse any write", takes=Takes.NOTHING),
    Option("isolation", "serializable or read-committed", "WORD", read=Isolation.parse),
    Option("idempotent", "it may run again even if an earlier run may have been committed", takes=Takes.NOTHING),
    Option("python", "the cell is Python: its database is db, and it may run several times", takes=Takes.NOTHING),
    Option("as", "what the value is: frame (default), arrow (a pyarrow.Table) or rows (a list of tuples)", "FORM",
           read=As.parse),
    Option("on", "run on the connection of that name instead of the current one", "NAME"),
)  # fmt: skip


def documented(options: tuple[Option, ...]) -> Callable[[Method], Method]:
    """Put the table of options into a magic's docstring: what ``%magic?`` shows."""

    def decorate(method: Method) -> Method:
        method.__doc__ = (cleandoc(method.__doc__ or "") + "\n").replace("{options}", describe(options))
        return method

    return decorate


@magics_class
class CrdbMagic(Magics):
    """CockroachDB in a notebook."""

    receipts = Bool(
        default_value=True, help="Put a receipt (attempts, times) into outputs' metadata and df.attrs."
    ).tag(config=True)

    dtype_backend = CaselessStrEnum(
        [backend.value for backend in Backend],
        default_value=Backend.NUMPY.value,
        help="What the columns of frames are made of: NumPy and Python objects, or Arrow.",
    ).tag(config=True)

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell, **kwargs: Any) -> None:
        super().__init__(shell, **kwargs)
        self.connections = Connections()
        self.shown = Receipts()

    @no_var_expand
    @needs_local_scope
    @line_magic
    @documented(CONNECT_OPTIONS)
    def crdb_connect(self, line: str, local_ns: dict[str, Any] | None = None) -> None:
        """Connect to a CockroachDB cluster.

            %crdb_connect postgresql://user@host:26257/database
            %crdb_connect :url                 # a variable: what is secret in it stays out of the notebook
            %crdb_connect host=localhost port=26257 user=root dbname=bank sslmode=disable
            %crdb_connect                      # $CRDB_URL, $COCKROACH_URL, $DATABASE_URL, else libpq's PG* and files
            %crdb_connect db                   # a CockroachDatabase of yours: its models and our cells share it
            %crdb_connect --local              # a server of our own on this machine

        Options:
        {options}

        Examples:
            %crdb_connect cockroachdb://ann@db.example:26257/bank?sslmode=verify-full --name prod
            %crdb_connect --list
            %crdb_connect --use prod

        """
        namespace = visible(self.shell.user_ns, local_ns)
        call = parse(line, CONNECT_OPTIONS, namespace)
        given = call.given
        if "list" in given:
            self._list()
        elif "close" in given:
            self.connections.close(given["close"])
        elif "use" in given:
            say(f"{given['use']}: {describe_session(self.connections.use(given['use']))}")
        else:
            self._connect(call, namespace)

    def _connect(self, call: Call, namespace: Namespace) -> None:
        name = call.given.get("name", DEFAULT)
        if "local" not in call.given:
            named = call.rest.startswith(":")
            where: Any = (
                variable(call.rest, namespace, "%crdb_connect") if named else namespace.get(call.rest, call.rest)
            )
            if hasattr(where, "session"):
                session = self.connections.adopt(name, where)
            else:
                session = self.connections.open(name, target(str(where) if named else call.rest))
            say(describe_session(session))
            return
        if call.rest:
            raise OptionError(f"--local starts a server of its own: leave out {call.rest.split('://')[0]!r}.")
        directory = call.given["local"]
        session, description = self.connections.open_local(name, None if directory is True else Path(directory))
        say(describe_session(session, description))

    def _list(self) -> None:
        names = self.connections.names()
        width = max(map(len, names), default=0)
        current = self.connections.current
        lines = (
            f"{'*' if name == current else ' '} {name:<{width}}  {describe_session(self.connections.get(name))}"
            for name in names
        )
        say("\n".join(lines) or "No connection is open.")

    @no_var_expand
    @needs_local_scope
    @line_magic
    @documented(WRITE_OPTIONS)
    def crdb_write(self, line: str, local_ns: dict[str, Any] | None = None) -> None:
        """Write a DataFrame into a table: all of it or nothing, in one transaction.

            %crdb_write NAME --table TABLE [options]

        The table is made from the frame's columns; its index is left out.

        Options:
        {options}

        Examples:
            %crdb_write flights --table flights --key flight_id
            %crdb_write more --table flights --mode append
            %crdb_write changed --table flights --mode upsert
            %crdb_write prices --table prices --mode replace --key uuid --dtype price=DECIMAL(10,2),tags=JSONB

        """
        namespace = visible(self.shell.user_ns, local_ns)
        call = parse(line, WRITE_OPTIONS, namespace)
        asked, frame = writing(call), frame_named(call.rest, namespace)
        session = self.connections.get(call.given.get("on"))
        say(write_shown(session, frame, asked, Audience.of(self.shell)))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @documented(EXPORT_OPTIONS)
    def crdb_export(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> None:
        """Write the rows of a query into a file, however many they are: .parquet, .arrow or .csv.

            %crdb_export [options] 'SELECT …' FILE

            %%crdb_export [options] FILE
            SELECT … WHERE city = :city

        All rows are read at one instant. The file is written beside, and takes its name when it is complete.

        Options:
        {options}

        Examples:
            %crdb_export 'SELECT * FROM flights' flights.parquet
            %crdb_export --as-of -1h 'SELECT * FROM flights ORDER BY id' flights.csv

        """
        namespace = visible(self.shell.user_ns, local_ns)
        call = parse(line, EXPORT_OPTIONS, namespace, sql_follows=True)
        query, path = asked(call, cell, namespace)
        session = self.connections.get(call.given.get("on"))
        say(export_shown(session, query, path, call.given.get("as-of"), Audience.of(self.shell)))

    @no_var_expand
    @needs_local_scope
    @line_magic
    @documented(PIN_OPTIONS)
    def crdb_pin(self, line: str, local_ns: dict[str, Any] | None = None) -> None:
        """Read at one instant from now on: all cells agree with each other, and give the same when they run again.

            %crdb_pin [WHEN]           # without WHEN, now
            %crdb_pin off              # the present again

        What names an instant of its own is read at that one; --as-of now steps out of the pin, to write for example.
        CockroachDB keeps an instant for the gc.ttlseconds of its tables, 4 hours unless set otherwise.

        Options:
        {options}

        Examples:
            %crdb_pin
            %crdb_pin -1h
            %crdb_pin 2026-06-01 12:00:00+00:00
            %crdb_pin 1780315200123456789.0000000002

        """
        namespace = visible(self.shell.user_ns, local_ns)
        call = parse(line, PIN_OPTIONS, namespace)
        say(pin_shown(self.connections.get(call.given.get("on")), call.rest, namespace))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @documented(TXN_OPTIONS)
    def crdb_txn(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Run SQL, or Python, as one transaction: retried when the cluster asks for it, committed once.

            %%crdb_txn [NAME <<] [options]
            SELECT … WHERE city = :city        -- :city is the notebook's variable, bound by the driver, never pasted

            %%crdb_txn --python [NAME <<] [options]
            rows = db.frame("SELECT …")        # its names and its outputs count when it is committed

        The value is the last result as a DataFrame, or is put into NAME. Line form: df = %crdb_txn SELECT 1
        With %config CrdbMagic.dtype_backend = "arrow" the columns of frames are Arrow's.

        Options:
        {options}

        Examples:
            %%crdb_txn df << --as-of -10s
            SELECT * FROM accounts WHERE id = ANY(:ids)

            %%crdb_txn --priority high --max-attempts 5
            UPDATE accounts SET balance = balance - :amount WHERE id = 1;
            UPDATE accounts SET balance = balance + :amount WHERE id = 2;

        """
        namespace = visible(self.shell.user_ns, local_ns)
        call = parse(line, TXN_OPTIONS, namespace, sql_follows=cell is None)
        if cell is not None and call.rest:
            raise OptionError(
                f"{call.rest!r} is no option.", hint="SQL goes below; put quotes around a value with blanks."
            )
        text = strip_markers(call.rest if cell is None else cell)
        value = (self._run_python if "python" in call.given else self._run_sql)(call, text, namespace)
        if call.into is None:
            return value
        self.shell.user_ns[call.into] = value
        return None

    def _run_sql(self, call: Call, text: str, namespace: Namespace) -> Any:
        statements = split(text)
        check_cell(statements)
        options = transaction_options(call)
        session = self.connections.get(call.given.get("on"))
        bound = [statement.bind(namespace) for statement in statements]
        shape = Shape(call.given.get("as", As.FRAME), Backend.parse(self.dtype_backend))
        arrivals = Arrivals(shape.finish, Audience.of(self.shell))
        with self._waiting(options) as waiting, arrivals, interrupts_shown_short():

            def observer(attempt: Attempt) -> None:
                arrivals.restart(attempt)
                waiting(attempt)

            if len(bound) == 1:
                session.look_ahead(Query.of_statement(bound[0]))
            report = session.run(bound, options, observer, arrivals)
        try:
            return present(report, statements, shape, self.shown if self.receipts else None)
        except ResultTypeError as error:
            if not session.in_transaction:  # that of a Python cell has not ended
                error.outcome = Outcome.COMMITTED
            raise

    def _run_python(self, call: Call, text: str, _: Namespace) -> Any:
        if "as" in call.given:
            raise OptionError("--as is for SQL.", hint="in Python: db.frame(…), db.arrow(…) or db.rows(…).")
        cell = PythonCell(self.shell, text)
        options = transaction_options(call)
        name = call.given.get("on")
        database = self.connections.database(name)
        with self.connections.on(name), self._waiting(options) as waiting, interrupts_shown_short():
            value, receipt = run_python(self.shell, cell, database, options, waiting)

        if self.receipts and isinstance(value, pd.DataFrame):
            self.shown.attach(value, receipt)
        quiet = call.into is None and DisplayHook.semicolon_at_end_of_expression(text)
        return None if quiet else value

    def _waiting(self, options: TransactionOptions) -> Waiting:
        return Waiting(options.retry.max_attempts, Audience.of(self.shell))


def transaction_options(call: Call) -> TransactionOptions:
    """Make the options of a transaction from what the line gave."""
    given = call.given
    retry = RetryPolicy(max_attempts=given.get("max-attempts", DEFAULT_MAX_ATTEMPTS), timeout=given.get("timeout"))
    return TransactionOptions(
        priority=given.get("priority"),
        as_of=given.get("as-of"),
        isolation=given.get("isolation"),
        read_only="read-only" in given,
        idempotent="idempotent" in given,
        retry=retry,
    )


def target(text: str) -> Target:
    """Read a URL, libpq's ``keyword=value`` pairs, or (from nothing) the environment."""
    if "://" in text:
        return Target.from_url(text)
    return Target.from_keywords(text) if text else Target.from_environment(os.environ)


def describe_session(session: Session, server: str | None = None) -> str:
    """Say in one line where a session is: server, database, user, TLS, pin. No address, no password."""
    info = session.connection.info
    tls = f"TLS {info.ssl_attribute('protocol')}" if info.ssl_in_use else "no TLS"
    pinned = f", pinned to {session.pinned}" if session.pinned else ""
    return f"{server or session.server}, database {info.dbname}, user {info.user}, {tls}{pinned}"
