"""Stage emergence: when evidence and knowledge points appear over training, per layer, class and image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_count_differences, bootstrap_mean
from patternscope.knowledge.emergence import class_appearance, first_appearance, lasting_appearance
from patternscope.knowledge.intervals import Interval
from patternscope.results.emergence import (
    Appearance,
    CheckpointCounts,
    CheckpointName,
    ClassHistory,
    EmergenceResult,
    LayerHistory,
)
from patternscope.results.evidence import EvidenceResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import CountDifferences, KnowledgeResult
from patternscope.results.noise import MeasuredNoise, Place, evidence_of, knowledge_of, measured_noise
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.inputs import inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext


def run_emergence(ctx: UnitContext) -> None:
    """Write emergence.json (history of each layer), .csv (its counts as rows) and .safetensors (per image)."""
    settings: StudySettings = ctx.settings
    knowledge = settings.knowledge
    follow_points(inputs_of(ctx), float(knowledge.tau), knowledge.bootstrap, ctx.resampling_seed).save(ctx.folder)


def follow_points(results: StudyResults, tau: float, resamples: int, seed: int) -> EmergenceResult:
    """Return evidence and knowledge points of a study over its checkpoints."""
    images, numbers, noise = results.images, results.checkpoints(KnowledgeResult), measured_noise(results)
    trained = [results.training(number) for number in numbers]
    checkpoints = [CheckpointName(each.checkpoint, each.name, each.step) for each in trained]
    measured = set(results.checkpoints(EvidenceResult)) >= set(numbers)
    histories: list[LayerHistory] = []
    arrays: dict[str, dict[str, Tensor]] = {"first": {}, "lasting": {}, "region_first": {}}
    for layer in results.layers(KnowledgeResult):
        known = [results.knowledge(layer, number) for number in numbers]
        reliable = torch.stack([each.reliable for each in known])
        told = [results.evidence(layer, number) for number in numbers] if measured else []
        present = torch.stack([each.emerged for each in told]) if measured else reliable.any(dim=-1)
        arrays["first"][layer] = first_appearance(present)
        arrays["lasting"][layer] = lasting_appearance(present)
        arrays["region_first"][layer] = first_appearance(reliable)
        grown = bootstrap_count_differences(known[0].points, known[-1].points, resamples=resamples, seed=seed)
        counts = [knowledge_of(results, layer, number).counts for number in numbers]
        histories.append(
            LayerHistory(
                layer=layer,
                ratio_at_end=counts[-1].ratio.value,
                growth=CountDifferences.of(noise.widen(grown, (layer, numbers[0]), (layer, numbers[-1]))),
                counts=tuple(CheckpointCounts(*pair) for pair in zip(checkpoints, counts, strict=True)),
                classes=_class_histories(checkpoints, known, told),
                first=_appearances(arrays["first"][layer], images, checkpoints),
                lasting=_appearances(arrays["lasting"][layer], images, checkpoints),
                evidence=tuple(evidence_of(results, layer, number).evidence for number in numbers)
                if measured
                else None,
                evidence_growth=_growth(told, noise, (layer, numbers[0]), (layer, numbers[-1]), resamples, seed),
            )
        )
    return EmergenceResult(
        images=len(images.labels),
        tau=tau,
        checkpoints=tuple(checkpoints),
        layers=tuple(histories),
        networks=noise.count if noise.networks else None,
        emerges="evidence" if measured else "points",
        **arrays,
    )


def _growth(
    told: Sequence[EvidenceResult], noise: MeasuredNoise, start: Place, end: Place, resamples: int, seed: int
) -> Interval | None:
    """The growth of evidence on the same images, from the first to the last checkpoint; None if not measured."""
    if not told:
        return None
    more = (told[-1].bits.double() - told[0].bits.double()).mean(dim=1)
    return noise.widen({"evidence": bootstrap_mean(more, resamples=resamples, seed=seed)}, start, end)["evidence"]


def _class_histories(
    checkpoints: Sequence[CheckpointName], known: Sequence[KnowledgeResult], told: Sequence[EvidenceResult]
) -> tuple[ClassHistory, ...]:
    """Counts and evidence over the images of each class, checkpoint by checkpoint."""
    rows = [{row.name: row.counts for row in each.classes} for each in known]
    bits = [{row.name: row.evidence.value for row in each.classes} for each in told]
    return tuple(
        ClassHistory(
            name,
            tuple(CheckpointCounts(at, row[name]) for at, row in zip(checkpoints, rows, strict=True)),
            tuple(row[name] for row in bits) if bits else None,
        )
        for name in rows[0]
    )


def _appearances(when: Tensor, images: ImagesResult, checkpoints: Sequence[CheckpointName]) -> tuple[Appearance, ...]:
    """When each class has its points, the earliest class first."""
    return tuple(
        Appearance(
            name=images.classes[found.label],
            images=found.images,
            share=found.share,
            median_checkpoint=found.median,
            median_step=None if found.median is None else checkpoints[found.median].step,
            mean_checkpoint=found.mean,
        )
        for found in class_appearance(when, images.labels, len(checkpoints))
    )


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A pass over the masks of all checkpoints."""
    mask = facts.samples * facts.regions * facts.checkpoints
    return Cost(0.1 + 8 * mask / facts.copies, 1.2 * mask, 18 * mask)


STAGES = (
    Stage(
        "emergence",
        version=2,
        run=run_emergence,
        settings=("seed", "knowledge.tau", "knowledge.bootstrap"),
        needs=(
            reads(ImagesResult, "labels", "classes"),
            reads(TrainingResult, "name", checkpoint="all"),
            reads(KnowledgeResult, "reliable", "counts", checkpoint="all", layer="all"),
            reads(EvidenceResult, "bits", "evidence", checkpoint="all", layer="all"),
        ),
        weight=0.2,
        cost=_cost,
    ),
)
