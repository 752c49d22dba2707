"""Perturbations of images: the balls they stay in, and how a perturbed image is rounded."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Norm(NamedTuple):
    """The operations of a norm that an attack uses, for offsets (n, channels, h, w), per image.

    `steepest(gradient)` is the step of length one along which the loss grows fastest, `project(offset, reach)`
    the nearest offset that is at most `reach` long, `random(shape, generator)` an offset drawn uniformly from
    those of at most length one, float64 on the CPU. After Madry et al. 2018.

    >>> NORMS["l2"].project(torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2), 1.0).flatten()
    tensor([0.6000, 0.8000])
    """

    steepest: Callable[[Tensor], Tensor]
    project: Callable[[Tensor, float], Tensor]
    random: Callable[[torch.Size, torch.Generator], Tensor]


def _lengths(offsets: Tensor) -> Tensor:
    """Return the Euclidean length of each image's offset, (n, 1, 1, 1), never zero."""
    return offsets.flatten(1).norm(dim=1).clamp_min(1e-200)[:, None, None, None]


def _random_in_cube(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Draw uniformly from the cube of half side one."""
    return 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1


def _random_in_ball(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Draw uniformly from the ball of radius one, for each image."""
    direction = torch.randn(shape, generator=generator, dtype=torch.float64)
    share = torch.rand(shape[0], 1, 1, 1, generator=generator, dtype=torch.float64)  # of the volume
    return share ** (1 / shape[1:].numel()) * direction / _lengths(direction)


NORMS: dict[str, Norm] = {
    "linf": Norm(torch.sign, lambda offset, reach: offset.clamp(-reach, reach), _random_in_cube),
    "l2": Norm(
        lambda gradient: gradient / _lengths(gradient),
        lambda offset, reach: offset * (reach / _lengths(offset)).clamp_max(1),
        _random_in_ball,
    ),
}


def perturbed(clean: Tensor, offset: Tensor) -> Tensor:
    """Return clean images plus an offset, clamped to [0, 1], in the clean images' precision.

    Rounding is towards the clean image, so that no pixel moves farther than its offset, in any norm.
    `clean` (n, channels, h, w) in [0, 1], `offset` of the same shape in float64.

    >>> perturbed(torch.tensor([0.5, 0.9]), torch.tensor([0.1, 0.3], dtype=torch.float64))
    tensor([0.6000, 1.0000])
    """
    exact = clean.double()
    rounded = (exact + offset).clamp(0, 1).to(clean.dtype)
    beyond = (rounded.double() - exact).abs() > offset.abs()
    return torch.where(beyond, torch.nextafter(rounded, clean), rounded)
