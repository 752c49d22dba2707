"""Ready features of one layer: read from a file, or recorded once by a study that stops at its features."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from patternscope.cli.progress import progress
from patternscope.errors import InputError, nearest
from patternscope.networks import resolve_device
from patternscope.networks.settings import TrainingSettings
from patternscope.nn_visualizer.options import read_settings
from patternscope.results.arrays import ShardedArray, load_arrays
from patternscope.results.json_csv import read_json
from patternscope.settings.core import NetworkSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import study_layers
from patternscope.study.run import run_study
from patternscope.tensor_files import read_tensors
from patternscope.workflow.stages import layer_folder

FILES = (".safetensors", ".npz")
IMAGE_OPTIONS = ("image_size", "samples_per_class", "train_per_class")
TRAINING_OPTIONS = ("epochs",)
NETWORK_OPTIONS = ("temperature",)
# As many as train the slim network in less than a minute on two cores.
_DRAWN_A_CLASS = 400
_EPOCHS = 6
_LARGEST_GRID = 8


@dataclass(frozen=True)
class Features:
    """What the estimators are given, and what their results are shown by.

    `regional_features` (n, k, h, w), `sample_features` (n, d), `target_probs` (n, c), `labels` (n,), class
    names, `images` (n, 1 or 3, height, width) and object `masks` (n, height, width) where there are any;
    `place` is dataset/arch/layer.
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
        """Return the same with what is fitted on a device."""
        moved = {
            name: getattr(self, name).to(device)
            for name in ("regional_features", "sample_features", "target_probs")
        }
        return Features(**{**vars(self), **moved})


def ready_features(given: argparse.Namespace) -> Features:
    """Return the features that the options ask for, made on first use.

    InputError for an unknown dataset, architecture, layer or device, and for files that cannot be used. Cost:
    training and recording once, some seconds to a minute; afterwards a read.
    """
    device = resolve_device(given.device)
    path = Path(given.dataset).expanduser()
    if path.suffix in FILES:
        return _from_file(path, given.arch or "ready", given.feature_layer).to(device)
    if given.dataset != "pictograms" and not path.is_dir():
        raise InputError(
            f"--dataset: saw {given.dataset!r}, wanted pictograms, a folder of images or a {' or '.join(FILES)} "
            f"file; {nearest(given.dataset, ['pictograms'])}"
        )
    return _from_study(given, path).to(device)


def _from_file(path: Path, arch: str, layer: str | None) -> Features:
    """Read ready features."""
    arrays = _read_arrays(path)
    shown = [name for name in ("images", "masks", "labels") if name in arrays]
    extra = {name: arrays.pop(name) for name in shown}
    for name in ("target_probs", "sample_features"):
        if name not in arrays:
            raise InputError(f"{path}: has no {name!r}; {nearest(name, [*arrays, *extra])}")
    probs, samples = arrays.pop("target_probs").float(), arrays.pop("sample_features").float()
    layers = [name for name, array in arrays.items() if array.ndim == 4]
    if not layers:
        raise InputError(f"{path}: has no regional features, wanted an array (n, k, h, w) for each layer")
    chosen = layer or layers[-1]
    if chosen not in layers:
        raise InputError(f"--feature-layer: {chosen!r} is not in {path}; {nearest(chosen, layers)}")
    labels = extra.get("labels", probs.argmax(dim=-1)).long()
    return Features(
        arrays[chosen].float(),
        samples,
        probs,
        labels,
        tuple(map(str, range(probs.shape[-1]))),
        extra.get("images"),
        extra.get("masks"),
        Path(path.stem) / layer_folder(arch) / layer_folder(chosen),
        labelled="labels" in extra,
    )


def _read_arrays(path: Path) -> dict[str, Tensor]:
    """Arrays of a .safetensors or .npz file, without pickle."""
    if path.suffix == ".safetensors":
        return read_tensors(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: torch.from_numpy(file[name]) for name in file.files}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not readable as .npz without pickle ({error})") from None


def _from_study(given: argparse.Namespace, path: Path) -> Features:
    """Draw or read images, train, record: a study up to its features, which does only what is missing."""
    arch = given.arch or "vgg16_slim"
    name = "pictograms" if given.dataset == "pictograms" else path.resolve().name
    folder = Path(given.features_dir) / name / layer_folder(arch)
    settings = _settings(given, path, arch)
    known, suggested = study_layers(settings)
    layer = given.feature_layer or suggested[-1]
    order = [each.name for each in known]
    kept = _recorded_before(folder, order)
    # Layers recorded before stay, so that going back and forth between them records nothing again.
    wanted = {*(kept or suggested), layer}
    layers = tuple(each for each in order if each in wanted) + tuple(wanted.difference(order))
    network = settings.network.model_copy(update={"layers": layers})
    if not (folder / "features").is_dir():
        sys.stderr.write(f"preparing features of {name} by {arch}, once, in {folder}\n")
    with progress(sys.stderr) as report:
        run_study(
            folder,
            settings.model_copy(update={"network": network}),
            until="features",
            device=given.device,
            report=report,
        )
    return _recorded(folder, layer, Path(name) / layer_folder(arch) / layer_folder(layer))


def _settings(given: argparse.Namespace, path: Path, arch: str) -> StudySettings:
    """The settings of the study that makes the features."""
    drawn = given.dataset == "pictograms"
    images = read_settings(given, ImagesSettings, IMAGE_OPTIONS) if drawn else None
    if images is None:
        asked = {key: vars(given)[key] for key in IMAGE_OPTIONS if key in vars(given)}
        place = argparse.Namespace(**asked, source="folder", folder=path)
        images = read_settings(place, ImagesSettings, (*IMAGE_OPTIONS, "source", "folder"))
    elif images.train_per_class is None:
        images = images.model_copy(update={"train_per_class": _DRAWN_A_CLASS})
    if drawn and images.samples_per_class > 100:
        images = images.model_copy(update={"test_per_class": images.samples_per_class})
    training = read_settings(given, TrainingSettings, TRAINING_OPTIONS)
    epochs = training.epochs if "epochs" in vars(given) else _EPOCHS
    network = read_settings(given, NetworkSettings, NETWORK_OPTIONS)
    return StudySettings(
        images=images,
        network=network.model_copy(update={"architecture": arch, "grid": _LARGEST_GRID}),
        training=training.model_copy(update={"epochs": epochs, "checkpoints": 1}),
    )


def _recorded_before(folder: Path, order: list[str]) -> list[str]:
    """The layers of the features that are there already."""
    file = folder / "study.json"
    return [name for name in read_json(file)["layers"] if name in order] if file.is_file() else []


def _recorded(folder: Path, layer: str, place: Path) -> Features:
    """Read what the study wrote of one layer."""
    samples = load_arrays(folder / "images" / "samples.safetensors")
    features = folder / "features" / "00"
    known = load_arrays(features / "sample.safetensors")
    return Features(
        ShardedArray(features / layer_folder(layer), "regional").load(),
        known["sample_features"],
        known["target_probs"],
        samples["labels"],
        tuple(read_json(folder / "images" / "classes.json")["classes"]),
        samples["images"],
        samples.get("masks"),
        place,
    )
