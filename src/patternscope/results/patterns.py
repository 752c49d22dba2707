"""Results of the stage patterns: the patterns of each class in a layer, with their regions."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.results.emergence import CheckpointName
from patternscope.results.json_csv import write_rows
from patternscope.results.record_codec import flat_interval
from patternscope.results.result import Result, arrays, record


@dataclass(frozen=True)
class SharedClass:
    """Another class that has a pattern: the share of its reliable regions that are like it."""

    name: str = field(metadata={"key": "class"})
    share: Interval


@dataclass(frozen=True)
class LayerPattern:
    """A pattern of a class in a layer at the last checkpoint.

    Attributes:
        class_name: its class. number: from 1 on, that with most of the class's evidence first. name: the user's.
        regions, images: the number of its regions, and of images with them.
        share: of the evidence of the class's reliable regions.
        stability: Jaccard index with the same pattern by other halves of the images, in [0, 1]; 1 for a single pattern.
        chance: the same for as many random regions. within: squared distances within the class's clusters as a
            share of those in points without clusters; None for a single pattern.
        specific: of the regions of unseen images that are like it, the share in images of the class; prior: of any.
        refits: mean share of the layer's refits in which its regions are points of the class, in [0, 1]; None if not
            measured. networks: the same for several networks, None for one.
        presence: share of its regions that are reliable at each checkpoint, in [0, 1].
        appears, stays: the first checkpoint at which at least half of them are, and the one from which they stay so;
            None without one.
        shared: other classes that have it, the largest share first. background: share of regions like it outside any
            class.
    """

    class_name: str = field(metadata={"key": "class"})
    number: int
    name: str | None = field(metadata={"omit_none": True})
    regions: int
    images: int
    share: Interval
    stability: float
    chance: float
    within: float | None
    specific: Interval
    prior: float
    refits: float | None
    networks: float | None = field(metadata={"omit_none": True})
    presence: tuple[float, ...]
    appears: CheckpointName | None
    stays: CheckpointName | None
    shared: tuple[SharedClass, ...]
    background: float

    @property
    def title(self) -> str:
        """The name that the user gave it, or its class and number."""
        return self.name or f"{self.class_name} {self.number}"


class PatternsResult(Result):
    """The patterns of all classes in a layer at the last checkpoint, classes in order.

    Attributes:
        pattern, sample, region: index in `patterns`, image and position of each region of a pattern (m,) int64; regions
            of a pattern are consecutive, the most typical first.
        patterns: the measurements of each.
        checkpoints: in the order of training. grid: (h, w) of the regions.
        field: height and width in pixels of the layer's effective receptive field, None if it is unknown.
        unknown_names: names given to regions that no pattern has.
    """

    STAGE = "patterns"
    AXES = ("layer",)
    PART = "patterns"

    pattern: Tensor = arrays("patterns")
    sample: Tensor = arrays("patterns")
    region: Tensor = arrays("patterns")
    patterns: tuple[LayerPattern, ...] = record("patterns")
    checkpoints: tuple[CheckpointName, ...] = record("patterns")
    grid: tuple[int, int] = record("patterns")
    field: tuple[float, float] | None = record("patterns")
    unknown_names: tuple[str, ...] = record("patterns")

    def of_class(self, name: str) -> list[int]:
        """Return the indices of a class's patterns, the one with the most evidence first."""
        return [place for place, pattern in enumerate(self.patterns) if pattern.class_name == name]

    def members(self, place: int) -> tuple[Tensor, Tensor]:
        """Return images and positions of a pattern's regions, the most typical first."""
        own = self.pattern == place
        return self.sample[own], self.region[own]

    def owners(self, images: int, regions: int) -> Tensor:
        """Return the index of the pattern that each region of n images belongs to, -1 without one, (n, r) int64."""
        places = torch.full((images, regions), -1)
        places[self.sample, self.region] = self.pattern
        return places

    def typical(self, place: int, count: int) -> tuple[Tensor, Tensor]:
        """Return up to `count` of its most typical regions, one per image before a second of any."""
        samples, regions = self.members(place)
        seen: dict[int, int] = {}
        rounds = []
        for sample in samples.tolist():
            rounds.append(seen.get(sample, 0))
            seen[sample] = rounds[-1] + 1
        chosen = torch.tensor(rounds).argsort(stable=True)[:count]
        return samples[chosen], regions[chosen]

    def save(self, folder: Path) -> None:
        """Write the result, and a row for each pattern into patterns.csv."""
        super().save(folder)
        write_rows(folder / "patterns.csv", self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each pattern."""
        return [self._row(place, pattern) for place, pattern in enumerate(self.patterns)]

    def _row(self, place: int, pattern: LayerPattern) -> dict[str, Any]:
        samples, regions = self.members(place)
        return {
            "class": pattern.class_name,
            "pattern": pattern.number,
            "name": pattern.name,
            "regions": pattern.regions,
            "images": pattern.images,
            **flat_interval("share", pattern.share),
            "stability": pattern.stability,
            "stability_chance": pattern.chance,
            "within": pattern.within,
            **flat_interval("specific", pattern.specific),
            "specific_chance": pattern.prior,
            "refits": pattern.refits,
            "networks": pattern.networks,
            "appears": pattern.appears and pattern.appears.name,
            "stays": pattern.stays and pattern.stays.name,
            "shared": "; ".join(f"{other.name} {other.share.value:.2f}" for other in pattern.shared),
            "sample": int(samples[0]),
            "row": int(regions[0]) // self.grid[1],
            "column": int(regions[0]) % self.grid[1],
        }
