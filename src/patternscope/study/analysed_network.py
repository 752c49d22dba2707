"""The network of a study without training: its own outputs, some of them, or a probe on its features."""

import json
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, evaluate, load_weights
from patternscope.networks.capture.forward_pass import as_logits
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.class_order import find_order
from patternscope.networks.device import pixels_for
from patternscope.networks.models.build import without_classifier
from patternscope.networks.models.class_names import OutputNames, output_names, read_names, recorded_names
from patternscope.networks.models.heads import REST, ChosenOutputs, Head, ProbeHead
from patternscope.networks.models.huggingface import PREFIX, is_yes_or_no
from patternscope.networks.models.linear_probe import blank_probe, features_of, fit_probe
from patternscope.networks.models.normalised import call_once, head_of, inner_network, with_head, without_head
from patternscope.networks.models.output_choice import OutputChoice, choose_outputs, match_names
from patternscope.networks.training.train import ImageStore
from patternscope.results.images import LabelledImages
from patternscope.results.training import ReadOutputs, ReadProbe
from patternscope.settings.core import NetworkSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import study_network

TRIED = 10
"""Classes that have not been counted yet."""
Classes: TypeAlias = Sequence[str] | int | None
"""Names of the classes of the images, their number, or None while unknown."""
Load: TypeAlias = Callable[[Normalised], object]


def is_analysed_as_it_is(settings: StudySettings) -> bool:
    """Tell whether a study's network is not trained; InputError if it is trained although its outputs are chosen.

    >>> is_analysed_as_it_is(StudySettings()), is_analysed_as_it_is(StudySettings(training={"epochs": 0}))
    (False, True)
    """
    network, epochs = settings.network, settings.training.epochs
    given = (network.weights is not None and not network.fine_tune) or settings.checkpoints.folder is not None
    chosen = {"classes": network.classes, "class_file": network.class_file}
    asked = next((name for name, value in chosen.items() if value is not None), None)
    asked = "head" if network.head != "softmax" else asked
    if asked is not None and epochs and not given:
        raise InputError(
            f"training.epochs: expected 0 with network.{asked}, which analyses without training, got {epochs}"
        )
    return given or epochs == 0


def open_network(
    settings: StudySettings, classes: Classes, seed: int, load: Load = id, *, pretrained: bool = False
) -> Normalised:
    """Return a study's network with its own number of outputs, or that of the classes; `load` loads its weights.

    A network of torchvision or timm has as many outputs as the weights that `load` reads. With a probe, its classifier
    is removed. InputError as `load` and `study_network`.
    """
    network, first = settings.network, None
    backbone = network.head == "probe"
    for count in _counts(settings, classes):
        model = study_network(network, settings.images, count, seed, pretrained=pretrained, backbone=backbone)
        try:
            load(model)
        except InputError as error:
            first = first or error
            continue
        return without_classifier_of(model) if backbone else model
    raise first or InputError("network: expected classes, got none")


def without_classifier_of(model: Normalised) -> Normalised:
    """Return the network without its classifier, which returns its features."""
    model.network = without_classifier(model.network)
    return model


def rebuilt_network(
    network: NetworkSettings, images: ImagesSettings, classes: int, head: Head | None, file: Path
) -> Normalised:
    """Return the network of a checkpoint that a study has written, with the head that was saved with it."""
    probed, count = isinstance(head, ProbeHead), classes
    if head is not None:
        # One output or none is a property of the network.
        count = head.count if isinstance(head, ChosenOutputs) and head.count > 1 else None
    model = study_network(network, images, count, seed=0, backbone=probed)
    if probed:
        without_classifier_of(model)
    load_weights(model, file)
    return model if head is None else _headed(model, head)


def read_outputs(model: Normalised, settings: StudySettings, classes: Sequence[str]) -> OutputChoice | None:
    """Return which of a network's outputs are the classes of the images; InputError as `choose_outputs`.

    Cost: a forward pass of an empty image.
    """
    names, count = names_of(model, settings)
    sigmoid = settings.network.head == "sigmoid" or is_yes_or_no(inner_network(model))
    return choose_outputs(classes, count, names, settings.network.classes, sigmoid=sigmoid)


def names_of(model: Normalised, settings: StudySettings) -> tuple[OutputNames | None, int]:
    """Return the names of a network's outputs, None if they are unknown, and the number of outputs."""
    count, network = check_logits(without_head(model), settings.images, None).shape[1], settings.network
    return output_names(inner_network(model), network.architecture, count, network.class_file), count


def with_outputs(model: Normalised, choice: OutputChoice | None) -> tuple[Normalised, ReadOutputs | None]:
    """Return the network that gives the chosen outputs, and its description."""
    if choice is None:
        return model, None
    read = ReadOutputs(choice.names, choice.count, choice.source)
    return _headed(model, ChosenOutputs(choice.outputs, choice.count)), read


def with_probe(model: Normalised, train: LabelledImages, classes: int, seed: int) -> tuple[Normalised, ReadProbe]:
    """Return the network with a linear probe on its features of the training images; InputError as `fit_probe`."""
    features = torch.cat([features_of(model, batch) for batch in train.images.batches(256)])
    probe = fit_probe(features, train.labels, classes, seed=seed)
    return _headed(model, probe.head), ReadProbe(probe.strength, probe.folds, probe.accuracy, probe.images)


def dry_network(settings: StudySettings, classes: Classes, load: Load = id) -> Normalised:
    """Return a study's network without its weights and with a probe of zeros, for a dry run.

    InputError if its outputs cannot be those of the classes, as far as these are known.
    """
    if not is_analysed_as_it_is(settings):
        count = TRIED if classes is None else classes if isinstance(classes, int) else len(classes)
        model = study_network(settings.network, settings.images, count, seed=0)
        load(model)
        return model
    # Errors of the network's output come before those of its weights, unless these give the number of outputs.
    told = settings.network.head == "probe" or len(_counts(settings, classes)) > 1
    model = open_network(settings, classes, 0, load if told else id)
    headed = _dry_head(model, settings, classes)
    if not told:
        load(model)
    return headed


def _dry_head(model: Normalised, settings: StudySettings, classes: Classes) -> Normalised:
    """A network with its head, as far as that is known without weights."""
    if settings.network.head == "probe":
        count = 2 if classes is None else classes if isinstance(classes, int) else len(classes)
        return _headed(model, blank_probe(model, _blank(settings.images), count))
    if classes is not None and settings.network.classes is None:
        _check_count(model, settings, classes if isinstance(classes, int) else len(classes))
    return with_outputs(model, read_outputs(model, settings, classes))[0] if isinstance(classes, Sequence) else model


def check_logits(model: nn.Module, images: ImagesSettings, classes: int | None) -> Tensor:
    """Return the network's logits (2, c) of an empty image; InputError unless c is `classes` (None: not known yet).

    Cost: one forward pass.
    """
    blank = _blank(images)
    with borrowed(model):
        output = call_once(model, pixels_for(model, blank))
    logits = as_logits(output, len(blank), "network")
    if classes is None or logits.shape[1] == classes:
        return logits
    if isinstance(output, Tensor):
        source = "got"
        remedy = (
            f"let its factory take `classes`, or give it a last layer of {classes}; or say with network.classes which "
            "output each class is"
        )
    else:
        source = "the first tensor of its output, taken as the logits, has"
        remedy = "return the logits first, or under the key 'logits'"
    raise InputError(
        f"network: expected {classes} numbers per image, one for each class of the images, {source} {logits.shape[1]}; "
        f"{remedy}"
    )


def _check_count(model: Normalised, settings: StudySettings, classes: int) -> None:
    """Refuse outputs that cannot be that many classes, independently of names."""
    names, count = names_of(model, settings)
    if names is None or count < classes:
        check_logits(model, settings.images, None if (count, classes) == (1, 2) else classes)


def _headed(model: Normalised, head: Head) -> Normalised:
    """The network with a head between itself and its normaliser."""
    headed = with_head(model, head)
    if not isinstance(headed, Normalised):
        raise TypeError("a headed network lost its normaliser")
    return headed


def _blank(images: ImagesSettings) -> Tensor:
    """Two empty images."""
    return torch.zeros(2, images.channels, images.image_size, images.image_size)


def _counts(settings: StudySettings, classes: Classes) -> list[int | None]:
    """The numbers of outputs to try, None for the network's default."""
    network, names = settings.network, classes if isinstance(classes, Sequence) else None
    count = TRIED if classes is None else classes if isinstance(classes, int) else len(classes)
    if network.class_file is not None:
        return [len(read_names(network.class_file))]
    if network.classes is not None or network.head == "probe" or network.architecture.startswith(PREFIX):
        return [None]
    recorded = recorded_names(network.architecture)
    if recorded is None:
        return [count]
    if network.pretrained:
        return [None]
    if network.weights is not None or settings.checkpoints.folder is not None:
        return [count, None]
    return [None] if names is not None and len(match_names(names, recorded)) == len(names) else [count]


def loading(path: Path | None) -> Load:
    """Return a function that loads the weights of a file, or one that does nothing."""
    return id if path is None else partial(_load, path)


def _load(path: Path, model: Normalised) -> None:
    """Load the weights of a file."""
    load_weights(model, path)


def measured_accuracy(
    model: nn.Module, images: ImageStore, labels: Tensor, classes: Sequence[str], names: OutputNames | None
) -> float:
    """Return a network's accuracy on images with labels (n,); warns if its outputs are likely in another order.

    `names` are those of its own outputs. Cost: a forward pass.
    """
    own, head = evaluate(without_head(model), images, labels).logits, head_of(model)
    warn_of_order(own, labels, head, classes, names)
    logits = own if head is None else deepcopy(head).cpu()(own)
    return float((logits.argmax(dim=1) == labels.cpu()).double().mean())


def warn_of_order(
    logits: Tensor, labels: Tensor, head: Head | None, classes: Sequence[str], names: OutputNames | None = None
) -> None:
    """Warn if a network's own logits (n, m) fit the labels (n,) better in another order than in that of its head."""
    outputs = head.outputs if isinstance(head, ChosenOutputs) else tuple(range(logits.shape[1]))
    places = list(range(logits.shape[1]))
    if REST in outputs:
        # The rest of a yes or no is a separate output, which is always 0.
        places = [max(outputs), REST]
        logits = torch.stack([logits[:, places[0]], torch.zeros(len(logits))], dim=1)
        outputs = (1, 0) if outputs[0] == REST else (0, 1)
    likely = find_order(logits, labels, outputs)
    if likely is None:
        return
    chosen = [(name, places[place]) for name, place in zip(classes, likely.outputs, strict=True)]
    pairs = [
        f"{json.dumps(name)} = {json.dumps(place if names is None else names.names[place][0])}"
        for name, place in chosen
        if place != REST
    ]
    warnings.warn(
        f"network: expected its outputs in the order of the classes, got an accuracy of {likely.accuracy:.2f} (chance: "
        f"up to {likely.chance:.2f}); it is {likely.likely:.2f} with classes = {{ {', '.join(pairs)} }}",
        UserWarning,
        stacklevel=3,
    )
