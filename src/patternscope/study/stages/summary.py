"""Stage summary: the numbers of a study in two tables, a row per checkpoint and a row per layer of each."""

from dataclasses import replace

from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.noise import evidence_of, knowledge_of, networks_of
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.results.summary import CheckpointSummary, LayerSummary, SummaryResult
from patternscope.results.training import TrainingResult
from patternscope.study.cost_model import Cost
from patternscope.study.inputs import inputs_of
from patternscope.workflow.stages import Stage, UnitContext


def run_summary(ctx: UnitContext) -> None:
    """Write summary.json, summary.csv (layers) and checkpoints.csv."""
    summarise(inputs_of(ctx)).save(ctx.folder)


def summarise(results: StudyResults) -> SummaryResult:
    """Return the numbers of a study from the results of its checkpoints and layers."""
    checkpoints, fitted = results.checkpoints(TrainingResult), results.images.fitted_rows
    count = None if fitted is None else len(fitted)
    return SummaryResult(
        checkpoints=tuple(CheckpointSummary.of(results.training(c), results.sample(c)) for c in checkpoints),
        layers=tuple(
            replace(
                LayerSummary.of(
                    checkpoint, layer, knowledge_of(results, layer, checkpoint), evidence_of(results, layer, checkpoint)
                ).over_networks(networks_of(results, layer, checkpoint)),
                fitted=count,
            )
            for checkpoint in checkpoints
            for layer in results.layers(KnowledgeResult)
        ),
    )


STAGES = (
    Stage(
        "summary",
        version=4,
        run=run_summary,
        needs=(
            reads(ImagesResult, "fitted"),
            reads(TrainingResult, "name", checkpoint="all"),
            reads(SampleResult, "agreement", checkpoint="all"),
            reads(KnowledgeResult, "counts", checkpoint="all", layer="all"),
            reads(EvidenceResult, "evidence", checkpoint="all", layer="all"),
        ),
        weight=0.1,
        cost=lambda *_: Cost(0.01, 3e4),
    ),
)
