"""Values with their intervals: error bars, and the bars of knowledge points that several figures share."""

from collections.abc import Sequence
from typing import Any

from patternscope.figures.drawing.annotations import Axes
from patternscope.figures.drawing.style import INK, RELIABLE, SMALL, TOTAL
from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import percent
from patternscope.results.knowledge import CountDifferences, Counts
from patternscope.results.record_codec import flat_interval

_COUNTED = ("total", "reliable", "ratio")
_ERROR_BAR: dict[str, Any] = {"fmt": "none", "ecolor": INK, "elinewidth": 0.8, "capsize": 2}
_ABOVE: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": SMALL}


def spans(intervals: Sequence[Interval]) -> list[list[float]]:
    """Return the distances from each value down and up to the ends of its interval; no end may be missing.

    >>> spans([Interval(2.0, 1.5, 3.0)])
    [[0.5], [1.0]]
    """
    ends = [(i.value or 0.0, i.low or 0.0, i.high or 0.0) for i in intervals]
    return [[max(0.0, v - low) for v, low, _ in ends], [max(0.0, high - v) for v, _, high in ends]]


def draw_count_bar(
    axes: Axes,
    place: float,
    counts: Counts,
    widths: tuple[float, float],
    colours: tuple[str, str] = (TOTAL, RELIABLE),
    kind: str | None = None,
) -> None:
    """Draw a bar of all points with that of the reliable ones inside, and the reliable share above.

    If the two `colours` are equal, the reliable bar is hatched. `widths` are those of the two bars; the error bar of
    the wider one is drawn next to the narrower one. With a `kind`, the bars have entries in the legend, which end with
    it.
    """
    shift = widths[1] / 2 + 0.1 * widths[0]
    hatches = ("", "////") if colours[0] == colours[1] else ("", "")
    bars = (("total", colours[0], widths[0], shift), ("reliable", colours[1], widths[1], 0.0))
    for (name, colour, width, aside), hatch in zip(bars, hatches, strict=True):
        interval = getattr(counts, name)
        label = None if kind is None else f"{name}{kind}"
        look: dict[str, Any] = {"facecolor": colour, "edgecolor": INK, "linewidth": 0.6, "hatch": hatch}
        axes.bar(place, interval.value, width=width, label=label, **look)
        axes.errorbar(place + aside, interval.value, yerr=spans([interval]), **_ERROR_BAR)
    top = (place, counts.total.high or 0.0)
    axes.annotate(percent(counts.ratio.value), top, (0, 2), **_ABOVE)


def count_cells(counts: Counts | CountDifferences, prefix: str = "") -> dict[str, Any]:
    """Return total, reliable and ratio with the ends of their intervals, as cells of a table."""
    cells: dict[str, Any] = {}
    for name in _COUNTED:
        cells |= flat_interval(f"{prefix}{name}", getattr(counts, name))
    return cells
