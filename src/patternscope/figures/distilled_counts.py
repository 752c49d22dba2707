"""Figure: knowledge points of a teacher and its students in each layer, and their differences."""

from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.bars import count_cells, draw_count_bar
from patternscope.figures.drawing.choices import Layers
from patternscope.figures.drawing.compared_networks import (
    ALL_STUDENTS,
    NOISE,
    ComparedNetworks,
    NetworkCounts,
    about,
    students_of,
)
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.style import FAINT, RELIABLE, SMALL, SOFT, TOTAL, figure_style
from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import threshold_text
from patternscope.results.knowledge import CountDifferences

_UNKNOWN = CountDifferences(*[Interval(None, None, None)] * 3)


def data(results: StudyResults, layers: Layers = None) -> ComparedNetworks:
    """Return what the figure shows: all students in `layers`, by default all."""
    return students_of(results, layers)


@figure_style()
def draw(shown: ComparedNetworks) -> Figure:
    """Return the figure: for each layer a bar per network, and below it the differences from the first."""
    width, ylabels = 0.62 * (1 + len(shown.others)), ("regions per image", f"minus {shown.first}")
    figure, panels = layout.layer_figure(
        len(shown.layers), (4.6, 0.5, width), (1.0, 3.6), ylabels, (1.6, 1.0), sharey="row"
    )
    for layer, (above, below) in zip(shown.layers, panels, strict=True):
        networks = shown.counts(layer)
        _draw_bars(above, networks)
        _draw_differences(below, networks)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    intervals = "95 % bootstrap intervals (differences paired)"
    meaning = f"p(class) > {threshold_text(shown.tau)}; mean over {shown.images} images, {intervals}"
    more = [f"differences include {noise} as well" for noise in shown.noise[1:]]
    layout.write_heading(figure, "Knowledge points per image", shown.networks, meaning, *more)
    return figure


def _draw_bars(axes: Any, networks: list[NetworkCounts]) -> None:
    """A bar per network, the reliable points inside all, and their ratio above."""
    for place, network in enumerate(networks):
        draw_count_bar(axes, place, network.counts, (0.7, 0.4), kind=None if place else "")
    _name_networks(axes, [shortened(network.network, SMALL, 42) for network in networks])
    axes.set_title(shortened(networks[0].layer, 8, 120))
    axes.margins(y=0.3)
    axes.locator_params(axis="y", integer=True, nbins=6)


def _name_networks(axes: Any, names: list[str]) -> None:
    """Names instead of ticks."""
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(names) - 0.4)


def _draw_differences(axes: Any, networks: list[NetworkCounts]) -> None:
    """The differences of each network's total and reliable points from the first's."""
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for place, network in enumerate(networks[1:], start=1):
        if network.difference is None:
            axes.text(place, 0, "other\ngrid", ha="center", va="center", fontsize=SMALL, color=SOFT)
            continue
        shifted = ((network.difference.total, TOTAL, -0.15), (network.difference.reliable, RELIABLE, 0.15))
        for change, colour, shift in shifted:
            ends, across = [change.low, change.high], [place + shift]
            axes.plot(across * 2, ends, color=colour, linewidth=1.6, solid_capstyle="butt")
            axes.plot(across, [change.value], "o", color=colour, markersize=4)
    _name_networks(axes, [network.maps.replace(" ", "\n") for network in networks])
    axes.tick_params(axis="x", labelcolor=SOFT, labelsize=layout.NOTE)
    axes.spines["bottom"].set_visible(False)


def table(shown: ComparedNetworks) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer and network."""
    return [
        {
            "layer": layer,
            "network": network.network,
            "accuracy": shown.accuracy[network.network],
            "maps": network.maps or "own maps",
            **count_cells(network.counts),
            **count_cells(network.difference or _UNKNOWN, "difference_"),
        }
        for layer in shown.layers
        for network in shown.counts(layer)
    ]


FIGURE = StudyFigure("distilled_counts", data, draw, table, about, ALL_STUDENTS, NOISE, version=4)
