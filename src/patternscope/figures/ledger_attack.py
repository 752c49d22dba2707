"""Figure: what becomes of each layer's knowledge points under the attack."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.moments import draw_moments
from patternscope.figures.drawing.needs import ATTACK_ANALYSIS, LABELS, SAMPLE
from patternscope.results.attack import AttackResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws, LayerLedger, ledger_rows
from patternscope.results.result import reads
from patternscope.results.study_ledger import attack_ledger


@dataclass(frozen=True)
class AttackLedger:
    """The ledger of each layer from clean to attacked images."""

    layers: Sequence[LayerLedger]
    attack: str


def data(results: StudyResults) -> AttackLedger:
    """Return what the figure shows: all layers."""
    draws = Draws(seed=results.drawing_seed("ledger"))
    return AttackLedger(attack_ledger(results, draws), results.load(AttackResult).title)


def draw(shown: AttackLedger) -> Figure:
    """Return the figure: a panel of flows per layer."""
    lines = [f"{shown.attack}; points per image, mean over {shown.layers[0].images} attacked images."]
    lines.append("Changed class: a point of one class before the attack, of another after it.")
    return draw_moments("Knowledge points before and after the attack", lines, {"attack": shown.layers})


def table(shown: AttackLedger) -> list[dict[str, Any]]:
    """Return the rows behind the figure: per layer one of all images, and one of each class."""
    return ledger_rows({"attack": shown.layers})


def about(shown: AttackLedger) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"attack": shown.attack, "intervals": "over images"}


FIGURE = StudyFigure(
    "ledger_attack",
    data,
    draw,
    table,
    about,
    (
        reads(AttackResult, "attacked", "norm", "layers"),
        ATTACK_ANALYSIS,
        LABELS,
        SAMPLE,
        reads(KnowledgeResult, "tau", "mask", checkpoint="last", layer="all"),
    ),
    (reads(EvidenceResult, "bits", "evidence", checkpoint="last", layer="all"),),
    weight=1.0,
)
