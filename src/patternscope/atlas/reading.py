"""A finished study as an atlas: which of its results are shown, and as what."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from patternscope.atlas.contents import AtlasContent, Condition, LayerContent, Regions, Step
from patternscope.knowledge.bootstrap import bootstrap_counts
from patternscope.knowledge.points import KnowledgePoints, find_knowledge_points
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import Alignment, RegionResult
from patternscope.results.formatting import percent
from patternscope.results.knowledge import Counts, KnowledgeResult
from patternscope.results.networks import LayerComparison, StudentAnalysisResult
from patternscope.results.study import StudyResults
from patternscope.results.training import TrainingResult

# Successive checkpoints that could still be turned by more than this (degrees) are not in one frame.
_MOST_TURN = 10.0


def read_content(results: StudyResults, *, architecture: str, resamples: int) -> AtlasContent:
    """Return what an atlas shows of a study; long arrays are read when they are written.

    `architecture` names the network, `resamples` are the draws of images for the intervals under an attack.
    """
    images, layers = results.images, results.layers(RegionResult)
    training = _training(results, layers)
    conditions = [training]
    if results.has(AttackAnalysisResult):
        conditions.append(_attack(results, layers, images.labels, resamples))
    conditions += [_student(results, student, images.labels) for student in results.students]
    known, count = results.knowledge(layers[-1]), len(training.steps)
    return AtlasContent(
        title=f"{architecture}: {len(images.labels)} images, {len(layers)} layer{'s' * (len(layers) > 1)}, "
        f"{count} checkpoint{'s' * (count > 1)}",
        classes=images.classes,
        layers=tuple(layers),
        images=images.images.numpy(),
        labels=images.labels.numpy(),
        image_names=images.names,
        conditions=tuple(conditions),
        tau=known.tau,
        kappa_max=known.kappa_max,
        aligned=all((step.angle or 0.0) <= _MOST_TURN for step in training.steps),
    )


def _training(results: StudyResults, layers: Sequence[str]) -> Condition:
    """The checkpoints."""
    checkpoints = results.checkpoints()
    samples = [results.sample(checkpoint) for checkpoint in checkpoints]
    logits = [results.load(FeaturesResult, checkpoint).logits for checkpoint in checkpoints]
    return Condition(
        key="training",
        name="Training",
        kind="training",
        steps=tuple(
            _checkpoint(results.training(checkpoint), sample.alignment)
            for checkpoint, sample in zip(checkpoints, samples, strict=True)
        ),
        direction=np.stack([sample.mean_directions.numpy() for sample in samples]),
        sample_position=np.stack([sample.embedding.numpy() for sample in samples]),
        predictions=np.stack([scores.argmax(dim=1).numpy() for scores in logits]),
        layers={layer: _training_layer(results, layer) for layer in layers},
    )


def _checkpoint(trained: TrainingResult, alignment: Alignment | None) -> Step:
    """A checkpoint: its name, its accuracy and how it lies to the one before."""
    turn = (None, None) if alignment is None else (alignment.residual, alignment.angle_degrees)
    return Step(trained.name, trained.step, trained.held_out_accuracy, *turn)


def _training_layer(results: StudyResults, layer: str) -> LayerContent:
    """A layer at all checkpoints."""
    checkpoints, classes = results.checkpoints(RegionResult), results.classes
    known = [results.knowledge(layer, checkpoint) for checkpoint in checkpoints]

    def points(step: int) -> KnowledgePoints:
        # Read anew, so that the arrays of one step alone are in memory.
        return results.knowledge(layer, checkpoints[step]).points

    def regions(step: int) -> Regions:
        embedding = results.region(layer, checkpoints[step]).embedding.numpy()
        weights = results.importance(layer, checkpoints[step]).region_weights
        return Regions.of(embedding / _unit(known[step].unit_strength), points(step), weights)

    return LayerContent(
        grid=results.region(layer).grid,
        regions=regions,
        counts=np.stack([_count_array(at.counts) for at in known]),
        class_counts=np.stack([_class_counts(at, classes) for at in known]),
        emerged=np.stack([points(step).reliable.any(dim=1).numpy() for step in range(len(checkpoints))]),
    )


def _unit(strength: float | None) -> np.float32:
    """What positions of a layer are divided by; a layer without any strength is shown as it is."""
    return np.float32(strength or 1.0)


def _count_array(counts: Counts) -> np.ndarray:
    """(3, 3): total, reliable and ratio, each with its interval; NaN where undefined."""
    intervals = (counts.total, counts.reliable, counts.ratio)
    return np.array([(interval.value, interval.low, interval.high) for interval in intervals], dtype=float)


def _class_counts(known: KnowledgeResult, classes: Sequence[str]) -> np.ndarray:
    """(c, 3, 3): the counts of each class; NaN for one without images."""
    rows = {row.name: _count_array(row.counts) for row in known.classes}
    return np.stack([rows.get(name, np.full((3, 3), np.nan)) for name in classes])


def _attack(results: StudyResults, layers: Sequence[str], labels: Tensor, resamples: int) -> Condition:
    """The kept steps of the attack on the last checkpoint."""
    attack = results.load(AttackResult)
    predictions = attack.logits.argmax(dim=2)
    accuracies = (predictions == labels).numpy().mean(axis=1)
    steps = [
        Step(f"attack step {number}" if number else "clean", number, float(accuracy))
        for number, accuracy in zip(attack.steps, accuracies, strict=True)
    ]
    return Condition(
        key="attack",
        name="Attack",
        kind="attack",
        steps=tuple(steps),
        direction=np.stack([results.sample().mean_directions.numpy()] * len(steps)),
        sample_position=attack.sample_embedding.numpy(),
        predictions=predictions.numpy(),
        layers={layer: _attacked_layer(results, attack, layer, labels, resamples) for layer in layers},
        note=f"{attack.title}: it succeeded on {attack.succeeded_count} of {attack.attacked_count} attacked images.",
        targets=attack.targets.numpy(),
        attacked=attack.attacked.numpy(),
        success=attack.success.numpy(),
        images=np.rint(attack.images.numpy() * 255).astype(np.uint8),
    )


def _attacked_layer(
    results: StudyResults, attack: AttackResult, layer: str, labels: Tensor, resamples: int
) -> LayerContent:
    """A layer at the kept steps of the attack, through the maps of the clean images."""
    known, sample = results.knowledge(layer), results.sample()
    path = attack.layers[layer].embedding.numpy() / _unit(known.unit_strength)

    def points(step: int) -> KnowledgePoints:
        return find_knowledge_points(
            torch.from_numpy(path[step]),
            sample.mean_directions,
            labels,
            tau=known.tau,
            kappa_max=known.kappa_max,
            unit_strength=1.0,
        )

    def counts(step: int) -> np.ndarray:
        at = points(step)
        masks = at.mask[attack.attacked], at.reliable[attack.attacked]
        return _count_array(Counts.of(bootstrap_counts(*masks, resamples=resamples)))

    return LayerContent(
        grid=results.region(layer).grid,
        regions=lambda step: Regions.of(path[step], points(step)),
        counts=np.stack([counts(step) for step in range(len(path))]),
        trajectory=results.load(AttackAnalysisResult, layer=layer).trajectory.numpy(),
    )


def _student(results: StudyResults, student: str, labels: Tensor) -> Condition:
    """A student at the end of its training, in its teacher's frame."""
    analysis = results.load(StudentAnalysisResult, variant=student)
    predictions = analysis.logits.argmax(dim=1)
    accuracy = float((predictions == labels).numpy().mean())
    maps = [
        f"{', '.join(layers)} with {whose} maps"
        for kind, whose in (("first", "its teacher's"), ("own", "its own"))
        if (layers := [layer.layer for layer in analysis.comparisons if layer.maps == kind])
    ]
    return Condition(
        key=f"student-{student}",
        name=f"Student ({student})",
        kind="model",
        steps=(Step("end of training", accuracy=accuracy),),
        direction=analysis.mean_directions.numpy()[None],
        sample_position=analysis.embedding.numpy()[None],
        predictions=predictions.numpy()[None],
        layers={layer.layer: _student_layer(results, analysis, layer) for layer in analysis.comparisons},
        note=f"Trained on its teacher's {student}. Embedded: {'; '.join(maps)}. "
        f"Predicts the same class as its teacher for {percent(analysis.agreement)} of the images.",
    )


def _student_layer(results: StudyResults, analysis: StudentAnalysisResult, layer: LayerComparison) -> LayerContent:
    """A layer of a student; its grid may differ from its teacher's."""
    teachers = results.sample().mean_directions.numpy()[None] if layer.maps == "first" else None

    def regions(step: int) -> Regions:
        own = analysis.layers[layer.layer]
        return Regions.of(own.embedding.numpy() / _unit(layer.second.unit_strength), own.points)

    return LayerContent(layer.grid, regions, _count_array(layer.second.counts)[None], direction=teachers)
