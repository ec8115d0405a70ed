"""Judge statements by their words: what belongs in a cell, what only reads, what may run without a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from unicodedata import normalize

from crdb_magic.errors import ScriptError
from crdb_magic.sql.lexer import Kind, Token, fold, lex
from crdb_magic.sql.statements import Statement, split


def _words(text: str) -> frozenset[str]:
    """Read a table of words, in the spelling that ``fold`` gives."""
    return frozenset(text.upper().split())


_RESTART = "cockroach_restart"
_FORCE_RESTARTS = "force_savepoint_restart"
_OFF = (["off"], ["false"], ["default"])
_SAVEPOINT_WORDS = _words("SAVEPOINT RELEASE ROLLBACK WORK TRANSACTION TO")
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

_READERS = _words("SELECT VALUES TABLE SHOW EXPLAIN WITH")
_QUERIES = _words("SELECT VALUES TABLE WITH")
# SHARE is FOR SHARE, and UPDATE is FOR UPDATE too: they lock.
_WRITERS = _words("INSERT UPDATE UPSERT DELETE MERGE INTO CALL TRUNCATE SHARE")
_LOCKS = _words("SHARE UPDATE")
_OUTERMOST = _words("INSERT UPDATE UPSERT DELETE MERGE CALL TRUNCATE SEARCH CYCLE")  # the last two: of WITH
_ANALYZE = frozenset({"ANALYZE", "ANALYSE"})
_EXPLAIN_OPTIONS = _ANALYZE | _words(
    """EXPLAIN VERBOSE DEBUG DISTSQL PLAN OPT TYPES VEC REDACT ENV MEMO COSTS BUFFERS WAL TIMING SUMMARY
    SETTINGS GENERIC_PLAN MEMORY SERIALIZE NONE BINARY FORMAT TEXT JSON XML YAML ON OFF TRUE FALSE"""
)

# Behind these a word with a parenthesis is a name or a type: AS t(a, b), WITH t(a), ::DECIMAL(10, 2).
_BEFORE_NAMES = frozenset({"AS", "WITH", "RECURSIVE", "::", ":::"})
# CockroachDB takes any statement as a source, FROM [CANCEL JOBS …], and as a WITH query.
_BEFORE_STATEMENTS = {"[": frozenset({"FROM", "JOIN", "LATERAL", ",", "("}), "(": frozenset({"AS", "MATERIALIZED"})}
# … or it is the definition of a window: WINDOW w AS (PARTITION BY …).
_HARMLESS_BEGINNINGS = _READERS | _words("PARTITION ORDER ROWS RANGE GROUPS")

_KEYWORDS_BEFORE_PARENTHESIS = _words(
    """ALL ANALYSE ANALYZE AND ANY ARRAY AS ASC BETWEEN BY CASE CAST CROSS CUBE DESC DISTINCT ELSE EXCEPT EXISTS
    EXPLAIN EXTRACT FILTER FROM GROUPING HAVING ILIKE IN INTERSECT IS JOIN LATERAL LIKE LIMIT MATERIALIZED NOT
    OFFSET ON ONLY OR ORDINALITY OVER RETURNING ROLLUP ROW SELECT SETS SIMILAR SOME TABLE THEN TO UNION USING VALUES
    WHEN WHERE WINDOW WITH WITHIN ZONE
    BIT CHAR CHARACTER DATE DEC DECIMAL FLOAT INTERVAL NUMERIC STRING TIME TIMESTAMP TIMESTAMPTZ TIMETZ VARBIT VARCHAR
    VARYING"""
)
# Well-known functions of both servers that change nothing but the answer. Not here, on purpose: nextval, setval,
# set_config, txid_current, pg_sleep, advisory locks, pg_terminate_backend, query_to_xml, lo_*, crdb_internal.*.
_FUNCTIONS = _words(
    """
    array_agg avg bit_and bit_or bool_and bool_or concat_agg corr count count_rows covar_pop covar_samp every
    json_agg json_object_agg jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sqrdiff stddev stddev_pop
    stddev_samp string_agg sum sum_int var_pop var_samp variance xor_agg

    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number

    abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd
    degrees div exp factorial floor gcd isnan lcm ln log log10 mod pi pow power radians random round scale sign sin
    sind sinh sqrt tan tand tanh trim_scale trunc width_bucket

    ascii bit_length btrim char_length character_length chr concat concat_ws convert_from convert_to crc32c crc32ieee
    decode difference encode fnv32 fnv32a fnv64 fnv64a format from_ip from_uuid get_bit get_byte initcap left length
    levenshtein lower lpad ltrim md5 metaphone normalize octet_length overlay parse_ident position quote_ident
    quote_literal quote_nullable regexp_count regexp_extract regexp_instr regexp_like regexp_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right rpad rtrim
    set_bit set_byte sha1 sha224 sha256 sha384 sha512 similarity soundex split_part starts_with string_to_array
    string_to_table strpos substr substring substring_index to_ascii to_char to_english to_hex to_ip to_number to_uuid
    translate trim unaccent unistr upper

    age clock_timestamp cluster_logical_timestamp current_date current_time current_timestamp date_bin date_part
    date_trunc experimental_follower_read_timestamp experimental_strftime experimental_strptime extract_duration
    follower_read_timestamp isfinite justify_days justify_hours justify_interval localtime localtimestamp
    make_date make_interval make_time make_timestamp make_timestamptz now parse_date parse_interval parse_time
    parse_timestamp statement_timestamp strftime strptime timeofday timezone to_date to_timestamp
    transaction_timestamp with_max_staleness with_min_timestamp

    array_append array_cat array_dims array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_to_json array_to_string array_upper cardinality generate_series
    generate_subscripts unnest

    json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
    json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
    json_populate_recordset json_set json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
    jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys
    jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
    jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_strip_nulls
    jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb

    coalesce greatest if ifnull iferror iserror least nullif num_nonnulls num_nulls

    col_description current_catalog current_database current_role current_schema current_schemas current_setting
    current_user format_type gen_random_ulid gen_random_uuid has_column_privilege has_database_privilege
    has_schema_privilege has_table_privilege obj_description pg_get_constraintdef pg_get_expr pg_get_indexdef
    pg_get_viewdef pg_table_is_visible pg_typeof session_user to_regclass to_regtype uuid_generate_v4 uuid_v4 version

    broadcast family host hostmask masklen netmask network
    """
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
    return controls_transaction(statement) and statement.keyword not in {"BEGIN", "START"}


def some(is_so: Callable[[Statement], bool], sent: bytes, *, unreadable: bool = False) -> bool:
    """Whether one of a message's statements is so; ``unreadable`` where they can't be told apart."""
    try:
        return any(map(is_so, split(sent.decode(errors="replace"))))
    except ScriptError:
        return unreadable


def restarts_transaction(statement: Statement) -> bool:
    """Whether it uses a savepoint of CockroachDB's retry protocol, whose RELEASE is the commit.

    Those are the names that begin with ``cockroach_restart`` once folded to lower case, which a quoted name is not.
    """
    if not _begins(statement, _SAVEPOINT):
        return False
    names = (token for token in _head(statement) if token.text not in _SAVEPOINT_WORDS)
    return any(_identifier(token).startswith(_RESTART) for token in names)


def names_savepoint_by_value(statement: Statement) -> bool:
    """Whether the name of its savepoint is a parameter, and so may turn out to be one of the retry protocol."""
    return _begins(statement, _SAVEPOINT) and any(token.kind is Kind.NAMING for token in _head(statement))


def turns_on_restarts(statement: Statement) -> bool:
    """Whether it lets any savepoint be one of the retry protocol: SET [SESSION | LOCAL] force_savepoint_restart."""
    if statement.keyword != "SET":
        return False
    words = [_identifier(token) for token in _head(statement)][1:]
    setting = words[1:] if words[:1] in (["session"], ["local"]) else words
    return setting[:1] == [_FORCE_RESTARTS] and setting[2:3] not in _OFF


def streams_data(statement: Statement) -> bool:
    """Whether it is a COPY between the server and a data stream (FROM STDIN, TO STDOUT)."""
    if statement.keyword != "COPY":
        return False
    words = (token.text for token in _spelled(statement))
    return any(before in {"FROM", "TO"} and word in {"STDIN", "STDOUT"} for before, word in pairwise(words))


_RESTARTS = (
    _Refusal(
        restarts_transaction,
        why=f"and the RELEASE of a savepoint named {_RESTART} commits; transactions are retried here without one",
        hint="Remove it. For a savepoint of your own, choose another name.",
    ),
    _Refusal(
        names_savepoint_by_value,
        why=f"whose name is a value: it could be {_RESTART}, whose RELEASE commits",
        hint="Write the name itself.",
    ),
    _Refusal(
        turns_on_restarts,
        why=f"and {_FORCE_RESTARTS} lets the RELEASE of any savepoint commit; transactions are retried here without it",
        hint="Remove it.",
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
        raise ScriptError("The cell holds no SQL statement.", hint="Write at least one below the %% line.")
    _refuse(statements, _REFUSALS)


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
    """Whether it means the same as a transaction of its own, without BEGIN and COMMIT around it."""
    return not _begins(statement, (*_CONTROL, *_SAVEPOINT, *_BOUND_TO_A_TRANSACTION))


def reads_only(statement: Statement) -> bool:
    """Whether it surely changes and locks nothing; False where that is not known by its words alone.

    Each function that is called must be a well-known one. A view or an operator that somebody defined by a
    function that writes is not seen, nor a function of theirs named as a well-known one.
    """
    if statement.keyword not in _READERS:
        return False
    if statement.keyword == "EXPLAIN":
        words = [token.text for token in _spelled(statement) if token.kind is Kind.WORD]
        if _ANALYZE.isdisjoint(words):
            return True
        if next((word for word in words if word not in _EXPLAIN_OPTIONS), "") not in _READERS:
            return False
    return not any(_may_write(*window) for window in _windows(_spelled(statement)))


def is_query(statement: Statement) -> bool:
    """Whether it is a query that may stand in the parentheses of another statement, as far as its words tell.

    Not one with INSERT and the like in a WITH, nor one that reads another time than its transaction: both belong to
    the outermost statement. A function that it calls may write all the same.
    """
    if statement.keyword not in _QUERIES:
        return False
    return not any(_belongs_outermost(*window) for window in _windows(_spelled(statement)))


def _belongs_outermost(earlier: Token, before: Token, token: Token, after: Token) -> bool:
    """Whether a word is one of what only the outermost statement may have; elsewhere it may be a name."""
    if token.kind is not Kind.WORD:
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


def _may_write(earlier: Token, before: Token, token: Token, after: Token) -> bool:
    """Whether a token may make its statement a writing one, seen with its neighbours."""
    if token.kind is Kind.WORD and token.text in _WRITERS:
        return True
    if _opens_statement(before, token):
        return after.kind is Kind.WORD and after.text not in _HARMLESS_BEGINNINGS
    if after.text == "(" and token.kind in {Kind.WORD, Kind.QUOTED, Kind.NAMING}:
        return not _is_harmless(earlier.text, before.text, token.text)
    return False


def _is_harmless(earlier: str, before: str, name: str) -> bool:
    """Whether a name with a parenthesis behind it is no call, or one of a function that changes nothing."""
    if before == ".":
        return earlier == "PG_CATALOG" and name in _FUNCTIONS
    return before in _BEFORE_NAMES or name in _KEYWORDS_BEFORE_PARENTHESIS or name in _FUNCTIONS


def _windows(tokens: Iterable[Token]) -> Iterator[tuple[Token, Token, Token, Token]]:
    """Give each token with the two before it and the one behind it."""
    earlier = before = token = edge = Token(Kind.SYMBOL, "", 0)
    for after in chain(tokens, (edge,)):
        yield earlier, before, token, after
        earlier, before, token = before, token, after


def _spelled(statement: Statement) -> Iterator[Token]:
    """Give the tokens of a statement that are no comments, with keywords in upper case."""
    for token in lex(statement.text, statement.head):
        if token.kind is Kind.WORD:
            yield Token(Kind.WORD, fold(token.text), token.start)
        elif token.kind is not Kind.COMMENT:
            yield token


def _head(statement: Statement) -> Iterator[Token]:
    """Give the first tokens: as many as ROLLBACK TRANSACTION TO SAVEPOINT x has."""
    return islice(_spelled(statement), 5)


def _begins(statement: Statement, phrases: Sequence[str]) -> bool:
    """Whether a statement begins with one of these phrases of whole keywords."""
    head = " ".join(token.text for token in _head(statement)) + " "
    return any(head.startswith(f"{phrase} ") for phrase in phrases)


def _title(statement: Statement) -> str:
    """Give the keywords at the start of a statement, to name it in a sentence."""
    phrases = (phrase for phrase in (*_SAVEPOINT, *_CONTROL) if _begins(statement, (phrase,)))
    return next(phrases, statement.keyword)


def _identifier(token: Token) -> str:
    """Give the name that an identifier means: CockroachDB folds unquoted ones, and normalises all."""
    if token.kind is Kind.QUOTED:
        return normalize("NFC", token.text.partition('"')[2][:-1].replace('""', '"'))
    return normalize("NFC", token.text.lower())
