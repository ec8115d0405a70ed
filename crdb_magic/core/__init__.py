"""The language of transactions: what one is asked to be, how it is tried again, and what is said of it afterwards.

::

    retry.py        the engine: a unit of work, three verbs, a policy
    ├── options.py      what a transaction was asked to be
    │   └── asof.py         … and at which instant it reads
    ├── receipt.py      how it came to be committed
    ├── causes.py       why an attempt failed, and what helps
    └── wording.py      what a server says, without what differs between runs
    server.py       which server answered, what it can do, how it wants things said
    target.py       where to connect
    libpq_files.py  services and passwords in libpq's files
    amounts.py      counts, durations and sizes in words
"""
