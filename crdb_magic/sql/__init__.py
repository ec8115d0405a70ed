"""SQL text: cut into statements, and what each of them is. Nothing is sent here.

::

    statements.py   a cell -> statements, and values bound to their :name parameters
    ├── lexer.py        text -> tokens, as CockroachDB and PostgreSQL read it
    │   └── excerpt.py      a place in a text, shown with a caret
    ├── names.py        a name as it is written and meant, and where one stands that an error quotes
    │   └── keywords.py     … which words can't be one, and which come next
    ├── nearmisses.py   what is nearly right, and what to write instead
    ├── foreign.py      CockroachDB's words that PostgreSQL lacks
    └── kinds.py        what belongs in a cell, what only reads, what may run without a transaction
        ├── messages.py     … what a message is that holds several, as it is sent
        ├── functions.py    … which functions change nothing
        ├── row_limits.py   … and how many rows a query gives at most
        └── steadiness.py   … and what may make its answer another one when it is asked again
"""
