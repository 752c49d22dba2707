"""How far verdicts on the same regions agree over seeds."""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from patternscope.errors import InputError


@dataclass(frozen=True)
class Stability:
    """The agreement of the verdicts of several seeds on the same regions.

    Attributes:
        agreement: share of regions on which two seeds agree, in [0, 1].
        kappa: agreement beyond chance: 1 for identical verdicts, 0 at chance level; None where all verdicts are one.
        overlap: points common to two seeds as a share of those of either; None where no seed has a point.

    Kappa is Fleiss' (1971), overlap the mean Jaccard index of pairs.
    """

    agreement: float
    kappa: float | None
    overlap: float | None


def verdict_stability(verdicts: Tensor) -> Stability:
    """Return how far the verdicts of several seeds agree on which regions are knowledge points.

    With a of s seeds for a region: ``agreement = mean (a (a - 1) + (s - a) (s - a - 1)) / (s (s - 1))``,
    ``kappa = (agreement - chance) / (1 - chance)``, ``chance = p^2 + (1 - p)^2``, p the share of points.

    `verdicts` (s, n, r) bool, s >= 2. InputError otherwise.

    >>> verdict_stability(torch.tensor([[[True, False]], [[True, True]]]))
    Stability(agreement=0.5, kappa=-0.333..., overlap=0.5)
    """
    if verdicts.ndim != 3 or verdicts.dtype != torch.bool or len(verdicts) < 2 or not verdicts.numel():
        raise InputError(
            f"verdicts: expected bool (s >= 2, n, r), got {verdicts.dtype} of shape {tuple(verdicts.shape)}"
        )
    seeds = len(verdicts)
    votes = verdicts.sum(dim=0).double()
    alike = votes * (votes - 1) + (seeds - votes) * (seeds - votes - 1)
    agreement = float(alike.mean()) / (seeds * (seeds - 1))
    share = float(votes.mean()) / seeds
    chance = share**2 + (1 - share) ** 2
    overlaps = [
        float((a & b).sum() / either) for a, b in combinations(verdicts.cpu(), 2) if (either := int((a | b).sum()))
    ]
    return Stability(
        agreement,
        (agreement - chance) / (1 - chance) if chance < 1 else None,
        sum(overlaps) / len(overlaps) if overlaps else None,
    )
