"""%crdb_schema: what a database holds, all about a table, and a picture of both."""

from __future__ import annotations

from crdb_magic.errors import OptionError
from crdb_magic.explore.diagram import Diagram, diagram
from crdb_magic.explore.schema import Schema, explore
from crdb_magic.explore.table import Table
from crdb_magic.magics.arguments import Fills, Option, Takes, parse, variable
from crdb_magic.magics.magic import CrdbMagic, Typed, magic
from crdb_magic.magics.waiting import interrupts_shown_short

SCHEMA_OPTIONS = (
    Option("diagram", "draw it: tables, their columns and the foreign keys between them", takes=Takes.NOTHING),
    Option(
        "sizes",
        "with estimates of rows and bytes, of a table its statistics and ranges: others in each run",
        takes=Takes.NOTHING,
    ),
    Option("on", "ask over the connection of that name instead of the current one", "NAME", fills=(Fills.CONNECTIONS,)),
)


@magic(SCHEMA_OPTIONS, words=(Fills.TABLES,))
def crdb_schema(notebook: CrdbMagic, typed: Typed) -> Schema | Table | Diagram:
    """Show what the database holds, or all about one table: columns, indexes, keys both ways, the CREATE statement.

        %crdb_schema [SCHEMA or PATTERN] [options]
        %crdb_schema TABLE [options]               # schema.table, "Any Name", :variable

    The value has it as DataFrames: .tables of a schema; .columns, .indexes, .foreign_keys, .referenced_by,
    .constraints, .statistics and .ranges of a table, and .create, its SQL. It is read at the pin, and within an open
    transaction.

    Options:
    {options}

    Examples:
        %crdb_schema
        %crdb_schema ord%
        schema = %crdb_schema --sizes
        %crdb_schema accounts --diagram

    """
    call = parse(typed.line, SCHEMA_OPTIONS, typed.namespace)
    session = notebook.connections.get(call.given.get("on"))
    text = call.rest.rstrip("; ")
    if text.startswith(":"):
        text = str(variable(text, typed.namespace, "%crdb_schema"))
    drawn, sizes = "diagram" in call.given, "sizes" in call.given
    if drawn and sizes:
        raise OptionError("A picture has no sizes: --diagram or --sizes.")
    with interrupts_shown_short():
        return diagram(session, text) if drawn else explore(session, text, sizes=sizes)
