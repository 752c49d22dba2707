"""Figure: the teacher's knowledge points that each student has, and the student's own."""

from dataclasses import dataclass
from typing import Any

from patternscope.errors import InputError
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.moments import draw_moments
from patternscope.figures.drawing.needs import LABELS
from patternscope.results.evidence import EvidenceResult
from patternscope.results.formatting import percent
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws, LayerLedger, ledger_rows
from patternscope.results.networks import STUDENTS, StudentAnalysisResult
from patternscope.results.result import reads
from patternscope.results.study_ledger import student_ledger


@dataclass(frozen=True)
class StudentLedgers:
    """By student, the ledger of each layer from its teacher to it."""

    students: dict[str, tuple[LayerLedger, ...]]


def data(results: StudyResults) -> StudentLedgers:
    """Return what the figure shows: all students, in the layers whose grid is the teacher's."""
    draws = Draws(seed=results.drawing_seed("ledger"))
    return StudentLedgers({name: student_ledger(results, name, draws) for name in results.students})


def draw(shown: StudentLedgers) -> Figure:
    """Return the figure: a row per student, a panel of flows per layer; InputError without a layer of equal grid."""
    ledgers = [ledger for several in shown.students.values() for ledger in several]
    if not ledgers:
        raise InputError("ledger_students: expected a layer whose grid is the teacher's, got none; set network.grid")
    lines = [f"Points per image, mean over {ledgers[0].images} images. Kept: a point of the same class in both."]
    shares = {ledger.layer: ledger.refit_share for ledger in ledgers}
    known = [f"{percent(share.value)} in {name}" for name, share in shares.items() if share and share.value is not None]
    lines += [f"A refit of the teacher itself keeps {', '.join(known)}."] if known else []
    return draw_moments("Knowledge points of the teacher and of its students", lines, shown.students)


def table(shown: StudentLedgers) -> list[dict[str, Any]]:
    """Return the rows behind the figure: per student and layer one of all images, and one of each class."""
    return ledger_rows(shown.students)


def about(shown: StudentLedgers) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"students": list(shown.students), "intervals": "over images"}


FIGURE = StudyFigure(
    "ledger_students",
    data,
    draw,
    table,
    about,
    tuple(reads(StudentAnalysisResult, variant=student, layer="all") for student in STUDENTS),
    (
        LABELS,
        reads(KnowledgeResult, "mask", checkpoint="last", layer="all"),
        reads(EvidenceResult, "bits", checkpoint="last", layer="all"),
    ),
    weight=1.0,
)
