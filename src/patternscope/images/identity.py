"""The identity of an image, independent of any network."""

import hashlib

import torch
from torch import Tensor

from patternscope.errors import InputError


def identities(images: Tensor) -> Tensor:
    """Return a number per image, a hash of its pixels at 8 bits: the same in any order, network and machine.

    Images (n, channels, height, width), uint8 or in [0, 1] -> (n,) int64; equal images have equal numbers.
    InputError for another shape.

    >>> images = torch.zeros(3, 1, 2, 2)
    >>> images[1] = 1.0
    >>> first, other, again = identities(images).tolist()
    >>> first == again, first == other
    (True, False)
    """
    if images.ndim != 4:
        raise InputError(f"images: expected shape (n, channels, height, width), got {tuple(images.shape)}")
    pixels = images if images.dtype == torch.uint8 else (images.clamp(0, 1) * 255).round().to(torch.uint8)
    digests = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in pixels.cpu().numpy()]
    numbers = [int.from_bytes(digest, "little", signed=True) for digest in digests]
    return torch.tensor(numbers, dtype=torch.int64)
