"""The network of a study: built, wrapped in its normaliser, and checked for the requested layers."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from patternscope.errors import InputError
from patternscope.factories import factory_file
from patternscope.networks import Normalised, build_network, published_normaliser
from patternscope.networks.capture.record import RecordOptions
from patternscope.networks.models.huggingface import folder_normaliser, model_files, model_folder
from patternscope.networks.models.weight_files import WEIGHT_SUFFIXES, is_weight_file
from patternscope.settings.core import NetworkSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.workflow.cache_keys import file_digest
from patternscope.workflow.stages import Unit

MODEL_SETTINGS = (
    "images.image_size",
    "images.channels",
    "network.architecture",
    "network.folder",
    "network.arguments",
    "network.pretrained",
    "network.mean",
    "network.std",
    "network.prefix_tokens",
    "network.suffix_tokens",
)
"""The settings that `study_network` reads, as stages declare them."""
RECORDING_SETTINGS = ("network.layers", "network.grid", "network.sample_layer", "network.precision")
"""Further settings that recording a study's network reads."""
_MEAN, _STD = (0.5,), (0.25,)


def study_network(
    network: NetworkSettings,
    images: ImagesSettings,
    classes: int | None,
    seed: int,
    *,
    pretrained: bool = False,
    backbone: bool = False,
) -> Normalised:
    """Return the initial network of a study; it takes pixels in [0, 1] and returns logits (n, classes).

    With None for `classes`, it has its default number of outputs. `pretrained` loads the published weights; their
    normaliser is added in any case if the settings name them, as is that of a folder of Hugging Face. `backbone` as
    `build_network`. InputError for an architecture that cannot be built.
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
        backbone=backbone,
    )
    usual = _usual_normaliser(network)
    mean, std = (own or default for own, default in zip((network.mean, network.std), usual, strict=True))
    if unfit := next((len(numbers) for numbers in (mean, std) if len(numbers) not in (1, images.channels)), None):
        raise InputError(
            f"network.mean, std: expected 1 or {images.channels} numbers for as many channels, got {unfit}; set both"
        )
    tokens = {"prefix_tokens": network.prefix_tokens, "suffix_tokens": network.suffix_tokens}
    return Normalised(built, _one_or_many(mean), _one_or_many(std), **tokens)


def _usual_normaliser(network: NetworkSettings) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation if the settings give none."""
    folder = model_folder(network.architecture, network.folder)
    if folder is not None:
        return folder_normaliser(folder) or (_MEAN, _STD)
    return published_normaliser(network.architecture) if network.pretrained else (_MEAN, _STD)


def recording_options(network: NetworkSettings) -> RecordOptions:
    """Return how a study's network is recorded.

    >>> recording_options(NetworkSettings())
    {'sample_layer': None, 'precision': 'float32'}
    """
    return {"sample_layer": network.sample_layer, "precision": network.precision}


def student_settings(settings: StudySettings, layers: Sequence[str] = ()) -> NetworkSettings:
    """Return the [network] of a study's students: the teacher's, with the changes of [distillation].

    `layers` are the analysed ones. Takes a study's settings, or the part of them that a stage has declared.

    >>> student_settings(StudySettings(distillation={"architecture": "resnet18"})).architecture
    'resnet18'
    """
    teacher, asked = settings.network, settings.distillation
    own = asked.architecture is None or asked.architecture == teacher.architecture
    arguments = (teacher.arguments if own else {}) if asked.arguments is None else asked.arguments
    changes: dict[str, Any] = {"arguments": arguments, "layers": tuple(layers)}
    if not own:
        # A layer name of the teacher has no meaning in another architecture.
        changes |= {"architecture": asked.architecture, "sample_layer": None}
    return cast(NetworkSettings, SimpleNamespace(**{**vars(teacher), **changes}))


def checkpoint_file(network: NetworkSettings, folder: Path | None, checkpoint: int) -> Path | None:
    """Return the weight file of a checkpoint, None if the study trains its network itself.

    InputError if the file or folder does not exist.
    """
    weights = start_file(network)
    if weights is not None:
        return None if network.fine_tune else weights
    return None if folder is None else checkpoint_files(folder)[checkpoint]


def start_file(network: NetworkSettings) -> Path | None:
    """Return the file of network.weights, None for none; InputError if it does not exist."""
    if network.weights is not None and not network.weights.is_file():
        raise InputError(f"network.weights: expected a file, but {network.weights} does not exist")
    return network.weights


def checkpoint_files(folder: Path, setting: str = "checkpoints.folder") -> list[Path]:
    """Return the visible weight files in a folder, in the order of their names, with numbers compared as numbers.

    InputError, which names the `setting`, for a folder that does not exist or contains none.
    """
    if not folder.is_dir():
        raise InputError(f"{setting}: expected a folder, but {folder} does not exist")
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    files = [path for path in visible if is_weight_file(path)]
    if not files:
        kinds = ", ".join(WEIGHT_SUFFIXES)
        raise InputError(f"{setting}: expected {kinds} files, got none in {folder}")
    return sorted(files, key=lambda path: _natural(path.name))


def network_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the digest of the files outside the study that define a checkpoint's network: weights and factory.

    "" for a built-in network that is trained here. For a factory, this is the file of its module, not what that file
    imports.
    """
    network = settings.network
    weights = checkpoint_file(network, settings.checkpoints.folder, unit.checkpoint or 0) or start_file(network)
    return " ".join([_digest(weights), factory_digest(settings, unit), _digest(network.class_file)]).strip()


def factory_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the digest of the file that defines the network's factory, or of a model's folder; "" without one."""
    return _code_digest(settings.network.architecture, settings.network.folder)


def student_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the same for the network and its student, if that has its own architecture."""
    asked, own = settings.distillation.architecture, factory_digest(settings, unit)
    return own if asked is None else f"{own} {_code_digest(asked, settings.network.folder)}".strip()


def takes_published(settings: StudySettings, unit: Unit) -> bool:
    """Tell whether a network starts from published weights, which are on the machine that downloaded them."""
    return settings.network.pretrained


def _code_digest(architecture: str, folder: Path | None) -> str:
    """The digest of the files that define an architecture; "" for a built-in one."""
    model = model_folder(architecture, folder)
    if model is not None:
        return " ".join(map(_digest, model_files(model)))
    return _digest(factory_file(architecture, folder))


def _digest(path: Path | None) -> str:
    """The digest of a file, or nothing."""
    return "" if path is None else file_digest(path)


def _one_or_many(numbers: Sequence[float]) -> float | Sequence[float]:
    """A single number for all channels."""
    return numbers[0] if len(numbers) == 1 else numbers


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that puts step_9 before step_10."""
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
