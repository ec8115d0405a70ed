"""An expression of Python in a magic's line: where it ends, and the frame that it is."""

from __future__ import annotations

import re
from difflib import get_close_matches

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

from crdb_magic.columns.sources import as_frame
from crdb_magic.errors import ParameterError
from crdb_magic.magics.namespace import Namespace
from crdb_magic.sql.statements import public

_STRING = r"""\"""(?:[^\\]|\\.)*?\"""|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_PIECE = re.compile(rf"(?P<string>{_STRING})|(?P<end>(?<!\S)(?:--(?=[A-Za-z])|#(?!\S)))|.", re.DOTALL)
_DEEPER = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)


def end_of(text: str) -> int:
    """Give the index where an option or a comment begins, outside of quotes and brackets: ``df["--a"] --table t``."""
    depth = 0
    for piece in _PIECE.finditer(text):
        if piece["end"] and not depth:
            return piece.start()
        depth += _DEEPER.get(piece[0], 0)
    return len(text)


def frame_of(text: str, shell: InteractiveShell, names: Namespace, usage: str) -> pd.DataFrame:
    """Give the DataFrame that an expression is in the notebook, or that it is made into.

    Raises what the expression raises, as from the user's own line, and :class:`ParameterError` for what is no frame.
    """
    __tracebackhide__ = True
    if text.isidentifier() and text not in names:
        close = get_close_matches(text, public(names), n=1)
        hint = f"Did you mean {close[0]}?" if close else None
        raise ParameterError(f"{text!r} is not a DataFrame of this notebook: write {usage}.", hint=hint)
    if not text:
        raise ParameterError(f"Which DataFrame? Write {usage}.")
    file = shell.compile.cache(text, shell.execution_count - 1)  # which is that of the next cell
    try:
        code = compile(text, file, "eval")
    except SyntaxError as error:  # IPython would show all frames of ours
        raise ParameterError(f"{text!r} is not a Python expression ({error.msg}): write {usage}.") from None
    value = eval(code, shell.user_global_ns, names)  # noqa: S307 - the user's own code
    frame = as_frame(value)
    if not isinstance(frame, pd.DataFrame):
        hint = f"{text}.to_frame() is one." if isinstance(value, pd.Series) else None
        raise ParameterError(f"{text!r} is a {type(value).__name__}, not a DataFrame: write {usage}.", hint=hint)
    return frame
