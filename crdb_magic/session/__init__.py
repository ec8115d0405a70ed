"""One connection of ours to the server: the only folder that knows psycopg2.

::

    driver.py        psycopg2's connection and cursor, with a BEGIN that waits for its first statement
    translation.py   psycopg2's errors -> ours
    literals.py      Python values -> SQL literals
    catalog.py       types that only the server's catalogue knows
    snapshots.py     PostgreSQL's past: snapshots that one connection keeps open
    transactions.py  the engine's verbs on a connection
    session.py       Session: open, run, close
"""
