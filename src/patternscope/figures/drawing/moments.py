"""Flow diagrams between two states: a panel per layer, with the numbers of its flows."""

from collections.abc import Mapping, Sequence
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.flows import NAMES, draw_flow_legend, draw_flows, highest
from patternscope.figures.drawing.style import INK, SMALL, figure_style
from patternscope.results.formatting import percent
from patternscope.results.ledger import LayerLedger

_NAMES = {name: text for name, text in NAMES.items() if name != "relearnt"}
_HALO: dict[str, Any] = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


@figure_style()
def draw_moments(title: str, lines: Sequence[str], ledgers: Mapping[str, Sequence[LayerLedger]]) -> Figure:
    """Return a figure of ledgers between two states: a row of panels for each key, a panel for each layer."""
    rows = [each for each in ledgers.values() if each]
    across = max(map(len, rows))
    width = max(6.6, 0.7 + 1.75 * across)
    texts = layout.heading_lines(width, lines)
    figure = layout.new_figure(width, 1.1 + 0.16 * len(texts) + 2.1 * len(rows), laid_out=True)
    top = highest(ledger for several in rows for ledger in several)
    panels = figure.subplots(len(rows), across, squeeze=False, sharey=True)
    for line, several in zip(panels, rows, strict=True):
        for axes, ledger in zip(line, several, strict=False):
            _draw_moment(axes, ledger, top)
        for axes in line[len(several) :]:
            axes.set_axis_off()
        line[0].set_ylabel("points per image")
    panels[0, 0].set_ylim(0, top)
    draw_flow_legend(figure, _NAMES, 3)
    layout.write_heading(figure, title, *texts)
    return figure


def _draw_moment(axes: Axes, ledger: LayerLedger, top: float) -> None:
    """The flows of a layer, their numbers, and the share that is kept, on an axis that ends at `top`."""
    draw_flows(axes, [ledger])
    axes.set_title(f"{ledger.layer}: {percent(ledger.kept_share.value)} kept")
    axes.set_xticks([0, 1], [ledger.start, ledger.end])
    points, low = ledger.points, 0.0
    for value in (points.kept.value or 0.0, points.changed.value or 0.0):
        if value > 0.06 * top:
            place = (0.5, low + value / 2)
            axes.annotate(f"{value:.1f}", place, ha="center", va="center", fontsize=SMALL, color=INK, bbox=_HALO)
        low += value
    for across, side, flow in ((0.06, "left", points.forgotten), (0.94, "right", points.learnt)):
        value = flow.value or 0.0
        if value > 0.06 * top:
            place = (across, low + value / 2)
            axes.annotate(f"{value:.1f}", place, ha=side, va="center", fontsize=SMALL, color=INK, bbox=_HALO)
