"""Distillation: students that learn from a teacher's logits, or from the features of one of its layers."""

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import layer_outputs, run_for_logits
from patternscope.networks.capture.hooks import borrowed, isolate_random_state
from patternscope.networks.capture.layouts import Layout
from patternscope.networks.device import device_of, dtype_of, pixels_for
from patternscope.networks.models.normalised import explain_faults
from patternscope.networks.settings import TrainingSettings
from patternscope.networks.training.objectives import labelled_logits
from patternscope.networks.training.schedule import derived_seed
from patternscope.networks.training.train import ImageStore, Report, train


@dataclass(frozen=True)
class Student:
    """The result of a distillation: the student's weights on the CPU, and the loss of each step (float64)."""

    network: dict[str, Tensor]
    losses: Tensor


def distil_logits(
    student: nn.Module,
    teacher: nn.Module,
    images: ImageStore,
    labels: Tensor,
    settings: TrainingSettings,
    *,
    temperature: float = 4.0,
    weight: float = 0.9,
    seed: int,
    report: Report | None = None,
) -> Student:
    """Train a copy of the student to return the teacher's softened probabilities.

    ``weight * softened_divergence(student, teacher, temperature) + (1 - weight) * cross_entropy``

    Both get the same augmented images. The arguments are not changed: the teacher runs in evaluation mode without
    gradients, and is restored afterwards. After Hinton et al. 2015; training as `train`, which documents the other
    arguments.

    Args:
        student, teacher: any two networks that take the same pixels and return logits (n, c) of the same c.
        images, labels: training images, uint8 (N, channels, h, w) or a store of them, and int64 (N,).
        settings: how the student is trained.
        temperature: > 0; higher values give small probabilities more weight.
        weight: of the soft term, in [0, 1].
        seed: for the order of images and the augmentation.
        report: called after each step with (step, total steps, loss).

    Raises:
        InputError: a temperature or weight out of range, a network whose output is not (n, c), other numbers
            of classes, and as `train`.

    Cost: a training, and a forward pass of the teacher per step.
    """
    if not temperature > 0:
        raise InputError(f"temperature: expected a positive number, got {temperature}")
    _check_weight(weight)

    def objective(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        with explain_faults(pixels):
            logits = labelled_logits(network(pixels), labels, "student")
        with borrowed(teacher):
            target = run_for_logits(teacher, pixels_for(teacher, pixels.detach())).to(logits)
        soft = softened_divergence(logits, target, temperature)
        return _mixed(soft, logits, labels, weight, settings)

    state = train(student, images, labels, settings, seed=seed, objective=objective, report=report)
    return Student(state.network, state.losses)


def distil_features(
    student: nn.Module,
    teacher: nn.Module,
    images: ImageStore,
    labels: Tensor,
    settings: TrainingSettings,
    *,
    layers: tuple[str, str],
    weight: float = 0.9,
    seed: int,
    report: Report | None = None,
) -> Student:
    """Train a copy of the student to reproduce the teacher's features in one layer.

    ``weight * feature_distance(A f_student, f_teacher) + (1 - weight) * cross_entropy``

    A is a 1 x 1 convolution if the layers' channels differ; it is trained with the student and then discarded.
    Arguments as `distil_logits`.

    Args:
        layers: names of the student's and of the teacher's layer, each with a region grid.

    Raises:
        InputError: an unknown layer or one without a region grid, and as `distil_logits`.
    """
    _check_weight(weight)
    example = images[torch.arange(2)]
    channels = _channels(student, layers[0], example), _channels(teacher, layers[1], example)
    pair = _MappedStudent(student, *channels, seed=seed)

    def objective(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        mapped = cast(_MappedStudent, network)
        output, features = _logits_and_features(mapped.student, pixels, layers[0])
        logits = labelled_logits(output, labels, "student")
        with borrowed(teacher):
            output, target = _logits_and_features(teacher, pixels_for(teacher, pixels.detach()), layers[1])
        _check_same_classes(logits, output)
        soft = feature_distance(mapped.channel_map(features).float(), target.to(pixels).float())
        return _mixed(soft, logits, labels, weight, settings)

    state = train(pair, images, labels, settings, seed=seed, objective=objective, report=report)
    own = "student."  # the attribute of the pair
    weights = {name.removeprefix(own): state.network[name] for name in state.network if name.startswith(own)}
    return Student(weights, state.losses)


def softened_divergence(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Return ``T^2 mean_i KL( softmax(t_i / T) || softmax(s_i / T) )`` for student s and teacher t.

    T^2 keeps the gradients' size at any T (Hinton et al. 2015). Logits (n, c) twice; scalar >= 0. InputError when the
    shapes differ.

    >>> softened_divergence(torch.zeros(2, 3), torch.zeros(2, 3), 4.0)
    tensor(0.)
    """
    _check_same_classes(student_logits, teacher_logits)
    own = F.log_softmax(student_logits / temperature, dim=1)
    target = F.log_softmax(teacher_logits / temperature, dim=1)
    return temperature**2 * F.kl_div(own, target, reduction="batchmean", log_target=True)


def feature_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return ``sum |s - t|^2 / sum |t|^2`` of two feature maps, the larger averaged to the smaller grid.

    Division by the teacher's energy gives the weight the same meaning in any layer. Features (n, k, h, w) and
    (n, k, h', w'); scalar >= 0.

    >>> feature_distance(torch.ones(1, 2, 4, 4), torch.full((1, 2, 2, 2), 2.0))
    tensor(0.2500)
    """
    height, width = (min(sides) for sides in zip(student.shape[2:], teacher.shape[2:], strict=True))
    own, target = (F.adaptive_avg_pool2d(features, (height, width)) for features in (student, teacher))
    energy = target.square().sum().clamp_min(torch.finfo(target.dtype).tiny)
    return (own - target).square().sum() / energy


class _MappedStudent(nn.Module):
    """A student and the 1 x 1 map that takes its channels to the teacher's, trained together."""

    def __init__(self, student: nn.Module, channels: int, target_channels: int, *, seed: int) -> None:
        super().__init__()
        self.student = student
        self.channel_map: nn.Module = nn.Identity()
        if channels != target_channels:
            with isolate_random_state(seed=derived_seed(seed, "channel map", 0)):
                self.channel_map = nn.Conv2d(channels, target_channels, 1)
            self.channel_map.to(device_of(student), dtype_of(student))

    def forward(self, pixels: Tensor) -> object:
        """Return the student's output."""
        return self.student(pixels)


def _logits_and_features(model: nn.Module, pixels: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """Run the model and return its logits and a layer's regional features (n, k, h, w), with gradients."""

    def keep(_: str, output: Tensor, layout: Layout) -> Tensor:
        return layout.regional(output).clone()  # an in-place activation may follow

    with layer_outputs(model, pixels, [layer], keep) as features:
        logits = run_for_logits(model, pixels)
    return logits, features[layer]


def _channels(model: nn.Module, layer: str, images: Tensor) -> int:
    """Return the channels of a layer that has a region grid."""
    with borrowed(model):
        return _logits_and_features(model, pixels_for(model, images), layer)[1].shape[1]


def _mixed(soft: Tensor, logits: Tensor, labels: Tensor, weight: float, settings: TrainingSettings) -> Tensor:
    """Return the soft term and cross-entropy, mixed by weight."""
    hard = F.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
    return weight * soft + (1 - weight) * hard


def _check_weight(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise InputError(f"weight: expected a share of the soft term in [0, 1], got {weight}")


def _check_same_classes(student: Tensor, teacher: Tensor) -> None:
    if student.shape != teacher.shape:
        raise InputError(
            "student and teacher: expected the same number of classes, got logits "
            f"{tuple(student.shape)} and {tuple(teacher.shape)}"
        )
