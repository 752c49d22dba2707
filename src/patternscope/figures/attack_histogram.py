"""Figure: the probability of the target before the attack, at the regions that are its knowledge points afterwards."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import ATTACK, ATTACK_ANALYSIS
from patternscope.figures.drawing.style import INK, RELIABLE, SMALL, TOTAL, figure_style
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.formatting import percent, threshold_text


@dataclass(frozen=True)
class AttackHistogramData:
    """The changes under the attack in each layer, shallow to deep."""

    layers: dict[str, AttackAnalysisResult]
    tau: float
    attack: str


def data(results: StudyResults, layers: Layers = None) -> AttackHistogramData:
    """Return what the figure shows: `layers`, by default all."""
    names = choose_layers(results, AttackAnalysisResult, layers)
    analyses = {name: results.load(AttackAnalysisResult, layer=name) for name in names}
    return AttackHistogramData(analyses, analyses[names[-1]].tau, results.load(AttackResult).title)


@figure_style()
def draw(shown: AttackHistogramData) -> Figure:
    """Return the figure. Source: Sec. 4 in content."""
    figure, panels = layout.layer_figure(
        len(shown.layers), (6.4, 0.3, 2.2), (0.75, 1.9), [""], sharex=True, sharey=True
    )
    for (axes,), (layer, analysis) in zip(panels, shown.layers.items(), strict=True):
        _draw_layer(axes, layer, analysis, shown.tau)
    figure.supxlabel("p(target) before the attack", fontsize=8)
    figure.supylabel("share of these points", fontsize=8)
    meaning = (
        f"{shown.attack}; dark: new points, p(target) was at most τ = {threshold_text(shown.tau)} before the attack"
    )
    layout.write_heading(figure, "Knowledge points of the target after an attack", meaning)
    return figure


def _draw_layer(axes: Any, layer: str, analysis: AttackAnalysisResult, tau: float) -> None:
    """Bars of one layer; those below the threshold are new points."""
    edges, counts = analysis.histogram.edges, analysis.histogram.counts
    total, width = sum(counts), edges[1] - edges[0]
    shares = [count / max(1, total) for count in counts]
    colours = [RELIABLE if edge + width / 2 <= tau else TOTAL for edge in edges[:-1]]
    axes.bar(edges[:-1], shares, width, align="edge", color=colours, edgecolor="white", linewidth=0.4)
    axes.set_ylim(0, min(1.0, axes.get_ylim()[1]))
    axes.axvline(tau, color=INK, linewidth=0.8, linestyle="--")
    below = analysis.below_tau.value
    new = "no region" if below is None else f"{percent(below)} new"
    corner = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": SMALL}
    axes.text(0.97, 0.93, f"{new}\n{total:,} regions", **corner)
    axes.set_title(shortened(layer, 8, 90))
    axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])


def table(shown: AttackHistogramData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer and bin."""
    return [
        {"layer": layer, "from": low, "to": high, "regions": count}
        for layer, analysis in shown.layers.items()
        for (low, high), count in zip(pairwise(analysis.histogram.edges), analysis.histogram.counts, strict=True)
    ]


def about(shown: AttackHistogramData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    below = {layer: analysis.below_tau.value for layer, analysis in shown.layers.items()}
    return {"attack": shown.attack, "tau": shown.tau, "below_tau": below}


FIGURE = StudyFigure("attack_histogram", data, draw, table, about, (ATTACK, ATTACK_ANALYSIS), version=3)
