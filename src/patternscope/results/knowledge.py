"""Results of the stages knowledge and spread: the knowledge points of a layer, counted, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.results.result import Result, arrays, record

Rule = Literal["calibrated", "paper"]


@dataclass(frozen=True)
class Counts:
    """Knowledge points per image and the ratio reliable / total, each with its interval over images."""

    total: Interval
    reliable: Interval
    unreliable: Interval
    ratio: Interval

    @classmethod
    def of(cls, intervals: Mapping[str, Interval]) -> Self:
        """Return the counts from a mapping by name, as returned by `bootstrap_counts`."""
        return cls(**intervals)


@dataclass(frozen=True)
class CountDifferences:
    """The differences of points per image and of their ratio."""

    total: Interval
    reliable: Interval
    ratio: Interval

    @classmethod
    def of(cls, intervals: Mapping[str, Interval]) -> Self:
        """Return the differences from a mapping by name, as returned by `bootstrap_count_differences`."""
        return cls(**intervals)


@dataclass(frozen=True)
class ClassCounts:
    """Counts over the images of one class."""

    name: str = field(metadata={"key": "class"})
    counts: Counts = field(metadata={"inline": True})


@dataclass(frozen=True)
class ThresholdCounts:
    """Counts at one threshold of the sweep."""

    tau: float
    counts: Counts = field(metadata={"inline": True})


class KnowledgeResult(Result):
    """The knowledge points of a layer at a checkpoint.

    Attributes:
        mask, reliable: (n, r) bool. category: (n, r) int64, the class of highest probability.
        confidence: (n, r), that probability. strength: (n, r) in units of `unit_strength`.
        stability: (n, r) in [0, 1], share of refits in which the region is a point of the same class; None in studies
            of earlier versions.
        rule: "calibrated", or "paper" for the count of Sec. 3.4, which studies of earlier versions have (None).
        shared: share of points that maps of different images have in common, in [0, 1]; None without points.
        images: n. tau: the threshold. kappa_max: largest concentration.
        unit_strength: mean strength of the layer at the last checkpoint; None for a layer without any.
        counts: of all images. classes: of the images of each class. sweep: at other thresholds.
        on_object: share of the reliable points on the object; object_area: the share of the picture that it covers;
            None without masks.
    """

    STAGE = "knowledge"
    AXES = ("checkpoint", "layer")

    mask: Tensor = arrays("knowledge")
    reliable: Tensor = arrays("knowledge")
    category: Tensor = arrays("knowledge")
    confidence: Tensor = arrays("knowledge")
    strength: Tensor = arrays("knowledge")
    stability: Tensor | None = arrays("knowledge")
    rule: Rule | None = record("knowledge", omit_none=True)
    shared: float | None = record("knowledge", omit_none=True)
    images: int = record("knowledge")
    tau: float = record("knowledge")
    unit_strength: float | None = record("knowledge")
    kappa_max: float = record("knowledge")
    counts: Counts = record("knowledge", inline=True)
    classes: tuple[ClassCounts, ...] = record("knowledge")
    sweep: tuple[ThresholdCounts, ...] = record("knowledge")
    on_object: float | None = record("knowledge")
    object_area: float | None = record("knowledge")

    @property
    def points(self) -> KnowledgePoints:
        """The knowledge points as `find_knowledge_points` returned them."""
        return KnowledgePoints(self.mask, self.reliable, self.category, self.confidence, self.strength)


@dataclass(frozen=True)
class PlainCounts:
    """Counts and evidence of one fit, without intervals; the ratio is None without points."""

    total: float | None
    reliable: float | None
    ratio: float | None
    evidence: float | None = field(default=None, metadata={"omit_none": True})


class SpreadResult(Result):
    """Counts of a layer under several draws of neighbours, the study's own first, and their standard deviations."""

    STAGE = "spread"
    AXES = ("layer",)
    PART = "spread"

    draws: tuple[PlainCounts, ...] = record("spread")
    spread: PlainCounts = record("spread")
