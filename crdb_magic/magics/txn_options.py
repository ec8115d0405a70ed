"""The options of %%crdb_txn: what there are, which go together, and what they ask of the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crdb_magic.columns.frame_options import Dates, Numbers
from crdb_magic.core.options import DEFAULT_MAX_ATTEMPTS, Isolation, Priority, RetryPolicy, TransactionOptions
from crdb_magic.errors import OptionError, ScriptError
from crdb_magic.explore.explaining import Explain
from crdb_magic.magics.arguments import AS_OF, ON, Call, Option, Takes, or_none, rows, seconds, whole_number
from crdb_magic.magics.display import As
from crdb_magic.sql.lexer import TokenKind, lex

TXN_OPTIONS = (
    Option("priority", "low, normal or high: decides which transaction is aborted in a conflict", "WORD",
           read=or_none(Priority.parse), fills=(*Priority.words(), "none")),
    AS_OF,
    Option("max-attempts", f"how many attempts in all (default {DEFAULT_MAX_ATTEMPTS})", "N", read=whole_number),
    Option("timeout", "seconds for the whole transaction, retries included; none: no limit", "S",
           read=or_none(seconds)),
    Option("read-only", "the server rejects any write", takes=Takes.NOTHING),
    Option("isolation", "serializable or read-committed", "WORD", read=or_none(Isolation.parse),
           fills=(*Isolation.words(), "none")),
    Option("idempotent", "it may be retried even if an earlier attempt may have been committed", takes=Takes.NOTHING),
    Option("python", "the cell is Python: db is its database, and it may run several times", takes=Takes.NOTHING),
    Option("as", "form of the value: frame (default), arrow (a pyarrow.Table), polars (a polars DataFrame) or rows "
           "(tuples)", "FORM", read=As.parse),
    Option("numbers", "DECIMAL columns of a DataFrame: exact (default), or float (the nearest one)", "WORD",
           read=Numbers.parse),
    Option("dates", "DATE columns of a DataFrame: date (default), or datetime64", "WORD", read=Dates.parse),
    Option("limit", "fetch at most N rows of each query, and say so if there are more; all: no limit", "N", read=rows),
    Option("explain", "show the plan instead of running the query; =analyze runs it and shows what happened", "analyze",
           Takes.GLUED, read=Explain.parse),
    Option("yes", "let --explain=analyze run a statement that may write; it is rolled back", takes=Takes.NOTHING),
    Option("dry-run", "run the cell, show its results, and roll it back", takes=Takes.NOTHING),
    ON,
)  # fmt: skip

_PLAN = "The value of --explain is a plan."
_OF_PLANS = "its .frame is a DataFrame of its steps."
# Of two options that are given the first excludes the second: why, and what to do instead.
_APART = (
    ("python", "explain", "--explain is for SQL.", "in Python: %crdb_txn --explain SELECT …"),
    ("python", "as", "--as is for SQL.", "in Python: db.frame(…), db.arrow(…), db.polars(…) or db.rows(…)."),
    ("python", "numbers", "--numbers is for SQL.", 'in Python: db.frame(…, numbers="float").'),
    ("python", "dates", "--dates is for SQL.", 'in Python: db.frame(…, dates="datetime64").'),
    ("python", "limit", "--limit is for SQL.", "in Python: a LIMIT in the query."),
    (
        "explain",
        "dry-run",
        "--explain executes nothing.",
        "--explain=analyze executes it, and rolls back what may write.",
    ),
    ("explain", "as", _PLAN, _OF_PLANS),
    ("explain", "numbers", _PLAN, _OF_PLANS),
    ("explain", "dates", _PLAN, _OF_PLANS),
    ("explain", "limit", "--explain shows the plan of the query as it is.", "write a LIMIT into it."),
)


def check(call: Call) -> None:
    """Refuse options that do not go together, and those behind SQL in a line; raises :class:`OptionError`."""
    for one, other, why, hint in _APART:
        if one in call.given and other in call.given:
            raise OptionError(why, hint=hint)
    if late := _option_behind(call.rest):
        raise OptionError(f"{late} comes after the SQL, where -- begins a comment.", hint="Options come first.")
    if "yes" in call.given and call.given.get("explain") is not Explain.ANALYZE:
        raise OptionError("--yes says that --explain=analyze may execute what writes.", hint="leave it out here.")


def of_transaction(call: Call, wanted: Mapping[str, Any]) -> TransactionOptions:
    """Make the options of the transaction from what the line gave, and what is ``wanted`` of it or by %config."""
    given = call.given
    retry = RetryPolicy(max_attempts=wanted["max-attempts"], timeout=wanted["timeout"])
    return TransactionOptions(
        priority=wanted["priority"],
        as_of=given.get("as-of"),
        isolation=wanted["isolation"],
        read_only="read-only" in given,
        idempotent="idempotent" in given,
        dry_run="dry-run" in given,
        retry=retry,
    )


def _option_behind(sql: str) -> str | None:
    """Give the name of an option of ours that a comment in one line of SQL begins with."""
    with suppress(ScriptError):  # which says so when it is split
        comments = (token.text.split()[0] for token in lex(sql) if token.kind is TokenKind.COMMENT)
        names = {f"--{option.name}" for option in TXN_OPTIONS}
        return next((word for word in comments if word.partition("=")[0] in names), None)
    return None
