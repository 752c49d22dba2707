"""Results of the stage emergence: when knowledge points appear over training, per layer, class and image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.results.json_csv import write_rows
from patternscope.results.knowledge import CountDifferences, Counts
from patternscope.results.record_codec import encode
from patternscope.results.result import Result, arrays, record

Emerges = Literal["evidence", "points"]


@dataclass(frozen=True)
class CheckpointName:
    """A checkpoint: its number, its name and its training step, None where unknown."""

    checkpoint: int
    name: str
    step: int | None


@dataclass(frozen=True)
class CheckpointCounts:
    """Counts at a checkpoint."""

    at: CheckpointName = field(metadata={"inline": True})
    counts: Counts = field(metadata={"inline": True})


@dataclass(frozen=True)
class ClassHistory:
    """Counts over the images of one class, checkpoint by checkpoint."""

    name: str = field(metadata={"key": "class"})
    counts: tuple[CheckpointCounts, ...]
    evidence: tuple[float | None, ...] | None = field(default=None, metadata={"omit_none": True})


@dataclass(frozen=True)
class Appearance:
    """When the images of a class emerge: share that ever do, median and mean checkpoint."""

    name: str = field(metadata={"key": "class"})
    images: int
    share: float
    median_checkpoint: int | None
    median_step: int | None
    mean_checkpoint: float | None


@dataclass(frozen=True)
class LayerHistory:
    """A layer over training: counts and evidence of all images and by class, growth, and when classes emerge.

    `growth` is from the first to the last checkpoint. `first` is the checkpoint at which an image emerges, `lasting`
    the one from which it stays so; classes in the order of their appearance. `evidence` in bits per region, by
    checkpoint, and `evidence_growth` are None if it was not measured; evidence of classes has no interval.
    """

    layer: str
    ratio_at_end: float | None
    growth: CountDifferences
    counts: tuple[CheckpointCounts, ...]
    classes: tuple[ClassHistory, ...]
    first: tuple[Appearance, ...]
    lasting: tuple[Appearance, ...]
    evidence: tuple[Interval, ...] | None = field(default=None, metadata={"omit_none": True})
    evidence_growth: Interval | None = field(default=None, metadata={"omit_none": True})


class EmergenceResult(Result):
    """Evidence and knowledge points over training.

    Attributes:
        images: their number. tau: the threshold. checkpoints: in the order of training. layers: shallow to deep.
        first, lasting: by layer (n,) int64, the checkpoint at which an image emerges and the one from which it stays
            so. region_first: by layer (n, r), the first reliable point of each region. -1 is never.
        networks: number of networks behind counts of all images and growth, None for only the study's own.
        emerges: with evidence, an image has emerged while the layer has evidence and its own regions tell of its class;
            with points, while it has a reliable knowledge point. Early checkpoints may have few points only because
            strengths are in units of the last one; evidence does not have this problem. None in studies of earlier
            versions: points.
    """

    STAGE = "emergence"

    images: int = record("emergence")
    tau: float = record("emergence")
    checkpoints: tuple[CheckpointName, ...] = record("emergence")
    layers: tuple[LayerHistory, ...] = record("emergence")
    first: Mapping[str, Tensor] = arrays("emergence")
    lasting: Mapping[str, Tensor] = arrays("emergence")
    region_first: Mapping[str, Tensor] = arrays("emergence")
    networks: int | None = record("emergence", omit_none=True)
    emerges: Emerges | None = record("emergence", omit_none=True)

    def save(self, folder: Path) -> None:
        """Write the result, and its counts as rows of emergence.csv."""
        super().save(folder)
        write_rows(folder / "emergence.csv", self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per layer, class and checkpoint; no class is all images."""
        return [
            {"layer": layer.layer, "class": name, **encode(counts), **evidence_cells(evidence, place)}
            for layer in self.layers
            for name, history, evidence in [
                (None, layer.counts, layer.evidence),
                *[(own.name, own.counts, own.evidence) for own in layer.classes],
            ]
            for place, counts in enumerate(history)
        ]


def evidence_cells(evidence: Sequence[Interval | float | None] | None, place: int) -> dict[str, Any]:
    """Return the cells of the evidence at a checkpoint, empty if it was not measured."""
    if evidence is None:
        return {}
    bits = evidence[place]
    known = bits if isinstance(bits, Interval) else Interval(bits, None, None)
    return {"evidence": known.value, "evidence_low": known.low, "evidence_high": known.high}
