"""What may stand where somebody types in a statement, by the words before it."""

from __future__ import annotations

from enum import Enum, auto

from crdb_magic.explore.cursor import Group, Items, Typing, is_name, last_word, name_of, word_of
from crdb_magic.sql.keywords import BEFORE_TABLES, FOLLOWING, NOT_BEHIND, RESERVED, word_set
from crdb_magic.sql.lexer import TokenKind


class Expected(Enum):
    """What is completed."""

    NEW_NAME = auto()  # which nobody knows
    STATEMENT = auto()
    FOLLOWING = auto()  # the other words of a phrase
    MEMBER = auto()  # behind a dot
    INDEX = auto()
    TYPE = auto()
    RELATION = auto()
    SCHEMA = auto()
    DATABASE = auto()
    ROUTINE = auto()
    TARGET_COLUMN = auto()  # of the table that is written to
    COMMON_COLUMN = auto()  # of JOIN … USING (
    LISTED_COLUMN = auto()  # of the table before the parenthesis
    CONDITION = auto()  # of JOIN … ON
    OPERAND = auto()
    CLAUSE = auto()  # what goes on behind an operand


# Behind these words, and behind signs, an operand is expected; behind other words it has ended.
_BEFORE_OPERANDS = word_set(
    """SELECT DISTINCT ALL ANY SOME WHERE AND OR NOT ON HAVING BY SET CASE WHEN THEN ELSE IN LIKE ILIKE BETWEEN TO
    RETURNING VALUES LIMIT OFFSET USING IS FROM EXISTS AS FILTER OVER SIMILAR CHECK DEFAULT CALL EXECUTE UNION EXCEPT
    INTERSECT WITH TIME ARRAY INTERVAL COLLATE FOR"""
)
_CLAUSES = word_set(
    """SELECT FROM WHERE ON SET VALUES INTO UPDATE GROUP ORDER HAVING JOIN USING RETURNING LIMIT OFFSET TABLE
    TRUNCATE CONFLICT WITH WINDOW"""
)
_BEFORE_A_STAR = word_set("SELECT DISTINCT RETURNING , .")  # where it is no product
_BEFORE_RELATIONS = BEFORE_TABLES | word_set("ONLY LATERAL VIEW SEQUENCE")
_NAMED_BY = {
    "SCHEMA": Expected.SCHEMA,
    "DATABASE": Expected.DATABASE,
    "USE": Expected.DATABASE,
    "CALL": Expected.ROUTINE,
    "FUNCTION": Expected.ROUTINE,
    "PROCEDURE": Expected.ROUTINE,
    "COLUMN": Expected.TARGET_COLUMN,
}
_MADE = word_set("TABLE VIEW SEQUENCE INDEX SCHEMA DATABASE TYPE ROLE USER FUNCTION PROCEDURE EXISTS STATISTICS")
_ON_TABLES = word_set("CREATE GRANT REVOKE")  # statements whose ON is no condition
_DEFINED = word_set("CONSTRAINT PRIMARY UNIQUE CHECK FOREIGN INDEX FAMILY INVERTED")


def expected(typing: Typing) -> Expected:
    """Tell what is being typed."""
    before, root, statement = typing.before, typing.root, typing.statement
    last = last_word(before)
    if last in {".", "@", "::", ":::"}:
        return {".": Expected.MEMBER, "@": Expected.INDEX}.get(last, Expected.TYPE)
    if not before and typing.group is root:
        return Expected.STATEMENT
    if typing.group is not root and (listed := _in_parentheses(typing, statement)):
        return listed
    if found := _of_a_name(before, last, statement):
        return found
    if following(before):
        return Expected.FOLLOWING
    return _of_an_expression(before, last)


def following(before: Items) -> tuple[str, ...]:
    """Give what goes on behind the last words, where they do not stand alone."""
    words = [word_of(item) for item in before[-2:]]
    found = FOLLOWING.get(" ".join(words), ())
    if found or not words:
        return found
    alone = words[-1] not in {"SET", "RESET"} or len(before) == 1  # UPDATE … SET is another one
    return FOLLOWING.get(words[-1], ()) if alone else ()


def clause(before: Items) -> str:
    """Give the last word that began a clause."""
    return next((word for item in reversed(before) if (word := word_of(item)) in _CLAUSES), "")


def qualifier(before: Items) -> tuple[str, ...]:
    """Give the names before the dot at the end."""
    parts: list[str] = []
    place = len(before) - 1
    while place > 0 and word_of(before[place]) == "." and is_name(before[place - 1]):
        parts.insert(0, name_of(before[place - 1]))
        place -= 2
    return tuple(parts)


def named_before(group: Group) -> tuple[str, ...]:
    """Give the name that stands before a parenthesis, all its parts."""
    items = _before_group(group)
    if not items or not is_name(items[-1]) or last_word(items) in RESERVED:
        return ()
    return (*qualifier(items[:-1]), name_of(items[-1]))


def _before_group(group: Group) -> Items:
    assert group.parent is not None  # noqa: S101 - asked of what stands in parentheses
    place = next(at for at, item in enumerate(group.parent.items) if item is group)
    return group.parent.items[:place]


def _in_parentheses(typing: Typing, statement: str) -> Expected | None:
    """Tell for the places within parentheses that hold no expression."""
    around = _before_group(typing.group)
    words = [word_of(item) for item in around[-2:]]
    if words[-1:] == ["CAST"] and "AS" in map(word_of, typing.before):
        return Expected.TYPE
    if statement == "CREATE" and any(word_of(item) == "TABLE" for item in around) and "AS" not in words:
        return _in_definition(typing.before)
    if not all(is_name(item) or word_of(item) == "," for item in typing.before):
        return None
    if words[-1:] == ["USING"] and "JOIN" in map(word_of, around):
        return Expected.COMMON_COLUMN
    if words in (["ON", "CONFLICT"],) or words[-1:] == ["STORING"]:
        return Expected.TARGET_COLUMN
    return Expected.LISTED_COLUMN if _is_list(typing.group, around, statement) else None


def _is_list(group: Group, around: Items, statement: str) -> bool:
    """Whether parentheses hold the columns of a table that stands before them."""
    introduced = next((word_of(item) for item in reversed(around) if word_of(item) in RESERVED), "")
    if statement == "CREATE" and introduced == "USING":  # INDEX … ON t USING method (
        return True
    can_be = introduced in {"INTO", "REFERENCES"} or (statement == "CREATE" and introduced == "ON")
    return can_be and bool(named_before(group))


def _in_definition(before: Items) -> Expected | None:
    """Tell for the columns of CREATE TABLE."""
    if not before or last_word(before) == ",":
        return Expected.NEW_NAME
    is_first = len(before) == 1 or last_word(before, 2) == ","
    if is_first and is_name(before[-1]) and last_word(before) not in _DEFINED:
        return Expected.TYPE
    return None


def _of_a_name(before: Items, last: str, statement: str) -> Expected | None:
    """Tell for the places where a name stands: of a table, a schema, a database, or a new one."""
    earlier = last_word(before, 2)
    is_made = statement == "CREATE" and last in _MADE and clause(before) in {"", "TABLE"}
    if is_made or (last == "," and clause(before) == "WITH") or (last == "AS" and statement != "CREATE"):
        return Expected.NEW_NAME
    if _is_relation(before, last, earlier, statement):
        return Expected.RELATION
    if statement in {"UPDATE", "INSERT", "UPSERT"} and _is_set(before, last):
        return Expected.TARGET_COLUMN
    if last == "ON" and clause(before[:-1]) == "JOIN":
        return Expected.CONDITION
    return _NAMED_BY.get(last)


def _is_set(before: Items, last: str) -> bool:
    return clause(before) == "SET" and last in {"SET", ","}


def _is_relation(before: Items, last: str, earlier: str, statement: str) -> bool:
    if last in _BEFORE_RELATIONS:
        return earlier not in NOT_BEHIND.get(last, ())
    if last == ",":
        return clause(before) in {"FROM", "TABLE", "TRUNCATE"} and statement != "CREATE"
    if last == "ON":
        return statement in _ON_TABLES
    if last == "EXISTS":
        return earlier == "IF"
    return last == "ANALYZE" and len(before) == 1


def _of_an_expression(before: Items, last: str) -> Expected:
    item = before[-1] if before else None
    if item is None:
        return Expected.OPERAND
    if isinstance(item, Group):
        return Expected.CLAUSE
    if item.kind is TokenKind.WORD:
        return Expected.OPERAND if last in _BEFORE_OPERANDS else Expected.CLAUSE
    if item.kind is not TokenKind.SYMBOL:
        return Expected.CLAUSE
    is_star = last == "*" and (len(before) == 1 or last_word(before, 2) in _BEFORE_A_STAR)
    return Expected.CLAUSE if is_star else Expected.OPERAND
