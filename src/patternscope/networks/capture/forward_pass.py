"""Calling a network: images are checked before they go in, logits when they come out."""

from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.layouts import first_tensor
from patternscope.networks.models.normalised import call_once

_PIXELS_AT_ONCE = 800_000
_MOST_AT_ONCE = 64


def checked_images(images: Any) -> Tensor:
    """Return the images; InputError unless they are a batch (n, channels, h, w), floating point or uint8.

    >>> checked_images(torch.zeros(0, 3, 4, 4))
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: images: saw shape (0, 3, 4, 4), wanted (n, channels, h, w), none of them 0
    """
    if not isinstance(images, Tensor):
        raise InputError(f"images: saw {type(images).__name__}, wanted a tensor (n, channels, h, w)")
    if images.ndim != 4 or 0 in images.shape:
        raise InputError(
            f"images: saw shape {tuple(images.shape)}, wanted (n, channels, h, w), none of them 0"
        )
    if not (images.is_floating_point() or images.dtype == torch.uint8):
        raise InputError(f"images: saw {images.dtype}, wanted floating point or uint8")
    return images


def images_at_once(images: Tensor) -> int:
    """Return how many of the images (n, channels, h, w) make a batch: 64, fewer when larger than 111 pixels.

    >>> images_at_once(torch.zeros(1, 3, 64, 64)), images_at_once(torch.zeros(1, 3, 224, 224))
    (64, 15)
    """
    return max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // (images.shape[2] * images.shape[3])))


def run_for_logits(model: nn.Module, pixels: Tensor) -> Tensor:
    """Run the model, without torch's wrappers, and return its logits (n, c).

    InputError when there is no tensor in its output or it has another shape.

    >>> run_for_logits(nn.Flatten(), torch.ones(1, 1, 1, 2))
    tensor([[1., 1.]])
    """
    return as_logits(call_once(model, pixels), len(pixels))


def as_logits(output: object, count: int, name: str = "model") -> Tensor:
    """Return a network's output for `count` images as logits (n, c).

    InputError when there is no tensor in it or it has another shape.

    >>> as_logits({"logits": torch.zeros(2, 3), "loss": None}, 2).shape
    torch.Size([2, 3])
    """
    logits = first_tensor(output)
    if logits is None or logits.ndim != 2 or len(logits) != count:
        seen = "no tensor" if logits is None else f"an output of shape {tuple(logits.shape)}"
        raise InputError(f"{name}: saw {seen}, wanted logits ({count}, classes)")
    return logits
