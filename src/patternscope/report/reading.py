"""Reading a finished study: its records, and the paired differences between its layers and its checkpoints."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

import torch

from patternscope.figures.compared import student_names, students_of
from patternscope.knowledge import (
    Interval,
    KnowledgePoints,
    bootstrap_count_differences,
    bootstrap_mean,
    orientation_change,
    with_seed_spread,
)
from patternscope.report.contents import Attack, Change, Contents, Depth, Record, Training
from patternscope.results.findings import Findings
from patternscope.settings.study import StudySettings
from patternscope.study.stages.spread import COUNTS
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import layer_folder


class _Draws(NamedTuple):
    """How many draws of the images, the seed of them, and what draws of the neighbours change."""

    resamples: int
    seed: int
    spread: Mapping[str, float]


def read_contents(findings: Findings, settings: StudySettings) -> Contents:
    """Return what a report says of a finished study.

    InputError when a file is missing or damaged. Cost: `knowledge.bootstrap` draws of the images for each
    layer and checkpoint.
    """
    resamples = settings.knowledge.bootstrap
    draws = _Draws(resamples, unit_seed(findings.seed, "report"), _spread(findings))
    has_attack = bool(findings.layers("adversarial"))
    return Contents(
        classes=tuple(findings.classes),
        images=findings.record("images"),
        samples_per_class=settings.images.samples_per_class,
        sample=findings.record("sample"),
        trained=findings.record("training"),
        depth=_depth(findings, draws),
        training=_training(findings, draws) if len(findings.checkpoints("sample")) > 1 else None,
        faithfulness=_by_layer(findings, "faithfulness"),
        attack=_attack(findings, draws) if has_attack else None,
        students=students_of(findings) if student_names(findings) else None,
        resamples=resamples,
    )


def _by_layer(findings: Findings, stage: str) -> tuple[Record, ...]:
    """The records of a stage's layers, shallow to deep."""
    return tuple({"layer": name, **findings.record(stage, layer=name)} for name in findings.layers(stage))


def _points(findings: Findings, layer: str, checkpoint: int | None = None) -> KnowledgePoints:
    """Knowledge points of a layer at a checkpoint, by default the last."""
    arrays = findings.arrays("knowledge", checkpoint, layer)
    return KnowledgePoints(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def _changes(names: Sequence[str], points: Sequence[KnowledgePoints], draws: _Draws) -> tuple[Change, ...]:
    """From each of some layers or checkpoints to the next, on the same images."""
    return tuple(
        Change(*ends, _differences(*pair, draws))
        for ends, pair in zip(pairwise(names), pairwise(points), strict=True)
    )


def _differences(first: KnowledgePoints, second: KnowledgePoints, draws: _Draws) -> dict[str, Interval]:
    """By how much the second counts exceed the first, widened by what a draw of the neighbours changes in each."""
    found = bootstrap_count_differences(first, second, resamples=draws.resamples, seed=draws.seed)
    return {name: with_seed_spread(each, draws.spread.get(name, 0.0)) for name, each in found.items()}


def _spread(findings: Findings) -> dict[str, float]:
    """Standard deviations over draws of the neighbours, pooled over the layers: few draws say little of one layer."""
    records = [each["spread"] for each in _by_layer(findings, "spread")]
    known = {name: [each[name] for each in records if each[name] is not None] for name in COUNTS}
    return {name: fmean(each**2 for each in found) ** 0.5 for name, found in known.items() if found}


def _depth(findings: Findings, draws: _Draws) -> Depth:
    """The layers at the last checkpoint."""
    names = findings.layers("knowledge")
    points = [_points(findings, name) for name in names]
    layers = tuple(
        {"layer": name, "regions": own.mask.shape[1], **findings.record("knowledge", layer=name)}
        for name, own in zip(names, points, strict=True)
    )
    # The deeper of two equal layers leads.
    order = sorted(range(len(names)), key=lambda place: (layers[place]["reliable"], place))[-2:]
    leading = _changes([names[each] for each in order], [points[each] for each in order], draws)
    return Depth(layers, _changes(names, points, draws), leading[0] if leading else None, draws.spread)


def _training(findings: Findings, draws: _Draws) -> Training:
    """The checkpoints."""
    found = findings.record("emergence")
    numbers = findings.checkpoints("knowledge")
    names = [each["name"] for each in found["checkpoints"]]
    steps = {
        layer: _changes(names, [_points(findings, layer, each) for each in numbers], draws)
        for layer in findings.layers("knowledge")
    }
    summary = findings.record("summary")
    return Training(tuple(summary["checkpoints"]), tuple(found["layers"]), steps)


def _attack(findings: Findings, draws: _Draws) -> Attack:
    """The attack, and how much farther regions of the last layer turn than those of the first."""
    names = findings.layers("adversarial")
    layers = _by_layer(findings, "adversarial")
    attacked = torch.from_numpy(findings.arrays("attack")["attacked"])
    apart = None
    if len(names) > 1:
        first, last = (_turned(findings, name, attacked) for name in (names[0], names[-1]))
        difference = bootstrap_mean(last - first, resamples=draws.resamples, seed=draws.seed)
        apart = Change(names[0], names[-1], {"orientation_change": difference})
    return Attack(findings.record("attack"), layers, apart)


def _turned(findings: Findings, layer: str, attacked: torch.Tensor) -> torch.Tensor:
    """How far the regions of each attacked image turned, on average (m,)."""
    way = torch.from_numpy(findings.arrays("attack", file=layer_folder(layer))["embedding"])
    return orientation_change(way[0, attacked], way[-1, attacked]).nanmean(dim=1)
