"""Keywords as data: which can't be names, and which may come next where a statement is being typed."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Read a table of words, in the spelling that ``fold`` gives."""
    return frozenset(text.upper().split())


def _phrases(text: str) -> tuple[str, ...]:
    """Read a table of phrases, parted by commas or line breaks."""
    return tuple(" ".join(phrase.split()) for phrase in text.replace("\n", ",").split(",") if phrase.strip())


# Those of PostgreSQL 18 (pg_get_keywords, catcodes R and T) and of CockroachDB (pkg/sql/parser/sql.y: reserved_keyword,
# type_func_name_keyword): none of them can be the name of a table or a column unless it is quoted.
RESERVED = word_set(
    """ALL ANALYSE ANALYZE AND ANY ARRAY AS ASC ASYMMETRIC AUTHORIZATION BINARY BOTH CASE CAST CHECK COLLATE COLLATION
    COLUMN CONCURRENTLY CONSTRAINT CREATE CROSS CURRENT_CATALOG CURRENT_DATE CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME
    CURRENT_TIMESTAMP CURRENT_USER DEFAULT DEFERRABLE DESC DISTINCT DO ELSE END EXCEPT FALSE FAMILY FETCH FOR FOREIGN
    FREEZE FROM FULL GRANT GROUP HAVING ILIKE IN INDEX INITIALLY INNER INTERSECT INTO IS ISNULL JOIN LATERAL LEADING
    LEFT LIKE LIMIT LOCALTIME LOCALTIMESTAMP NATURAL NONE NOT NOTHING NOTNULL NULL OFFSET ON ONLY OR ORDER OUTER
    OVERLAPS PLACING PRIMARY REFERENCES RETURNING RIGHT SELECT SESSION_USER SIMILAR SOME SYMMETRIC SYSTEM_USER TABLE
    TABLESAMPLE THEN TO TRAILING TRUE UNION UNIQUE USER USING VARIADIC VERBOSE WHEN WHERE WINDOW WITH"""
)

SET_OPERATIONS = word_set("UNION INTERSECT EXCEPT")
# What comes before a table, unless one of these words comes before it.
BEFORE_TABLES = word_set("FROM JOIN INTO UPDATE TABLE REFERENCES TRUNCATE COPY")
NOT_BEHIND = {"UPDATE": word_set("FOR DO ON KEY"), "FROM": word_set("DISTINCT")}

STATEMENTS = _phrases(
    """SELECT, WITH, INSERT INTO, UPDATE, UPSERT INTO, DELETE FROM, SHOW, EXPLAIN, CREATE, ALTER, DROP, TRUNCATE, SET
    VALUES, TABLE, USE, GRANT, REVOKE, COMMENT ON, ANALYZE, MERGE INTO, RESET, CALL, SAVEPOINT, BACKUP INTO
    RESTORE FROM, IMPORT INTO, CANCEL, PAUSE, RESUME"""
)
OPERANDS = _phrases(
    """DISTINCT, NOT, NULL, CASE WHEN, EXISTS, CAST, TRUE, FALSE, ARRAY, INTERVAL, CURRENT_TIMESTAMP, CURRENT_DATE
    COALESCE, NULLIF, GREATEST, LEAST, ALL, ANY, DEFAULT, EXTRACT, SELECT, END"""
)
_TESTS = _phrases(
    """AND, OR, IN, IS NULL, IS NOT NULL, LIKE, ILIKE, BETWEEN, NOT IN, NOT LIKE, NOT ILIKE, IS DISTINCT FROM
    IS NOT DISTINCT FROM, SIMILAR TO"""
)
_REST = _phrases("GROUP BY, ORDER BY, LIMIT, OFFSET, HAVING, UNION ALL, UNION, EXCEPT, INTERSECT, WINDOW, FOR UPDATE")
_JOINS = _phrases("JOIN, LEFT JOIN, RIGHT JOIN, FULL JOIN, CROSS JOIN, NATURAL JOIN, INNER JOIN")
# What goes on behind an operand, or a table, in each clause.
CLAUSES = {
    "": (*_TESTS, *_phrases("ORDER BY, THEN, WHEN, ELSE, END")),
    "CONFLICT": _phrases("DO NOTHING, DO UPDATE SET, WHERE"),
    "FROM": ("WHERE", *_JOINS, *_phrases("AS OF SYSTEM TIME, AS, TABLESAMPLE"), *_REST, "RETURNING"),
    "GROUP": _REST[1:],
    "HAVING": (*_TESTS, *_REST[1:]),
    "INTO": _phrases("VALUES, SELECT, DEFAULT VALUES, AS, WITH"),
    "JOIN": (*_phrases("ON, USING, AS"), *_JOINS, "WHERE", *_REST),
    "LIMIT": _phrases("OFFSET, FOR UPDATE"),
    "OFFSET": _phrases("LIMIT, FOR UPDATE"),
    "ON": (*_TESTS, *_JOINS, "WHERE", *_REST),
    "ORDER": _phrases("DESC, ASC, NULLS FIRST, NULLS LAST, LIMIT, OFFSET, FOR UPDATE"),
    "RETURNING": _phrases("AS"),
    "SELECT": (
        *_phrases("FROM, AS"), *_TESTS, *_phrases("OVER, FILTER, COLLATE, THEN, WHEN, ELSE, END, UNION ALL, UNION")
    ),
    "SET": _phrases("WHERE, FROM, RETURNING, TO"),
    "TABLE": _phrases(
        """ADD COLUMN, DROP COLUMN, ALTER COLUMN, RENAME COLUMN, RENAME TO, ADD CONSTRAINT, DROP CONSTRAINT
        ALTER PRIMARY KEY USING COLUMNS, SET SCHEMA, OWNER TO, CASCADE, RESTRICT, AS, SET DATA TYPE, SET NOT NULL
        SET DEFAULT, DROP NOT NULL, DROP DEFAULT"""
    ),
    "UPDATE": _phrases("SET, AS"),
    "USING": (*_JOINS, "WHERE", *_REST),
    "VALUES": _phrases("ON CONFLICT, RETURNING"),
    "WHERE": (*_TESTS, *_REST, "RETURNING"),
    "WITH": _phrases("AS, SELECT, INSERT INTO, UPDATE, DELETE FROM, UPSERT INTO"),
}  # fmt: skip
DEFINITIONS = _phrases("PRIMARY KEY, UNIQUE, CONSTRAINT, CHECK, FOREIGN KEY, INDEX, FAMILY")
OF_A_COLUMN = _phrases(
    "NOT NULL, PRIMARY KEY, DEFAULT, UNIQUE, REFERENCES, CHECK, NULL, AS, STORED, ON DELETE CASCADE, ON UPDATE"
)
RELATIONS = _phrases("LATERAL, ONLY")
# What follows words that do not stand alone.
FOLLOWING = {
    "ALTER": _phrases(
        """TABLE, INDEX, VIEW, SEQUENCE, DATABASE, SCHEMA, TYPE, ROLE, USER, FUNCTION, DEFAULT PRIVILEGES, RANGE
        PARTITION, COLUMN"""
    ),
    "AS OF": _phrases("SYSTEM TIME"),
    "CANCEL": _phrases("QUERY, QUERIES, SESSION, SESSIONS, JOB, JOBS"),
    "COMMENT": _phrases("ON"),
    "COMMENT ON": _phrases("TABLE, COLUMN, INDEX, DATABASE, SCHEMA, CONSTRAINT, TYPE"),
    "CREATE": _phrases(
        """TABLE, INDEX, UNIQUE INDEX, INVERTED INDEX, VIEW, MATERIALIZED VIEW, SEQUENCE, SCHEMA, DATABASE, TYPE, USER
        ROLE, FUNCTION, PROCEDURE, STATISTICS, CHANGEFEED FOR, TEMP TABLE, OR REPLACE VIEW, OR REPLACE FUNCTION"""
    ),
    "CROSS": _phrases("JOIN"),
    "DELETE": _phrases("FROM"),
    "DROP": _phrases(
        """TABLE, INDEX, VIEW, MATERIALIZED VIEW, SEQUENCE, SCHEMA, DATABASE, TYPE, USER, ROLE, FUNCTION, COLUMN
        CONSTRAINT"""
    ),
    "EXPLAIN": _phrases("ANALYZE, SELECT, INSERT INTO, UPDATE, UPSERT INTO, DELETE FROM, WITH"),
    "EXPLAIN ANALYZE": _phrases("SELECT, INSERT INTO, UPDATE, UPSERT INTO, DELETE FROM, WITH"),
    "FOR": _phrases("UPDATE, SHARE"),
    "FULL": _phrases("JOIN, OUTER JOIN"),
    "GROUP": _phrases("BY"),
    "IF": _phrases("EXISTS, NOT EXISTS"),
    "INNER": _phrases("JOIN"),
    "INSERT": _phrases("INTO"),
    "IS": _phrases("NULL, NOT NULL, DISTINCT FROM, NOT DISTINCT FROM, TRUE, FALSE"),
    "LEFT": _phrases("JOIN, OUTER JOIN"),
    "LIMIT": _phrases("ALL"),
    "NATURAL": _phrases("JOIN"),
    "ON CONFLICT": _phrases("DO NOTHING, DO UPDATE SET"),
    "ORDER": _phrases("BY"),
    "PARTITION": _phrases("BY"),
    "PRIMARY": _phrases("KEY"),
    "RESET": _phrases("ALL, ROLE, search_path, statement_timeout"),
    "RIGHT": _phrases("JOIN, OUTER JOIN"),
    "SET": _phrases(
        """search_path, database, statement_timeout, timezone, TIME ZONE, ROLE, application_name, CLUSTER SETTING
        default_transaction_isolation, default_transaction_priority, default_transaction_read_only"""
    ),
    "SHOW": _phrases(
        """TABLES, COLUMNS FROM, INDEXES FROM, CREATE TABLE, CREATE, SCHEMAS, DATABASES, CONSTRAINTS FROM, SEQUENCES
        TYPES, ENUMS, FUNCTIONS, GRANTS ON, ROLES, USERS, SESSIONS, QUERIES, STATEMENTS, TRANSACTIONS, JOBS
        STATISTICS FOR TABLE, RANGES FROM TABLE, ZONE CONFIGURATION FOR TABLE, PARTITIONS FROM TABLE, REGIONS, LOCALITY
        CLUSTER SETTING, search_path, database, statement_timeout, timezone, transaction_isolation
        server_version, ALL"""
    ),
    "SHOW CREATE": _phrases("TABLE, VIEW, SEQUENCE, ALL TABLES, SCHEDULE"),
    "SYSTEM": _phrases("TIME"),
    "SYSTEM TIME": ("follower_read_timestamp()", "'-10s'"),
    "TRUNCATE": _phrases("TABLE"),
    "UNION": _phrases("ALL, SELECT"),
    "UPSERT": _phrases("INTO"),
    "WITH": _phrases("RECURSIVE"),
}
# Both servers' names of the types that both know, most used ones first.
TYPES = _phrases(
    """INT8, TEXT, DECIMAL, BOOL, TIMESTAMPTZ, DATE, UUID, JSONB, FLOAT8, TIMESTAMP, VARCHAR, BYTEA, INT4, INT2, FLOAT4
    INTERVAL, TIME, TIMETZ, CHAR, BIT, VARBIT, INET, NUMERIC, BIGINT, SMALLINT, INTEGER, BOOLEAN, DOUBLE PRECISION, REAL
    SERIAL, STRING, BYTES, INT, FLOAT, REGCLASS, OID"""
)
