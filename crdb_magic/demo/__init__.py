"""The quickstart notebook, what runs it from the command line, and the data that it reads."""

from crdb_magic.demo.data import flights

__all__ = ["flights"]
