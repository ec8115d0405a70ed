"""What a notebook was answered, recorded in a folder: served again without a server, and compared with one.

::

    events.py        what was asked and answered, one after the other
    ├── manifest.py      … as a file that a person can read, and a diff can show
    │   ├── blocks.py        … its blocks, in TOML
    │   └── folder.py        … in a folder that one recorder holds
    └── store.py         … and its rows, in Parquet files that give back each text exactly
    recorder.py      hears what connections say, and records it
    recording.py     what was recorded -> the answer to what is asked now, or what is different
    └── server.py        speaks PostgreSQL's protocol, and so serves psycopg2 from a recording
        ├── wire.py          … its messages
        └── past.py          … and which instants were meant
"""
