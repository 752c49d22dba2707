"""Students: networks that learn from a teacher's logits, or from the features of one of its layers."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import run_for_logits
from patternscope.networks.capture.hooks import borrowed, device_of, dtype_of, observed, own_random_state
from patternscope.networks.capture.layers import find_layer, list_layers, resolve_names
from patternscope.networks.capture.layouts import LayoutFinder, first_tensor
from patternscope.networks.models.normalised import faults_told, inner_network
from patternscope.networks.settings import TrainingSettings
from patternscope.networks.training.objectives import labelled_logits
from patternscope.networks.training.schedule import derived_seed
from patternscope.networks.training.train import ImageStore, Report, train


@dataclass(frozen=True)
class Student:
    """What came of a distillation: the student's weights on the CPU, and the loss of each step (float64)."""

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
    """Train a copy of the student to give the teacher's softened probabilities.

    ``weight * softened_divergence(student, teacher, temperature) + (1 - weight) * cross_entropy``

    Both see the same augmented images. Nothing given is changed: the teacher runs in evaluation mode without
    gradients, and is as found afterwards. Source: Hinton et al. 2015 (METHOD section 9); training as `train`,
    which documents the other arguments.

    Args:
        student, teacher: any two networks that take the same pixels and give logits (n, c) of the same c.
        images, labels: training images, uint8 (N, channels, h, w) or a store of them, and int64 (N,).
        settings: how the student is trained.
        temperature: > 0; the higher, the more the small probabilities count.
        weight: of the soft term, in [0, 1].
        seed: of order and augmentation.
        report: called after each step with (step, total steps, loss).

    Raises:
        InputError: a temperature or weight out of range, a network whose output is not (n, c), other numbers
            of classes, and what `train` raises.

    Cost: a training, and a forward pass of the teacher a step.
    """
    if not temperature > 0:
        raise InputError(f"temperature: saw {temperature}, wanted a positive number")
    _check_weight(weight)

    def objective(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        with faults_told(pixels):
            own = labelled_logits(network(pixels), labels, "student")
        with borrowed(teacher):
            wanted = run_for_logits(teacher, _for(teacher, pixels)).to(own)
        soft = softened_divergence(own, wanted, temperature)
        return _mixed(soft, own, labels, weight, settings)

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
    """Train a copy of the student to have the teacher's features in one layer.

    ``weight * feature_distance(A f_student, f_teacher) + (1 - weight) * cross_entropy``

    A is a 1 x 1 convolution where the layers' channels differ; it is trained with the student and thrown
    away. Source: METHOD section 9 (the last convolution layer); the loss is this project's. Arguments as
    `distil_logits`.

    Args:
        layers: names of the student's and of the teacher's layer, each with a region grid.

    Raises:
        InputError: an unknown layer or one without a region grid, and as `distil_logits`.
    """
    _check_weight(weight)
    example = images[torch.arange(2)]
    own_channels, wanted_channels = (
        _channels(each, name, example) for each, name in zip((student, teacher), layers, strict=True)
    )
    pair = _MappedStudent(student, own_channels, wanted_channels, seed)

    def objective(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        if not isinstance(network, _MappedStudent):
            raise TypeError(f"trained {type(network).__name__}, not the student with its map")
        logits, features = _logits_and_features(network.student, pixels, layers[0])
        own = labelled_logits(logits, labels, "student")
        with borrowed(teacher):
            logits, wanted = _logits_and_features(teacher, _for(teacher, pixels), layers[1])
        _check_same_classes(own, logits)
        soft = feature_distance(network.channel_map(features).float(), wanted.to(pixels).float())
        return _mixed(soft, own, labels, weight, settings)

    state = train(pair, images, labels, settings, seed=seed, objective=objective, report=report)
    own = {name: each for name, each in state.network.items() if name.startswith(_MappedStudent.PREFIX)}
    return Student(
        {name.removeprefix(_MappedStudent.PREFIX): each for name, each in own.items()}, state.losses
    )


def softened_divergence(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Return ``T^2 mean_i KL( softmax(t_i / T) || softmax(s_i / T) )`` for student s and teacher t.

    Source: Hinton et al. 2015; T^2 keeps the gradients' size at any T. Logits (n, c) twice; scalar >= 0.
    InputError when the shapes differ.

    >>> softened_divergence(torch.zeros(2, 3), torch.zeros(2, 3), 4.0)
    tensor(0.)
    """
    _check_same_classes(student_logits, teacher_logits)
    own = F.log_softmax(student_logits / temperature, dim=1)
    wanted = F.log_softmax(teacher_logits / temperature, dim=1)
    return temperature**2 * F.kl_div(own, wanted, reduction="batchmean", log_target=True)


def feature_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return ``sum |s - t|^2 / sum |t|^2`` of two feature maps, the larger averaged to the smaller grid.

    Dividing by the teacher's energy makes the weight mean the same in any layer. Features (n, k, h, w) and
    (n, k, h', w'); scalar >= 0.

    >>> feature_distance(torch.ones(1, 2, 4, 4), torch.full((1, 2, 2, 2), 2.0))
    tensor(0.2500)
    """
    height, width = (min(sides) for sides in zip(student.shape[2:], teacher.shape[2:], strict=True))
    own, wanted = (F.adaptive_avg_pool2d(each, (height, width)) for each in (student, teacher))
    energy = wanted.square().sum().clamp_min(torch.finfo(wanted.dtype).tiny)
    return (own - wanted).square().sum() / energy


class _MappedStudent(nn.Module):
    """A student and the 1 x 1 map that takes its channels to the teacher's, trained together."""

    PREFIX = "student."

    def __init__(self, student: nn.Module, own: int, wanted: int, seed: int) -> None:
        super().__init__()
        self.student = student
        self.channel_map: nn.Module = nn.Identity()
        if own != wanted:
            with own_random_state(torch.device("cpu")):
                torch.default_generator.manual_seed(derived_seed(seed, "channel map", 0))
                self.channel_map = nn.Conv2d(own, wanted, 1)
            self.channel_map.to(device_of(student), dtype_of(student))

    def forward(self, pixels: Tensor) -> object:
        """Return what the student returns."""
        return self.student(pixels)


def _logits_and_features(model: nn.Module, pixels: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """Run the model and return its logits and a layer's regional features (n, k, h, w), with gradients."""
    inner = inner_network(model)
    wanted = resolve_names(model, [layer])[layer]
    finder = LayoutFinder(len(pixels), (pixels.shape[2], pixels.shape[3]))
    found: list[Tensor] = []

    def take(call: str, module: nn.Module, _: tuple[object, ...], output: object) -> None:
        tensor = first_tensor(output)
        if tensor is None:
            return
        finder.see(module, tensor)
        layout = finder.find(tuple(tensor.shape)) if call == wanted else None
        if layout is not None:
            found.append(layout.regional(tensor).clone())  # an in-place activation may follow

    modules = {
        name: module
        for name, module in inner.named_modules(remove_duplicate=False)
        if name == wanted.partition("@")[0] or isinstance(module, nn.Linear | nn.Conv2d)
    }
    with observed(modules, take):
        logits = run_for_logits(model, pixels)
    if not found:
        raise InputError(f"layer {layer!r} has no region grid for these images")
    return logits, found[0]


def _channels(model: nn.Module, layer: str, example: Tensor) -> int:
    """Channels of a layer that has a region grid."""
    layout = find_layer(layer, list_layers(model, example)).layout
    if layout is None:
        raise InputError(f"layer {layer!r} has no region grid for these images")
    return layout.channels


def _for(model: nn.Module, pixels: Tensor) -> Tensor:
    """The pixels where the model is, in its floating type."""
    return pixels.detach().to(device_of(model), dtype_of(model))


def _mixed(soft: Tensor, logits: Tensor, labels: Tensor, weight: float, settings: TrainingSettings) -> Tensor:
    """The soft term and cross-entropy, by weight."""
    hard = F.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
    return weight * soft + (1 - weight) * hard


def _check_weight(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise InputError(f"weight: saw {weight}, wanted a share of the soft term in [0, 1]")


def _check_same_classes(student: Tensor, teacher: Tensor) -> None:
    if student.shape != teacher.shape:
        raise InputError(
            f"student and teacher: saw logits {tuple(student.shape)} and {tuple(teacher.shape)}, "
            "wanted the same number of classes"
        )
