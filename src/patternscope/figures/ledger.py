"""Figure: what each layer learns, keeps and forgets from checkpoint to checkpoint."""

from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.flows import NAMES, draw_flow_legend, draw_flows, highest
from patternscope.figures.drawing.needs import ALL_TRAINING, LABELS
from patternscope.figures.drawing.style import figure_style
from patternscope.results.emergence import EmergenceResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.formatting import percent
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws, LayerLedger, ledger_rows
from patternscope.results.result import reads
from patternscope.results.study_ledger import Pace, paces, training_ledger

_WIDE, _LAYER = 8.2, 1.35
_MOST_NAMES = 16
_LEAST = 0.1  # of the largest scale: negligible values look negligible


@dataclass(frozen=True)
class LedgerData:
    """By layer, its ledger from each checkpoint to the next, and its speed and stability."""

    layers: dict[str, tuple[LayerLedger, ...]]
    paces: dict[str, Pace]


def data(results: StudyResults, layers: Layers = None) -> LedgerData:
    """Return what the figure shows: `layers`, by default all."""
    names, draws = choose_layers(results, KnowledgeResult, layers), Draws(seed=results.drawing_seed("ledger"))
    known = {pace.layer: pace for pace in paces(results, draws)}
    return LedgerData({name: training_ledger(results, name, draws) for name in names}, {n: known[n] for n in names})


@figure_style()
def draw(shown: LedgerData) -> Figure:
    """Return the figure: a row of flows per layer, each on its scale."""
    figure = layout.new_figure(_WIDE, 1.7 + _LAYER * len(shown.layers), laid_out=True)
    panels = figure.subplots(len(shown.layers), 1, squeeze=False, sharex=True)[:, 0]
    top = highest(ledger for ledgers in shown.layers.values() for ledger in ledgers)
    for axes, (layer, ledgers) in zip(panels, shown.layers.items(), strict=True):
        draw_flows(axes, ledgers)
        axes.set_ylim(0, max(highest(ledgers), _LEAST * top))
        axes.set_title(f"{layer}: {_lasting(shown.paces[layer])}")
        axes.set_ylabel("points per image")
        axes.locator_params(axis="y", nbins=4)
    steps = next(iter(shown.layers.values()))
    names = [steps[0].start, *(ledger.end for ledger in steps)]
    places = layout.thinned(len(names), _MOST_NAMES)
    panels[-1].set_xticks(places, [names[place].removeprefix("training step ") for place in places])
    panels[-1].set_xlabel("training step" if names[0].startswith("training step") else "checkpoint")
    draw_flow_legend(figure, NAMES, 3)
    lines = layout.heading_lines(_WIDE, _explanations(shown))
    layout.write_heading(figure, "What each layer learns, keeps and forgets", *lines)
    return figure


def _lasting(pace: Pace) -> str:
    """The share of regions that were ever a point and are one at the end, in a few words."""
    share = pace.lasting.value
    return (
        "no region is ever a point"
        if share is None
        else f"{percent(share)} of the regions ever a point are one at the end"
    )


def _explanations(shown: LedgerData) -> list[str]:
    """The caption: what is counted."""
    first = next(iter(shown.layers.values()))[0]
    return [
        f"Knowledge points per image from checkpoint to checkpoint, mean over {first.images} images.",
        "Each layer has its own scale. Intervals over images, and the flows of each class, are in ledger.csv.",
    ]


def table(shown: LedgerData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: per layer and step one of all images, and one of each class."""
    return ledger_rows({"training": [ledger for ledgers in shown.layers.values() for ledger in ledgers]})


def about(shown: LedgerData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"layers": list(shown.layers), "intervals": "over images"}


FIGURE = StudyFigure(
    "ledger",
    data,
    draw,
    table,
    about,
    (
        ALL_TRAINING,
        LABELS,
        reads(KnowledgeResult, "mask", checkpoint="all", layer="all"),
        reads(EmergenceResult, "checkpoints", "first"),
    ),
    (reads(EvidenceResult, "bits", checkpoint="all", layer="all"),),
    weight=3.0,
    least_checkpoints=2,
)
