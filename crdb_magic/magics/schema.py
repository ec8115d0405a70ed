"""%crdb_schema: what a database holds, all about a table, and a picture of both."""

from __future__ import annotations

from crdb_magic.errors import OptionError
from crdb_magic.explore.diagram import Diagram, diagram
from crdb_magic.explore.schema import Schema, explore
from crdb_magic.explore.table import Table
from crdb_magic.magics.arguments import ON, Call, Fills, Option, Rest, Takes, resolved
from crdb_magic.magics.magic import CrdbMagic, magic
from crdb_magic.magics.waiting import interrupts_shown_short

SCHEMA_OPTIONS = (
    Option("diagram", "draw it: tables, their columns and the foreign keys between them", takes=Takes.NOTHING),
    Option(
        "sizes",
        "add estimated rows and bytes, and a table's statistics and ranges: they differ on each run",
        takes=Takes.NOTHING,
    ),
    ON,
)


@magic(SCHEMA_OPTIONS, rest=Rest.WORDS, words=(Fills.TABLES,))
def crdb_schema(notebook: CrdbMagic, call: Call) -> Schema | Table | Diagram:
    """Show what the database contains, or all about one table: columns, indexes, foreign keys both ways, its SQL.

        %crdb_schema [SCHEMA or PATTERN] [options]
        %crdb_schema TABLE [options]               # schema.table, "Any Name", :variable

    The value has DataFrames: .tables of a schema; .columns, .indexes, .foreign_keys, .referenced_by, .constraints,
    .statistics and .ranges of a table, and .create, its CREATE statement. It respects the pin and an open
    transaction.

    Options:
    {options}

    Examples:
        %crdb_schema
        %crdb_schema ord%
        schema = %crdb_schema --sizes
        %crdb_schema accounts --diagram

    """
    session = notebook.session_of(call)
    text = str(resolved(call.rest.rstrip("; "), call.namespace, "%crdb_schema"))
    drawn, sizes = "diagram" in call.given, "sizes" in call.given
    if drawn and sizes:
        raise OptionError("A picture has no sizes: --diagram or --sizes.")
    with interrupts_shown_short():
        return diagram(session, text) if drawn else explore(session, text, sizes=sizes)
