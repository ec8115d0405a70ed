"""One connection of ours to the server, by psycopg2, which `frozen/` and `local/client.py` alone know besides.

::

    session.py           Session: run, ask, transact
    ├── pinning.py           … all at one instant
    ├── execution.py         statements are sent, and their rows brought back
    ├── reading.py           … by SELECT or by COPY
    ├── queries.py           what can go by COPY
    ├── sizes.py             what is worth it
    └── catalog.py           types that only the server's catalogue knows
    transactions.py      the engine's verbs on a connection
    ├── commits.py           … and when that was
    ├── reasons.py           why the server refused, where an option of ours is the reason
    └── link.py              where the connection comes from
        ├── connection_lock.py   … and whose turn it is
        └── session_state.py     what one that stands in for another has to be told
    driver.py            psycopg2's connection and cursor, with a BEGIN that waits for its first statement
    ├── connecting.py        how a connection is opened, in time, and so that a Ctrl-C is heard
    ├── cursor_methods.py    … and what psycopg2 does not lead through execute()
    │   └── observed_cursor.py   … each of which the connection hears of
    ├── asking.py            … and what we ask it on our own account
    ├── sockets.py           … and its socket
    ├── guarded.py           … without the doors that lead past us
    ├── transaction_state.py … what has become of the transaction
    ├── literals.py          Python values -> SQL literals
    ├── notices.py           what the server says besides its answers
    ├── translation.py       psycopg2's errors -> ours
    │   ├── connect_hints.py     … with what to do where no connection could be opened
    │   └── hints.py             … and where the server does not say it
    ├── hooks.py             who hears what is said, or stands in for a server: a recording
    ├── versions.py          which driver there is
    └── interrupts.py        Ctrl-C cancels what a connection does
    past_registry.py     who keeps the past of a database that has none, and after which messages
    └── snapshots.py         … PostgreSQL's: snapshots that one connection keeps open
        └── unchanged.py         … and whether what they showed is the past
"""
