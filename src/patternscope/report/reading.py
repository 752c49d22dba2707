"""Reading a study: its results, and the paired differences between its layers and its checkpoints."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from torch import Tensor

from patternscope.knowledge.attack_analysis import orientation_change
from patternscope.knowledge.bootstrap import bootstrap_count_differences, bootstrap_mean
from patternscope.knowledge.intervals import with_seed_spread
from patternscope.knowledge.points import KnowledgePoints
from patternscope.report.contents import Attack, Contents, Depth, Step, Students, Training, ranked
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.emergence import EmergenceResult
from patternscope.results.faithfulness import FaithfulnessResult
from patternscope.results.knowledge import CountDifferences, PlainCounts, SpreadResult
from patternscope.results.networks import DistillationResult, StudentAnalysisResult
from patternscope.results.study import StudyResults
from patternscope.results.summary import SummaryResult
from patternscope.workflow.cache_keys import unit_seed


class _Draws(NamedTuple):
    """How many draws of the images, the seed of them, and what draws of the neighbours change."""

    resamples: int
    seed: int
    spread: PlainCounts | None


def read_contents(results: StudyResults, resamples: int) -> Contents:
    """Return what a report says of a study.

    InputError when a file is missing or damaged. Cost: `resamples` draws of the images for each layer and checkpoint.
    """
    draws = _Draws(resamples, unit_seed(results.seed, "report"), _pooled_spread(results))
    faithfulness = results.layers(FaithfulnessResult)
    return Contents(
        images=results.images,
        sample=results.sample(),
        trained=results.training(),
        depth=_depth(results, draws),
        training=_training(results, draws) if len(results.checkpoints()) > 1 else None,
        faithfulness={layer: results.load(FaithfulnessResult, layer=layer) for layer in faithfulness},
        attack=_attack(results, draws) if results.has(AttackAnalysisResult) else None,
        students=_students(results) if results.students else None,
    )


def _steps(names: Sequence[str], points: Sequence[KnowledgePoints], draws: _Draws) -> tuple[Step, ...]:
    """From each of some layers or checkpoints to the next."""
    return tuple(
        Step(*ends, _difference(*pair, draws))
        for ends, pair in zip(pairwise(names), pairwise(points), strict=True)
    )


def _difference(first: KnowledgePoints, second: KnowledgePoints, draws: _Draws) -> CountDifferences:
    """By how much the second counts exceed the first, widened by what a draw of the neighbours changes in each."""
    intervals = bootstrap_count_differences(first, second, resamples=draws.resamples, seed=draws.seed)
    return CountDifferences.of(
        {
            name: with_seed_spread(interval, getattr(draws.spread, name, None) or 0.0)
            for name, interval in intervals.items()
        }
    )


def _pooled_spread(results: StudyResults) -> PlainCounts | None:
    """Standard deviations over draws of the neighbours, pooled over the layers: few draws say little of one layer."""
    layers = results.layers(SpreadResult)
    if not layers:
        return None
    spreads = [results.load(SpreadResult, layer=layer).spread for layer in layers]

    def pooled(values: list[float | None]) -> float | None:
        known = [value**2 for value in values if value is not None]
        return fmean(known) ** 0.5 if known else None

    return PlainCounts(
        pooled([spread.total for spread in spreads]),
        pooled([spread.reliable for spread in spreads]),
        pooled([spread.ratio for spread in spreads]),
    )


def _depth(results: StudyResults, draws: _Draws) -> Depth:
    """The layers at the last checkpoint."""
    layers = {layer: results.knowledge(layer) for layer in results.layers()}
    points = {layer: known.points for layer, known in layers.items()}
    best = ranked(layers)[-2:]
    lead = _steps(best, [points[layer] for layer in best], draws)
    steps = _steps(list(layers), list(points.values()), draws)
    return Depth(layers, steps, lead[0] if lead else None, draws.spread)


def _training(results: StudyResults, draws: _Draws) -> Training:
    """The checkpoints."""
    emergence = results.load(EmergenceResult)
    names = [checkpoint.name for checkpoint in emergence.checkpoints]
    numbers = [checkpoint.checkpoint for checkpoint in emergence.checkpoints]
    steps = {
        layer: _steps(names, [results.knowledge(layer, number).points for number in numbers], draws)
        for layer in results.layers()
    }
    return Training(results.load(SummaryResult).checkpoints, emergence.layers, steps)


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
    """How far the regions of each attacked image turned, on average (m,)."""
    embedding = attack.layers[layer].embedding
    return orientation_change(embedding[0, attack.attacked], embedding[-1, attack.attacked]).nanmean(dim=1)


def _students(results: StudyResults) -> Students:
    """The students, and what distilling them says of their teacher."""
    trained = {name: results.load(DistillationResult, variant=name) for name in results.students}
    analyses = {name: results.load(StudentAnalysisResult, variant=name) for name in results.students}
    return Students(
        next(iter(trained.values())).teacher_accuracy,
        {name: student.accuracy for name, student in trained.items()},
        {name: analysis.comparisons for name, analysis in analyses.items()},
    )
