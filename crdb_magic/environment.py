"""The variables of the environment by which a notebook is recorded, or served from a recording, without a change to it.

Their values are folders. They have the last word: what the notebook itself records into, or is served from, is there.
"""

FROZEN = "CRDB_MAGIC_FROZEN"
"""Where the recording is that is served, whichever the notebook names."""

FREEZE = "CRDB_MAGIC_FREEZE"
"""Where the recording is to be made, instead of the folder that the notebook records into."""
