"""Values of many rows at once: what knows Arrow's, NumPy's and pandas' ways.

::

    results.py       Result: rows as batches, an Arrow array of the server's texts a column, or what was cast from them
    ├── arrow.py         rows and CSV -> batches; texts -> typed arrays, by Arrow's kernels
    │   └── intervals.py     months, days and nanoseconds kept apart
    ├── nested.py        array literals -> lists of texts
    ├── tables.py        Result -> pyarrow.Table
    │   └── polars_frame.py  … -> a DataFrame of polars
    ├── objects.py       texts -> Python values; `values.decode` is what says which is right
    ├── frames.py        Result -> DataFrame of NumPy's or of Arrow's columns, or rows
    │   ├── frame_options.py … of what
    │   └── small_columns.py … of a few rows
    ├── files.py         parts of CSV -> Parquet, Arrow or CSV files
    │   └── frame_parts.py   … DataFrame -> parts of CSV
    ├── exact.py         texts -> the Arrow type from which `spelling` gives each of them again
    │   └── spelling.py      … and these again
    ├── lines.py         rows -> CSV as the servers write it
    └── collector.py     Python's cyclic collector, paused meanwhile
    differences.py   what differs between a frame and what was read again

    encode.py        DataFrame -> the columns of a table, and the CSV that fills it
    ├── sources.py       … of whom else
    ├── encode_arrow.py  the rules, column by column
    └── encode_limits.py … and what a column's type takes
"""
