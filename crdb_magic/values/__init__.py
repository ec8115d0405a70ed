"""One value: its type, from the server's text of it, and into that text again.

::

    typemap.py          the one type table, as data
    decode.py           text -> Python value
    encode_values.py    Python value -> text
    ├── json_text.py        … -> JSON
    │   └── unwrap.py           what numpy, pandas, Arrow and enums wrap
    └── encode_types.py     what a column takes, by its type
        └── limits.py           … and what of a text
"""
