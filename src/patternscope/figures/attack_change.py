"""Figure: how much an attack turns regional embeddings and changes their strength, over the layers."""

from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.bars import spans
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import ATTACK, ATTACK_ANALYSIS
from patternscope.figures.drawing.style import INK, figure_style
from patternscope.knowledge.intervals import Interval
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.record_codec import flat_interval

_CURVES = {"orientation_change": "change of orientation, 1 − cos", "strength_change": "relative change of strength"}


@dataclass(frozen=True)
class AttackChangeData:
    """The changes under the attack in each layer, shallow to deep; a layer without orientations has no value."""

    layers: dict[str, AttackAnalysisResult]
    images: int
    attack: str


def data(results: StudyResults, layers: Layers = None) -> AttackChangeData:
    """Return what the figure shows: `layers`, by default all."""
    attack, names = results.load(AttackResult), choose_layers(results, AttackAnalysisResult, layers)
    analyses = {name: results.load(AttackAnalysisResult, layer=name) for name in names}
    return AttackChangeData(analyses, attack.attacked_count, attack.title)


@figure_style()
def draw(shown: AttackChangeData) -> Figure:
    """Return the figure. Source: Sec. 4 in content."""
    figure = layout.new_figure(max(6.4, 1.3 + 0.9 * len(shown.layers)), 3.2)
    width = figure.get_size_inches()[0]
    meaning = (
        f"{shown.attack}; last step compared with clean, means over regions of {shown.images} images with 95 % "
        "bootstrap intervals"
    )
    layout.write_heading(figure, "Changes under the attack, per layer", meaning)
    panels = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.5 / width, right=1 - 0.15 / width, wspace=0.24, top=0.76, bottom=0.14)
    for axes, name in zip(panels, _CURVES, strict=True):
        _draw_curve(axes, shown, name)
    return figure


def _draw_curve(axes: Any, shown: AttackChangeData, name: str) -> None:
    """One curve over the layers, with its intervals; a layer without orientations is omitted."""
    intervals: list[Interval] = [getattr(analysis, name) for analysis in shown.layers.values()]
    known = {place: interval for place, interval in enumerate(intervals) if interval.value is not None}
    values, bars = [interval.value for interval in known.values()], spans(list(known.values()))
    axes.errorbar(list(known), values, yerr=bars, color=INK, marker="o", ms=4, capsize=2.5, elinewidth=0.9)
    axes.set_title(_CURVES[name])
    layout.name_layers(axes, list(shown.layers), 60, most=6)
    top = 1.12 * max([0.01, *(interval.high or 0.0 for interval in intervals)])
    axes.set(xlim=(-0.4, len(intervals) - 0.6), ylim=(0, top))


def table(shown: AttackChangeData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer."""
    return [
        {"layer": layer}
        | flat_interval("orientation_change", analysis.orientation_change)
        | flat_interval("strength_change", analysis.strength_change)
        for layer, analysis in shown.layers.items()
    ]


def about(shown: AttackChangeData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"attack": shown.attack, "images": shown.images}


FIGURE = StudyFigure("attack_change", data, draw, table, about, (ATTACK, ATTACK_ANALYSIS), version=4)
