"""What a database holds and how it answers, without IPython: schemas, names to complete, plans, what runs.

::

    explaining.py       a statement -> its plan: asked for, or executed and rolled back
    ├── plan.py             Plan: steps, totals, what is recommended
    │   └── findings.py         what stands out of a step
    ├── plan_cockroach.py   … of CockroachDB's text
    ├── plan_postgres.py    … of PostgreSQL's JSON
    └── amounts.py          counts, durations and sizes, read and written
"""
