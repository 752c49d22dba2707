"""Results of the stage emergence: when knowledge points appear over training, per layer, class and image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from patternscope.results.json_csv import write_rows
from patternscope.results.knowledge import CountDifferences, Counts
from patternscope.results.record_codec import encode
from patternscope.results.result import Result, arrays, record


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


@dataclass(frozen=True)
class Appearance:
    """When the images of a class have their points: share that ever have, median and mean checkpoint."""

    name: str = field(metadata={"key": "class"})
    images: int
    share: float
    median_checkpoint: int | None
    median_step: int | None
    mean_checkpoint: float | None


@dataclass(frozen=True)
class LayerHistory:
    """A layer over training: counts of all images and by class, growth, and when classes have their points.

    `growth` is from the first to the last checkpoint. `first` is the first reliable point of an image, `lasting` the
    checkpoint from which it always has one; classes in the order of their appearance.
    """

    layer: str
    ratio_at_end: float | None
    growth: CountDifferences
    counts: tuple[CheckpointCounts, ...]
    classes: tuple[ClassHistory, ...]
    first: tuple[Appearance, ...]
    lasting: tuple[Appearance, ...]


class EmergenceResult(Result):
    """Knowledge points over training.

    Attributes:
        images: their number. tau: the threshold. checkpoints: in the order of training. layers: shallow to deep.
        first, lasting: by layer (n,) int64, the checkpoint of an image's first reliable point and the one from which
            it always has one. region_first: by layer (n, r), the same of each region. -1 is never.
        networks: that counts of all images and growth are over, None for the study's own alone.
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

    def save(self, folder: Path) -> None:
        """Write the result, and its counts as rows of emergence.csv."""
        super().save(folder)
        write_rows(folder / "emergence.csv", self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per layer, class and checkpoint; no class is all images."""
        return [
            {"layer": layer.layer, "class": name, **encode(counts)}
            for layer in self.layers
            for name, history in [(None, layer.counts), *[(own.name, own.counts) for own in layer.classes]]
            for counts in history
        ]
