"""One connection of ours to the server: the only folder that knows psycopg2.

::

    driver.py        psycopg2's connection and cursor, with a BEGIN that waits for its first statement
    translation.py   psycopg2's errors -> ours
    literals.py      Python values -> SQL literals
    catalog.py       types that only the server's catalogue knows
    snapshots.py     PostgreSQL's past: snapshots that one connection keeps open
    transactions.py  the engine's verbs on a connection
    ├── link.py          where the connection comes from
    └── interrupts.py    Ctrl-C cancels what it does
    session.py       Session: run, ask, transact
    ├── execution.py     statements are sent, and their rows brought back
    ├── reading.py       … by SELECT or by COPY
    ├── queries.py       what can go by COPY
    └── sizes.py         what is worth it
    streaming.py     rows in parts, as of one instant
    exporting.py     … into a file
    loading.py       a DataFrame into a table
"""
