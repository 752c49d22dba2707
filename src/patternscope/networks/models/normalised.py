"""Networks inside networks: the normaliser as a part of the model, and what torch wraps around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, fault

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normalised(nn.Module):
    """A network that takes pixels in [0, 1]: (x - mean) / std comes first, inside the model.

    Attacks, recording and training then all speak of pixels. Layer names seen by users are those of the
    network inside. `mean` and `std` are one number or one a channel.

    Raises:
        InputError: a standard deviation that is not positive, or mean and std of different lengths.

    >>> model = Normalised(nn.Identity(), mean=0.5, std=0.25)
    >>> model(torch.ones(1, 1, 1, 1)).item()
    2.0
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, mean: float | Sequence[float], std: float | Sequence[float]
    ) -> None:
        super().__init__()
        centre, spread = torch.as_tensor(mean, dtype=torch.float32), torch.as_tensor(std, dtype=torch.float32)
        if centre.shape != spread.shape or centre.ndim > 1:
            raise InputError(
                f"mean and std: saw {mean!r} and {std!r}, wanted one number each or one a channel"
            )
        if not bool((spread > 0).all()):
            raise InputError(f"std: saw {std!r}, wanted positive numbers")
        self.network = network
        # Not part of the weights: they are settings, and a weight file of the bare network must fit.
        self.register_buffer("mean", centre.reshape(-1, 1, 1), persistent=False)
        self.register_buffer("std", spread.reshape(-1, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Return (images - mean) / std for images (n, c, h, w)."""
        if self.mean.numel() not in (1, images.shape[1]):
            raise InputError(
                f"images: saw {images.shape[1]} channels, the normaliser wants {self.mean.numel()}"
            )
        return (images - self.mean) / self.std

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
    """Return the network whose layer names users see: no wrapper of torch's and no normaliser.

    >>> inner = nn.Identity()
    >>> inner_network(Normalised(inner, 0.5, 0.5)) is inner
    True
    """
    model = unwrapped(model)
    while isinstance(model, Normalised):
        model = unwrapped(model.network)
    return model


def call_once(model: nn.Module, images: Tensor) -> object:
    """Run the model without torch's wrappers, whose copies and compiled graphs do not call hooks.

    InputError as `faults_told`.

    >>> call_once(Normalised(nn.Flatten(), 0.5, 0.5), torch.ones(1, 1, 1, 2))
    tensor([[1., 1.]])
    """
    model = unwrapped(model)
    while isinstance(model, Normalised) and unwrapped(model.network) is not model.network:
        images = model.normalise(images)
        model = unwrapped(model.network)
    with faults_told(images):
        return model(images)


@contextmanager
def faults_told(images: Tensor) -> Iterator[None]:
    """Turn what a network's own code raises on images (n, channels, h, w) into one line of an InputError.

    Memory that is too small is no fault of the network, and stays the error it is.

    >>> with faults_told(torch.zeros(1, 3, 4, 4)):
    ...     {}["logits"]
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: network: fails on images (3, 4, 4): KeyError: 'logits'
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a network's own code may raise anything
        if isinstance(error, RuntimeError) and "out of memory" in str(error).lower():
            raise
        raise InputError(f"network: fails on images {tuple(images.shape[1:])}: {fault(error)}") from error
