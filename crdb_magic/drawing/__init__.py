"""What is shown of a value, as plain text and as HTML in JupyterLab's own colours. No notebook is known here.

::

    schema.py       schemas, tables, pictures of them
    activity.py     who runs what, and who waits for whom
    doctor.py       what the doctor has found
    plan.py         plans: a tree beside its figures
    receipt.py      receipts
    attempts.py     the attempts of a transaction, on a line of time
    frame.py        frames, with NULL in one word
    lists.py        parts that an output is made of: lines, lists in columns, code
    html.py         what they have in common: fonts, colours, elements, a few words
"""
