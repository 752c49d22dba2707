"""Figure: how often regions of similar confidence are correct, layer by layer, on images that no map was fitted to."""

from dataclasses import dataclass
from math import inf, isinf
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.bits import SUBJECTS
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import TRAINING
from patternscope.figures.drawing.style import FAINT, NORMAL, RELIABLE, SMALL, SOFT, TOTAL, figure_style
from patternscope.knowledge.calibration import BINS, ReliabilityBin
from patternscope.results.evidence import Against, EvidenceResult
from patternscope.results.formatting import at_checkpoint, number
from patternscope.results.result import reads

_ACROSS, _LARGEST = 1.9, 46.0  # inches of a panel; area of the largest dot in square points
_FEW = 50  # regions below which a bin's share is unreliable


@dataclass(frozen=True)
class LayerReliability:
    """The reliability of a layer's confidence: its bins, the expected calibration error, and the temperatures of folds.

    Temperatures are those of regions of the mean strength.
    """

    layer: str
    bins: tuple[ReliabilityBin, ...]
    error: float
    temperatures: tuple[float, ...]


@dataclass(frozen=True)
class ReliabilityData:
    """The reliability of some layers, shallow to deep, at one checkpoint."""

    layers: list[LayerReliability]
    against: Against
    checkpoint: str | None
    regions: dict[str, int]


def data(results: StudyResults, layers: Layers = None) -> ReliabilityData:
    """Return what the figure shows: `layers`, by default all, at the last checkpoint."""
    told = {name: results.evidence(name) for name in choose_layers(results, EvidenceResult, layers)}
    known = [
        LayerReliability(
            name, each.reliability, each.calibration_error, tuple(each.temperatures.middle.unique().tolist())
        )
        for name, each in told.items()
    ]
    against = next(iter(told.values())).against
    regions = {name: each.bits.numel() for name, each in told.items()}
    return ReliabilityData(known, against, results.training().title_of_last, regions)


@figure_style()
def draw(shown: ReliabilityData) -> Figure:
    """Return the figure: a reliability diagram per layer, and below it how many regions have each confidence."""
    ylabels = ("share correct", "share of\nregions")
    figure, panels = layout.layer_figure(
        len(shown.layers), (5.4, 0.4, _ACROSS), (1.0, 2.7), ylabels, (3.2, 1.0), sharex=True, sharey="row"
    )
    for layer, (above, below) in zip(shown.layers, panels, strict=True):
        _draw_diagram(above, layer, shown.regions[layer.layer])
        _draw_shares(below, layer)
    width, height = figure.get_size_inches()
    heading = layout.heading_lines(width, _explanations(shown))
    layout.write_heading(figure, "Reliability of the calibrated probabilities", *heading, foot=0.24)
    axis = "confidence: probability of the most probable class"
    layout.write_text(figure, width / 2, height - 0.13, axis, ha="center", fontsize=NORMAL)
    return figure


def _explanations(shown: ReliabilityData) -> list[str]:
    """The caption: what is judged, and how to read it."""
    return [
        f"Correct{at_checkpoint(shown.checkpoint)}: the most probable class of a region is {SUBJECTS[shown.against]} "
        "of its image. Each image is judged by a map and temperatures T that were fitted without it.",
        "Dots: regions of similar confidence, area by their share of all. On the diagonal, confidence is right; below "
        f"it, too high. Open: fewer than {_FEW} regions. Error: expected calibration error.",
    ]


def _draw_diagram(axes: Axes, layer: LayerReliability, regions: int) -> None:
    """Confidence against the share that is correct, and the diagonal."""
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.0, zorder=0)
    many = [each for each in layer.bins if each.share * regions >= _FEW]
    axes.plot([each.confidence for each in many], [each.right for each in many], color=TOTAL, linewidth=1.0, zorder=1)
    most = max(each.share for each in layer.bins)
    for each in layer.bins:
        faces: dict[str, Any] = (
            {"color": RELIABLE, "edgecolors": "white"} if each in many else {"color": "white", "edgecolors": SOFT}
        )
        area = max(5.0, _LARGEST * each.share / most)
        axes.scatter(each.confidence, each.right, s=area, linewidths=0.5, zorder=2, clip_on=False, **faces)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set_title(shortened(layer.layer, NORMAL, 66), weight="bold")
    axes.set_title(f"error {number(layer.error)}", loc="right", fontsize=SMALL)
    axes.text(0.04, 0.95, _temperature_text(layer), transform=axes.transAxes, va="top", fontsize=6.5, color=SOFT)


def _temperature_text(layer: LayerReliability) -> str:
    """The temperatures of the folds, and the meaning of an infinite one."""
    known = [each for each in layer.temperatures if not isinf(each)]
    if not known:
        return "T = ∞: no evidence,\nall regions predict the same"
    ends = [number(each) for each in (min(known), max(layer.temperatures)) if each != inf]
    ends += ["∞"] * (len(known) < len(layer.temperatures))
    return f"T = {'–'.join(dict.fromkeys(ends))}\nat the mean strength"


def _draw_shares(axes: Axes, layer: LayerReliability) -> None:
    """How many regions have each confidence."""
    places = [(min(BINS - 1, int(each.confidence * BINS)) + 0.5) / BINS for each in layer.bins]
    axes.bar(places, [each.share for each in layer.bins], width=0.9 / BINS, color=TOTAL)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.tick_params(labelbottom=True)


def table(shown: ReliabilityData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each bin of each layer."""
    return [
        {
            "layer": layer.layer,
            "confidence": each.confidence,
            "correct": each.right,
            "share": each.share,
            "calibration_error": layer.error,
        }
        for layer in shown.layers
        for each in layer.bins
    ]


def about(shown: ReliabilityData) -> dict[str, Any]:
    """Return the settings saved with the figure; a missing temperature stands for infinity, that is, no evidence."""
    temperatures = {
        layer.layer: [None if isinf(each) else each for each in layer.temperatures] for layer in shown.layers
    }
    known = {"checkpoint": shown.checkpoint, "against": shown.against, "regions": shown.regions}
    return {**known, "temperatures": temperatures}


_READS = (TRAINING, reads(EvidenceResult, "evidence", "bits", checkpoint="last", layer="all"))
FIGURE = StudyFigure("reliability", data, draw, table, about, _READS, version=2)
