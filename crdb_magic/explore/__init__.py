"""What a database holds and how it answers, without IPython: schemas, names to complete, plans, what runs.

::

    completion.py   SQL that is being typed -> what may stand at the cursor
    ├── expected.py     … what is expected there, by the words before it
    ├── scope.py        … the tables and columns that the place sees
    │   └── cursor.py       the statement around a cursor, nested as its parentheses are
    └── names.py        the names that a database holds, and how they are read
"""
