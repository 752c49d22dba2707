"""Removing a pattern's regions, and as controls equally many others of the same images."""

from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_same_shape


@dataclass(frozen=True)
class Removals:
    """Regions to remove from some images, in each image equally many of each kind.

    Attributes:
        samples: the images (m,) int64, those that have regions of all kinds.
        own: regions of the pattern (m, r) bool. others: reliable regions outside the pattern. rest: regions that are
            not reliable.
    """

    samples: Tensor
    own: Tensor
    others: Tensor
    rest: Tensor

    @property
    def counts(self) -> Tensor:
        """The number of regions of each kind that are removed from each image (m,)."""
        return self.own.sum(dim=1)


def choose_removals(members: Tensor, reliable: Tensor, samples: Tensor, generator: torch.Generator) -> Removals:
    """Choose which regions to remove from some images: as many of each kind as the rarest kind has.

    From larger kinds, a random subset is drawn. Images without one of the kinds are omitted.

    Args:
        members: regions of the pattern (n, r) bool, all of them reliable.
        reliable: reliable regions (n, r) bool.
        samples: the images to test (m,) int64.
        generator: of the draws.

    Raises:
        InputError: shapes that disagree, members that are not reliable.

    Cost: sorts m r numbers three times.

    >>> chosen = choose_removals(torch.tensor([[True, False, False]]), torch.tensor([[True, True, False]]),
    ...                          torch.tensor([0]), torch.Generator().manual_seed(0))
    >>> chosen.own.tolist(), chosen.others.tolist(), chosen.rest.tolist()
    ([[True, False, False]], [[False, True, False]], [[False, False, True]])
    """
    check_same_shape(members, reliable, "members, reliable", "(n, r)", least=1)
    if (members & ~reliable).any():
        raise InputError("members: expected reliable regions, got some that are not")
    kinds = [kind[samples] for kind in (members, reliable & ~members, ~reliable)]
    counts = torch.stack([kind.sum(dim=1) for kind in kinds]).amin(dim=0)
    asked = counts > 0
    return Removals(samples[asked], *(draw_regions(kind[asked], counts[asked], generator) for kind in kinds))


def draw_regions(allowed: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
    """Draw some of the allowed regions of each image, all equally likely.

    Allowed regions (m, r) bool, how many of each image (m,), at most as many as are allowed -> (m, r) bool.

    >>> draw_regions(torch.tensor([[True, False, True]]), torch.tensor([2]), torch.Generator())
    tensor([[ True, False,  True]])
    """
    # Numbers are in [0, 1), so regions that are not allowed come last.
    drawn = torch.rand(allowed.shape, generator=generator).masked_fill(~allowed, 2.0)
    return drawn.argsort(dim=1, stable=True).argsort(dim=1) < counts[:, None]
