"""What the sentences of a report are made from: findings of a study as plain records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patternscope.figures.compared import Compared
from patternscope.knowledge import Interval

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """How numbers change from one layer or checkpoint to another, on the same images, with intervals."""

    start: str
    end: str
    numbers: Mapping[str, Interval]


@dataclass(frozen=True)
class Depth:
    """The layers at the last checkpoint, shallow to deep.

    Attributes:
        layers: the records of the stage knowledge, with "layer" and the number of its "regions".
        steps: from each layer to the next deeper one: "total", "reliable", "ratio".
        lead: from the layer with the second most reliable points to that with the most; None for one layer.
        spread: what another draw of the neighbours changes in a layer, the standard deviations of "total", "reliable"
            and "ratio", which the differences' intervals then hold as well; empty where it was not measured.
    """

    layers: tuple[Record, ...]
    steps: tuple[Change, ...]
    lead: Change | None
    spread: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """The checkpoints, two at least, in order of training.

    Attributes:
        checkpoints: rows of the stage summary.
        layers: the records of the stage emergence, shallow to deep.
        steps: for each layer, from each checkpoint to the next: "total", "reliable", "ratio".
    """

    checkpoints: tuple[Record, ...]
    layers: tuple[Record, ...]
    steps: Mapping[str, tuple[Change, ...]]


@dataclass(frozen=True)
class Attack:
    """An attack: its own record, those of the layers with "layer", shallow to deep, and first to last layer.

    `apart` has "orientation_change"; None for one layer.
    """

    about: Record
    layers: tuple[Record, ...]
    apart: Change | None


@dataclass(frozen=True)
class Contents:
    """All that a report says of a study; parts that the study has not are None.

    `images` is images.json, for which `samples_per_class` were asked. `sample` is the record of the sample
    embedding at the last checkpoint, `faithfulness` has the records of a deletion test's layers, with
    "layer", shallow to deep; none without a test.
    """

    classes: tuple[str, ...]
    images: Record
    samples_per_class: int
    sample: Record
    trained: Record
    depth: Depth
    training: Training | None
    faithfulness: tuple[Record, ...]
    attack: Attack | None
    students: Compared | None
    resamples: int
