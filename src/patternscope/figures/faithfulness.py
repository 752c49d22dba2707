"""Figure: the network's probability of the true class as the regions of a layer go, in the order of each account."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import FAITHFULNESS, Findings
from patternscope.figures.labels import shortened, write_heading
from patternscope.figures.style import INK, PETROFF10, RELIABLE, SMALL, SOFT, figure_style
from patternscope.study.stages.faithfulness import INSTEAD, ORDERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "faithfulness"
_LOOKS: dict[str, dict[str, Any]] = {
    "p": {"color": RELIABLE, "linewidth": 2.2, "zorder": 3},
    "strength": {"color": PETROFF10[0]},
    "w": {"color": PETROFF10[4]},
    "grad_cam": {"color": PETROFF10[1]},
    "random": {"color": SOFT, "linestyle": (0, (4, 2))},
    "mask": {"color": INK, "linestyle": (0, (1, 1.5))},
}
_ACROSS = 4


@dataclass(frozen=True)
class FaithfulnessData:
    """Orders of each layer, shallow to deep, with area, interval and mean curve over the shares of regions gone."""

    layers: dict[str, list[dict[str, Any]]]
    shares: dict[str, list[float]]
    images: int
    replacement: str


def data(findings: Findings) -> FaithfulnessData:
    """Return what the figure shows: all layers."""
    found = {layer: findings.record("faithfulness", layer=layer) for layer in findings.layers("faithfulness")}
    about = next(iter(found.values()))
    layers = {layer: each["orders"] for layer, each in found.items()}
    shares = {layer: each["shares"] for layer, each in found.items()}
    return FaithfulnessData(layers, shares, about["images"], about["replacement"])


def draw(shown: FaithfulnessData) -> "Figure":
    """Return the figure: a panel a layer, a curve an order.

    Source: the deletion test of Petsiuk et al., BMVC 2018; the drawing is this project's.
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.layers))
    lines = -(-len(shown.layers) // across)
    with figure_style():
        figure = Figure(figsize=(max(5.4, 0.5 + 2.2 * across), 0.9 + 2.5 * lines), layout="constrained")
        panels = figure.subplots(lines, across, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(shown.layers) :]:
            axes.set_axis_off()
        for axes, (layer, orders) in zip(panels.flat, shown.layers.items(), strict=False):
            _draw_layer(axes, layer, orders, shown.shares[layer])
        for axes in panels[:, 0]:
            axes.set_ylabel("probability of the true class")
        _name_orders(figure)
        _write(figure, shown)
    return figure


def _draw_layer(axes: Any, layer: str, orders: list[dict[str, Any]], shares: list[float]) -> None:
    """The mean curve of each order, and in the corner the areas below them in the same colours."""
    corner = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": SMALL}
    axes.text(1, 1, "area", color=SOFT, **corner)
    for line, each in enumerate(orders, start=1):
        look = _LOOKS[each["order"]]
        axes.plot(shares, each["curve"], label=ORDERS[each["order"]], **look)
        axes.text(1, 1 - 0.065 * line, f"{each['area']:.2f}", color=look["color"], **corner)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="share of regions gone")
    axes.set_title(shortened(layer, 8, 140))


def _name_orders(figure: "Figure") -> None:
    """One legend for all panels; a layer may lack an order."""
    known = {}
    for axes in figure.axes:
        lines, names = axes.get_legend_handles_labels()
        known |= dict(zip(names, lines, strict=True))
    names = [name for name in ORDERS.values() if name in known]
    figure.legend(
        [known[name] for name in names],
        names,
        loc="outside lower center",
        ncols=len(names) if len(figure.axes) > 2 else 3,
    )


def _write(figure: "Figure", shown: FaithfulnessData) -> None:
    """Title and what is shown."""
    write_heading(
        figure,
        "Does the network depend on these regions?",
        f"Means over {shown.images} images; a region that is gone is {INSTEAD[shown.replacement]}. Numbers: areas "
        "below the curves, smaller where the network depends more on what goes first",
    )


def table(shown: FaithfulnessData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one a layer and order."""
    return [
        {"layer": layer, **{name: value for name, value in each.items() if name != "curve"}}
        | {f"gone_{place}": value for place, value in enumerate(each["curve"])}
        for layer, orders in shown.layers.items()
        for each in orders
    ]


def about(shown: FaithfulnessData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {"images": shown.images, "replacement": shown.replacement}


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(FAITHFULNESS)
