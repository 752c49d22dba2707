"""Figure: the ratio of reliable points with the amount by which it may be off, and over thresholds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import Row, mean_of
from patternscope.figures.drawing.style import SMALL, TITLE, class_marks, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(summary: Sequence[Row], sweep: Sequence[Row]) -> "Figure":
    """Draw one row per image set: the ratio of each layer, and beside it one panel per network of ratios by tau."""
    from matplotlib.figure import Figure

    images = list(dict.fromkeys(row["images"] for row in summary))
    networks = list(dict.fromkeys(row["network"] for row in summary))
    with figure_style():
        figure = Figure(figsize=(10.5, 0.7 + 2.4 * len(images)), layout="constrained")
        widths = [1.5, *[1] * len(networks)]
        grid = figure.subplots(
            len(images), 1 + len(networks), squeeze=False, sharey=True, gridspec_kw={"width_ratios": widths}
        )
        for line, image_set in zip(grid, images, strict=True):
            _draw_ratios(line[0], [row for row in summary if row["images"] == image_set], networks)
            line[0].set_ylabel(f"{image_set}\nratio of reliable points", fontsize=SMALL + 0.5)
            for axes, network in zip(line[1:], networks, strict=True):
                own = [row for row in sweep if (row["images"], row["network"]) == (image_set, network)]
                _draw_sweep(axes, own)
                axes.set_title(network, fontsize=SMALL + 0.5)
        for axes in grid[-1][1:]:
            axes.set_xlabel("threshold tau")
        grid[0][0].set_title("fitted (filled) and unseen images (hollow)", fontsize=SMALL + 0.5)
        grid[0][0].set_ylim(0, 1.02)
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(networks), fontsize=TITLE - 2)
    return figure


def _draw_ratios(axes: Any, rows: Sequence[Row], networks: Sequence[str]) -> None:
    """Draw layers from shallow to deep; the line is the reach of the interval over images and both seeds together."""
    marks = class_marks(30)
    for index, network in enumerate(networks):
        own = [row for row in rows if row["network"] == network and row["ratio"] is not None]
        places = [place + 0.2 * (index - (len(networks) - 1) / 2) for place in range(len(own))]
        reach = [_reach(row) for row in own]
        style = {"color": marks[index].colour, "marker": marks[10 * index].marker, "linestyle": "", "markersize": 4}
        axes.errorbar(places, [row["ratio"] for row in own], yerr=reach, elinewidth=0.8, label=network, **style)
        axes.plot([p + 0.07 for p in places], [row["ratio_unseen"] for row in own], **style, markerfacecolor="white")
    count = max(len([row for row in rows if row["network"] == network]) for network in networks)
    names = {3: ["shallow", "middle", "last"]}.get(count, [str(place + 1) for place in range(count)])
    axes.set_xticks(range(count), names)


def _reach(row: Row) -> float:
    """Half a 95 % interval over images and seeds, which are independent, so that squares add up."""
    seeds = [1.96 * (row[f"ratio_{name}"] or 0.0) for name in ("fits", "networks")]
    return ((row["ratio_images"] or 0.0) ** 2 + sum(seed**2 for seed in seeds)) ** 0.5


def _draw_sweep(axes: Any, rows: Sequence[Row]) -> None:
    """Draw the ratio by tau, one line per layer, the mean over networks."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        own = [row for row in rows if row["layer"] == layer]
        taus = sorted({row["tau"] for row in own})
        means = [mean_of([row for row in own if row["tau"] == tau], "ratio") for tau in taus]
        axes.plot(taus, [float("nan") if mean is None else mean for mean in means], color=colour, label=layer)
    axes.legend(loc="lower right", fontsize=SMALL)
