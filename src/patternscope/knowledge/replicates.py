"""Several networks, trained alike from other seeds: counts over networks and images, and what the networks share."""

from collections.abc import Sequence
from math import inf, sqrt
from statistics import fmean, stdev

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval, student_quantile

_CHANCE_DRAWS = 20


def over_networks(
    intervals: Sequence[Interval], *, level: float = 0.95, within: tuple[float, float] = (-inf, inf)
) -> Interval:
    """Return the mean of a number over networks, with an interval over networks and images.

    ``low = v - sqrt((t s / sqrt(m))^2 + mean_k(v_k - low_k)^2)``, v the mean of the m numbers v_k, s their standard
    deviation, t Student's quantile of m - 1 degrees of freedom; high likewise. The images are the same for all
    networks, so that their part does not shrink with m. Networks without the number are omitted.

    Args:
        intervals: of each network, over images.
        level: coverage in (0, 1).
        within: the range of the number.

    Raises:
        InputError: no network, a level outside (0, 1).

    Returns:
        no ends if fewer than two networks have the number or one has no interval.

    >>> over_networks([Interval(2.0, 1.0, 3.0), Interval(2.0, 1.0, 3.0)])
    Interval(value=2.0, low=1.0, high=3.0)
    >>> over_networks([Interval(2.0, 2.0, 2.0), Interval(3.0, 3.0, 3.0), Interval(4.0, 4.0, 4.0)]).high > 5
    True
    """
    if not intervals:
        raise InputError("intervals: expected at least one network, got none")
    known = [(i.value, i.low, i.high) for i in intervals if i.value is not None]
    if not known:
        return Interval(None, None, None)
    mean = fmean(value for value, _, _ in known)
    down = [value - low for value, low, _ in known if low is not None]
    up = [high - value for value, _, high in known if high is not None]
    if len(known) < 2 or len(down) < len(known) or len(up) < len(known):
        return Interval(mean, None, None)
    between = _half_width([value for value, _, _ in known], level)
    low, high = mean - sqrt(between**2 + fmean(down) ** 2), mean + sqrt(between**2 + fmean(up) ** 2)
    return Interval(mean, max(low, within[0]), min(high, within[1]))


def difference_over_networks(
    difference: Interval, differences: Sequence[float | None], *, level: float = 0.95
) -> Interval:
    """Return the mean of a difference within each network, with an interval over networks and images.

    Ends as :func:`over_networks`, the part of the images from `difference`, which is of the first network; the
    `differences` are those of all networks, each between the same two layers or checkpoints of one network. InputError
    as there.

    >>> difference_over_networks(Interval(1.0, 0.5, 1.5), [1.0, 1.0, 1.0])
    Interval(value=1.0, low=0.5, high=1.5)
    """
    if not differences:
        raise InputError("differences: expected at least one network, got none")
    if difference.value is None or difference.low is None or difference.high is None:
        known = [value for value in differences if value is not None]
        return Interval(fmean(known) if known else None, None, None)
    down, up = difference.value - difference.low, difference.high - difference.value
    each = [Interval(value, None, None) if value is None else _around(value, down, up) for value in differences]
    return over_networks(each, level=level)


def shared_by_all(masks: Tensor, categories: Tensor) -> float | None:
    """Return the consensus: the share of knowledge points that all networks have, the same region and class.

    ``|in all, of one class| / |in any|`` of masks and categories (m, n, r); in [0, 1], None if no network has a point.

    >>> masks = torch.tensor([[[True, True]], [[True, False]]])
    >>> shared_by_all(masks, torch.zeros(2, 1, 2).long())
    0.5
    """
    alike = (categories == categories[0]).all(dim=0)
    either = int(masks.any(dim=0).sum())
    return int((masks.all(dim=0) & alike).sum()) / either if either else None


def shared_by_chance(masks: Tensor, categories: Tensor, *, seed: int = 0) -> float | None:
    """Return the consensus of networks whose points are those of other images, that is, by chance.

    The mean of :func:`shared_by_all` over 20 permutations of the images of every network but the first. Masks and
    categories (m, n, r); in [0, 1], None if no network has a point.

    >>> shared_by_chance(torch.ones(2, 3, 1).bool(), torch.zeros(2, 3, 1).long())
    1.0
    """
    generator = torch.Generator().manual_seed(seed)
    m, n = masks.shape[:2]
    shares = []
    for _ in range(_CHANCE_DRAWS):
        order = torch.stack([torch.arange(n), *(torch.randperm(n, generator=generator) for _ in range(m - 1))])
        place = torch.arange(m)[:, None], order
        shares.append(shared_by_all(masks[place], categories[place]))
    known = [share for share in shares if share is not None]
    return fmean(known) if known else None


def _around(value: float, down: float, up: float) -> Interval:
    """An interval of the same width around another value."""
    return Interval(value, value - down, value + up)


def _half_width(values: Sequence[float], level: float) -> float:
    """Half the interval of the mean of a few numbers."""
    if not 0 < level < 1:
        raise InputError(f"level: expected a share in (0, 1), got {level}")
    m = len(values)
    return student_quantile(m, (1 + level) / 2) * stdev(values) / sqrt(m)
