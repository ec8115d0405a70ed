"""More than a statement's worth of rows: a DataFrame into a table, a query's rows in parts, and into a file.

::

    loading.py      a DataFrame into a table, in one transaction
    ├── table.py        … by which SQL
    └── existing.py     … what there is of that table
    streaming.py    rows in parts, as of one instant
    exporting.py    … into a file
"""
