"""What a notebook was answered, recorded in a folder: served again without a server, and compared with one.

::

    events.py               what was asked and answered, one after the other
    ├── secrets.py              … without passwords
    ├── manifest.py             … as a file that a person can read, and a diff can show
    │   ├── blocks.py               … its blocks, in TOML
    │   └── folder.py               … in a folder that one recorder holds
    └── store.py                … and its rows, in Parquet files that give back each text exactly
    recorder.py             hears what connections say, and records it
    └── connection_recorder.py  … one connection, until its transaction has ended
        ├── message_kind.py         … what a message is about
        ├── event_fields.py         … whether it may write, and with which values
        ├── transaction_settings.py … what holds within its transaction alone
        ├── rows.py                 … the texts of what a cursor has fetched
        └── copy_tee.py             … and of what a COPY moves
    recording.py            what was recorded, found by what was asked
    playback.py             a recording stands in for the servers that are connected to
    └── server.py               … on sockets of this process
        ├── protocol.py             what one client says, and is answered: PostgreSQL's protocol
        │   ├── client_state.py         … within which transaction, with which settings
        │   ├── forms.py                … in which form a query is sent
        │   ├── responses.py            … in which one it is answered
        │   └── wire.py                 … in which messages
        ├── past.py                 which instants were meant
        └── served.py               the answer that comes next, or a refusal
            ├── visible_writes.py       … behind which writes
            └── nearest.py              … and what is most like what was asked
    verifying.py            whether it is still so on the servers
"""
