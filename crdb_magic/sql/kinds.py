"""Judge statements by their words: what belongs in a cell, what only reads, what may run without a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, pairwise

from crdb_magic.errors import ScriptError
from crdb_magic.sql.functions import HARMLESS
from crdb_magic.sql.keywords import word_set
from crdb_magic.sql.lexer import Token, TokenKind, fold, lex
from crdb_magic.sql.names import meant
from crdb_magic.sql.statements import Statement, split

SETTINGS = word_set("SET RESET USE")
"""The first words of what sets something for the session, or for its transaction."""
SAVEPOINTS = word_set("SAVEPOINT RELEASE ROLLBACK")
"""The first words of what sets, gives up or goes back to a savepoint; the last one may end a transaction instead."""
_RESTART = "cockroach_restart"
_FORCE_RESTARTS = "force_savepoint_restart"
_OFF = (["off"], ["false"], ["default"])
_SAVEPOINT_WORDS = SAVEPOINTS | word_set("WORK TRANSACTION TO")
_CONTROL = ("BEGIN", "START TRANSACTION", "COMMIT", "END", "ABORT", "ROLLBACK", "PREPARE TRANSACTION")
_SAVEPOINT = ("SAVEPOINT", "RELEASE", "ROLLBACK TO", "ROLLBACK WORK TO", "ROLLBACK TRANSACTION TO")
_BOUND_TO_A_TRANSACTION = (
    "SET LOCAL",
    "SET TRANSACTION",
    "SET CONSTRAINTS",
    "DECLARE",
    "FETCH",
    "MOVE",
    "CLOSE",
    "LOCK",
)

# They run a body that may commit, which the server refuses within a transaction (2D000).
_BODIES = word_set("CALL DO")
# What commits in steps of its own, or works through jobs, and can't be within a transaction on one server or the other.
_IN_STEPS = (
    "ALTER SYSTEM", "BACKUP", "CLUSTER", "CREATE CHANGEFEED", "CREATE DATABASE", "CREATE SUBSCRIPTION",
    "CREATE TABLESPACE", "DROP DATABASE", "DROP SUBSCRIPTION", "DROP TABLESPACE", "EXPORT", "IMPORT", "REINDEX",
    "RESTORE", "SET CLUSTER SETTING", "VACUUM",
)  # fmt: skip
_CONCURRENT = word_set("CREATE DROP ALTER REINDEX")  # … CONCURRENTLY; a REFRESH is one transaction
_SCHEMA = word_set("ALTER COMMENT CREATE DROP GRANT REASSIGN REFRESH REVOKE TRUNCATE")
_WRITES_NOTHING = word_set("BEGIN START SET SHOW SAVEPOINT RELEASE ROLLBACK")

_READERS = word_set("SELECT VALUES TABLE SHOW EXPLAIN WITH")
_QUERIES = word_set("SELECT VALUES TABLE WITH")
# SHARE is FOR SHARE, and UPDATE is FOR UPDATE too: they lock.
_WRITERS = word_set("INSERT UPDATE UPSERT DELETE MERGE INTO CALL TRUNCATE SHARE")
_LOCKS = word_set("SHARE UPDATE")
_OUTERMOST = word_set("INSERT UPDATE UPSERT DELETE MERGE CALL TRUNCATE SEARCH CYCLE")  # the last two: of WITH
_ANALYZE = frozenset({"ANALYZE", "ANALYSE"})
_EXPLAIN_OPTIONS = _ANALYZE | word_set(
    """EXPLAIN VERBOSE DEBUG DISTSQL PLAN OPT TYPES VEC REDACT ENV MEMO COSTS BUFFERS WAL TIMING SUMMARY
    SETTINGS GENERIC_PLAN MEMORY SERIALIZE NONE BINARY FORMAT TEXT JSON XML YAML ON OFF TRUE FALSE"""
)

# Behind these a word with a parenthesis is a name or a type: AS t(a, b), WITH t(a), ::DECIMAL(10, 2).
BEFORE_NAMES = frozenset({"AS", "WITH", "RECURSIVE", "::", ":::"})
# CockroachDB takes any statement as a source, FROM [CANCEL JOBS …], and as a WITH query.
_BEFORE_STATEMENTS = {"[": frozenset({"FROM", "JOIN", "LATERAL", ",", "("}), "(": frozenset({"AS", "MATERIALIZED"})}
# … or it is the definition of a window: WINDOW w AS (PARTITION BY …).
_HARMLESS_BEGINNINGS = _READERS | word_set("PARTITION ORDER ROWS RANGE GROUPS")

_KEYWORDS_BEFORE_PARENTHESIS = word_set(
    """ALL ANALYSE ANALYZE AND ANY ARRAY AS ASC BETWEEN BY CASE CAST CROSS CUBE DESC DISTINCT ELSE EXCEPT EXISTS
    EXPLAIN EXTRACT FILTER FROM GROUPING HAVING ILIKE IN INTERSECT IS JOIN LATERAL LIKE LIMIT MATERIALIZED NOT
    OFFSET ON ONLY OR ORDINALITY OVER RETURNING ROLLUP ROW SELECT SETS SIMILAR SOME TABLE THEN TO UNION USING VALUES
    WHEN WHERE WINDOW WITH WITHIN ZONE
    BIT CHAR CHARACTER DATE DEC DECIMAL FLOAT INTERVAL NUMERIC STRING TIME TIMESTAMP TIMESTAMPTZ TIMETZ VARBIT VARCHAR
    VARYING"""
)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A row of what does not belong in a cell: which statements, why, and what to do instead."""

    applies: Callable[[Statement], bool]
    why: str
    hint: str


def controls_transaction(statement: Statement) -> bool:
    """Whether it begins or ends a transaction (BEGIN, COMMIT, ROLLBACK …); savepoints do not."""
    return _begins(statement, _CONTROL) and not _begins(statement, _SAVEPOINT)


def ends_transaction(statement: Statement) -> bool:
    """Whether it ends a transaction (COMMIT, ROLLBACK …)."""
    control = controls_transaction(statement) and statement.keyword not in {"BEGIN", "START"}
    return control or shows_commit_time(statement)


def shows_commit_time(statement: Statement) -> bool:
    """Whether it is SHOW COMMIT TIMESTAMP, which commits the transaction that it stands in.

    CockroachDB has it from v23.1 on: pkg/sql/conn_executor_show_commit_timestamp.go.
    """
    return _begins(statement, ("SHOW COMMIT TIMESTAMP",))


def commits_in_steps(statement: Statement) -> bool:
    """Whether it may commit a part of what it does before it fails: an index that is left INVALID, a VACUUM."""
    if statement.keyword in _CONCURRENT and "CONCURRENTLY" in words(statement):
        return True
    return _begins(statement, _IN_STEPS)


def changes_schema(statement: Statement) -> bool:
    """Whether it is DDL; so is REFRESH to CockroachDB, refused in a transaction and done by a job (#66008)."""
    return statement.keyword in _SCHEMA


def restarts_transaction(statement: Statement) -> bool:
    """Whether it uses a savepoint of CockroachDB's retry protocol, whose RELEASE is the commit.

    Those are the names that begin with ``cockroach_restart`` once folded to lower case, which a quoted name is not.
    """
    if not _begins(statement, _SAVEPOINT):
        return False
    names = (token for token in _head(statement) if token.text not in _SAVEPOINT_WORDS)
    return any(meant(token.text).startswith(_RESTART) for token in names)


def _names_savepoint_by_value(statement: Statement) -> bool:
    """Whether the name of its savepoint is a parameter, and so may turn out to be one of the retry protocol."""
    return _begins(statement, _SAVEPOINT) and any(token.kind is TokenKind.NAMING for token in _head(statement))


def turns_on_restarts(statement: Statement) -> bool:
    """Whether it lets any savepoint be one of the retry protocol: SET force_savepoint_restart, set_config('…')."""
    if statement.keyword != "SET":
        return _FORCE_RESTARTS in statement.text.lower() and _sets_restarts(words(statement))
    said = [meant(token.text) for token in _head(statement)][1:]
    setting = said[1:] if said[:1] in (["session"], ["local"]) else said
    return setting[:1] == [_FORCE_RESTARTS] and setting[2:3] not in _OFF


def _sets_restarts(said: list[str]) -> bool:
    """Whether the setting is set by function, to another literal than 'off'."""
    calls = [said[place + 1 : place + 5] for place, word in enumerate(said) if word == "SET_CONFIG"]
    named = [call[3:] for call in calls if call[:1] == ["("] and call[1].lower() == f"'{_FORCE_RESTARTS}'"]
    return any([value.lower().strip("'") for value in given] not in _OFF for given in named)


def streams_data(statement: Statement) -> bool:
    """Whether it is a COPY between the server and a data stream (FROM STDIN, TO STDOUT)."""
    if statement.keyword != "COPY":
        return False
    return any(before in {"FROM", "TO"} and word in {"STDIN", "STDOUT"} for before, word in pairwise(words(statement)))


_RESTARTS = (
    _Refusal(
        restarts_transaction,
        why=f"and the RELEASE of a savepoint named {_RESTART} commits; transactions are retried here without one",
        hint="Remove it. For a savepoint of your own, choose another name.",
    ),
    _Refusal(
        _names_savepoint_by_value,
        why=f"whose name is a value: it could be {_RESTART}, whose RELEASE commits",
        hint="Write the name itself.",
    ),
    _Refusal(
        turns_on_restarts,
        why=f"and {_FORCE_RESTARTS} lets the RELEASE of any savepoint commit; transactions are retried here without it",
        hint="Remove it.",
    ),
)
_REFUSALS_AMONG_OTHERS = (
    _Refusal(
        shows_commit_time,
        why="which commits what stands before it, and can't be run again with the rest of the cell",
        hint="Put it into a cell of its own, after this one: it tells the time of the last commit.",
    ),
)
_REFUSALS = (
    _Refusal(
        controls_transaction,
        why="but the cell is the transaction: it begins and commits by itself",
        hint="Remove BEGIN and COMMIT. To undo a part of the cell, use SAVEPOINT and ROLLBACK TO.",
    ),
    *_RESTARTS,
    _Refusal(
        streams_data,
        why="but a cell has no data stream to copy from or to",
        hint="Write rows with INSERT; read them with the SELECT itself, its result is a DataFrame.",
    ),
)


def check_cell(statements: Sequence[Statement]) -> None:
    """Refuse, by a ScriptError, statements that cannot run in a transaction that the cell is, and an empty cell."""
    if not statements:
        raise ScriptError("The cell holds no SQL statement.", hint="Write one below %%crdb_txn, or after %crdb_txn.")
    _refuse(statements, _REFUSALS if len(statements) == 1 else (*_REFUSALS, *_REFUSALS_AMONG_OTHERS))


def check_restarts(sql: str) -> None:
    """Refuse, by a ScriptError, a text that uses CockroachDB's retry protocol; others are not read closely."""
    if "restart" in sql.lower():
        _refuse(split(sql), _RESTARTS)


def _refuse(statements: Sequence[Statement], refusals: Sequence[_Refusal]) -> None:
    for number, statement in enumerate(statements, start=1):
        for refusal in refusals:
            if refusal.applies(statement):
                message = f"Statement {number} (line {statement.line}) is {_title(statement)}, {refusal.why}."
                raise ScriptError("\n".join((message, *statement.excerpt(statement.head))), hint=refusal.hint)


def plain(statement: Statement) -> bool:
    """Whether it means the same as a transaction of its own, without BEGIN and COMMIT around it.

    CALL and DO do not: what their bodies commit by themselves would be done twice when they are run again.
    """
    bound = (*_CONTROL, *_SAVEPOINT, *_BOUND_TO_A_TRANSACTION)
    return statement.keyword not in _BODIES and not _begins(statement, bound)


def reads_only(statement: Statement) -> bool:
    """Whether it surely changes and locks nothing; False where that is not known by its words alone.

    Each function that is called must be a well-known one. A view or an operator that somebody defined by a
    function that writes is not seen, nor a function of theirs named as a well-known one.
    """
    if statement.keyword not in _READERS:
        return False
    if statement.keyword == "EXPLAIN":
        options = [token.text for token in _spelled(statement) if token.kind is TokenKind.WORD]
        if _ANALYZE.isdisjoint(options):
            return True
        if next((word for word in options if word not in _EXPLAIN_OPTIONS), "") not in _READERS:
            return False
    return not any(_makes_it_write(*window) for window in _windows(_spelled(statement)))


def may_write(statement: Statement) -> bool:
    """Whether it may change data, as far as its words tell."""
    return statement.keyword not in _WRITES_NOTHING and not reads_only(statement)


def is_query(statement: Statement) -> bool:
    """Whether it is a query that may stand in the parentheses of another statement, as far as its words tell.

    Not one with INSERT and the like in a WITH, nor one that reads another time than its transaction: both belong to
    the outermost statement. A function that it calls may write all the same.
    """
    return statement.keyword in _QUERIES and not any(_outermost_words(statement))


def only_gives_rows(statement: Statement) -> bool:
    """Whether it is a query that neither writes nor locks rows, as far as its words tell, at whatever time it reads."""
    return statement.keyword in _QUERIES and not any(word != "OF" for word in _outermost_words(statement))


def _outermost_words(statement: Statement) -> Iterator[str]:
    return (window[2].text for window in _windows(_spelled(statement)) if _belongs_outermost(*window))


def _belongs_outermost(earlier: Token, before: Token, token: Token, after: Token) -> bool:
    """Whether a word is one of what only the outermost statement may have; elsewhere it may be a name."""
    if token.kind is not TokenKind.WORD:
        return False
    if token.text == "INTO":
        return before.text not in {".", "AS"}
    if token.text == "OF":
        return (before.text, after.text) == ("AS", "SYSTEM")
    if token.text in _LOCKS and before.text in {"FOR", "KEY"}:
        return True
    begins = before.text in {")", *_ANALYZE} or _opens_statement(earlier, before)
    return begins and token.text in _OUTERMOST


def _opens_statement(before: Token, token: Token) -> bool:
    """Whether a bracket or parenthesis stands where another statement may follow: no index, no condition."""
    return before.text in _BEFORE_STATEMENTS.get(token.text, ())


def _makes_it_write(earlier: Token, before: Token, token: Token, after: Token) -> bool:
    """Whether a token may make its statement a writing one, seen with its neighbours."""
    if token.kind is TokenKind.WORD and token.text in _WRITERS:
        return True
    if _opens_statement(before, token):
        return after.kind is TokenKind.WORD and after.text not in _HARMLESS_BEGINNINGS
    if after.text == "(" and token.kind in {TokenKind.WORD, TokenKind.QUOTED, TokenKind.NAMING}:
        return not _is_harmless(earlier.text, before.text, token.text)
    return False


def _is_harmless(earlier: str, before: str, name: str) -> bool:
    """Whether a name with a parenthesis behind it is no call, or one of a function that changes nothing."""
    if before == ".":
        return earlier == "PG_CATALOG" and name in HARMLESS
    return before in BEFORE_NAMES or name in _KEYWORDS_BEFORE_PARENTHESIS or name in HARMLESS


def _windows(tokens: Iterable[Token]) -> Iterator[tuple[Token, Token, Token, Token]]:
    """Give each token with the two before it and the one behind it."""
    earlier = before = token = edge = Token(TokenKind.SYMBOL, "", 0)
    for after in chain(tokens, (edge,)):
        yield earlier, before, token, after
        earlier, before, token = before, token, after


def words(statement: Statement) -> list[str]:
    """Give the words and signs of a statement without its comments, with keywords in upper case."""
    return [token.text for token in _spelled(statement)]


def _spelled(statement: Statement) -> Iterator[Token]:
    """Give the tokens of a statement that are no comments, with keywords in upper case."""
    for token in lex(statement.text, statement.head):
        if token.kind is TokenKind.WORD:
            yield Token(TokenKind.WORD, fold(token.text), token.start)
        elif token.kind is not TokenKind.COMMENT:
            yield token


def _head(statement: Statement) -> Iterator[Token]:
    """Give the first tokens: as many as ROLLBACK TRANSACTION TO SAVEPOINT x has."""
    return islice(_spelled(statement), 5)


def _begins(statement: Statement, phrases: Sequence[str]) -> bool:
    """Whether a statement begins with one of these phrases of whole keywords."""
    beginning = _beginning(statement)
    return any(beginning.startswith(f"{phrase} ") for phrase in phrases)


@lru_cache(maxsize=4)  # much is asked of one, of few at a time: each may be long
def _beginning(statement: Statement) -> str:
    return " ".join(token.text for token in _head(statement)) + " "


def _title(statement: Statement) -> str:
    """Give the keywords at the start of a statement, to name it in a sentence."""
    phrases = (phrase for phrase in (*_SAVEPOINT, *_CONTROL, "SHOW COMMIT TIMESTAMP") if _begins(statement, (phrase,)))
    return next(phrases, statement.keyword)
