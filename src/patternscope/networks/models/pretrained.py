"""Weights published by torchvision and timm, downloaded or from their caches, and the normaliser of each."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks.models.weights import differs_in_classes_or_channels

Numbers = tuple[float, ...]


def load_pretrained(network: nn.Module, architecture: str) -> list[str]:
    """Load torchvision's default weights of this architecture; return the names that keep initial values.

    A tensor keeps them if it differs from the published one only in the number of classes (axis 0) or of input channels
    (axis 1).

    Raises:
        InputError: no weights are published, they are neither in the cache nor can be downloaded, or they do
            not fit the network otherwise (an image size that changes its position embeddings, say).
    """
    published = _published(architecture)
    try:
        state = published.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:  # URLError and its like
        raise _unreachable(architecture, error) from error
    own = network.state_dict()
    kept = [name for name, tensor in own.items() if name not in state or state[name].shape != tensor.shape]
    for name in kept:
        here, there = tuple(own[name].shape), tuple(state[name].shape) if name in state else None
        if there is None or not differs_in_classes_or_channels(state[name], own[name]):
            raise InputError(
                f"network.pretrained: expected {name!r} of shape {here}, got {there} in the published weights of "
                f"{architecture!r}; try images.image_size = 224"
            )
    network.load_state_dict({**own, **{name: state[name] for name in own if name not in kept}})
    return kept


def published_normaliser(architecture: str) -> tuple[Numbers, Numbers]:
    """Return mean and standard deviation of pixels in [0, 1] with which the published weights were trained.

    They come from torchvision's and timm's own records. InputError when no weights are published for this
    architecture.

    >>> published_normaliser("resnet18")
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    """
    import torchvision

    if architecture in torchvision.models.list_models(module=torchvision.models):
        record = _published(architecture).transforms()
    else:
        record = _timm_record(architecture)
    return tuple(record.mean), tuple(record.std)


def timm_pretrained(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build a timm network with its published weights; timm adapts them to classes, channels and image size.

    InputError if they are neither in the cache nor can be downloaded.
    """
    import timm  # pyright: ignore[reportMissingImports]

    try:
        return timm.create_model(name, pretrained=True, **arguments)
    except OSError as error:  # all of the hub's errors are
        raise _unreachable(name, error) from error


def no_published_weights(architecture: str) -> InputError:
    """Return the error for an architecture without published weights."""
    return InputError(
        f"network.pretrained: expected an architecture with published weights, got {architecture!r}; set "
        "network.weights to a file, and network.mean and network.std"
    )


def _published(architecture: str) -> Any:
    """Return torchvision's entry for its default weights of an architecture."""
    import torchvision

    try:
        return torchvision.models.get_model_weights(architecture)["DEFAULT"]
    except (ValueError, KeyError) as error:
        raise no_published_weights(architecture) from error


def _timm_record(architecture: str) -> Any:
    """Return timm's record of one of its networks."""
    try:
        import timm  # pyright: ignore[reportMissingImports]

        record = timm.get_pretrained_cfg(architecture.removeprefix("timm:"), allow_unregistered=False)
    except (ImportError, RuntimeError) as error:
        raise no_published_weights(architecture) from error
    if record is None:
        raise no_published_weights(architecture)
    return record


def _unreachable(architecture: str, error: Exception) -> InputError:
    """Return the error for weights that are not in the cache and cannot be fetched."""
    return InputError(
        f"network.pretrained: expected the weights of {architecture!r} in the cache ({torch.hub.get_dir()} or the "
        f"hub's) or a connection, got {type(error).__name__}; set network.weights to a file instead"
    )
