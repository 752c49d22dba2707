"""Figure: how probable the target was, before the attack, at regions that speak for it afterwards."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import ADVERSARIAL, ATTACK, Findings, attack_text
from patternscope.figures.labels import shortened
from patternscope.figures.style import INK, RELIABLE, SMALL, SOFT, TITLE, TOTAL, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "attack_histogram"
_ACROSS, _PANEL = 4, (2.2, 1.9)


@dataclass(frozen=True)
class LayerHistogram:
    """Regions of a layer by p(target) before: `edges` (b + 1,), `counts` (b,), and the share up to tau."""

    layer: str
    edges: list[float]
    counts: list[int]
    below_tau: float | None


@dataclass(frozen=True)
class AttackHistogramData:
    """A histogram a layer, shallow to deep."""

    layers: list[LayerHistogram]
    tau: float
    attack: str


def data(findings: Findings) -> AttackHistogramData:
    """Return what the figure shows: all layers."""
    about, layers, tau = findings.record("attack"), [], 0.0
    for layer in findings.layers("adversarial"):
        found = findings.record("adversarial", layer=layer)
        tau = found["tau"]
        layers.append(LayerHistogram(layer, **found["histogram"], below_tau=found["below_tau"]))
    return AttackHistogramData(layers, tau, attack_text(about["norm"], about["epsilon"]))


def draw(shown: AttackHistogramData) -> "Figure":
    """Return the figure. Source: Sec. 4 in content; the drawing is this project's."""
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.layers))
    lines = -(-len(shown.layers) // across)
    size = (max(6.4, 0.3 + across * _PANEL[0]), 0.75 + lines * _PANEL[1])
    with figure_style():
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(lines, across, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, layer in zip(panels, shown.layers, strict=False):
            _draw_layer(axes, layer, shown.tau)
        for axes in panels[len(shown.layers) :]:
            axes.set_axis_off()
        figure.supxlabel("p(target) before the attack", fontsize=8)
        figure.supylabel("share of these regions", fontsize=8)
        _write(figure, shown)
    return figure


def _draw_layer(axes: Any, layer: LayerHistogram, tau: float) -> None:
    """Bars of one layer; those below the threshold are new points."""
    total = max(1, sum(layer.counts))
    width = layer.edges[1] - layer.edges[0]
    new = [edge + width / 2 <= tau for edge in layer.edges[:-1]]
    axes.bar(
        layer.edges[:-1],
        [count / total for count in layer.counts],
        width=width,
        align="edge",
        color=[RELIABLE if each else TOTAL for each in new],
        edgecolor="white",
        linewidth=0.4,
    )
    axes.axvline(tau, color=INK, linewidth=0.8, linestyle="--")
    said = "no region" if layer.below_tau is None else f"{100 * layer.below_tau:.0f} % up to τ"
    axes.set_title(shortened(layer.layer, 8, 90))
    axes.text(
        0.97,
        0.93,
        f"{said}\n{sum(layer.counts):,} regions",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=SMALL,
    )
    axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])


def _write(figure: "Figure", shown: AttackHistogramData) -> None:
    """Title and what is counted, above the room that the axes share."""
    width, height = figure.get_size_inches()
    title = "Regions that speak for the target after an attack"
    figure.text(0.1 / width, 1 - 0.18 / height, title, fontsize=TITLE, weight="bold", va="center")
    said = (
        f"{shown.attack}; dark: p(target) was at most τ = {shown.tau:g}, so they are new points of the target"
    )
    figure.text(0.1 / width, 1 - 0.4 / height, said, fontsize=SMALL, color=SOFT, va="center")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - 0.55 / height), w_pad=0.06, h_pad=0.06)


def table(shown: AttackHistogramData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one a layer and bin."""
    return [
        {"layer": layer.layer, "from": low, "to": high, "regions": count}
        for layer in shown.layers
        for low, high, count in zip(layer.edges[:-1], layer.edges[1:], layer.counts, strict=True)
    ]


def about(shown: AttackHistogramData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    below = {each.layer: each.below_tau for each in shown.layers}
    return {"attack": shown.attack, "tau": shown.tau, "below_tau": below}


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(ATTACK, ADVERSARIAL)
