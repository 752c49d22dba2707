"""The network of a study: built, wrapped in its normaliser, and checked for the layers asked for."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch

from patternscope.errors import InputError
from patternscope.factories import factory_file
from patternscope.networks import (
    Layer,
    Normalised,
    build_network,
    find_layer,
    list_layers,
    published_normaliser,
    suggest_layers,
)
from patternscope.networks.capture.forward_pass import as_logits
from patternscope.networks.capture.hooks import borrowed, device_of, dtype_of
from patternscope.networks.capture.layouts import as_pixels
from patternscope.networks.capture.record import RecordOptions
from patternscope.networks.models.normalised import call_once
from patternscope.networks.models.weights import WEIGHT_SUFFIXES, check_weights
from patternscope.settings.core import ImagesSettings, NetworkSettings
from patternscope.settings.study import StudySettings
from patternscope.study.classes import known_classes
from patternscope.workflow.cache_keys import file_digest
from patternscope.workflow.stages import Axes, Unit

MODEL_SETTINGS = (
    "images.image_size",
    "images.channels",
    "network.architecture",
    "network.folder",
    "network.arguments",
    "network.pretrained",
    "network.mean",
    "network.std",
)
"""What `study_network` reads, as stages declare it."""
RECORDING_SETTINGS = ("network.layers", "network.grid", "network.sample_layer", "network.precision")
"""What recording a study's network reads besides."""
_MEAN, _STD = (0.5,), (0.25,)
_TRIED = 10  # classes, where nobody has counted them yet
_NEARLY = 1e-3


def study_network(
    network: NetworkSettings, images: ImagesSettings, classes: int, seed: int, *, pretrained: bool = False
) -> Normalised:
    """Return the network of a study as it starts; it takes pixels in [0, 1] and gives logits (n, classes).

    `pretrained` asks for the published weights themselves; their normaliser is there in any case where the
    settings name them. InputError for an architecture that cannot be built.
    """
    built = build_network(
        network.architecture,
        classes=classes,
        channels=images.channels,
        image_size=images.image_size,
        seed=seed,
        arguments=network.arguments,
        pretrained=pretrained,
        folder=network.folder,
    )
    usual = published_normaliser(network.architecture) if network.pretrained else (_MEAN, _STD)
    mean, std = (own or default for own, default in zip((network.mean, network.std), usual, strict=True))
    return Normalised(built, _one_or_many(mean), _one_or_many(std))


def recording_options(network: NetworkSettings) -> RecordOptions:
    """Return how a study's network is recorded.

    >>> recording_options(NetworkSettings())
    {'sample_layer': None, 'precision': 'float32'}
    """
    return {"sample_layer": network.sample_layer, "precision": network.precision}


def student_settings(settings: StudySettings, layers: Sequence[str] = ()) -> NetworkSettings:
    """Return the [network] of a study's students: the teacher's, with what [distillation] says otherwise.

    `layers` are those analysed. Takes a study's settings, or the part of them that a stage has declared.

    >>> student_settings(StudySettings(distillation={"architecture": "resnet18"})).architecture
    'resnet18'
    """
    teacher, asked = settings.network, settings.distillation
    own = asked.architecture is None or asked.architecture == teacher.architecture
    arguments = (teacher.arguments if own else {}) if asked.arguments is None else asked.arguments
    changes: dict[str, Any] = {"arguments": arguments, "layers": tuple(layers)}
    if not own:
        # A name of the teacher's means nothing in another architecture.
        changes |= {"architecture": asked.architecture, "sample_layer": None}
    return cast(NetworkSettings, SimpleNamespace(**{**vars(teacher), **changes}))


def checkpoint_file(network: NetworkSettings, folder: Path | None, checkpoint: int) -> Path | None:
    """Return the weight file that a checkpoint comes from, None when the study trains its network itself.

    InputError when the file or folder is not there.
    """
    if network.weights is not None:
        if not network.weights.is_file():
            raise InputError(f"network.weights: no file at {network.weights}")
        return network.weights
    return None if folder is None else checkpoint_files(folder)[checkpoint]


def checkpoint_files(folder: Path) -> list[Path]:
    """Return the visible weight files in a folder, in the order of their names, numbers counted as numbers.

    InputError for a folder that is not there or holds none.
    """
    if not folder.is_dir():
        raise InputError(f"checkpoints.folder: no folder at {folder}")
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    files = [path for path in visible if path.suffix in WEIGHT_SUFFIXES]
    if not files:
        wanted = ", ".join(WEIGHT_SUFFIXES)
        raise InputError(f"checkpoints.folder: {folder} holds no checkpoint; wanted {wanted} files")
    return sorted(files, key=lambda path: _natural(path.name))


def network_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the digest of what a checkpoint's network is made from outside the study: weights and factory.

    "" for a built-in network that is trained here. Of a factory, the file of its module counts; what that
    file imports does not.
    """
    weights = checkpoint_file(settings.network, settings.checkpoints.folder, unit.checkpoint or 0)
    return " ".join([_digest(weights), factory_digest(settings, unit)]).strip()


def factory_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the digest of the file that defines the network's factory, "" where there is none."""
    return _digest(factory_file(settings.network.architecture, settings.network.folder))


def _digest(path: Path | None) -> str:
    """The digest of a file, or nothing."""
    return "" if path is None else file_digest(path)


def study_axes(settings: StudySettings) -> Axes:
    """Return how many checkpoints and which layers a study has, found by a dry run of its network.

    InputError for settings that contradict each other, no checkpoint files or one that does not fit, an
    architecture that cannot be built or gives other logits than the images have classes, an unknown layer or
    one without a region grid. UserWarning for probabilities in the place of logits. Cost: two forward passes
    of an empty image, and the headers of the safetensors files.
    """
    network, folder = settings.network, settings.checkpoints.folder
    if network.weights is not None and folder is not None:
        raise InputError("network.weights and checkpoints.folder: both are set; wanted one of them")
    if network.pretrained and (network.weights or folder):
        raise InputError(
            "network.pretrained: set together with network.weights or checkpoints.folder; wanted one of them"
        )
    file = checkpoint_file(network, folder, 0)
    files = [] if file is None else [file] if folder is None else checkpoint_files(folder)
    return Axes(len(files) or settings.training.checkpoint_count, _checked_layers(settings, files))


def student_layers(settings: StudySettings, teacher: Sequence[str]) -> tuple[str, ...]:
    """Return the students' layers, one for each of the teacher's.

    Those named; else those of the same names, or as many spread over depth. InputError for an architecture
    that cannot be built or gives other logits than the images have classes, an unknown layer, or another
    number of layers.
    """
    model, classes = _tried(student_settings(settings), settings.images)
    layers = _layers_of(model, settings.images)
    _check_output(model, settings.images, classes)
    names = settings.distillation.layers
    if not names:
        known = {name for each in layers if each.grid for name in (each.name, each.alias)}
        names = tuple(teacher) if known >= set(teacher) else suggest_layers(layers, len(teacher))
    if len(names) != len(teacher):
        raise InputError(
            f"distillation.layers: saw {len(names)}, wanted {len(teacher)}, one for each of {list(teacher)}"
        )
    return _checked_names(names, layers, "distillation.layers")


def study_layers(settings: StudySettings) -> tuple[list[Layer], list[str]]:
    """Return the layers of a study's network, and the names of those suggested.

    InputError for an architecture that cannot be built. Cost: one forward pass.
    """
    model, _ = _tried(settings.network, settings.images)
    layers = _layers_of(model, settings.images)
    return layers, suggest_layers(layers)


def check_logits(model: Normalised, images: ImagesSettings, classes: int | None) -> torch.Tensor:
    """Return the network's logits (2, c) of an empty image; InputError unless c is `classes` (None: not known yet).

    Cost: one forward pass.
    """
    blank = torch.zeros(2, images.channels, images.image_size, images.image_size)
    with borrowed(model):
        output = call_once(model, as_pixels(blank, device_of(model), dtype_of(model)))
    logits = as_logits(output, len(blank), "network")
    if classes is None or logits.shape[1] == classes:
        return logits
    if isinstance(output, torch.Tensor):
        seen = "saw"
        remedy = f"let its factory take `classes`, or give it a last layer of {classes}"
    else:
        seen = "the first tensor of its output, taken as the logits, has"
        remedy = "return the logits first, or under the key 'logits'"
    raise InputError(
        f"network: {seen} {logits.shape[1]} numbers an image, wanted {classes}, one for each class of the images; "
        f"{remedy}"
    )


def _check_output(model: Normalised, images: ImagesSettings, classes: int | None) -> None:
    """Check the network's logits, and warn where they are probabilities."""
    logits = check_logits(model, images, classes).float()
    if bool((logits >= 0).all()) and bool(((logits.sum(1) - 1).abs() < _NEARLY).all()):
        warnings.warn(
            "network: its output looks like probabilities (none below 0, their sum 1), wanted logits; leave out the "
            "softmax at its end",
            UserWarning,
            stacklevel=4,
        )


def _tried(network: NetworkSettings, images: ImagesSettings) -> tuple[Normalised, int | None]:
    """The network on trial, and the number of its classes where that is known before the images are read."""
    classes = known_classes(images)
    if classes is not None:
        return study_network(network, images, classes, seed=0), classes
    try:
        # No layer's name or grid depends on the number of classes.
        return study_network(network, images, _TRIED, seed=0), None
    except InputError as error:
        if f"for {_TRIED} classes" not in str(error):
            raise
        raise InputError(
            f"{error}; {_TRIED} classes were tried, since their number is not known before the images are read: "
            "images.class_names tells it"
        ) from error


def _layers_of(model: Normalised, images: ImagesSettings) -> list[Layer]:
    """The layers of a network on a study's images."""
    return list_layers(model, torch.zeros(images.channels, images.image_size, images.image_size))


def _checked_layers(settings: StudySettings, files: Sequence[Path]) -> tuple[str, ...]:
    """The layers asked for, each of which has regions, or those suggested; of a network that fits its study."""
    model, classes = _tried(settings.network, settings.images)
    layers = _layers_of(model, settings.images)
    _check_output(model, settings.images, classes)
    if classes is not None:
        for path in files:
            check_weights(model, path)
    return _checked_names(settings.network.layers or suggest_layers(layers), layers, "network.layers")


def _checked_names(names: Sequence[str], layers: Sequence[Layer], setting: str) -> tuple[str, ...]:
    """The names, none of them twice, each of a layer that has regions."""
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"{setting}: {sorted(twice)[0]!r} is named twice")
    for name in names:
        find_layer(name, layers)
    return tuple(names)


def _one_or_many(numbers: Sequence[float]) -> float | Sequence[float]:
    """One number for all channels as a number."""
    return numbers[0] if len(numbers) == 1 else numbers


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which step_9 comes before step_10."""
    digits, key = "", []
    for character in f"{name} ":
        if character.isdigit():
            digits += character
            continue
        if digits:
            key.append((int(digits), ""))
            digits = ""
        key.append((-1, character))
    return key
