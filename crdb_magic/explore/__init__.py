"""What a database holds and how it answers, without IPython: schemas, names to complete, plans, what runs.

::

"""
