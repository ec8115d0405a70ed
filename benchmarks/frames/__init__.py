"""Reading and writing frames: how fast, in how much memory, and what becomes of the types, beside other libraries.

::

    __main__.py     the command: which server, which workloads, where the tables go
    ├── tables.py       the workloads: columns, their values, and filling a table with them
    ├── runs.py         one run in a fresh process; rounds in which the methods take turns
    │   ├── readers.py      the ways to read
    │   ├── writers.py      the ways to write
    │   └── losses.py       what a way made of the types, beside the values that the table was filled from
    ├── report.py       the tables of figures, as markdown, and the machine they were made on
    └── picture.py      the same as bars
"""
