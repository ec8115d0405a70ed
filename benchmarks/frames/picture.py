"""The comparisons as bars, one panel a workload."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.frames.report import Comparison
from benchmarks.frames.runs import Figures

# On a transparent ground: colours that are read on white and on black alike.
_INK = "#7d858f"
_COLOURS = {  # by whether the way is ours, and whether it keeps all types
    (True, True): "#2f81f7",
    (True, False): "#9cc2f5",
    (False, True): "#3fa45b",
    (False, False): "#a8adb5",
}
_INCHES_A_BAR = 0.24
_CUT_OFF = 3  # times as long as the base: a longer bar ends there


def draw(comparisons: Sequence[Comparison], file: Path) -> None:
    """Draw the comparisons into an SVG file."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    mpl.rcParams |= {"svg.hashsalt": "crdb_magic", "svg.fonttype": "none", "font.size": 9, "text.color": _INK}
    heights = [len(_bars(one)) + 3 for one in comparisons]
    figure, panels = pyplot.subplots(
        len(comparisons), figsize=(9, _INCHES_A_BAR * sum(heights)), height_ratios=heights, squeeze=False
    )
    for comparison, axes in zip(comparisons, panels[:, 0], strict=True):
        _panel(comparison, axes)
    figure.tight_layout()
    figure.savefig(file, transparent=True, metadata={"Date": None})


def _panel(comparison: Comparison, axes: Any) -> None:
    bars, floor = _bars(comparison), comparison.median(comparison.floor)
    cut = _CUT_OFF * comparison.median(comparison.base) or max((one.median for one in bars.values()), default=0)
    lengths = [min(one.median, cut) for one in bars.values()]
    colours = [_COLOURS[one.way.ours, one.lost == "none"] for one in bars.values()]
    drawn = axes.barh(list(bars), lengths, color=colours, height=0.7)
    axes.bar_label(drawn, [_label(comparison, one.median, cut) for one in bars.values()], padding=3)
    axes.invert_yaxis()
    axes.set_title(comparison.workload.title, loc="left", fontweight="bold", color=_INK)
    axes.tick_params(colors=_INK, length=0)
    axes.xaxis.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.margins(x=0.12, y=0.01)
    if floor:
        axes.axvline(floor, color=_INK, linewidth=1, linestyle="--")


def _bars(comparison: Comparison) -> dict[str, Figures]:
    """Give the figures of each way but the floor, the fastest first."""
    done = [(name, one) for name, one in comparison.figures.items() if not one.failure and name != comparison.floor]
    return dict(sorted(done, key=lambda pair: pair[1].median))


def _label(comparison: Comparison, seconds: float, cut: float) -> str:
    return f"{'… ' if seconds > cut else ''}{comparison.shown(seconds)} {'ms' if comparison.in_ms else 's'}"
