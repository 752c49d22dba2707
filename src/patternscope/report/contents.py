"""The contents of a study's report: its results, and the paired differences between its layers and checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor

from patternscope.knowledge.attack_analysis import orientation_change
from patternscope.knowledge.bootstrap import bootstrap_count_differences, bootstrap_mean
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.noise import Noise, with_noise
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.emergence import EmergenceResult, Emerges, LayerHistory
from patternscope.results.faithfulness import FaithfulnessResult
from patternscope.results.fits import SampleResult
from patternscope.results.formatting import share_of_regions
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import CountDifferences, KnowledgeResult, PlainCounts
from patternscope.results.networks import DistillationResult, LayerComparison, StudentAnalysisResult
from patternscope.results.noise import (
    NOTHING_MEASURED,
    MeasuredNoise,
    Place,
    knowledge_of,
    measured_noise,
    with_measured_noise,
)
from patternscope.results.study import StudyResults
from patternscope.results.summary import CheckpointSummary, SummaryResult
from patternscope.results.training import TrainingResult
from patternscope.workflow.cache_keys import unit_seed


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
        layers: their knowledge points; counts are over networks too where there are several.
        steps: from each layer to the next deeper one.
        lead: from the layer with the second most reliable points to that with the most; None for one layer.
        spread: standard deviations of a layer's counts over draws of the neighbours, which the intervals of the
            differences include; None where they were not measured.
        when: the last checkpoint's title, None where it is the only one. grids: of the layers.
    """

    layers: Mapping[str, KnowledgeResult]
    steps: tuple[Step, ...]
    lead: Step | None
    spread: PlainCounts | None = None
    when: str | None = None
    grids: tuple[tuple[int, int], ...] = ()

    @property
    def best(self) -> tuple[str, KnowledgeResult]:
        """The layer with the most reliable points."""
        name = ranked(self.layers)[-1]
        return name, self.layers[name]


def ranked(layers: Mapping[str, KnowledgeResult]) -> list[str]:
    """Return layers sorted by the share of their regions that are reliable points, the largest last; ties by depth.

    If all layers have the same number of regions, this is the order of their reliable points.
    """
    shares = {name: share_of_regions(known.counts.reliable, known.mask.shape[1]) for name, known in layers.items()}
    return sorted(layers, key=lambda name: shares[name] or 0.0)


def differing_regions(layers: Mapping[str, KnowledgeResult]) -> dict[str, int]:
    """Return the number of regions of each layer; empty if all have the same."""
    regions = {name: known.mask.shape[1] for name, known in layers.items()}
    return regions if len(set(regions.values())) > 1 else {}


@dataclass(frozen=True)
class Training:
    """The checkpoints, two at least, in order of training; layers shallow to deep, their steps by name.

    `emerges` names the criterion by which images emerge; None stands for points.
    """

    checkpoints: tuple[CheckpointSummary, ...]
    layers: tuple[LayerHistory, ...]
    steps: Mapping[str, tuple[Step, ...]]
    emerges: Emerges | None = None


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
    """The held-out accuracy of a teacher and its students, and the students' layers compared with the teacher's."""

    teacher_accuracy: float
    accuracy: Mapping[str, float]
    layers: Mapping[str, tuple[LayerComparison, ...]]


@dataclass(frozen=True)
class Setup:
    """The settings of a study that its results do not contain.

    Attributes:
        architecture: of the network. images: what the images are called.
        samples_per_class: as requested. resamples: draws of the images for each interval.
    """

    architecture: str
    images: str
    samples_per_class: int
    resamples: int


@dataclass(frozen=True)
class Contents:
    """The contents of a study's report; parts that the study does not have are None or empty.

    `results` is everything, for parts that need more. `sample` and `trained` are of the last checkpoint,
    `faithfulness` has the layers of a deletion test by name. `noise` is the measured noise, apart from the choice of
    images.
    """

    results: StudyResults
    setup: Setup
    images: ImagesResult
    sample: SampleResult
    trained: TrainingResult
    depth: Depth
    training: Training | None
    faithfulness: Mapping[str, FaithfulnessResult]
    attack: Attack | None
    students: Students | None
    noise: MeasuredNoise = NOTHING_MEASURED


class _Draws(NamedTuple):
    """The number of resamples of the images, their seed, and the other noise that was measured."""

    resamples: int
    seed: int
    noise: MeasuredNoise


def read_contents(results: StudyResults, setup: Setup) -> Contents:
    """Return the contents of a study's report.

    InputError when a file is missing or damaged. Cost: `setup.resamples` draws of the images for each layer and
    checkpoint.
    """
    draws = _Draws(setup.resamples, unit_seed(results.seed, "report"), measured_noise(results))
    faithfulness = results.layers(FaithfulnessResult)
    return Contents(
        results=results,
        setup=setup,
        images=results.images,
        sample=results.sample(),
        trained=results.training(),
        depth=_depth(results, draws),
        training=_training(results, draws) if len(results.checkpoints()) > 1 else None,
        faithfulness={layer: results.load(FaithfulnessResult, layer=layer) for layer in faithfulness},
        attack=_attack(results, draws) if results.has(AttackAnalysisResult) else None,
        students=_students(results, draws.noise) if results.students else None,
        noise=draws.noise,
    )


def _steps(
    names: Sequence[str], points: Sequence[KnowledgePoints], places: Sequence[Place], draws: _Draws
) -> tuple[Step, ...]:
    """From each of some layers or checkpoints to the next."""
    return tuple(
        Step(*ends, _difference(*pair, *where, draws))
        for ends, pair, where in zip(pairwise(names), pairwise(points), pairwise(places), strict=True)
    )


def _difference(
    first: KnowledgePoints, second: KnowledgePoints, start: Place, end: Place, draws: _Draws
) -> CountDifferences:
    """The second counts minus the first, with all noise that was measured."""
    intervals = bootstrap_count_differences(first, second, resamples=draws.resamples, seed=draws.seed)
    return CountDifferences.of(draws.noise.widen(intervals, start, end))


def _depth(results: StudyResults, draws: _Draws) -> Depth:
    """The layers at the last checkpoint."""
    layers = {layer: knowledge_of(results, layer) for layer in results.layers()}
    points = {layer: known.points for layer, known in layers.items()}
    best = ranked(layers)[-2:]
    grids = tuple(results.region(layer).grid for layer in layers)
    lead = _steps(best, [points[layer] for layer in best], [(layer, None) for layer in best], draws)
    steps = _steps(list(layers), list(points.values()), [(layer, None) for layer in layers], draws)
    return Depth(layers, steps, lead[0] if lead else None, draws.noise.draws, results.training().title_of_last, grids)


def _training(results: StudyResults, draws: _Draws) -> Training:
    """The checkpoints."""
    emergence = results.load(EmergenceResult)
    names = [checkpoint.name for checkpoint in emergence.checkpoints]
    numbers = [checkpoint.checkpoint for checkpoint in emergence.checkpoints]
    steps = {
        layer: _steps(
            names,
            [results.knowledge(layer, number).points for number in numbers],
            [(layer, number) for number in numbers],
            draws,
        )
        for layer in results.layers()
    }
    layers = tuple(replace(layer, growth=_with_draws(layer.growth, draws.noise)) for layer in emergence.layers)
    return Training(results.load(SummaryResult).checkpoints, layers, steps, emergence.emerges)


def _with_draws(growth: CountDifferences, noise: MeasuredNoise) -> CountDifferences:
    """Growth, whose intervals include images and networks, with the noise of draws added."""
    names = vars(growth)
    return CountDifferences.of(
        {name: with_noise(names[name], Noise(getattr(noise.draws, name, None))) for name in names}
    )


def _attack(results: StudyResults, draws: _Draws) -> Attack:
    """The attack, and how much more regions of the last layer turn than those of the first."""
    attack = results.load(AttackResult)
    names = results.layers(AttackAnalysisResult)
    layers = {layer: results.load(AttackAnalysisResult, layer=layer) for layer in names}
    if len(names) == 1:
        return Attack(attack, layers, None)
    more = _orientation_change(attack, names[-1]) - _orientation_change(attack, names[0])
    return Attack(attack, layers, bootstrap_mean(more, resamples=draws.resamples, seed=draws.seed))


def _orientation_change(attack: AttackResult, layer: str) -> Tensor:
    """The mean turn of the regions of each attacked image (m,)."""
    embedding = attack.layers[layer].embedding
    return orientation_change(embedding[0, attack.attacked], embedding[-1, attack.attacked]).nanmean(dim=1)


def _students(results: StudyResults, noise: MeasuredNoise) -> Students:
    """The students and their teacher, from the results of the distillation."""
    trained = {name: results.load(DistillationResult, variant=name) for name in results.students}
    analyses = {name: results.load(StudentAnalysisResult, variant=name) for name in results.students}
    return Students(
        next(iter(trained.values())).teacher_accuracy,
        {name: student.accuracy for name, student in trained.items()},
        {
            name: tuple(with_measured_noise(layer, noise) for layer in analysis.comparisons)
            for name, analysis in analyses.items()
        },
    )
