"""Figure: evidence and the ratio of reliable points, how far they may be off, and the ratio over thresholds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import FEWEST, Row, mean_of
from patternscope.figures.drawing.style import SMALL, TITLE, class_marks, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEFT = {"evidence": "evidence, bits per region", "ratio": "ratio of reliable points"}


def draw(summary: Sequence[Row], sweep: Sequence[Row]) -> "Figure":
    """Draw one row per image set: evidence and ratio of each layer, and one panel per network of ratios by tau."""
    from matplotlib.figure import Figure

    images = list(dict.fromkeys(row["images"] for row in summary))
    networks = list(dict.fromkeys(row["network"] for row in summary))
    with figure_style():
        figure = Figure(figsize=(11, 0.7 + 2.4 * len(images)), layout="constrained")
        widths = [1.4] * len(_LEFT) + [1.0] * len(networks)
        grid = figure.subplots(len(images), len(widths), squeeze=False, gridspec_kw={"width_ratios": widths})
        for line, image_set in zip(grid, images, strict=True):
            own = [row for row in summary if row["images"] == image_set]
            for axes, (name, text) in zip(line, _LEFT.items(), strict=False):
                _draw_layers(axes, own, networks, name)
                axes.set_title(f"{text}, {image_set}", fontsize=SMALL + 0.5)
            line[0].set_ylim(bottom=0)
            for axes, network in zip(line[len(_LEFT) :], networks, strict=True):
                _draw_sweep(axes, [r for r in sweep if (r["images"], r["network"]) == (image_set, network)])
                axes.set_title(f"{network}", fontsize=SMALL + 0.5)
            for axes in line[1:]:
                axes.set_ylim(0, 1.02)
            line[len(_LEFT)].set_ylabel("ratio", fontsize=SMALL + 0.5)
        for axes in grid[-1][len(_LEFT) :]:
            axes.set_xlabel("threshold tau")
        handles, names = grid[0][0].get_legend_handles_labels()
        title = (
            "samples (filled), unseen images (hollow); lines: 95 % over images and 1.96 standard deviations over "
            f"divisions and networks, together; thresholds with {FEWEST} or more points per image"
        )
        legend = figure.legend(
            handles, names, title=title, loc="outside lower center", ncols=len(networks), fontsize=TITLE - 2
        )
        legend.get_title().set_fontsize(TITLE - 2)
    return figure


def _draw_layers(axes: Any, rows: Sequence[Row], networks: Sequence[str], name: str) -> None:
    """Draw a number of layers from shallow to deep; the line is the reach of all choices together."""
    marks = class_marks(30)
    for index, network in enumerate(networks):
        own = [row for row in rows if row["network"] == network and row[name] is not None]
        places = [place + 0.2 * (index - (len(networks) - 1) / 2) for place in range(len(own))]
        style = {"color": marks[index].colour, "marker": marks[10 * index].marker, "linestyle": "", "markersize": 4}
        reach = [_reach(row, name) for row in own]
        axes.errorbar(places, [row[name] for row in own], yerr=reach, elinewidth=0.8, label=network, **style)
        unseen = [row[f"{name}_unseen"] for row in own]
        axes.plot([place + 0.07 for place in places], unseen, **style, markerfacecolor="white")
    count = max(len([row for row in rows if row["network"] == network]) for network in networks)
    names = {3: ["shallow", "middle", "last"]}.get(count, [str(place + 1) for place in range(count)])
    axes.set_xticks(range(count), names)


def _reach(row: Row, name: str) -> float:
    """The reach over images, divisions and networks, which are independent, so that squares add up."""
    choices = [1.96 * (row[f"{name}_{choice}"] or 0.0) for choice in ("divisions", "networks")]
    return ((row[f"{name}_images"] or 0.0) ** 2 + sum(half**2 for half in choices)) ** 0.5


def _draw_sweep(axes: Any, rows: Sequence[Row]) -> None:
    """Draw the ratio by tau, one line per layer, the mean over networks; that of a few regions is left out."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        own = [row for row in rows if row["layer"] == layer and row["total"] >= FEWEST]
        taus = sorted({row["tau"] for row in own})
        means = [mean_of([row for row in own if row["tau"] == tau], "ratio") for tau in taus]
        axes.plot(taus, [float("nan") if mean is None else mean for mean in means], color=colour, label=layer)
    axes.legend(loc="lower right", fontsize=SMALL)
