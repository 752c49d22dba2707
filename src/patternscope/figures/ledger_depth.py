"""Figure: the knowledge points that each layer passes on to the next, those that are new, and those that are lost."""

from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.flows import OVER_DEPTH, draw_flow_legend, draw_flows, highest
from patternscope.figures.drawing.needs import LABELS, TRAINING
from patternscope.figures.drawing.style import SOFT, figure_style
from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import RegionResult
from patternscope.results.formatting import at_checkpoint
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws, LayerLedger, ledger_rows
from patternscope.results.result import reads
from patternscope.results.study_ledger import depth_ledger
from patternscope.results.training import TrainingResult


@dataclass(frozen=True)
class DepthLedger:
    """The ledger from each layer to the next deeper one, none for one layer."""

    layers: list[str]
    steps: tuple[LayerLedger, ...]
    trained: TrainingResult
    images: int


def data(results: StudyResults) -> DepthLedger:
    """Return what the figure shows: all layers at the last checkpoint."""
    steps = depth_ledger(results, Draws(seed=results.drawing_seed("ledger")))
    return DepthLedger(results.layers(KnowledgeResult), steps, results.training(), len(results.images.labels))


@figure_style()
def draw(shown: DepthLedger) -> Figure:
    """Return the figure: flows from layer to layer."""
    width = max(6.6, 1.2 + 1.5 * len(shown.layers))
    lines = layout.heading_lines(width, _explanations(shown))
    figure = layout.new_figure(width, 3.2 + 0.16 * len(lines), laid_out=True)
    axes = figure.subplots()
    draw_flows(axes, shown.steps)
    axes.set_ylim(0, highest(shown.steps))
    layout.name_layers(axes, shown.layers, 90, most=8)
    axes.set_ylabel("points per image")
    if shown.steps:
        draw_flow_legend(figure, OVER_DEPTH, 3)
    else:
        axes.text(0.5, 0.5, "one layer: nothing to pass on", transform=axes.transAxes, ha="center", color=SOFT)
    layout.write_heading(figure, "What each layer passes on to the next", *lines)
    return figure


def _explanations(shown: DepthLedger) -> list[str]:
    """The caption: what is counted, and where."""
    mean = f"Knowledge points per image{at_checkpoint(shown.trained.title_of_last)}, mean over {shown.images} images."
    return [mean, "Passed on: a point in both layers at the same place of the image, on the finer of their grids."]


def table(shown: DepthLedger) -> list[dict[str, Any]]:
    """Return the rows behind the figure: per pair of layers one of all images, and one of each class."""
    return ledger_rows({"depth": shown.steps})


def about(shown: DepthLedger) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"layers": shown.layers, "intervals": "over images"}


FIGURE = StudyFigure(
    "ledger_depth",
    data,
    draw,
    table,
    about,
    (
        TRAINING,
        LABELS,
        reads(KnowledgeResult, "mask", checkpoint="last", layer="all"),
        reads(RegionResult, "grid", checkpoint="last", layer="all"),
    ),
    (reads(EvidenceResult, "bits", checkpoint="last", layer="all"),),
)
