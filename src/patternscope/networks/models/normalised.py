"""Networks inside networks: the normaliser as a part of the model, and torch's wrappers around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, fault

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normalised(nn.Module):
    """A network that takes pixels in [0, 1]: (x - mean) / std comes first, inside the model.

    Attacks, recording and training then all take pixels. The layer names that users see are those of the
    network inside. `mean` and `std` are one number or one per channel. `prefix_tokens` and `suffix_tokens` tell how
    many class and register tokens a transformer has before and behind its patches, where it does not say so itself.

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
        # Half precision stays what the network was given.
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
    """Return the network whose layer names users see, without torch's wrappers and the normaliser.

    >>> inner = nn.Identity()
    >>> inner_network(Normalised(inner, 0.5, 0.5)) is inner
    True
    """
    model = unwrapped(model)
    return inner_network(model.network) if isinstance(model, Normalised) else model


def call_once(model: nn.Module, images: Tensor) -> object:
    """Run the model without torch's wrappers, whose copies and compiled graphs do not call hooks.

    InputError as `explain_faults`.

    >>> call_once(Normalised(nn.Flatten(), 0.5, 0.5), torch.ones(1, 1, 1, 2))
    tensor([[1., 1.]])
    """
    model = unwrapped(model)
    if isinstance(model, Normalised):
        return call_once(model.network, model.normalise(images))
    with explain_faults(images):
        return model(images)


@contextmanager
def explain_faults(images: Tensor) -> Iterator[None]:
    """Turn what a network's own code raises on images (n, channels, h, w) into one line of an InputError.

    Memory that is too small is no fault of the network, and its error stays as it is.

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
