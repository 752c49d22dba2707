"""Flow diagrams: what becomes of knowledge points from each state to the next, as bands between bars."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.style import INK, SOFT
from patternscope.results.ledger import LayerLedger, PointFlows

NAMES = {
    "learnt": "learnt",
    "relearnt": "relearnt: was a point earlier",
    "changed": "changed class",
    "kept": "kept, same class",
    "forgotten": "forgotten",
}
"""The displayed names of the flows, from the top of a diagram to the bottom."""
OVER_DEPTH = {
    "learnt": "new",
    "changed": "passed on, another class",
    "kept": "passed on, same class",
    "forgotten": "lost",
}
"""The same from one layer to the next."""
_LOOKS: dict[str, dict[str, Any]] = {
    "learnt": {"facecolor": "#3c444c"},
    "relearnt": {"facecolor": "#3c444c", "hatch": "......", "edgecolor": "white"},
    "changed": {"facecolor": "#aeb5bc", "hatch": "//////", "edgecolor": INK},
    "kept": {"facecolor": "#aeb5bc"},
    "forgotten": {"facecolor": "white", "edgecolor": SOFT, "hatch": "xxxx"},
}
_BAR = 0.035  # half the width of a bar; states are 1 apart
_CURVE = np.linspace(0, 1, 24)


def draw_flows(axes: Axes, ledgers: Sequence[LayerLedger]) -> None:
    """Draw the flows of successive ledgers: bars of all points in each state, and bands between them.

    Bands of kept and changed points run from bar to bar; learnt points grow into the next bar, forgotten ones run out
    of the previous one.
    """
    for place, ledger in enumerate(ledgers):
        _draw_step(axes, place, ledger.points)
        for at, points in ((place, ledger.points.before), (place + 1, ledger.points.after)):
            # A layer that is compared on two grids has a different number of points on each: each side has its own
            # half.
            side = (at, at + _BAR) if at == place else (at - _BAR, at)
            axes.fill_between(side, 0, points.value or 0.0, color=INK, linewidth=0, zorder=3)
    axes.set_xlim(-0.3, len(ledgers) + 0.3)


def highest(ledgers: Iterable[LayerLedger]) -> float:
    """Return the upper end of an axis that fits all bars."""
    bars = (end.value or 0.0 for each in ledgers for end in (each.points.before, each.points.after))
    return 1.06 * max([0.1, *bars])


def draw_flow_legend(figure: Figure, names: dict[str, str], ncols: int) -> None:
    """Draw the legend of the bands, below all panels."""
    from matplotlib.patches import Patch

    bars = Patch(facecolor=INK, label="bar: all knowledge points")
    bands = [Patch(label=name, **{"edgecolor": "none", **_LOOKS[flow], "linewidth": 0}) for flow, name in names.items()]
    figure.legend(handles=[bars, *bands], loc="outside lower center", ncols=ncols, handlelength=2.2, handleheight=1.1)


def _draw_step(axes: Axes, place: int, points: PointFlows) -> None:
    """The bands from one bar to the next."""
    kept, changed, forgotten, relearnt, learnt = (
        getattr(points, name).value or 0.0 for name in ("kept", "changed", "forgotten", "relearnt", "learnt")
    )
    stays = kept + changed
    across = place + _BAR + (1 - 2 * _BAR) * _CURVE
    _band(axes, "kept", across, 0 * _CURVE, kept + 0 * _CURVE)
    _band(axes, "changed", across, kept + 0 * _CURVE, stays + 0 * _CURVE)
    half = (place + _BAR) + (0.5 - _BAR) * _CURVE
    _band(axes, "forgotten", half, stays + 0 * _CURVE, stays + forgotten * _ease(1 - _CURVE))
    half = (place + 0.5) + (0.5 - _BAR) * _CURVE
    again = relearnt * _ease(_CURVE)
    _band(axes, "relearnt", half, stays + 0 * _CURVE, stays + again)
    _band(axes, "learnt", half, stays + again, stays + again + learnt * _ease(_CURVE))


def _band(axes: Axes, flow: str, across: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """One band, if it has any width."""
    if float((high - low).max()) > 0:
        axes.fill_between(across, low, high, **{"edgecolor": "none", **_LOOKS[flow], "linewidth": 0})


def _ease(share: np.ndarray) -> np.ndarray:
    """A smooth step from 0 to 1, without a corner at either end."""
    return share * share * (3 - 2 * share)
