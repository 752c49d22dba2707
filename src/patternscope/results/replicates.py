"""Results of the stage networks: what several networks, trained alike, have in common, and how much they differ."""

from dataclasses import dataclass, field

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.results.evidence import ClassEvidence
from patternscope.results.knowledge import ClassCounts, Counts, PlainCounts, ThresholdCounts
from patternscope.results.result import Result, arrays, record


@dataclass(frozen=True)
class NetworkNumbers:
    """One of the networks, with intervals over images.

    Attributes:
        network: 1 for the study's own, 2 and more for the others.
        held_out_accuracy: in [0, 1], None if labels are unknown.
        counts: knowledge points per image. evidence: bits per region.
    """

    network: int
    held_out_accuracy: float | None
    evidence: Interval
    counts: Counts = field(metadata={"inline": True})

    @property
    def plain(self) -> PlainCounts:
        """The numbers without their intervals."""
        counts = self.counts
        return PlainCounts(counts.total.value, counts.reliable.value, counts.ratio.value, self.evidence.value)


class NetworksResult(Result):
    """A layer of several networks at a checkpoint; intervals are over networks and images.

    Attributes:
        counts: knowledge points per image, means over networks. evidence, readable: bits per region, likewise.
        classes, sweep, class_evidence, paper: the same by class, by threshold, and by the rule of the paper.
        calibration_error, shared, on_object: means over networks; None if no network has one.
        spread: standard deviations between networks. networks: each network's own numbers, the study's own first.
        consensus: share of points that all networks have, the same region and class, in [0, 1]; None without points.
        chance: the same if each network has the points of other images.
        stability: share of networks in which a region is a point of the class that the study's own network gives it
            (n, r), in [0, 1].
        images: n.
    """

    STAGE = "networks"
    AXES = ("checkpoint", "layer")
    PART = "replicates"

    stability: Tensor = arrays("networks")
    images: int = record("networks")
    counts: Counts = record("networks", inline=True)
    evidence: Interval = record("networks")
    readable: Interval = record("networks")
    paper: Counts = record("networks")
    classes: tuple[ClassCounts, ...] = record("networks")
    class_evidence: tuple[ClassEvidence, ...] = record("networks")
    sweep: tuple[ThresholdCounts, ...] = record("networks")
    calibration_error: float = record("networks")
    shared: float | None = record("networks")
    on_object: float | None = record("networks")
    spread: PlainCounts = record("networks")
    consensus: float | None = record("networks")
    chance: float | None = record("networks")
    networks: tuple[NetworkNumbers, ...] = record("networks")
