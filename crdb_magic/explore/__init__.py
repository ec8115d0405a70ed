"""What a database holds and how it answers, without IPython: schemas, names to complete, plans, what runs.

::

    schema.py           what a database holds, and what a name means
    ├── table.py            all about one table
    │   ├── create.py           … the statement that makes it
    │   └── definitions.py      … SQL of the catalogue, read
    ├── diagram.py          a picture of tables and their foreign keys
    ├── suggestions.py      the table that a name may mean which no table has
    ├── estimates.py        rows and bytes, as the server guesses
    │   └── table_statistics.py … statistics and ranges of one table
    └── catalogue.py        the questions, as both servers answer them
        └── questions.py        … how they are asked, and what may be refused
    retention.py        how long the past is kept
    activity.py         who runs what, and who waits for whom
    explaining.py       a statement -> its plan: asked for, or executed and rolled back
    ├── plan.py             Plan: steps, totals, what is recommended
    │   └── plan_findings.py    what stands out of a step
    ├── plan_cockroach.py   … of CockroachDB's text
    └── plan_postgres.py    … of PostgreSQL's JSON
    completion.py       SQL that is being typed -> what may stand at the cursor
    ├── expected.py         … what is expected there, by the words before it
    ├── scope.py            … the tables and columns that the place sees
    │   └── cursor.py           the statement around a cursor, nested as its parentheses are
    └── names.py            the names that a database holds, and how they are read
"""
