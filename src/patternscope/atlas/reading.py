"""A finished study as an atlas: which of its results are shown, and how."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from patternscope.atlas.contents import AtlasContent, Condition, Perturbation, Step
from patternscope.atlas.layer_reading import attacked_layer, measured, student_layer, training_layer
from patternscope.atlas.selection import with_images
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import Alignment, RegionResult
from patternscope.results.formatting import percent
from patternscope.results.networks import StudentAnalysisResult
from patternscope.results.study import StudyResults
from patternscope.results.training import TrainingResult

# Successive checkpoints that a turn by more than this (degrees) would align better are not in one frame.
_MOST_TURN = 10.0


def read_content(results: StudyResults, *, architecture: str, resamples: int, networks: int = 1) -> AtlasContent:
    """Return the content of a study's atlas; long arrays are read when they are written.

    `architecture` names the network, `resamples` are the draws of images for the intervals under an attack. Of several
    `networks`, the study's own is shown. If maps are fitted to some of the images, only these are drawn.
    """
    images, layers = results.images, results.layers(RegionResult)
    training = _training(results, layers)
    conditions = [training]
    if results.has(AttackAnalysisResult):
        conditions.append(_attack(results, layers, images.labels, resamples))
    conditions += [_student(results, student, images.labels) for student in results.students]
    known, told, count = results.knowledge(layers[-1]), measured(results, layers[-1]), len(training.steps)
    content = AtlasContent(
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
        most=None if told is None else told.most,
        against="labels" if told is None else told.against,
        networks=networks,
    )
    drawn = images.fitted_rows
    return content if drawn is None else with_images(content, drawn.numpy())


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
        certainty=np.stack([_certainty(scores) for scores in logits]),
        layers={layer: training_layer(results, layer) for layer in layers},
    )


def _certainty(logits: Tensor) -> np.ndarray:
    """The probability that a network assigns to the class it predicts, of logits (..., c)."""
    return logits.float().softmax(dim=-1).amax(dim=-1).numpy()


def _checkpoint(trained: TrainingResult, alignment: Alignment | None) -> Step:
    """A checkpoint: its name, its accuracy and its alignment with the one before."""
    turn = (None, None) if alignment is None else (alignment.residual, alignment.angle_degrees)
    return Step(trained.name, trained.step, trained.held_out_accuracy, *turn)


def _attack(results: StudyResults, layers: Sequence[str], labels: Tensor, resamples: int) -> Condition:
    """The kept steps of the attack on the last checkpoint."""
    attack = results.load(AttackResult)
    predictions = attack.logits.argmax(dim=2)
    after = np.rint(attack.images.numpy() * 255).astype(np.uint8)
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
        certainty=_certainty(attack.logits),
        layers={layer: attacked_layer(results, attack, layer, labels, resamples) for layer in layers},
        note=f"{attack.title}: it succeeded on {attack.succeeded_count} of {attack.attacked_count} attacked images.",
        targets=attack.targets.numpy(),
        attacked=attack.attacked.numpy(),
        success=attack.success.numpy(),
        images=after,
        perturbation=_perturbation(results, attack, after),
    )


def _perturbation(results: StudyResults, attack: AttackResult, after: np.ndarray) -> Perturbation:
    """The changes by the attack at each kept step; at the last step, for a study of an earlier version."""
    if attack.pictures is None:
        return Perturbation.between(results.images.images.numpy(), after)
    return Perturbation.over(attack.pictures.numpy())


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
        certainty=_certainty(analysis.logits)[None],
        layers={layer.layer: student_layer(results, analysis, layer) for layer in analysis.comparisons},
        note=f"Trained on its teacher's {student}. Embedded: {'; '.join(maps)}. "
        f"Predicts the same class as its teacher for {percent(analysis.agreement)} of the images.",
    )
