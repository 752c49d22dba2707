"""What is noise: the spread over seeds beside that over images, and regions whose verdict changes with the seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, stdev

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.bootstrap import Interval


def seed_spread(values: Sequence[float | None]) -> float | None:
    """Return the standard deviation of a number over seeds; None where fewer than two seeds have it.

    The unbiased estimate of the variance.

    >>> seed_spread([1.0, 3.0, None]), seed_spread([1.0])
    (1.4142135623730951, None)
    """
    known = [value for value in values if value is not None]
    return stdev(known) if len(known) > 1 else None


def with_seed_spread(difference: Interval, spread: float, level: float = 0.95) -> Interval:
    """Return the interval of a difference, widened by what two fits differ in by their seeds alone.

    ``low' = d - sqrt((d - low)^2 + 2 (z spread)^2)``, z the normal quantile of the level; high' likewise.

    Images and seeds are independent, and both numbers have the spread. InputError for a negative spread or a
    level outside (0, 1).

    >>> with_seed_spread(Interval(1.0, 1.0, 1.0), 0.5).low < 0 < with_seed_spread(Interval(1.0, 1.0, 1.0), 0.1).low
    True
    """
    if spread < 0 or not 0 < level < 1:
        raise InputError(f"spread, level: got {spread} and {level}, wants at least 0 and a share in (0, 1)")
    if difference.value is None or difference.low is None or difference.high is None:
        return difference
    seeds = 2 * (NormalDist().inv_cdf((1 + level) / 2) * spread) ** 2
    down = ((difference.value - difference.low) ** 2 + seeds) ** 0.5
    up = ((difference.high - difference.value) ** 2 + seeds) ** 0.5
    return Interval(difference.value, difference.value - down, difference.value + up)


def within_noise(difference: Interval, spread: float = 0.0, level: float = 0.95) -> bool | None:
    """Tell whether a difference may be nothing: its interval holds zero. None where there is no interval.

    Args:
        difference: of two layers or checkpoints, by `bootstrap_count_differences`.
        spread: standard deviation of one such number over seeds, by :func:`seed_spread`; 0 counts images alone.
        level: of the interval, and of what the spread adds.

    Raises:
        InputError: as :func:`with_seed_spread`.

    >>> within_noise(Interval(0.4, 0.1, 0.7)), within_noise(Interval(0.4, 0.1, 0.7), spread=0.3)
    (False, True)
    """
    wide = with_seed_spread(difference, spread, level)
    if wide.low is None or wide.high is None:
        return None
    return wide.low <= 0 <= wide.high


@dataclass(frozen=True)
class Stability:
    """How alike the verdicts on regions are that several seeds gave.

    Attributes:
        agreement: share of regions on which two seeds say the same, in [0, 1].
        kappa: what of that is more than chance: 1 always alike, 0 as by chance; None where all verdicts are one.
        overlap: points common to two seeds as a share of those of either; None where no seed has a point.

    Kappa is Fleiss' (1971), overlap the mean Jaccard index of pairs.
    """

    agreement: float
    kappa: float | None
    overlap: float | None


def verdict_stability(verdicts: Tensor) -> Stability:
    """Return how alike the verdicts of several seeds are, whether each region is a knowledge point.

    With a of s seeds for a region: ``agreement = mean (a (a - 1) + (s - a) (s - a - 1)) / (s (s - 1))``,
    ``kappa = (agreement - chance) / (1 - chance)``, ``chance = p^2 + (1 - p)^2``, p the share of points.

    `verdicts` (s, n, r) bool, s >= 2. InputError otherwise.

    >>> verdict_stability(torch.tensor([[[True, False]], [[True, True]]]))
    Stability(agreement=0.5, kappa=-0.333..., overlap=0.5)
    """
    if verdicts.ndim != 3 or verdicts.dtype != torch.bool or len(verdicts) < 2 or not verdicts.numel():
        raise InputError(
            f"verdicts: got {verdicts.dtype} of shape {tuple(verdicts.shape)}, wants bool (s >= 2, n, r)"
        )
    seeds = len(verdicts)
    votes = verdicts.sum(dim=0).double()
    alike = votes * (votes - 1) + (seeds - votes) * (seeds - votes - 1)
    agreement = float(alike.mean()) / (seeds * (seeds - 1))
    share = float(votes.mean()) / seeds
    chance = share**2 + (1 - share) ** 2
    overlaps = [
        float((a & b).sum() / either)
        for a, b in combinations(verdicts.cpu(), 2)
        if (either := int((a | b).sum()))
    ]
    return Stability(
        agreement,
        (agreement - chance) / (1 - chance) if chance < 1 else None,
        sum(overlaps) / len(overlaps) if overlaps else None,
    )
