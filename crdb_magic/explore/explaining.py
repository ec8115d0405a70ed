"""Asks a server for the plans of statements, and reads them; what is executed for that is rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crdb_magic.columns.results import Result, TransactionResults
from crdb_magic.core.options import Choice, TransactionOptions
from crdb_magic.core.retry import Observer
from crdb_magic.core.server import Server
from crdb_magic.errors import OptionError, ScriptError
from crdb_magic.explore import plan_cockroach, plan_postgres
from crdb_magic.explore.plan import Plan
from crdb_magic.session.session import Session
from crdb_magic.sql.kinds import reads_only
from crdb_magic.sql.statements import BoundStatement, Statement

_NO_PLAN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


class Explain(Choice):
    """What EXPLAIN does: shows the plan, or executes it too and shows how it went."""

    PLAN = "plan"
    ANALYZE = "analyze"


def explain(
    session: Session,
    statements: Sequence[BoundStatement],
    how: Explain,
    options: TransactionOptions,
    observer: Observer,
    *,
    may_write: bool = False,
) -> tuple[TransactionResults, tuple[Plan, ...]]:
    """Give the plan of each statement, all asked for in one transaction, in order.

    With ANALYZE they are executed; where their words don't say that they only read, in a dry run, and only if they
    ``may_write``. Raises `ScriptError` for what is an EXPLAIN itself, `OptionError` for what may not be executed, and
    what `Session.run` raises.
    """
    sources = [one.source for one in statements]
    _refuse_explained(sources)
    analyze = how is Explain.ANALYZE
    if analyze and not all(map(reads_only, sources)):
        if not may_write:
            raise _writes(next(one for one in sources if not reads_only(one)))
        options = replace(options, dry_run=True)
    words = session.server.explain(analyze=analyze)
    report = session.run([one.behind(words) for one in statements], options, observer)
    return report, tuple(_read(result, report, session.server) for result in report.results)


def _refuse_explained(statements: Sequence[Statement]) -> None:
    for statement in statements:
        if statement.keyword == "EXPLAIN":
            message = f"The statement of line {statement.line} is an EXPLAIN itself."
            hint = "leave EXPLAIN out, or --explain: it then shows the server's own words."
            raise ScriptError("\n".join((message, *statement.excerpt(statement.head))), hint=hint)


def _writes(statement: Statement) -> OptionError:
    return OptionError(
        f"--explain=analyze executes the statement, and {statement.keyword} (line {statement.line}) may write.",
        hint="--yes executes it and rolls it back; --explain alone executes nothing.",
    )


def _read(result: Result, report: TransactionResults, server: Server) -> Plan:
    lines = ["" if line is None else str(line) for (line, *_) in result.rows]
    return replace(read_plan(lines, server), receipt=report.receipt)


def read_plan(lines: Sequence[str], server: Server) -> Plan:
    """Read what EXPLAIN answered; a plan without steps, whose remarks are its lines, for what is not understood."""
    text = "\n".join(lines)
    try:
        plan = plan_postgres.parse(text) if server.plans_as_json else plan_cockroach.parse(text.split("\n"))
    except _NO_PLAN:
        plan = Plan(text=text)
    return plan if plan.steps else Plan(text=text, remarks=tuple(text.split("\n")))
