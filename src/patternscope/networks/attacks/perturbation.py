"""Perturbations of images: the balls they stay in, and how a perturbed image is rounded."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Norm(NamedTuple):
    """A norm as an attack sees it, for offsets (n, channels, h, w), each image by itself.

    `steepest(gradient)` is the step of length one along which the loss grows fastest, `project(offset, reach)`
    the nearest offset that is at most `reach` long, `random(shape, generator)` an offset drawn evenly from
    those of at most length one, float64 on the CPU. Source: Madry et al. 2018.

    >>> NORMS["l2"].project(torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2), 1.0).flatten()
    tensor([0.6000, 0.8000])
    """

    steepest: Callable[[Tensor], Tensor]
    project: Callable[[Tensor, float], Tensor]
    random: Callable[[torch.Size, torch.Generator], Tensor]


def _lengths(offsets: Tensor) -> Tensor:
    """Euclidean length of each image's offset (n, 1, 1, 1), never zero."""
    return offsets.flatten(1).norm(dim=1).clamp_min(1e-200)[:, None, None, None]


def _random_in_cube(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Evenly in the cube of half side one."""
    return 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1


def _random_in_ball(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Evenly in the ball of radius one, for each image."""
    towards = torch.randn(shape, generator=generator, dtype=torch.float64)
    radius = torch.rand(shape[0], 1, 1, 1, generator=generator, dtype=torch.float64) ** (
        1 / shape[1:].numel()
    )
    return radius * towards / _lengths(towards)


NORMS: dict[str, Norm] = {
    "linf": Norm(torch.sign, lambda offset, reach: offset.clamp(-reach, reach), _random_in_cube),
    "l2": Norm(
        lambda gradient: gradient / _lengths(gradient),
        lambda offset, reach: offset * (reach / _lengths(offset)).clamp_max(1),
        _random_in_ball,
    ),
}


def moved(clean: Tensor, offset: Tensor) -> Tensor:
    """Return clean images moved by an offset and kept in [0, 1], in the clean images' precision.

    Rounding is towards the clean image, so that no pixel moves farther than its offset, whatever the norm.
    `clean` (n, channels, h, w) in [0, 1], `offset` likewise in float64.

    >>> moved(torch.tensor([0.5, 0.9]), torch.tensor([0.1, 0.3], dtype=torch.float64))
    tensor([0.6000, 1.0000])
    """
    exact = clean.double()
    wanted = (exact + offset).clamp(0, 1)
    rounded = wanted.to(clean.dtype)
    beyond = (rounded.double() - exact).abs() > offset.abs()
    return torch.where(beyond, torch.nextafter(rounded, clean), rounded)
