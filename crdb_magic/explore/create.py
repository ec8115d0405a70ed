"""The statement that makes a table, view or sequence: CockroachDB writes it; PostgreSQL's catalogue knows the parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from crdb_magic.explore.catalogue import Attribute, Reference, Relation
from crdb_magic.explore.questions import ask
from crdb_magic.session.driver import Connection
from crdb_magic.sql.names import quoted


def create_statement(
    connection: Connection,
    relation: Relation,
    columns: Sequence[Attribute],
    constraints: Collection[Reference],
    indexes: Sequence[tuple[str, str]],
) -> tuple[str | None, str | None]:
    """Give the statement, or a sentence about why there is none. Nothing that is asked can be refused."""
    if connection.server.shows_create:
        return _shown(connection, relation, columns)
    sql = _MADE_BY.get(relation.kind)
    found = ask(connection, sql.replace("{oid}", str(relation.oid))) if sql else []
    if not found:
        return None, f"CREATE statement: not made for a {relation.kind} of this kind."
    constrained = {one.name for one in constraints}
    comments = ask(connection, _COMMENTS.replace("{oid}", str(relation.oid)))
    indexed = [made for name, made in indexes if name not in constrained]
    statements = [found[0][0], *indexed, *(comment for (comment,) in comments)]
    return ";\n".join(str(one).strip().removesuffix(";") for one in statements) + ";", None


def _shown(connection: Connection, relation: Relation, columns: Sequence[Attribute]) -> tuple[str | None, str | None]:
    """Let the server write it, for those whom it does not refuse: who have some privilege on it."""
    if ask(connection, f"SELECT has_table_privilege({relation.oid}, '{_ANY}')") != [("t",)]:
        return None, f"CREATE statement: not shown to user {connection.info.user}, who has no privilege on it."
    statement = str(ask(connection, f"SELECT create_statement FROM [SHOW CREATE {relation.written}]")[0][0])
    return (_of_view(statement, columns) if relation.kind == "materialized view" else statement), None


def _of_view(statement: str, columns: Sequence[Attribute]) -> str:
    """Leave out the columns that the query does not give (cockroachdb/cockroach#85132): the server adds them behind."""
    for one in reversed([one.name for one in columns if one.hidden]):
        name = rf"{re.escape(one)}|{re.escape(quoted(one))}"
        statement = re.sub(rf",\s*(?:{name})\s*\) AS ", "\n) AS ", statement, count=1)
    return re.sub(r"^CREATE VIEW ", "CREATE MATERIALIZED VIEW ", statement)  # until v22.1 (#80829)


# All that is put into them is ours, or a number.
# ruff: noqa: S608
_ANY = "SELECT, INSERT, UPDATE, DELETE"
_NAME = "format('%I.%I', CASE WHEN c.relpersistence = 't' THEN 'pg_temp' ELSE n.nspname END, c.relname)"
_FROM = "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
_VIEW = f"SELECT 'CREATE {{}} ' || {_NAME} || E' AS\\n' || pg_get_viewdef(c.oid) {_FROM} WHERE c.oid = {{oid}}"
_MADE_BY = {
    # Not of one that inherits, or is a partition: its columns are another one's.
    "table": f"""
SELECT format(E'CREATE %sTABLE %s (\\n%s\\n)', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, {_NAME},
  (SELECT string_agg('    ' || line, E',\\n' ORDER BY place, line) FROM (
    SELECT a.attnum AS place, concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
      (SELECT 'COLLATE ' || quote_ident(k.collname) FROM pg_collation k, pg_type t
        WHERE k.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation),
      CASE
        WHEN a.attidentity <> '' THEN format('GENERATED %s AS IDENTITY',
          CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END)
        WHEN a.attgenerated <> '' THEN format('GENERATED ALWAYS AS (%s) %s', pg_get_expr(e.adbin, e.adrelid),
          CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)
        ELSE 'DEFAULT ' || pg_get_expr(e.adbin, e.adrelid) END,
      CASE WHEN a.attnotnull THEN 'NOT NULL' END) AS line
    FROM pg_attribute a LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 10000 + position(k.contype IN 'pucxf'),
      format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'c', 'x', 'f')
  ) lines))
{_FROM} WHERE c.oid = {{oid}} AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
""",
    "view": _VIEW.replace("{}", "VIEW"),
    "materialized view": _VIEW.replace("{}", "MATERIALIZED VIEW"),
    "sequence": f"""
SELECT format('CREATE SEQUENCE %s AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', {_NAME},
  format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
  CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
{_FROM} JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid WHERE c.oid = {{oid}}
""",
}
_COMMENTS = f"""
SELECT format('COMMENT ON %s %s%s IS %L',
  CASE WHEN d.objsubid > 0 THEN 'COLUMN' WHEN c.relkind = 'v' THEN 'VIEW' WHEN c.relkind = 'S' THEN 'SEQUENCE'
    WHEN c.relkind = 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
  {_NAME}, (SELECT '.' || quote_ident(a.attname) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0), d.description)
{_FROM} JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::REGCLASS
WHERE c.oid = {{oid}} ORDER BY d.objsubid
"""
