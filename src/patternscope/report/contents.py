"""What the sentences and tables of a report are made from: results of a study, and differences between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from patternscope.knowledge.intervals import Interval
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.emergence import LayerHistory
from patternscope.results.faithfulness import FaithfulnessResult
from patternscope.results.fits import SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import CountDifferences, KnowledgeResult, PlainCounts
from patternscope.results.networks import LayerComparison
from patternscope.results.summary import CheckpointSummary
from patternscope.results.training import TrainingResult


@dataclass(frozen=True)
class Step:
    """How counts change from one layer or checkpoint to another, on the same images."""

    start: str
    end: str
    difference: CountDifferences


@dataclass(frozen=True)
class Depth:
    """The layers at the last checkpoint, by name, shallow to deep.

    Attributes:
        layers: their knowledge points.
        steps: from each layer to the next deeper one.
        lead: from the layer with the second most reliable points to that with the most; None for one layer.
        spread: standard deviations of a layer's counts over draws of the neighbours, which the intervals of the
            differences include; None where they were not measured.
    """

    layers: Mapping[str, KnowledgeResult]
    steps: tuple[Step, ...]
    lead: Step | None
    spread: PlainCounts | None = None

    @property
    def best(self) -> tuple[str, KnowledgeResult]:
        """The layer with the most reliable points."""
        name = ranked(self.layers)[-1]
        return name, self.layers[name]


def ranked(layers: Mapping[str, KnowledgeResult]) -> list[str]:
    """Return layers by their number of reliable points, the most last; of equal ones the deeper is later."""
    return sorted(layers, key=lambda name: layers[name].counts.reliable.value or 0.0)


@dataclass(frozen=True)
class Training:
    """The checkpoints, two at least, in order of training; layers shallow to deep, their steps by name."""

    checkpoints: tuple[CheckpointSummary, ...]
    layers: tuple[LayerHistory, ...]
    steps: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True)
class Attack:
    """An attack, and its layers by name, shallow to deep.

    `difference` is how much more orientations change in the last layer than in the first; None for one layer.
    """

    result: AttackResult
    layers: Mapping[str, AttackAnalysisResult]
    difference: Interval | None


@dataclass(frozen=True)
class Students:
    """A teacher's held-out accuracy, and by student its own and its layers beside the teacher's, shallow to deep."""

    teacher_accuracy: float
    accuracy: Mapping[str, float]
    layers: Mapping[str, tuple[LayerComparison, ...]]


@dataclass(frozen=True)
class Contents:
    """All that a report says of a study; parts that the study does not have are None or empty.

    `sample` and `trained` are of the last checkpoint, `faithfulness` has the layers of a deletion test by name.
    """

    images: ImagesResult
    sample: SampleResult
    trained: TrainingResult
    depth: Depth
    training: Training | None
    faithfulness: Mapping[str, FaithfulnessResult]
    attack: Attack | None
    students: Students | None
