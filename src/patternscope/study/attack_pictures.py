"""The pictures of an attack at its kept steps, in bounded bytes."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import interpolate

MOST_BYTES = 256 * 10**6
"""Largest size of the pictures of all kept steps."""


@dataclass(frozen=True)
class AttackPictures:
    """Pictures (t, n, channels, h, w) uint8 of n images at t kept steps; images that are not attacked stay clean."""

    values: Tensor

    @classmethod
    def clean(cls, images: Tensor, steps: int, most_bytes: int = MOST_BYTES) -> Self:
        """Return the pictures of clean images (n, channels, h, w) in [0, 1].

        Larger ones are reduced, by averaging pixels, until all steps take at most `most_bytes`.

        >>> AttackPictures.clean(torch.zeros(2, 3, 8, 8), steps=4, most_bytes=4 * 2 * 3 * 16).values.shape
        torch.Size([4, 2, 3, 4, 4])
        """
        height, width = _kept_size(tuple(images.shape), steps, most_bytes)
        small = _bytes_of(images, height, width)
        return cls(small.repeat(steps, 1, 1, 1, 1))

    def put(self, place: int, rows: Tensor, images: Tensor) -> None:
        """Add images (m, channels, h, w) in [0, 1] at one kept step."""
        height, width = self.values.shape[-2:]
        self.values[place, rows] = _bytes_of(images, height, width)


def _kept_size(shape: tuple[int, ...], steps: int, most_bytes: int) -> tuple[int, int]:
    """The height and width at which images of a shape (n, channels, h, w) are kept at a number of steps."""
    n, channels, height, width = shape
    share = min(1.0, math.sqrt(most_bytes / (steps * n * channels * height * width)))
    return max(1, int(share * height + 1e-9)), max(1, int(share * width + 1e-9))


def _bytes_of(images: Tensor, height: int, width: int) -> Tensor:
    """Images in [0, 1] as bytes at a size that is not larger."""
    values = images.float().cpu()
    if values.shape[-2:] != (height, width):
        values = interpolate(values, size=(height, width), mode="area")
    return (values * 255).round().clamp(0, 255).to(torch.uint8)
