"""Weights that torchvision or timm trained: fetched or found in their caches, and what they expect of pixels."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError

Numbers = tuple[float, ...]


def load_pretrained(network: nn.Module, architecture: str) -> list[str]:
    """Load torchvision's default weights of this architecture; return the names that keep their own start.

    A tensor keeps its start where it differs from the published one in the number of classes (axis 0) or of
    input channels (axis 1) alone.

    Raises:
        InputError: no weights are published, they are neither in the cache nor can be fetched, or they do
            not fit the network otherwise (an image size that changes its tables of positions, say).
    """
    state = _fetched(architecture)
    own = network.state_dict()
    fresh = [name for name, tensor in own.items() if name not in state or state[name].shape != tensor.shape]
    for name in fresh:
        seen = tuple(state[name].shape) if name in state else None
        if seen is None or not _differs_at_an_end(seen, tuple(own[name].shape)):
            raise InputError(
                f"network.pretrained: the published weights of {architecture!r} do not fit: {name!r} is "
                f"{seen or 'absent'} there and {tuple(own[name].shape)} here; try images.image_size = 224"
            )
    network.load_state_dict({**own, **{name: state[name] for name in own if name not in fresh}})
    return fresh


def published_normaliser(architecture: str) -> tuple[Numbers, Numbers]:
    """Return mean and standard deviation of pixels in [0, 1] with which the published weights were trained.

    From torchvision's and timm's own records.

    Raises:
        InputError: no weights are published for this architecture.

    >>> published_normaliser("resnet18")
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    """
    import torchvision

    if architecture in torchvision.models.list_models(module=torchvision.models):
        transform = _published(architecture).transforms()
        return tuple(transform.mean), tuple(transform.std)
    record = _timm_record(architecture)
    return tuple(record["mean"]), tuple(record["std"])


def timm_pretrained(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build a timm network with its published weights; timm adapts classes, channels and positions.

    InputError when they are neither in the cache nor can be fetched.
    """
    import timm  # pyright: ignore[reportMissingImports]

    try:
        return timm.create_model(name, pretrained=True, **arguments)
    except OSError as error:  # what the hub's errors are, all of them
        raise _unreachable(name, error) from error


def _published(architecture: str) -> Any:
    """The weights that torchvision calls its default."""
    import torchvision

    try:
        return torchvision.models.get_model_weights(architecture)["DEFAULT"]
    except (ValueError, KeyError) as error:
        raise InputError(f"network.pretrained: torchvision has no weights for {architecture!r}") from error


def _timm_record(architecture: str) -> dict[str, Any]:
    """What timm knows of the published weights of one of its networks."""
    name = architecture.removeprefix("timm:")
    try:
        import timm  # pyright: ignore[reportMissingImports]

        record = timm.get_pretrained_cfg(name, allow_unregistered=False)
        return {"mean": record.mean, "std": record.std}  # pyright: ignore[reportOptionalMemberAccess]
    except (ImportError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"network.pretrained: no published weights are known for {architecture!r}; "
            "set network.weights to a file, and network.mean and network.std"
        ) from error


def _fetched(architecture: str) -> Mapping[str, Tensor]:
    """The published tensors, from the cache or the network."""
    published = _published(architecture)
    try:
        return published.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:  # URLError and its like
        raise _unreachable(architecture, error) from error


def _unreachable(architecture: str, error: Exception) -> InputError:
    """The one line for weights that are not here and cannot be had."""
    return InputError(
        f"network.pretrained: weights of {architecture!r} are not in the cache ({torch.hub.get_dir()} or the "
        f"hub's) and cannot be fetched ({type(error).__name__}); set network.weights to a file instead"
    )


def _differs_at_an_end(seen: tuple[int, ...], own: tuple[int, ...]) -> bool:
    """Tell whether two shapes differ as those of other classes, or of a convolution of other channels, do."""
    if len(seen) != len(own):
        return False
    other = [axis for axis, (one, two) in enumerate(zip(seen, own, strict=True)) if one != two]
    return other == [0] or (other == [1] and len(own) == 4)
