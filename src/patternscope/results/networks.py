"""Results of comparisons of networks on the same images: a teacher and its students, or two studies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.temperatures import Temperatures
from patternscope.results.evidence import stored_temperatures
from patternscope.results.json_csv import write_rows
from patternscope.results.knowledge import CountDifferences, Counts
from patternscope.results.record_codec import encode
from patternscope.results.result import Result, arrays, layer_arrays, record

Maps = Literal["own", "first"]
COMPARISON_FILE = "compare.json"
STUDENTS = ("logits", "features")


@dataclass(frozen=True)
class ShareHistogram:
    """Share of regions in each bin, with intervals: edges (b + 1,), share, low and high (b,)."""

    edges: list[float]
    share: list[float | None]
    low: list[float | None]
    high: list[float | None]


@dataclass(frozen=True)
class RegionDifferences:
    """The differences of the regions of a layer between two networks, means over regions with intervals over images.

    shared: share of the first's reliable points that the second has at the same position. turn: 1 - cos, in [0, 2];
    turn_at_points: over the first's knowledge points. strength: second minus first; strength_apart: absolute.
    """

    shared: Interval
    turn: Interval
    turn_at_points: Interval
    strength: Interval
    strength_apart: Interval
    turn_histogram: ShareHistogram
    strength_histogram: ShareHistogram


@dataclass(frozen=True)
class LayerCounts:
    """Counts of a layer, and the unit of its strengths."""

    counts: Counts = field(metadata={"inline": True})
    unit_strength: float


@dataclass(frozen=True)
class EvidenceDifference:
    """Evidence of a layer in two networks, bits per region, and second minus first on the same images."""

    first: Interval
    second: Interval
    difference: Interval


@dataclass(frozen=True)
class LayerComparison:
    """A layer of a second network compared with one of a first.

    maps: whose maps embed the second, the first's or its own. channel_agreement: mean correlation of the channels, None
    if it could not be measured. grid: of the second. difference, regions: None if the grids differ. evidence: None by
    the rule of the paper.
    """

    layer: str
    second_layer: str
    maps: Maps
    channel_agreement: float | None
    grid: tuple[int, int]
    second: LayerCounts = field(metadata={"inline": True})
    first: LayerCounts
    same_grid: bool
    difference: CountDifferences | None = field(metadata={"omit_none": True})
    evidence: EvidenceDifference | None = field(metadata={"omit_none": True})
    regions: RegionDifferences | None = field(metadata={"inline": True})


@dataclass(frozen=True)
class ComparedLayer:
    """A layer of the second network in the first's frame: embedding h (n, r, e) and its knowledge points (n, r).

    bits: evidence of each region (n, r). temperature, strong_temperature, middle_strength: as `EvidenceResult` (n,).
    None by the rule of the paper and, the last two as well, in studies of earlier versions.
    """

    embedding: Tensor
    mask: Tensor
    reliable: Tensor
    category: Tensor
    confidence: Tensor
    strength: Tensor
    bits: Tensor | None = None
    temperature: Tensor | None = None
    strong_temperature: Tensor | None = None
    middle_strength: Tensor | None = None

    @property
    def temperatures(self) -> Temperatures | None:
        """The temperature of each region, None if points are not calibrated."""
        if self.temperature is None:
            return None
        return stored_temperatures(self.temperature, self.strong_temperature, self.middle_strength)

    @property
    def points(self) -> KnowledgePoints:
        """The knowledge points as `find_knowledge_points` returned them."""
        return KnowledgePoints(self.mask, self.reliable, self.category, self.confidence, self.strength)


class DistillationResult(Result):
    """A student of the study's network; its units are distillation/logits and distillation/features.

    student: what it learnt from. weight: of the teacher's output in the loss. temperature: of a student of the logits;
    student_layer, teacher_layer: of a student of features. accuracy, teacher_accuracy: on the held-out images.
    agreement: share on which both predict the same class. losses: of each training step.
    """

    STAGE = "distillation"
    PART = "distillation"
    VARIANTS = STUDENTS

    student: str = record("distillation")
    architecture: str = record("distillation")
    weight: float = record("distillation")
    temperature: float | None = record("distillation", omit_none=True)
    student_layer: str | None = record("distillation", omit_none=True)
    teacher_layer: str | None = record("distillation", omit_none=True)
    accuracy: float = record("distillation")
    teacher_accuracy: float = record("distillation")
    agreement: float = record("distillation")
    held_out_images: int = record("distillation")
    losses: list[float] = record("distillation")


@dataclass(frozen=True)
class StudentSample:
    """How a student's sample embedding was made, its agreement with the student and its correlation."""

    maps: Maps
    channel_agreement: float | None
    agreement: float
    correlation: float | None


class StudentAnalysisResult(Result):
    """A student's evidence on the samples, compared with its teacher's.

    Its units are student_analysis/logits and student_analysis/features.

    embedding (n, e), mean_directions (c, e): in the teacher's frame. target_probs, logits: (n, c).
    agreement: share of samples for which student and teacher predict the same class.
    """

    STAGE = "student_analysis"
    PART = "distillation"
    VARIANTS = STUDENTS

    embedding: Tensor = arrays("sample")
    mean_directions: Tensor = arrays("sample")
    target_probs: Tensor = arrays("sample")
    logits: Tensor = arrays("sample")
    student: str = record("student_analysis")
    images: int = record("student_analysis")
    tau: float = record("student_analysis")
    agreement: float = record("student_analysis")
    sample: StudentSample = record("student_analysis")
    comparisons: tuple[LayerComparison, ...] = record("student_analysis", key="layers")
    layers: Mapping[str, ComparedLayer] = layer_arrays(ComparedLayer)


@dataclass(frozen=True)
class ComparedStudy:
    """The identity of one of two compared studies."""

    name: str
    architecture: str
    checkpoint: str
    held_out_accuracy: float | None
    layers: tuple[str, ...]


@dataclass(frozen=True)
class FrameAlignment:
    """The alignment of the second's sample embedding with the first's, and whether it had to be mirrored."""

    residual: float
    mirrored: bool


class ComparisonResult(Result):
    """Two studies of the same images at their last checkpoints, the second in the first's frame.

    embedding (n, e), mean_directions (c, e), logits, target_probs (n, c): of the second.
    agreement: share of images for which both networks predict the same class.
    noise: what the intervals of the differences include, in words; None in comparisons of earlier versions, which
    include only the choice of images.
    """

    STAGE = "comparison"

    embedding: Tensor = arrays("sample")
    mean_directions: Tensor = arrays("sample")
    logits: Tensor = arrays("sample")
    target_probs: Tensor = arrays("sample")
    schema_version: int = record("compare")
    first: ComparedStudy = record("compare")
    second: ComparedStudy = record("compare")
    images: int = record("compare")
    tau: float = record("compare")
    agreement: float = record("compare")
    alignment: FrameAlignment = record("compare")
    comparisons: tuple[LayerComparison, ...] = record("compare", key="layers")
    layers: Mapping[str, ComparedLayer] = layer_arrays(ComparedLayer)
    noise: tuple[str, ...] | None = record("compare", omit_none=True)

    def save(self, folder: Path) -> None:
        """Write the result, and its numbers as rows of compare.csv."""
        super().save(folder)
        write_rows(folder / "compare.csv", [_row(comparison) for comparison in self.comparisons])


def _row(comparison: LayerComparison) -> dict[str, Any]:
    """A layer's numbers as one row; histograms and grids stay in the JSON."""
    row: dict[str, Any] = {}
    for name, value in encode(comparison).items():
        if name in ("first", "difference"):
            row |= {f"{name}_{key}": number for key, number in value.items()}
        elif not isinstance(value, dict | list):
            row[name] = value
    return row
