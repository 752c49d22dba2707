"""Image classifiers and backbones of Hugging Face's transformers, from a folder on this machine."""

import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from patternscope.errors import InputError

PREFIX = "huggingface:"
_FILES = ("config.json", "preprocessor_config.json", "*.safetensors", "*.safetensors.index.json")


def model_folder(architecture: str, base: Path | None) -> Path | None:
    """Return the folder that "huggingface:FOLDER" names, relative to `base`; None for other architectures.

    >>> model_folder("huggingface:vit", Path("models")).as_posix(), model_folder("resnet18", None)
    ('models/vit', None)
    """
    if not architecture.startswith(PREFIX):
        return None
    return (base or Path()) / Path(architecture.removeprefix(PREFIX)).expanduser()


def model_files(folder: Path) -> list[Path]:
    """Return the files of a model's folder that determine what it computes."""
    return sorted(path for pattern in _FILES for path in folder.glob(pattern))


def build_huggingface(
    folder: Path, *, classes: int | None, arguments: dict[str, Any], trained: bool, backbone: bool
) -> nn.Module:
    """Build the image classifier of a folder, or only its `backbone`; `trained` with the weights in the folder.

    `classes` is the number of outputs, None for as many as the model has. Nothing is downloaded, and no code in the
    folder runs: weights are safetensors.

    Raises:
        InputError: transformers is not installed, the folder contains no model, or its weights lack a classifier.
    """
    if importlib.util.find_spec("transformers") is None:
        raise InputError(
            "architecture: expected the extra for models of Hugging Face: pip install 'patternscope[huggingface]'"
        )
    import transformers  # pyright: ignore[reportMissingImports]

    if not (folder / "config.json").is_file():
        raise InputError(f"architecture: expected a folder with config.json and model.safetensors, got {str(folder)!r}")
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, **arguments)
    if classes is not None:
        config.num_labels = classes
    kind = transformers.AutoModel if backbone else transformers.AutoModelForImageClassification
    if not trained:
        return _with_averaged_tokens(kind.from_config(config)) if backbone else kind.from_config(config)
    given = {"config": config, "local_files_only": True, "use_safetensors": True, "output_loading_info": True}
    with _quiet():
        network, loading = kind.from_pretrained(folder, ignore_mismatched_sizes=classes is not None, **given)
    network = _with_averaged_tokens(network) if backbone else network
    missing = sorted(set(loading["missing_keys"]) & set(network.state_dict()))
    if missing:
        raise InputError(
            f"architecture {PREFIX}{folder}: expected the weights of the whole model, got none for {missing[0]!r}"
            + ("" if backbone else '; set network.head = "probe" for a network without a classifier')
        )
    return network


def _with_averaged_tokens(network: nn.Module) -> nn.Module:
    """The backbone without a pooler with weights: most folders lack these, and they would be random."""
    pooler = getattr(network, "pooler", None)
    if isinstance(pooler, nn.Module) and any(True for _ in pooler.parameters()):
        network.register_module("pooler", None)
    return network


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing a progress bar and a report on loading, which is checked here."""
    from transformers.utils import logging  # pyright: ignore[reportMissingImports]

    level, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def folder_normaliser(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return mean and standard deviation of a model's pixels in [0, 1], None if its folder does not state them."""
    file = folder / "preprocessor_config.json"
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.get("do_normalize") is False:
            return (0.0,), (1.0,)
        mean, std = content.get("image_mean"), content.get("image_std")
        return None if mean is None or std is None else (tuple(map(float, mean)), tuple(map(float, std)))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON with the mean and deviation of pixels, got {error}") from error


def is_yes_or_no(network: nn.Module) -> bool:
    """Tell from its configuration whether each output of a network is a separate yes or no."""
    return getattr(getattr(network, "config", None), "problem_type", None) == "multi_label_classification"
