"""Results of the stage summary: the numbers of a study, a row per checkpoint and a row per layer of each."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from patternscope.knowledge.intervals import Interval
from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import SampleResult
from patternscope.results.json_csv import write_rows
from patternscope.results.knowledge import Counts, KnowledgeResult, Rule
from patternscope.results.record_codec import encode
from patternscope.results.replicates import NetworksResult
from patternscope.results.result import Result, record
from patternscope.results.training import TrainingResult


@dataclass(frozen=True)
class CheckpointSummary:
    """The numbers of a checkpoint as a whole; the alignment with the previous embedding is None for the first."""

    checkpoint: int
    name: str
    step: int | None
    held_out_accuracy: float | None
    held_out_images: int
    agreement: float
    correlation: float | None
    alignment_residual: float | None
    alignment_angle: float | None
    alignment_orientation_angle: float | None

    @classmethod
    def of(cls, trained: TrainingResult, sample: SampleResult) -> Self:
        """Return the summary of a checkpoint from its training and its sample embedding."""
        at = sample.alignment
        turns = (None, None, None) if at is None else (at.residual, at.angle_degrees, at.orientation_angle_degrees)
        return cls(
            trained.checkpoint,
            trained.name,
            trained.step,
            trained.held_out_accuracy,
            trained.held_out_images,
            sample.agreement,
            sample.correlation,
            *turns,
        )


@dataclass(frozen=True)
class PaperCounts:
    """Counts by the rule of the paper (Sec. 3.4), next to those that a study shows."""

    paper_total: Interval
    paper_reliable: Interval
    paper_ratio: Interval


@dataclass(frozen=True)
class LayerSummary:
    """The numbers of a layer at a checkpoint, from its `KnowledgeResult` and `EvidenceResult`.

    `fitted`: the number of `images` that maps are fitted to, None for all.
    """

    checkpoint: int
    layer: str
    images: int
    tau: float
    unit_strength: float | None
    kappa_max: float
    counts: Counts = field(metadata={"inline": True})
    on_object: float | None
    object_area: float | None
    rule: Rule | None = field(default=None, metadata={"omit_none": True})
    shared: float | None = field(default=None, metadata={"omit_none": True})
    evidence: Interval | None = None
    readable: Interval | None = None
    calibration_error: float | None = field(default=None, metadata={"omit_none": True})
    paper: PaperCounts | None = field(default=None, metadata={"inline": True})
    networks: int | None = field(default=None, metadata={"omit_none": True})
    consensus: float | None = field(default=None, metadata={"omit_none": True})
    fitted: int | None = field(default=None, metadata={"omit_none": True})

    @classmethod
    def of(cls, checkpoint: int, layer: str, known: KnowledgeResult, told: EvidenceResult | None = None) -> Self:
        """Return the summary of a layer from its knowledge points and its evidence."""
        judged = (
            {}
            if told is None
            else {
                "evidence": told.evidence,
                "readable": told.readable,
                "calibration_error": told.calibration_error,
                "paper": PaperCounts(told.paper.total, told.paper.reliable, told.paper.ratio),
            }
        )
        return cls(
            checkpoint,
            layer,
            known.images,
            known.tau,
            known.unit_strength,
            known.kappa_max,
            known.counts,
            known.on_object,
            known.object_area,
            known.rule,
            known.shared,
            **judged,
        )

    def over_networks(self, several: NetworksResult | None) -> Self:
        """Return the row with the number of networks that its numbers are over, and what these share."""
        if several is None:
            return self
        return replace(self, networks=len(several.networks), consensus=several.consensus)


class SummaryResult(Result):
    """The numbers of a study; written as tables too: summary.csv (layers) and checkpoints.csv."""

    STAGE = "summary"

    checkpoints: tuple[CheckpointSummary, ...] = record("summary")
    layers: tuple[LayerSummary, ...] = record("summary")

    def save(self, folder: Path) -> None:
        """Write summary.json, summary.csv and checkpoints.csv."""
        super().save(folder)
        write_rows(folder / "checkpoints.csv", encode(self.checkpoints))
        write_rows(folder / "summary.csv", encode(self.layers))

    def layer(self, name: str, checkpoint: int | None = None) -> LayerSummary:
        """Return a layer at a checkpoint, by default the last."""
        wanted = self.checkpoints[-1].checkpoint if checkpoint is None else checkpoint
        return next(row for row in self.layers if (row.checkpoint, row.layer) == (wanted, name))
