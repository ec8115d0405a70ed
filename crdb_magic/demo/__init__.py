"""The quickstart notebook (beside these files in a wheel), run or opened from the command line.

::

    run.py          runs it, and tells what each step did
    lab.py          opens JupyterLab on a copy of it
    data.py         where it is, and the flights that it reads
"""

from crdb_magic.demo.data import flights

__all__ = ["flights"]
