"""Figure: precision of reliable points by layer and network, and over training."""

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from evidence.tables import Row, values_by
from patternscope.figures.drawing.style import SMALL, SOFT, class_marks, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 0.5  # reliable points per image: of fewer a precision has no meaning


def draw(precision: Sequence[Row], training: Sequence[Row]) -> "Figure":
    """Draw layers from shallow to deep on the left, training steps on the right."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(7.6, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _draw_layers(left, precision)
        _draw_training(right, training)
        area = fmean(row["area"] for row in precision)
        for axes in (left, right):
            axes.axhline(area, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
            axes.set_ylim(0, 1.02)
        left.text(0.98, area + 0.02, "share that the object covers", transform=left.get_yaxis_transform(),
                  ha="right", fontsize=SMALL, color=SOFT)  # fmt: skip
        left.set_ylabel("reliable points on the object")
    return figure


def _draw_layers(axes: Any, rows: Sequence[Row]) -> None:
    """Draw one mark per network and layer, and a faint one per seed."""
    marks = class_marks(30)
    networks = list(dict.fromkeys(row["network"] for row in rows))
    depth = 0
    for index, network in enumerate(networks):
        own = values_by([row for row in rows if row["network"] == network], ("layer",), "reliable")
        depth = max(depth, len(own))
        style = {"color": marks[index].colour, "marker": marks[10 * index].marker}
        places = [place + 0.12 * (index - (len(networks) - 1) / 2) for place in range(len(own))]
        means = [fmean(seeds) if seeds else float("nan") for seeds in own.values()]
        axes.plot(places, means, **style, markersize=4.5, label=network)
        for place, seeds in zip(places, own.values(), strict=True):
            axes.plot([place] * len(seeds), seeds, **style, linestyle="", markersize=3, alpha=0.35)
    axes.set_xticks(range(depth), ["shallow", "middle", "last"] if depth == 3 else [str(p + 1) for p in range(depth)])
    axes.set_xlabel("layer")
    axes.set_title("At the end of training", fontsize=SMALL + 1)
    axes.legend(loc="upper right")


def _draw_training(axes: Any, rows: Sequence[Row]) -> None:
    """Draw one line per layer over the checkpoints, with its intervals over images."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        own = [row for row in rows if row["layer"] == layer and row["reliable_points"] >= FEWEST]
        places = [row["checkpoint"] for row in own]
        axes.fill_between(
            places,
            [row["reliable_low"] for row in own],
            [row["reliable_high"] for row in own],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(places, [row["reliable"] for row in own], color=colour, marker="o", markersize=3, label=layer)
    steps = {row["checkpoint"]: row["step"] for row in rows}
    axes.set_xticks(list(steps), [str(step) for step in steps.values()])
    axes.set_xlabel("training step, vgg16_slim")
    axes.set_title("Over training", fontsize=SMALL + 1)
    axes.legend(loc="upper left")
