"""Capped removal: never more regions at once than a network has learnt to do without.

The idea is that of F-Fidelity (Zheng et al., arXiv 2410.02970): images with most regions removed are nothing that a
network has seen, so that deletion tests measure its surprise. A copy is fine-tuned under random masks of at most a
share of the regions, and at most that share is removed, drawn from the regions that an order ranks first.
"""

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.knowledge.faithfulness import mean_colour, removal_shares, replace_regions
from patternscope.networks.training.objectives import Objective, cross_entropy


def capped_masks(order: Tensor, steps: int, cap: float, seed: int = 0) -> Tensor:
    """Return which regions are removed at each step: at most a share of all, drawn from those ranked first.

    At step k of s the first ``q = k / s`` of the order are candidates, and ``min(q, cap)`` of the regions are removed,
    drawn from the candidates by keys that are the same for all orders and steps. At the last step every order removes
    the same regions.

    Order (..., n, r) by `removal_order`, cap in (0, 1] -> (steps, ..., n, r) bool. InputError for another cap.

    >>> capped_masks(torch.tensor([[2, 0, 1, 3]]), 2, 0.25).sum(dim=-1).tolist()
    [[1], [1]]
    >>> capped_masks(torch.tensor([[2, 0, 1, 3]]), 4, 0.25)[0].tolist()
    [[False, False, True, False]]
    """
    if not 0 < cap <= 1:
        raise InputError(f"cap: expected a share in (0, 1], got {cap}")
    regions = order.shape[-1]
    keys = torch.rand(order.shape[-2:], generator=torch.Generator().manual_seed(seed)).expand(order.shape)
    ranks = order.argsort(dim=-1)
    candidates = (removal_shares(regions, steps)[1:] * regions).round().long().tolist()
    removed = []
    for count in candidates:
        drawn = keys.masked_fill(ranks >= count, 2.0).argsort(dim=-1).argsort(dim=-1)
        removed.append(drawn < max(1, min(count, round(cap * regions))))
    return torch.stack(removed)


def cross_entropy_under_masks(cap: float, grid: tuple[int, int]) -> Objective:
    """Return cross-entropy of images in which a random share of the regions, up to a cap, shows the mean colour."""
    plain, regions = cross_entropy(), grid[0] * grid[1]

    def objective(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        share = cap * torch.rand(len(pixels), 1)
        removed = torch.rand(len(pixels), regions).argsort(dim=1).argsort(dim=1) < (share * regions).round()
        return plain(network, replace_regions(pixels, mean_colour(pixels), removed, grid), labels)

    return objective
