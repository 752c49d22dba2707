"""What a sample is, whatever a network sees in it."""

import hashlib

import torch
from torch import Tensor

from patternscope.errors import InputError


def identities(images: Tensor) -> Tensor:
    """Return a number an image, a hash of its pixels at 8 bits: the same in any order, network and machine.

    Images (n, channels, height, width), uint8 or in [0, 1] -> (n,) int64. Images of the same pixels have the
    same number.

    Raises:
        InputError: images of another shape.

    >>> images = torch.zeros(3, 1, 2, 2)
    >>> images[1] = 1.0
    >>> first, other, again = identities(images).tolist()
    >>> first == again, first == other
    (True, False)
    """
    if images.ndim != 4:
        raise InputError(f"images: got shape {tuple(images.shape)}, wants (n, channels, height, width)")
    pixels = images if images.dtype == torch.uint8 else (images.clamp(0, 1) * 255).round().to(torch.uint8)
    digests = [hashlib.blake2b(each.tobytes(), digest_size=8).digest() for each in pixels.cpu().numpy()]
    return torch.tensor([int.from_bytes(each, "little", signed=True) for each in digests], dtype=torch.int64)
