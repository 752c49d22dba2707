"""Features of one layer: read from a file, or recorded once by a study that stops at its features."""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from patternscope.cli.progress import progress
from patternscope.errors import InputError, nearest
from patternscope.networks import resolve_device
from patternscope.networks.settings import TrainingSettings
from patternscope.nn_visualizer.options import read_settings
from patternscope.results.features import FeaturesResult
from patternscope.results.study import open_results, read_record
from patternscope.settings.core import NetworkSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.study.axes import study_layers
from patternscope.study.run import run_analysis
from patternscope.tensor_files import read_tensors
from patternscope.workflow.stages import layer_folder

PICTOGRAMS = "pictograms"
FILES = (".safetensors", ".npz")
IMAGE_OPTIONS = ("image_size", "samples_per_class", "train_per_class")
TRAINING_OPTIONS = ("epochs",)
NETWORK_OPTIONS = ("temperature",)
# Enough to train the slim network in less than a minute on two cores.
DRAWN_PER_CLASS = 400
EPOCHS = 6
_LARGEST_GRID = 8


@dataclass(frozen=True)
class Features:
    """The input of the estimators, and the data to present their results.

    `regional_features` (n, k, h, w), `sample_features` (n, d), `target_probs` (n, c), `labels` (n,), class
    names, `images` (n, 1 or 3, height, width) and object `masks` (n, height, width) if the data set has them;
    `place` is dataset/arch/layer. Without labels (`labelled`) the network's predictions are used.
    """

    regional_features: Tensor
    sample_features: Tensor
    target_probs: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    images: Tensor | None
    masks: Tensor | None
    place: Path
    labelled: bool = True

    def to(self, device: torch.device) -> "Features":
        """Return the same with the estimators' input on a device."""
        fitted = ("regional_features", "sample_features", "target_probs")
        return replace(self, **{name: getattr(self, name).to(device) for name in fitted})


def ready_features(given: argparse.Namespace) -> Features:
    """Return the features for the options, made on first use.

    InputError for an unknown dataset, architecture, layer or device, and for files that cannot be used. Cost:
    training and recording once, some seconds to a minute; afterwards a read.
    """
    device = resolve_device(given.device)
    path = Path(given.dataset).expanduser()
    if path.suffix in FILES:
        return _from_file(path, given.arch or "ready", given.feature_layer).to(device)
    if given.dataset != PICTOGRAMS and not path.is_dir():
        raise InputError(
            f"--dataset: expected pictograms, a folder of images or a {' or '.join(FILES)} file, got "
            f"{given.dataset!r}; {nearest(given.dataset, [PICTOGRAMS])}"
        )
    return _from_study(given, path).to(device)


def _from_file(path: Path, arch: str, layer: str | None) -> Features:
    """Read ready features."""
    tensors = _read_file(path)
    images, masks, labels = (tensors.pop(name, None) for name in ("images", "masks", "labels"))
    for name in ("target_probs", "sample_features"):
        if name not in tensors:
            raise InputError(f"{path}: expected an array {name!r}; {nearest(name, tensors)}")
    probs, samples = tensors.pop("target_probs").float(), tensors.pop("sample_features").float()
    layers = [name for name, tensor in tensors.items() if tensor.ndim == 4]
    if not layers:
        raise InputError(f"{path}: expected regional features (n, k, h, w) of at least one layer, got none")
    chosen = layer or layers[-1]
    if chosen not in layers:
        raise InputError(f"--feature-layer: {chosen!r} does not exist in {path}; {nearest(chosen, layers)}")
    return Features(
        tensors[chosen].float(),
        samples,
        probs,
        (probs.argmax(dim=-1) if labels is None else labels).long(),
        tuple(map(str, range(probs.shape[-1]))),
        images,
        masks,
        Path(path.stem) / layer_folder(arch) / layer_folder(chosen),
        labelled=labels is not None,
    )


def _read_file(path: Path) -> dict[str, Tensor]:
    """The arrays of a .safetensors or .npz file, without pickle."""
    if path.suffix == ".safetensors":
        return read_tensors(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: torch.from_numpy(file[name]) for name in file.files}
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: expected .npz that can be read without pickle ({error})") from error


def _from_study(given: argparse.Namespace, path: Path) -> Features:
    """Draw or read images, train and record: a study up to its features, which only does what is missing."""
    arch = given.arch or "vgg16_slim"
    name = PICTOGRAMS if given.dataset == PICTOGRAMS else path.resolve().name
    place = Path(name) / layer_folder(arch)
    folder, settings = given.features_dir / place, _settings(given, path, arch)
    known, suggested = study_layers(settings)
    layer, order = given.feature_layer or suggested[-1], [layer.name for layer in known]
    recorded = [name for name in _recorded_layers(folder) if name in order]
    if not recorded:
        sys.stderr.write(f"preparing features of {name} by {arch}, once, in {folder}\n")
    # Layers recorded before are kept, so that switching between them records nothing again.
    asked = {*(recorded or suggested), layer}
    layers = (*(name for name in order if name in asked), *asked.difference(order))
    network = settings.network.model_copy(update={"layers": layers})
    settings = settings.model_copy(update={"network": network})
    with progress(sys.stderr) as report:
        run_analysis(folder, settings, until=FeaturesResult.STAGE, device=given.device, report=report)
    results = open_results(folder)
    features, images = results.load(FeaturesResult), results.images
    return Features(
        features.regional.read(layer),
        features.sample_features,
        features.target_probs,
        images.labels,
        images.classes,
        images.images,
        images.masks,
        place / layer_folder(layer),
    )


def _settings(given: argparse.Namespace, path: Path, arch: str) -> StudySettings:
    """The settings of the study that makes the features."""
    if given.dataset == PICTOGRAMS:
        images = read_settings(given, ImagesSettings, IMAGE_OPTIONS, train_per_class=DRAWN_PER_CLASS)
        if images.samples_per_class > 100:
            images = images.model_copy(update={"test_per_class": images.samples_per_class})
    else:
        images = read_settings(given, ImagesSettings, IMAGE_OPTIONS, source="folder", folder=path)
    network = read_settings(given, NetworkSettings, NETWORK_OPTIONS)
    return StudySettings(
        images=images,
        network=network.model_copy(update={"architecture": arch, "grid": _LARGEST_GRID}),
        training=read_settings(given, TrainingSettings, TRAINING_OPTIONS, epochs=EPOCHS, checkpoints=1),
    )


def _recorded_layers(folder: Path) -> tuple[str, ...]:
    """The layers of the study in a folder, empty without a study."""
    try:
        return read_record(folder).layers
    except InputError:
        return ()
