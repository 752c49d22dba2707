"""The checkpoints and layers of a study, found by a dry run, and a check of the network's logits."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from patternscope.errors import InputError
from patternscope.images import count_classes, open_images
from patternscope.networks import Layer, Normalised, find_layer, list_layers, suggest_layers
from patternscope.networks.models.weights import check_weights
from patternscope.results.study import MOST_CHECKPOINTS
from patternscope.settings.core import NetworkSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import TRIED, check_logits, dry_network, is_analysed_as_it_is
from patternscope.study.network_factory import (
    checkpoint_file,
    checkpoint_files,
    start_file,
    student_settings,
    study_network,
)
from patternscope.workflow.stages import Axes

_NEARLY = 1e-3


def study_axes(settings: StudySettings) -> Axes:
    """Return how many checkpoints and which layers a study has, found by a dry run of its network.

    InputError for settings that contradict each other, no checkpoint files, one that does not fit or a different number
    of them for a network of [replicates], an architecture that cannot be built or whose number of logits is not that of
    the classes, an unknown layer or one without a region grid. UserWarning for probabilities instead of logits. Cost:
    two forward passes of an empty image, and the headers of the safetensors files.
    """
    network, folder = settings.network, settings.checkpoints.folder
    if network.weights is not None and folder is not None:
        raise InputError("network.weights and checkpoints.folder: expected one of them, got both")
    if network.pretrained and (network.weights or folder):
        raise InputError("network.pretrained: expected it without network.weights and checkpoints.folder, got both")
    if network.fine_tune and settings.training.epochs == 0:
        raise InputError("network.fine_tune: expected training.epochs of at least 1, got 0")
    file = checkpoint_file(network, folder, 0)
    files = [] if file is None else [file] if folder is None else checkpoint_files(folder)
    checkpoints = len(files) or settings.training.checkpoint_count
    if checkpoints > MOST_CHECKPOINTS:
        raise InputError(f"checkpoints.folder: expected at most {MOST_CHECKPOINTS:,} files, got {checkpoints:,}")
    files = [*files, *_files_of_replicates(settings, checkpoints, trained_here=file is None)]
    return Axes(checkpoints, _checked_layers(settings, files))


def _files_of_replicates(settings: StudySettings, checkpoints: int, *, trained_here: bool) -> list[Path]:
    """The weight files of the further networks, as many for each as the study has checkpoints."""
    asked = settings.replicates
    if not asked.enabled:
        return []
    if not asked.folders and not trained_here:
        raise InputError(
            "replicates.folders: expected a folder for each further network, since the study's own is not trained "
            "here, got none"
        )
    if not asked.folders and settings.network.pretrained and settings.training.epochs == 0:
        raise InputError(
            "replicates: expected networks that differ, but published weights without training are always the same; "
            "omit [replicates], or give replicates.folders"
        )
    files = {folder: checkpoint_files(folder, "replicates.folders") for folder in asked.folders}
    for folder, own in files.items():
        if len(own) != checkpoints:
            raise InputError(
                f"replicates.folders: expected {checkpoints} files in {folder}, one for each checkpoint of the study, "
                f"got {len(own)}"
            )
    return [path for own in files.values() for path in own]


def student_layers(settings: StudySettings, teacher: Sequence[str]) -> tuple[str, ...]:
    """Return the students' layers, one for each of the teacher's.

    Those named; else those of the same names, or as many spread over depth. InputError for an architecture that cannot
    be built or whose number of logits is not that of the classes, an unknown layer, or a different number of layers.
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
            f"distillation.layers: expected {len(teacher)}, one for each of {list(teacher)}, got {len(names)}"
        )
    return _checked_names(names, layers, "distillation.layers")


def study_layers(settings: StudySettings) -> tuple[list[Layer], list[str]]:
    """Return the layers of a study's network, and the names of those suggested.

    InputError for an architecture that cannot be built. Cost: one forward pass.
    """
    layers = _layers_of(_tried_network(settings), settings.images)
    return layers, suggest_layers(layers)


def _check_output(model: Normalised, images: ImagesSettings, classes: int | None) -> None:
    """Check the network's logits, and warn if they are probabilities."""
    logits = check_logits(model, images, classes).float()
    if logits.shape[1] > 1 and bool((logits >= 0).all()) and bool(((logits.sum(1) - 1).abs() < _NEARLY).all()):
        warnings.warn(
            "network: expected logits, got what looks like probabilities (none below 0, their sum 1); omit the softmax "
            "at its end",
            UserWarning,
            stacklevel=4,
        )


def _tried_network(settings: StudySettings, files: Sequence[Path] = ()) -> Normalised:
    """The study's network for a dry run, which fits its weight files as far as their headers tell."""
    images = settings.images
    classes = known_classes(images) or count_classes(images.source, images.folder, images.class_names)

    def check(model: Normalised) -> None:
        for path in files if classes is not None else ():
            check_weights(model, path)

    return _explained(lambda: dry_network(settings, classes, check), TRIED if classes is None else None)


def known_classes(images: ImagesSettings) -> tuple[str, ...] | None:
    """Return the names of the classes, if known before the images are read."""
    if images.source != "pictograms":
        return None
    return tuple(open_images("pictograms", train_per_class=2, test_per_class=2).test.classes)


def _tried(network: NetworkSettings, images: ImagesSettings) -> tuple[Normalised, int | None]:
    """The network of the dry run, and the number of its classes, if known before the images are read."""
    classes = count_classes(images.source, images.folder, images.class_names)
    if classes is not None:
        return study_network(network, images, classes, seed=0), classes
    # No layer's name or grid depends on the number of classes.
    return _explained(lambda: study_network(network, images, TRIED, seed=0), TRIED), None


def _explained(build: Callable[[], Normalised], tried: int | None) -> Normalised:
    """A network that was built, for a number of classes that was `tried` because it is unknown."""
    try:
        return build()
    except InputError as error:
        if tried is None or f"for {tried} classes" not in str(error):
            raise
        raise InputError(
            f"{error}; {tried} classes were tried, since their number is not known before the images are read: "
            "images.class_names states it"
        ) from error


def _layers_of(model: Normalised, images: ImagesSettings) -> list[Layer]:
    """The layers of a network on a study's images."""
    return list_layers(model, torch.zeros(images.channels, images.image_size, images.image_size))


def _checked_layers(settings: StudySettings, files: Sequence[Path]) -> tuple[str, ...]:
    """The requested layers, each with regions, or the suggested ones; of a network that fits its study."""
    model = _tried_network(settings, files)
    layers = _layers_of(model, settings.images)
    classes = count_classes(settings.images.source, settings.images.folder, settings.images.class_names)
    _check_output(model, settings.images, None if is_analysed_as_it_is(settings) else classes)
    start = start_file(settings.network)
    if classes is not None and start is not None and settings.network.fine_tune:
        check_weights(model, start, as_start=True)
    return _checked_names(settings.network.layers or suggest_layers(layers), layers, "network.layers")


def _checked_names(names: Sequence[str], layers: Sequence[Layer], setting: str) -> tuple[str, ...]:
    """The distinct names, each of a layer with regions."""
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"{setting}: expected each layer once, got {sorted(twice)[0]!r} twice")
    for name in names:
        find_layer(name, layers)
    return tuple(names)
