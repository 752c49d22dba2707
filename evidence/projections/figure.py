"""Figure: each measure of each projection, one row per image set, one mark per network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import Row
from patternscope.figures.drawing.style import FAINT, SMALL, SOFT, TITLE, class_marks, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS = ("radial", "radial_sgd")


def draw(rows: Sequence[Row], labels: Mapping[str, str], measures: Mapping[str, str]) -> "Figure":
    """Draw summary rows of one set of images."""
    from matplotlib.figure import Figure

    images = list(dict.fromkeys(row["images"] for row in rows))
    networks = list(dict.fromkeys(row["network"] for row in rows))
    with figure_style():
        figure = Figure(figsize=(1 + 1.75 * len(measures), 0.9 + 2.5 * len(images)), layout="constrained")
        grid = figure.subplots(len(images), len(measures), sharey=True, sharex="col", squeeze=False)
        for line, image_set in zip(grid, images, strict=True):
            for axes, measure in zip(line, measures, strict=True):
                _draw_measure(axes, [row for row in rows if row["images"] == image_set], measure, networks, labels)
            line[0].set_ylabel(image_set, fontsize=TITLE)
        for axes, title in zip(grid[0], measures.values(), strict=True):
            axes.set_title(title.replace(" (", "\n("), fontsize=SMALL + 0.5)
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(networks))
    return figure


def _draw_measure(
    axes: Any, rows: Sequence[Row], measure: str, networks: Sequence[str], labels: Mapping[str, str]
) -> None:
    """Draw one panel: projections from top to bottom, one mark per network, its spread over seeds as a line."""
    places = {name: place for place, name in enumerate(labels)}
    marks = class_marks(3 * 10)
    for index, network in enumerate(networks):
        own = [row for row in rows if row["network"] == network and row[measure] is not None]
        heights = [places[row["projection"]] + 0.22 * (index - (len(networks) - 1) / 2) for row in own]
        spreads = [row[f"{measure}_networks"] or 0.0 for row in own]
        style = {"color": marks[index].colour, "marker": marks[10 * index].marker, "label": network}
        axes.errorbar(
            [row[measure] for row in own], heights, xerr=spreads, linestyle="", markersize=3.6, elinewidth=0.8, **style
        )
    for place in places.values():
        axes.axhline(place, color=FAINT, linewidth=0.4, zorder=0)
    for name in _OURS:
        axes.axhspan(places[name] - 0.5, places[name] + 0.5, color="#f3f6fa", zorder=-1)
    axes.set_yticks(list(places.values()), list(labels.values()))
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    if measure.endswith("correlation"):
        axes.axvline(0, color=SOFT, linewidth=0.6)
