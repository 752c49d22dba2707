"""The names of a network's outputs, from its own attributes, a file, or the records of torchvision and timm."""

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from patternscope.errors import InputError

_ATTRIBUTES = ("class_names", "id2label", "classes", "categories")
_IMAGENET = 1000
_SYNSET = re.compile(r"n\d{8}")
_UNNAMED = re.compile(r"LABEL_\d+")


@dataclass(frozen=True)
class OutputNames:
    """The names of a network's outputs.

    names: of each output, the first is displayed; source: where they come from.
    """

    names: tuple[tuple[str, ...], ...]
    source: str


def output_names(network: nn.Module, architecture: str, count: int, file: Path | None = None) -> OutputNames | None:
    """Return the names of a network's `count` outputs, None if they are unknown.

    They come from `file`, if given; else from the attributes class_names, id2label, classes and categories of the
    network or its `config`; from the records of torchvision and timm for its architecture; or, for 1,000 outputs, from
    ImageNet. InputError for a file that cannot be read or names another number of outputs.
    """
    if file is not None:
        names = read_names(file)
        if len(names) != count:
            raise InputError(
                f"network.class_file: expected {count} names, one for each output, got {len(names)} in {file}"
            )
        return OutputNames(names, f"the names in {file.name}")
    own = _own_names(network)
    if own is not None and len(own) == count:
        return OutputNames(own, "the network's own names")
    recorded = recorded_names(architecture)
    if recorded is not None and len(recorded.names) == count:
        return recorded
    return _imagenet("the names of ImageNet's classes") if count == _IMAGENET else None


def recorded_names(architecture: str) -> OutputNames | None:
    """Return the names that torchvision or timm record for the published weights of an architecture.

    >>> recorded_names("resnet50").names[1][0]
    'goldfish'
    >>> recorded_names("vgg16_slim") is None
    True
    """
    import torchvision

    if architecture in torchvision.models.list_models(module=torchvision.models):
        try:
            weights = torchvision.models.get_model_weights(architecture)["DEFAULT"]
        except (ValueError, KeyError):
            return None
        categories = weights.meta["categories"]
        source = f"torchvision's names for {architecture}"
        return _imagenet(source) if len(categories) == _IMAGENET else OutputNames(_each_alone(categories), source)
    return _timm_names(architecture)


def _timm_names(architecture: str) -> OutputNames | None:
    """The names that timm records."""
    name = architecture.removeprefix("timm:")
    if ":" in name or name in ("", "vgg16_slim") or importlib.util.find_spec("timm") is None:
        return None
    import timm  # pyright: ignore[reportMissingImports]
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset  # pyright: ignore[reportMissingImports]

    record = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    subset = None if record is None else infer_imagenet_subset({"num_classes": record.num_classes})
    if subset is None:
        return None
    source = f"timm's names for {name}"
    if subset == "imagenet-1k":
        return _imagenet(source)
    info = ImageNetInfo(subset)
    lines = zip(info.label_descriptions(detailed=False), info.label_names(), strict=True)
    return OutputNames(tuple((*_words(words), synset) for words, synset in lines), source)


def _imagenet(source: str) -> OutputNames:
    """ImageNet's thousand classes: torchvision's names, and words and synset ids if timm is installed."""
    from torchvision.models import ResNet50_Weights

    names = _each_alone(ResNet50_Weights.DEFAULT.meta["categories"])
    if importlib.util.find_spec("timm") is not None:
        from timm.data.imagenet_info import ImageNetInfo  # pyright: ignore[reportMissingImports]

        info = ImageNetInfo("imagenet-1k")
        more = zip(names, info.label_descriptions(detailed=False), info.label_names(), strict=True)
        names = tuple((*shown, *_words(words), synset) for shown, words, synset in more)
    return OutputNames(names, source)


def _own_names(network: nn.Module) -> tuple[tuple[str, ...], ...] | None:
    """The names that a network has as an attribute, its own or its configuration's."""
    for holder in (network, getattr(network, "config", None)):
        for attribute in _ATTRIBUTES:
            names = _listed(getattr(holder, attribute, None))
            if names and not all(_UNNAMED.fullmatch(name) for own in names for name in own):
                return names
    return None


def read_names(file: Path) -> tuple[tuple[str, ...], ...]:
    """Return the names of outputs in a file.

    JSON: a list of names, a table of names by number (or of [synset id, name], as ImageNet's class index is), or of
    numbers by name. Any other file is text, a name per line, or a synset id and words.

    Raises:
        InputError: a file that does not exist or contains no such names.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "names.txt"
    ...     _ = file.write_text("n02123045 tabby, tabby cat\\nmaltese dog")
    ...     read_names(file)
    (('tabby', 'tabby, tabby cat', 'tabby cat', 'n02123045'), ('maltese dog',))
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        names = _listed(json.loads(text)) if file.suffix.lower() == ".json" else _lines(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"network.class_file: expected a JSON or text file of names, got {error}") from error
    if not names:
        raise InputError(f"network.class_file: expected a list of names or a table by number, got none in {file}")
    return names


def _lines(text: str) -> tuple[tuple[str, ...], ...]:
    """The names in a text, a line each."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    split = [line.split(maxsplit=1) for line in lines]
    return tuple(
        (*_words(parts[1]), parts[0]) if len(parts) > 1 and _SYNSET.fullmatch(parts[0]) else (" ".join(parts),)
        for parts in split
    )


def _listed(value: Any) -> tuple[tuple[str, ...], ...] | None:
    """Names by output, from a list of names, or a table by number or by name; None for anything else."""
    if isinstance(value, Mapping):
        if value and all(isinstance(number, int) for number in value.values()):
            value = {number: name for name, number in value.items()}
        try:
            value = {int(number): name for number, name in value.items()}
        except (TypeError, ValueError):
            return None
        if sorted(value) != list(range(len(value))):
            return None
        value = [value[number] for number in range(len(value))]
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    named = [tuple(name) if isinstance(name, list | tuple) else (name,) for name in value]
    if not all(own and all(isinstance(name, str) for name in own) for own in named):
        return None
    # A synset id is the least readable of several names.
    return tuple(tuple(sorted(own, key=lambda name: bool(_SYNSET.fullmatch(name)))) for own in named)


def _each_alone(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Outputs with one name each."""
    return tuple((name,) for name in names)


def _words(line: str) -> tuple[str, ...]:
    """The first of some words, all of them, and each other one."""
    words = [word.strip() for word in line.split(",")]
    return tuple(dict.fromkeys((words[0], line.strip(), *words[1:])))
