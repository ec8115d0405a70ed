"""How schemas, tables and their pictures are shown: in HTML and as plain text, both from the same lines."""

from __future__ import annotations

from crdb_magic.core.amounts import size
from crdb_magic.drawing.html import Bundle, words_bundle
from crdb_magic.drawing.lists import Code, Lines, List, Part, bundle_of
from crdb_magic.explore.catalogue import Relation
from crdb_magic.explore.definitions import Index
from crdb_magic.explore.diagram import Diagram
from crdb_magic.explore.estimates import Estimate
from crdb_magic.explore.schema import Schema
from crdb_magic.explore.table import ColumnDetails, Constraint, ForeignKey, Table
from crdb_magic.explore.table_statistics import Range, Statistic, TableStatistics

# JupyterLab does not draw it anew when its theme changes: lines of one theme can't be seen on the other's ground.
_GREY_LINES = '%%{init: {"themeVariables": {"lineColor": "#888888"}}}%%'
_STATISTICS = ("columns", "distinct", "NULL", "rows", "counted")


def schema_bundle(schema: Schema) -> Bundle:
    """Show the databases' names and the relations, by schema."""
    others = ", ".join(schema.databases[1:])
    parts: list[Part] = [Lines((f"Others: {others}",) if others else (), f"Database {schema.database}")]
    for name in schema.schemas:
        rows = [_relation(schema, one) for one in schema.relations if one.schema == name]
        columns = ("name", "kind", "rows", "size", "comment")
        parts.append(List(f"Schema {name}", columns, rows, empty="No tables.", numbers=("rows", "size")))
    return bundle_of([*parts, Lines(schema.notes)])


def _relation(schema: Schema, one: Relation) -> tuple[str, ...]:
    estimate = schema.estimates.of(one) if schema.estimates else Estimate()
    return one.name, one.kind, _count(estimate.rows), _size(estimate.bytes), one.comment or ""


def table_bundle(table: Table) -> Bundle:
    """Show all about a table; what there is none of is left out."""
    relation, parts, counted = table.relation, table.parts, table.counted or TableStatistics()
    about = [relation.comment] if relation.comment else []
    if table.estimate:
        known = {"rows": _count(table.estimate.rows), "size": _size(table.estimate.bytes)}
        about += [", ".join(f"{name}: {value or 'unknown'}" for name, value in known.items())]
    shown: list[Part] = [
        Lines(about, f"{relation.kind.capitalize()} {relation.schema}.{relation.name}"),
        List("Columns", ("name", "type", "NULL?", "key", "default", "comment"), list(map(_column, parts.columns))),
        List("Indexes", ("name", "columns", "kind", "storing", "where"), list(map(_index, parts.indexes))),
        List("Foreign keys", ("name", "columns", "refer to", "then"), list(map(_key, parts.foreign_keys))),
        List("Referred to by", ("name", "from", "columns", "then"), list(map(_reverse, parts.referenced_by))),
        List("Constraints", ("name", "definition", ""), list(map(_constraint, parts.constraints))),
        List("Statistics", _STATISTICS, list(map(_statistic, counted.statistics)), numbers=_STATISTICS[1:4]),
        List("Ranges", ("range", "size", "leaseholder", "replicas"), list(map(_range, counted.ranges))),
        Code("CREATE statement", table.create or ""),
        Lines(table.notes),
    ]
    return bundle_of(shown)


def diagram_bundle(diagram: Diagram) -> Bundle:
    """Show a picture where Mermaid is drawn, and its words elsewhere; without HTML, which JupyterLab would prefer."""
    if not diagram.entities:
        return words_bundle("No tables.")
    return {"text/plain": diagram.text, "text/vnd.mermaid": f"{_GREY_LINES}\n{diagram.mermaid}"}


def _column(one: ColumnDetails) -> tuple[str, ...]:
    name = f"{one.name} (hidden)" if one.hidden else one.name
    default = one.generated or one.default or ""
    return name, one.type, "NULL" if one.nullable else "", one.key, default, one.comment or ""


def _index(one: Index) -> tuple[str, ...]:
    return one.name, one.columns, f"{'unique ' if one.unique else ''}{one.method}", one.storing or "", one.where or ""


def _constraint(one: Constraint) -> tuple[str, ...]:
    return one.name, one.definition, "" if one.validated else "not validated"


def _statistic(one: Statistic) -> tuple[str, ...]:
    created = "" if one.created is None else f"{one.created:%Y-%m-%d %H:%M:%S}"
    return one.columns, _count(one.distinct), _count(one.nulls), _count(one.rows), created


def _range(one: Range) -> tuple[str, ...]:
    return one.range, _size(one.bytes), one.leaseholder, one.replicas


def _key(one: ForeignKey) -> tuple[str, ...]:
    return one.name, one.columns, f"{one.other_table} ({one.other_columns})", _then(one)


def _reverse(one: ForeignKey) -> tuple[str, ...]:
    return one.name, f"{one.table} ({one.columns})", one.other_columns, _then(one)


def _then(one: ForeignKey) -> str:
    actions = {"ON UPDATE": one.on_update, "ON DELETE": one.on_delete}
    return ", ".join(f"{word} {action}" for word, action in actions.items() if action)


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _size(bytes_: int | None) -> str:
    return "" if bytes_ is None else size(bytes_)
