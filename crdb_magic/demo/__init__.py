"""The quickstart notebook (beside these files in a wheel), run from the command line.

::

    run.py      runs it, and tells what each step did
    data.py     the flights that it reads
"""

from crdb_magic.demo.data import flights

__all__ = ["flights"]
