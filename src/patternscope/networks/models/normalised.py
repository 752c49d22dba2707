"""Wrapped networks: the normaliser as a part of the model, and torch's wrappers around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, fault
from patternscope.networks.models.heads import Head, Headed

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normalised(nn.Module):
    """A network that takes pixels in [0, 1]: (x - mean) / std comes first, inside the model.

    Attacks, recording and training then all take pixels. Users see the layer names of the network inside. `mean` and
    `std` are one number or one per channel. `prefix_tokens` and `suffix_tokens` are the numbers of class and register
    tokens before and after a transformer's patches, if it does not declare them itself.

    Raises:
        InputError: a standard deviation that is not positive, or mean and std of different lengths.

    >>> model = Normalised(nn.Identity(), mean=0.5, std=0.25)
    >>> model(torch.ones(1, 1, 1, 1)).item()
    2.0
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        *,
        prefix_tokens: int | None = None,
        suffix_tokens: int | None = None,
    ) -> None:
        super().__init__()
        self.prefix_tokens, self.suffix_tokens = prefix_tokens, suffix_tokens
        centre, spread = torch.as_tensor(mean, dtype=torch.float32), torch.as_tensor(std, dtype=torch.float32)
        if centre.shape != spread.shape or centre.ndim > 1:
            raise InputError(f"mean and std: expected one number each or one per channel, got {mean!r} and {std!r}")
        if not bool((spread > 0).all()):
            raise InputError(f"std: expected positive numbers, got {std!r}")
        self.network = network
        # Not part of the weights: they are settings, and a weight file of the bare network must fit.
        self.register_buffer("mean", centre.reshape(-1, 1, 1), persistent=False)
        self.register_buffer("std", spread.reshape(-1, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Return (images - mean) / std for images (n, c, h, w)."""
        if self.mean.numel() not in (1, images.shape[1]):
            channels = self.mean.numel()
            raise InputError(f"images: expected {channels} channels, as the normaliser has, got {images.shape[1]}")
        normalised = (images - self.mean) / self.std
        # Half precision is preserved.
        return normalised.to(images.dtype) if images.is_floating_point() else normalised

    def forward(self, images: Tensor) -> Tensor:
        """Return the network's output for images (n, c, h, w) with pixels in [0, 1]."""
        return self.network(self.normalise(images))


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside torch.compile, DataParallel and DistributedDataParallel wrappers.

    >>> inner = nn.Identity()
    >>> unwrapped(nn.DataParallel(inner)) is inner
    True
    """
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        else:
            return model


def inner_network(model: nn.Module) -> nn.Module:
    """Return the network inside torch's wrappers, the normaliser and a head, whose layer names users see.

    >>> inner = nn.Identity()
    >>> inner_network(Normalised(inner, 0.5, 0.5)) is inner
    True
    """
    model = unwrapped(model)
    return inner_network(model.network) if isinstance(model, Normalised | Headed) else model


def head_of(model: nn.Module) -> Head | None:
    """Return the head of a network, None if its output is used directly.

    >>> head_of(Normalised(nn.Identity(), 0.5, 0.5)) is None
    True
    """
    model = unwrapped(model)
    if isinstance(model, Headed):
        return model.head
    return head_of(model.network) if isinstance(model, Normalised) else None


def without_head(model: nn.Module) -> nn.Module:
    """Return the network without its head, with the same normaliser; it shares all weights.

    >>> from patternscope.networks.models.heads import ChosenOutputs
    >>> head_of(without_head(Headed(nn.Identity(), ChosenOutputs((1, 0), 2)))) is None
    True
    """
    model = unwrapped(model)
    if isinstance(model, Headed):
        return without_head(model.network)
    if head_of(model) is None or not isinstance(model, Normalised):
        return model
    return _around(without_head(model.network), model)


def with_head(model: nn.Module, head: Head) -> nn.Module:
    """Return the network with a head between itself and its normaliser; it shares all weights.

    >>> from patternscope.networks.models.heads import ChosenOutputs
    >>> head_of(with_head(Normalised(nn.Identity(), 0.5, 0.5), ChosenOutputs((1, 0), 2))).outputs
    (1, 0)
    """
    if not isinstance(model, Normalised):
        return Headed(model, head).train(model.training)
    return _around(with_head(model.network, head), model)


def _around(network: nn.Module, model: Normalised) -> Normalised:
    """Another network with a model's normaliser and its record of tokens."""
    tokens = {"prefix_tokens": model.prefix_tokens, "suffix_tokens": model.suffix_tokens}
    around = Normalised(network, 0.0, 1.0, **tokens)
    around.mean, around.std = model.mean, model.std
    return around.train(model.training)


def call_once(model: nn.Module, images: Tensor) -> object:
    """Run the model without torch's wrappers, whose copies and compiled graphs do not call hooks.

    InputError as `explain_faults`.

    >>> call_once(Normalised(nn.Flatten(), 0.5, 0.5), torch.ones(1, 1, 1, 2))
    tensor([[1., 1.]])
    """
    model = unwrapped(model)
    if isinstance(model, Normalised):
        return call_once(model.network, model.normalise(images))
    if isinstance(model, Headed):
        output = call_once(model.network, images)
        with explain_faults(images):
            return model.head(output)
    with explain_faults(images):
        return model(images)


@contextmanager
def explain_faults(images: Tensor) -> Iterator[None]:
    """Turn exceptions of a network's own code on images (n, channels, h, w) into a one-line InputError.

    Out-of-memory errors are not the network's fault and pass unchanged.

    >>> with explain_faults(torch.zeros(1, 3, 4, 4)):
    ...     {}["logits"]
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: network: expected one that takes images (3, 4, 4), got KeyError: 'logits'
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a network's own code may raise anything
        if isinstance(error, RuntimeError) and "out of memory" in str(error).lower():
            raise
        shape = tuple(images.shape[1:])
        raise InputError(f"network: expected one that takes images {shape}, got {fault(error)}") from error
