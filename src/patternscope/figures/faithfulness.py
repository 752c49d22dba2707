"""Figure: the network's probability of the true class as regions of a layer are removed, in several orders."""

from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.style import CLASS_COLOURS, INK, RELIABLE, SMALL, SOFT, figure_style
from patternscope.results.faithfulness import ORDERS, REPLACEMENTS, FaithfulnessResult
from patternscope.results.formatting import number
from patternscope.results.record_codec import flat_interval
from patternscope.results.result import reads

_LOOKS: dict[str, dict[str, Any]] = {
    "p": {"color": RELIABLE, "linewidth": 2.2, "zorder": 3},
    "strength": {"color": CLASS_COLOURS[0]},
    "w": {"color": CLASS_COLOURS[3]},
    "grad_cam": {"color": CLASS_COLOURS[1]},
    "random": {"color": SOFT, "linestyle": (0, (4, 2))},
    "mask": {"color": INK, "linestyle": (0, (1, 1.5))},
}


@dataclass(frozen=True)
class FaithfulnessData:
    """The deletion tests of some layers, shallow to deep, on the same images."""

    layers: dict[str, FaithfulnessResult]
    images: int
    replacement: str


def data(results: StudyResults, layers: Layers = None) -> FaithfulnessData:
    """Return what the figure shows: `layers`, by default all."""
    names = choose_layers(results, FaithfulnessResult, layers)
    tests = {name: results.load(FaithfulnessResult, layer=name) for name in names}
    first = next(iter(tests.values()))
    return FaithfulnessData(tests, first.images, first.replacement)


@figure_style()
def draw(shown: FaithfulnessData) -> Figure:
    """Return the figure: a panel per layer, a curve per order.

    Source: the deletion test of Petsiuk et al., BMVC 2018.
    """
    ylabels = ["probability of the true class"]
    figure, panels = layout.layer_figure(
        len(shown.layers), (5.4, 0.5, 2.2), (0.9, 2.5), ylabels, sharex=True, sharey=True
    )
    for (layer, test), (axes,) in zip(shown.layers.items(), panels, strict=True):
        _draw_layer(axes, layer, test)
    _name_orders(figure)
    layout.write_heading(
        figure,
        "Does the network depend on these regions?",
        f"Means over {shown.images} images; removed regions are {REPLACEMENTS[shown.replacement]}. Numbers: areas "
        "below the curves, smaller where the network depends more on the regions removed first",
    )
    return figure


def _draw_layer(axes: Any, layer: str, test: FaithfulnessResult) -> None:
    """The mean curve of each order, and in the corner the areas below them in the same colours."""
    corner = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": SMALL}
    axes.text(1, 1, "area", color=SOFT, **corner)
    for line, order in enumerate(test.orders, start=1):
        look = _LOOKS[order.order]
        axes.plot(test.shares, order.curve, label=ORDERS[order.order], clip_on=False, **look)
        axes.text(1, 1 - 0.065 * line, number(order.area.value), color=look["color"], **corner)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of regions removed")
    axes.set_title(shortened(layer, 8, 140))


def _name_orders(figure: Figure) -> None:
    """One legend for all panels; a layer may lack an order."""
    known = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    lines = [known[name] for name in ORDERS.values() if name in known]
    columns = len(lines) if len(figure.axes) > 2 else 3
    figure.legend(handles=lines, loc="outside lower center", ncols=columns)


def table(shown: FaithfulnessData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer and order."""
    return [
        {"layer": layer, "order": order.order}
        | flat_interval("area", order.area)
        | flat_interval("difference", order.difference)
        | {f"removed_{place}": value for place, value in enumerate(order.curve)}
        for layer, test in shown.layers.items()
        for order in test.orders
    ]


def about(shown: FaithfulnessData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"images": shown.images, "replacement": shown.replacement}


_READS = (reads(FaithfulnessResult, "orders", layer="all"),)
FIGURE = StudyFigure("faithfulness", data, draw, table, about, _READS, version=3)
