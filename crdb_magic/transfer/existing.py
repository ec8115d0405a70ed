"""What the server's catalogue says of a table that a frame is written into."""

from __future__ import annotations

from collections.abc import Sequence

from crdb_magic.session.session import Session
from crdb_magic.sql.names import quoted
from crdb_magic.transfer.table import Existing
from crdb_magic.values.encode_types import CatalogType, catalogued

_TEMPORARY = "pg_temp"  # another name of the schema that is first in the path


def existing(session: Session, parts: Sequence[str]) -> Existing | None:
    """Look a table up by its name, or the parts of it; None if there is none."""
    *schemas, name = parts
    database, schema = (schemas[0], schemas[1]) if len(schemas) > 1 else (None, *schemas, None)[:2]
    found = _look_up(session, database, schema, name)
    if found or database or schema is None or not session.server.databases_as_schemas:
        return found
    known = session.ask("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %(name)s", {"name": schema}).rows
    return _look_up(session, schema, "public", name) if known else None


def _look_up(session: Session, database: str | None, schema: str | None, name: str) -> Existing | None:
    sql = _COLUMNS + (_NOT_HIDDEN if session.server.hidden_columns else "") + " ORDER BY a.attnum"
    catalogue = f"{quoted(database)}." if database else ""
    given = {"name": name, "schema": None if schema == _TEMPORARY else schema}
    rows = session.ask(sql.replace("{}", catalogue.replace("%", "%%")), given).rows
    if not rows:
        return None
    places = sorted((int(str(row[1])), str(row[0])) for row in rows if row[1] is not None)
    columns = {str(row[0]): catalogued(CatalogType(str(row[4]), int(str(row[5])), *map(str, row[6:]))) for row in rows}
    return Existing(
        columns=columns,
        key=tuple(name for _, name in places),
        by_insert=str(rows[0][2]) == "t",
        generated=frozenset(str(row[0]) for row in rows if str(row[3]) == "t"),
    )


# Without to_regclass, which CockroachDB has since v22.2. An index may have the name of a table there.
# What COPY passes over where INSERT does not: rules (and so views), policies, GENERATED ALWAYS AS IDENTITY.
_COLUMNS = """
SELECT a.attname, array_position(k.conkey, a.attnum), c.relhasrules OR c.relrowsecurity, a.attidentity = 'a',
  format_type(coalesce(b.oid, a.atttypid), NULL), CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END,
  coalesce(n.nspname, 'pg_catalog'), e.typname, e.typtype
FROM (
  SELECT c.oid, n.nspname, c.relhasrules, c.relrowsecurity
  FROM {}pg_catalog.pg_class c JOIN {}pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = %(name)s AND c.relkind NOT IN ('i', 'I') AND n.nspname::TEXT = ANY(
    CASE WHEN %(schema)s::TEXT IS NULL THEN current_schemas(true)::TEXT[] ELSE ARRAY[%(schema)s::TEXT] END)
  ORDER BY array_position(current_schemas(true)::TEXT[], n.nspname::TEXT) LIMIT 1
) c
JOIN {}pg_catalog.pg_attribute a ON a.attrelid = c.oid
LEFT JOIN {}pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN {}pg_catalog.pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN {}pg_catalog.pg_type e ON e.oid = CASE b.typcategory WHEN 'A' THEN b.typelem ELSE b.oid END
LEFT JOIN {}pg_catalog.pg_namespace n ON n.oid = e.typnamespace
LEFT JOIN {}pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE a.attnum > 0 AND NOT a.attisdropped
"""
_NOT_HIDDEN = """
AND (c.nspname::TEXT, a.attname::TEXT) NOT IN (
  SELECT h.table_schema::TEXT, h.column_name::TEXT FROM {}information_schema.columns h
  WHERE h.table_name = %(name)s AND h.is_hidden = 'YES')
"""
