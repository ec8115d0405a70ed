"""Words of ours as outputs: plain and HTML, shown once or rewritten while something lasts."""

from __future__ import annotations

from html import escape
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

# As JupyterLab shows text; elsewhere its variables have no values.
_STYLE = (
    "margin: 0; padding-left: 1ch; white-space: pre-wrap; "
    "font: var(--jp-code-font-size, 13px)/var(--jp-code-line-height, 1.3) var(--jp-code-font-family, monospace)"
)
# Words of ours stand back behind the results: JupyterLab's colour for secondary text, grey elsewhere.
_ASIDE = "; color: var(--jp-ui-font-color2, #666)"

_SECOND, _MINUTE, _HOUR = 1000, 60, 60  # in milliseconds, in seconds, in minutes


def bundle(text: str, style: str = _ASIDE, meter: str = "") -> dict[str, str]:
    """Give lines of text in both forms; ``meter`` is HTML before them."""
    return {"text/plain": text, "text/html": f'<pre style="{_STYLE}{style}">{meter}{escape(text)}</pre>'}


def say(text: str, metadata: dict[str, Any] | None = None) -> None:
    """Show a line or more of plain words."""
    display(bundle(text), metadata=metadata or {}, raw=True)


def rows_in_words(count: int) -> str:
    """Say how many rows."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def duration_in_words(seconds: float) -> str:
    """Say how long something took: 12 ms, 1.3 s, 2 min 5 s, 1 h 2 min."""
    milliseconds, minutes = round(seconds * 1000), round(seconds) // _MINUTE
    if milliseconds < _SECOND:
        return f"{milliseconds} ms" if milliseconds else "<1 ms"
    if not minutes:
        return f"{min(seconds, 59.9):.1f} s"
    if minutes < _HOUR:
        return f"{minutes} min {round(seconds) % _MINUTE} s"
    return f"{minutes // _HOUR} h {minutes % _HOUR} min"


class LiveOutput:
    """One output of a notebook that is rewritten while something lasts, and emptied at last.

    There is none where outputs are captured or held back: they would all come when it is over.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, text: str, meter: str = "") -> None:
        """Show a line of plain words instead of the last one; ``meter`` is HTML before it."""
        if self._handle is not None:
            self._handle.update(bundle(text, meter=meter), raw=True)
        elif not isinstance(getattr(get_ipython(), "display_pub", None), CapturingDisplayPublisher):
            self._handle = DisplayHandle()
            self._handle.display(bundle(text, meter=meter), raw=True)

    def empty(self) -> None:
        """Leave nothing to be seen."""
        if self._handle is not None:
            self._handle.update({}, raw=True)
