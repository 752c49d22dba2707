"""The head of a network in memory: some of its outputs, or a probe on its features."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.images import ImageSet
from patternscope.networks.capture.forward_pass import as_logits
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.device import device_of, pixels_for
from patternscope.networks.models.class_names import OutputNames, output_names
from patternscope.networks.models.heads import ChosenOutputs
from patternscope.networks.models.huggingface import is_yes_or_no
from patternscope.networks.models.linear_probe import features_of, fit_probe
from patternscope.networks.models.normalised import call_once, inner_network, with_head
from patternscope.networks.models.output_choice import Asked, choose_outputs, output_number
from patternscope.results.training import ReadOutputs, ReadProbe

HeadKind = Literal["softmax", "sigmoid", "probe"]
Classes = Mapping[str, str | int] | Sequence[str | int]
_BATCH = 256


@dataclass(frozen=True)
class ReadNetwork:
    """A network that returns the logits of the classes, their names, and its head.

    names: of all of the network's own outputs, if they are known.
    """

    network: nn.Module
    classes: Sequence[str] | None
    outputs: ReadOutputs | None = None
    probe: ReadProbe | None = None
    names: OutputNames | None = None


def split_classes(classes: Classes | None) -> tuple[tuple[str, ...] | None, Asked | None]:
    """Return the names of the classes in an argument `classes`, and the outputs that it selects.

    >>> split_classes({"cat": "tabby"}), split_classes(["a", "b"]), split_classes([3, 5])
    ((('cat',), {'cat': 'tabby'}), (('a', 'b'), None), (None, [3, 5]))
    """
    if classes is None:
        return None, None
    if isinstance(classes, str) or not isinstance(classes, Mapping | Sequence):
        raise InputError(f"classes: expected a list of names, got {classes!r}; or a table of outputs by class")
    if not len(classes):
        raise InputError(f"classes: expected the classes of the images, got {classes!r}")
    if isinstance(classes, Mapping):
        return tuple(classes), {name: _output(place) for name, place in classes.items()}
    names = tuple(name for name in classes if isinstance(name, str))
    return (names, None) if len(names) == len(classes) else (None, [_output(place) for place in classes])


def _output(place: Any) -> str | int:
    """The name or number of an output; NumPy's integers count as integers, bools do not."""
    if isinstance(place, str):
        return place
    try:
        if isinstance(place, bool):
            raise TypeError
        return operator.index(place)
    except TypeError as error:
        raise InputError(f"classes: expected names or numbers of outputs, got {place!r}") from error


def read_network(
    model: nn.Module, pixels: Tensor, names: Sequence[str] | None, asked: Asked | None, kind: HeadKind
) -> ReadNetwork:
    """Return the network that returns the logits of the classes; InputError as `choose_outputs`.

    Cost: a forward pass of two images.
    """
    inner = inner_network(model)
    with borrowed(model):
        count = as_logits(call_once(model, pixels_for(model, pixels[:2])), len(pixels[:2])).shape[1]
    record = getattr(inner, "pretrained_cfg", None)
    architecture = record.get("architecture", "") if isinstance(record, Mapping) else ""
    known = output_names(inner, architecture, count)
    sigmoid = kind == "sigmoid" or is_yes_or_no(inner)
    if names is None and asked is not None:
        # Classes without their own names get those of the outputs.
        places = [output_number(place, count, known, "classes") for place in asked]
        shown = [str(place) if known is None else known.names[place][0] for place in places]
        names = [own if isinstance(own, str) else name for own, name in zip(asked, shown, strict=True)]
    if names is None and count > 1 and not sigmoid:
        return ReadNetwork(model, None, names=known)
    classes = tuple(map(str, range(max(2, count)))) if names is None else names
    choice = choose_outputs(classes, count, known, asked, sigmoid=sigmoid, setting="classes")
    if choice is None:
        return ReadNetwork(model, names, names=known)
    read = ReadOutputs(choice.names, choice.count, choice.source)
    head = ChosenOutputs(choice.outputs, choice.count).to(device_of(model))
    return ReadNetwork(with_head(model, head), classes, read, names=known)


def probed_network(
    model: nn.Module,
    pixels: Tensor,
    labels: Tensor | None,
    names: Sequence[str] | None,
    train: ImageSet | None,
    seed: int,
) -> ReadNetwork:
    """Return the network with a linear probe on its features of images to train on, or else of the analysed ones.

    InputError for images without labels, and as `fit_probe`.
    """
    if labels is None:
        raise InputError('head="probe": expected labels of the images, to which the probe is fitted, got None')
    truth = labels if train is None else train.labels
    if train is None:
        features = features_of(model, pixels)
    else:
        places = torch.arange(len(train)).split(_BATCH)
        features = torch.cat([features_of(model, train.batch(part)) for part in places])
    classes = int(truth.max()) + 1 if names is None else len(names)
    if int(truth.min()) < 0 or int(truth.max()) >= classes:
        raise InputError(f"labels: expected 0 to {classes - 1}, got {int(truth.min())} to {int(truth.max())}")
    fitted = fit_probe(features, truth, classes, seed=seed)
    read = ReadProbe(fitted.strength, fitted.folds, fitted.accuracy, fitted.images, own_images=train is None)
    return ReadNetwork(with_head(model, fitted.head.to(device_of(model))), names, None, read)
