"""Figure: how much regional embeddings of students turned from their teacher's, and how much stronger they are."""

from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Layers
from patternscope.figures.drawing.compared_networks import ALL_STUDENTS, COLOURS, ComparedNetworks, about, students_of
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.style import FAINT, SMALL, SOFT, figure_style
from patternscope.results.formatting import number
from patternscope.results.networks import RegionDifferences, ShareHistogram

_MARKED = {"orientation": 1.0, "strength": 0.0}
"""The values marked by a faint line: unrelated orientations, and equal strengths."""


def data(results: StudyResults, layers: Layers = None) -> ComparedNetworks:
    """Return what the figure shows: all students in `layers`, by default all."""
    return students_of(results, layers)


@figure_style()
def draw(shown: ComparedNetworks) -> Figure:
    """Return the figure: a column per layer, orientations above, strengths below, a line per network."""
    ylabels = ["share of regions"] * len(_MARKED)
    figure, panels = layout.layer_figure(len(shown.layers), (5.2, 0.6, 1.9), (0.75, 3.9), ylabels)
    for layer, pair in zip(shown.layers, panels, strict=True):
        for axes, measure in zip(pair, _MARKED, strict=True):
            _draw_layer(axes, shown, layer, measure)
        pair[0].set_title(shortened(layer, 8, 120))
        pair[0].set_xlabel("1 − cos of orientations")
        pair[1].set_xlabel(f"strength minus {shown.first}'s")
    explanations = [
        f"All regions of {shown.images} images; bands are 95 % bootstrap intervals over images; strengths in units "
        "of the layer's mean",
        f"Numbers above: means over all regions (over the {shown.first}'s knowledge points); below: means of the "
        "absolute difference",
    ]
    lines = layout.heading_lines(figure.get_size_inches()[0], explanations)
    layout.write_heading(figure, f"Regional embeddings compared with the {shown.first}'s", *lines)
    return figure


def _histogram(regions: RegionDifferences, measure: str) -> ShareHistogram:
    """The histogram of one measure."""
    return regions.turn_histogram if measure == "orientation" else regions.strength_histogram


def _draw_layer(axes: Any, shown: ComparedNetworks, layer: str, measure: str) -> None:
    """A stepped line per network with its band, and its means in the legend."""
    tops = []
    for (name, own), colour in zip(shown.at(layer).items(), COLOURS, strict=False):
        if own.regions is None:
            place = {"transform": axes.transAxes, "ha": "center"}
            axes.text(0.5, 0.5, "other grid", fontsize=SMALL, color=SOFT, **place)
            continue
        shares = _histogram(own.regions, measure)
        label = _label(name, shown.maps(own), own.regions, measure)
        axes.stairs(shares.share, shares.edges, color=colour, linewidth=1.2, label=label)
        low, high = ([*ends, ends[-1]] for ends in (shares.low, shares.high))
        axes.fill_between(shares.edges, low, high, step="post", color=colour, alpha=0.22, linewidth=0)
        tops.append(max(end or 0.0 for end in shares.high))
    axes.axvline(_MARKED[measure], color=FAINT, linewidth=0.8, zorder=0)
    axes.set_ylim(0, min(1.0, 1.45 * max(tops, default=1.0)))
    axes.locator_params(axis="y", nbins=5)
    if not tops:
        return
    # On white, since the line at 1 or 0 passes behind it.
    paper = {"frameon": True, "facecolor": "white", "edgecolor": "none", "framealpha": 0.9}
    axes.legend(loc="upper right", handlelength=1.0, borderaxespad=0.0, borderpad=0.1, fontsize=6.2, **paper)


def _label(name: str, maps: str, regions: RegionDifferences, measure: str) -> str:
    """A network's line in the legend."""
    if measure == "strength":
        return f"{name}: {number(regions.strength_apart.value)}"
    return f"{name}, {maps}\n{number(regions.turn.value)} ({number(regions.turn_at_points.value)})"


def table(shown: ComparedNetworks) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer, network, measure and bin."""
    return [
        {"layer": own.layer, "network": name, "maps": shown.maps(own), "measure": measure, **cells}
        for name, comparisons in shown.others.items()
        for own in comparisons
        if own.regions is not None
        for measure in _MARKED
        for cells in _bins(_histogram(own.regions, measure))
    ]


def _bins(shares: ShareHistogram) -> list[dict[str, Any]]:
    """The cells of each bin."""
    bins = zip(shares.edges[:-1], shares.edges[1:], shares.share, shares.low, shares.high, strict=True)
    return [dict(zip(("from", "to", "share", "share_low", "share_high"), cells, strict=True)) for cells in bins]


FIGURE = StudyFigure("distilled_histograms", data, draw, table, about, ALL_STUDENTS, version=4)
