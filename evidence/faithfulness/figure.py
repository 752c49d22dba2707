"""Figure: deletion areas of each order, one panel per image set and replacement, one mark per network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import Row
from patternscope.figures.drawing.style import FAINT, SMALL, TITLE, class_marks, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(rows: Sequence[Row], labels: Mapping[str, str]) -> "Figure":
    """Draw area rows of one layer and kind of curve."""
    from matplotlib.figure import Figure

    images = list(dict.fromkeys(row["images"] for row in rows))
    replacements = list(dict.fromkeys(row["replacement"] for row in rows))
    networks = [name for name in dict.fromkeys(row["network"] for row in rows) if name != "all"]
    with figure_style():
        figure = Figure(figsize=(8.2, 0.8 + 2.2 * len(images)), layout="constrained")
        grid = figure.subplots(len(images), len(replacements), sharey=True, sharex="row", squeeze=False)
        for line, image_set in zip(grid, images, strict=True):
            line[0].set_ylabel(image_set, fontsize=TITLE)
            for axes, replacement in zip(line, replacements, strict=True):
                own = [r for r in rows if (r["images"], r["replacement"]) == (image_set, replacement)]
                axes.set_visible(bool(own))
                _draw_panel(axes, own, networks, labels)
                axes.set_title(replacement, fontsize=SMALL + 0.5)
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=len(networks) + 1)
        figure.supxlabel(
            "area under the probability of the true class (smaller: the order matters more)", fontsize=SMALL + 0.5
        )
    return figure


def _draw_panel(axes: Any, rows: Sequence[Row], networks: Sequence[str], labels: Mapping[str, str]) -> None:
    """Draw orders from top to bottom: networks with intervals over images, and the mean over networks as a bar."""
    places = {name: place for place, name in enumerate(labels)}
    marks = class_marks(30)
    for index, network in enumerate(networks):
        own = [row for row in rows if row["network"] == network]
        below = [row["area"] - row["area_low"] for row in own]
        above = [row["area_high"] - row["area"] for row in own]
        axes.errorbar(
            [row["area"] for row in own],
            [places[row["order"]] + 0.22 * (index - (len(networks) - 1) / 2) for row in own],
            xerr=[below, above],
            linestyle="",
            markersize=3.4,
            elinewidth=0.8,
            color=marks[index].colour,
            marker=marks[10 * index].marker,
            label=network,
        )
    pooled = [row for row in rows if row["network"] == "all"]
    axes.plot(
        [row["area"] for row in pooled],
        [places[row["order"]] for row in pooled],
        linestyle="",
        marker="|",
        markersize=13,
        color="black",
        label="mean",
    )
    for place in places.values():
        axes.axhline(place, color=FAINT, linewidth=0.4, zorder=0)
    axes.axhspan(-0.5, 0.5, color="#f3f6fa", zorder=-1)
    axes.set_yticks(list(places.values()), list(labels.values()))
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
