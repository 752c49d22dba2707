"""Figure: the ratio of reliable points with what it may be off by, and over thresholds."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from patternscope.figures.style import SMALL, TITLE, class_marks, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]


def draw(summary: Sequence[Row], sweep: Sequence[Row]) -> "Figure":
    """A row an image set: the ratio of each layer on the left, a panel a network of ratios over tau beside it."""
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
                mine = [row for row in sweep if (row["images"], row["network"]) == (image_set, network)]
                _draw_sweep(axes, mine)
                axes.set_title(network, fontsize=SMALL + 0.5)
        for axes in grid[-1][1:]:
            axes.set_xlabel("threshold tau")
        grid[0][0].set_title("fitted (filled) and unseen images (hollow)", fontsize=SMALL + 0.5)
        grid[0][0].set_ylim(0, 1.02)
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(networks), fontsize=TITLE - 2)
    return figure


def _draw_ratios(axes: Any, rows: Sequence[Row], networks: Sequence[str]) -> None:
    """Layers from shallow to deep; the line is the reach of the interval over images and of both seeds together."""
    marks = class_marks(30)
    for each, network in enumerate(networks):
        mine = [row for row in rows if row["network"] == network and row["ratio"] is not None]
        places = [place + 0.2 * (each - (len(networks) - 1) / 2) for place in range(len(mine))]
        reach = [_reach(row) for row in mine]
        style = {
            "color": marks[each].colour,
            "marker": marks[10 * each].marker,
            "linestyle": "",
            "markersize": 4,
        }
        axes.errorbar(
            places, [row["ratio"] for row in mine], yerr=reach, elinewidth=0.8, label=network, **style
        )
        axes.plot(
            [p + 0.07 for p in places],
            [row["ratio_unseen"] for row in mine],
            **style,
            markerfacecolor="white",
        )
    count = max(len([row for row in rows if row["network"] == network]) for network in networks)
    names = {3: ["shallow", "middle", "last"]}.get(count, [str(place + 1) for place in range(count)])
    axes.set_xticks(range(count), names)


def _reach(row: Row) -> float:
    """Half a 95 % interval over images and seeds: independent, so that squares add up."""
    seeds = [1.96 * (row[f"ratio_{name}"] or 0.0) for name in ("fits", "networks")]
    return ((row["ratio_images"] or 0.0) ** 2 + sum(each**2 for each in seeds)) ** 0.5


def _draw_sweep(axes: Any, rows: Sequence[Row]) -> None:
    """Ratio over tau, a line a layer, the mean over networks."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        mine = [row for row in rows if row["layer"] == layer]
        taus = sorted({row["tau"] for row in mine})
        means = [_mean([row["ratio"] for row in mine if row["tau"] == tau]) for tau in taus]
        axes.plot(taus, means, color=colour, label=layer)
    axes.legend(loc="lower right", fontsize=SMALL)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if known else float("nan")
