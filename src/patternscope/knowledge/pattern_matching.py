"""Patterns that two networks, or two fits, have in common: those that share most of their regions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_same_shape

MATCHED = 0.5
"""Jaccard index above which two patterns are the same: above one half a pattern has one partner at most."""
NONE = -1
"""The index of no pattern."""


@dataclass(frozen=True)
class Matches:
    """The match of each of p patterns among other patterns.

    Attributes:
        overlap: largest Jaccard index with any other pattern (p,) float64, in [0, 1].
        partner: the index of that pattern where the index is above 0.5, else -1 (p,) int64.
    """

    overlap: Tensor
    partner: Tensor

    @property
    def matched(self) -> int:
        """The number of patterns with a partner."""
        return int((self.partner != NONE).sum())


def match_patterns(first: Tensor, second: Tensor, counts: tuple[int, int]) -> Matches:
    """Match the patterns of one network to those of another by the regions that they have in common.

    The Jaccard index of two patterns is ``|A and B| / |A or B|``. Patterns of one side share no region, so at most one
    of the other side has an index above 0.5, and no assignment needs to be chosen (Kirillov et al., "Panoptic
    segmentation", CVPR 2019, sec. 4.1). A pattern and its partner are of the same class, which is that of their images.

    Args:
        first, second: the index of the pattern that each region belongs to, -1 without one, (n, r) int64, of the same
            images and grid.
        counts: patterns of each.

    Raises:
        InputError: shapes that disagree, places that do not exist.

    Cost: p q numbers for p and q patterns.

    >>> match_patterns(torch.tensor([[0, 0, 0, 1]]), torch.tensor([[1, 1, -1, 0]]), (2, 2))
    Matches(overlap=tensor([0.6667, 1.0000], dtype=torch.float64), partner=tensor([1, 0]))
    """
    check_same_shape(first, second, "first, second", "(n, r)", least=1)
    for name, places, count in (("first", first, counts[0]), ("second", second, counts[1])):
        if places.min() < NONE or places.max() >= count:
            raise InputError(f"{name}: expected places from -1 to {count - 1}, got {places.min()} to {places.max()}")
    p, q = counts
    if not p or not q:
        return Matches(torch.zeros(p, dtype=torch.float64), torch.full((p,), NONE))
    both = (first != NONE) & (second != NONE)
    shared = torch.bincount(first[both] * q + second[both], minlength=p * q).view(p, q).double()
    sizes = [torch.bincount(each[each != NONE], minlength=n) for each, n in ((first, p), (second, q))]
    overlap, place = (shared / (sizes[0][:, None] + sizes[1] - shared).clamp(min=1)).max(dim=1)
    return Matches(overlap, place.where(overlap > MATCHED, NONE))
