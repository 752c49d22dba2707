"""Figure: evidence of each layer, as trained and in each check."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import Row
from patternscope.figures.drawing.style import SMALL, SOFT, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(rows: Sequence[Row]) -> "Figure":
    """Draw a panel per network and image set: checks from top to bottom, a mark with its interval per layer."""
    from matplotlib.figure import Figure

    studies = list(dict.fromkeys((row["images"], row["network"]) for row in rows))
    with figure_style():
        columns = min(3, len(studies))
        lines = -(-len(studies) // columns)
        figure = Figure(figsize=(3.6 * columns + 2.0, 4.4 * lines + 0.2), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes in panels[len(studies) :]:
            axes.set_visible(False)
        for axes, (images, network) in zip(panels, studies, strict=False):
            _draw_panel(axes, [row for row in rows if (row["images"], row["network"]) == (images, network)])
            axes.set_title(f"{network} on {images}", fontsize=SMALL + 0.5)
            axes.set_xlabel("evidence, bits per region")
            axes.legend(fontsize=SMALL - 1, loc="lower right")
    return figure


def _draw_panel(axes: Any, rows: Sequence[Row]) -> None:
    checks = list(dict.fromkeys((row["check"], row["targets"]) for row in rows))
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    for index, (layer, colour) in enumerate(zip(layers, layer_colours(len(layers)), strict=True)):
        own = [row for row in rows if row["layer"] == layer]
        places = [checks.index((row["check"], row["targets"])) + 0.16 * (index - (len(layers) - 1) / 2) for row in own]
        values = [row["evidence"] for row in own]
        ends = [
            [row["evidence"] - row["evidence_low"] for row in own],
            [row["evidence_high"] - row["evidence"] for row in own],
        ]
        axes.errorbar(
            values,
            places,
            xerr=ends,
            linestyle="",
            marker="o",
            markersize=3.2,
            elinewidth=0.8,
            color=colour,
            label=layer,
        )
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.set_yticks(range(len(checks)), [f"{check}; {targets} targets" for check, targets in checks])
    axes.set_ylim(len(checks) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
