"""How far a count or a mean could be off: bootstrap intervals over images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.points import reliable_ratio

# Resampled images held at once, so that many images and many draws stay within some 30 MB.
_DRAWS_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap interval; all None where the value does not exist.

    Source: this project.
    """

    value: float | None
    low: float | None
    high: float | None


def bootstrap_counts(
    mask: Tensor, reliable: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Return total and reliable knowledge points an image, and their ratio, with percentile intervals.

    Images are drawn with replacement, as many as there are; the interval lies between the (1 - level)/2 and
    (1 + level)/2 quantiles of the draws. Draws without any point say nothing about the ratio and are left out.

    Source: this project (percentile bootstrap).

    Args:
        mask: (n, r) bool.
        reliable: (n, r) bool, part of the mask.
        resamples: draws, >= 1.
        level: coverage in (0, 1).
        seed: of the draws.

    Returns:
        {"total", "reliable", "ratio"} -> Interval.

    Raises:
        InputError: no image, fewer than one draw, a level outside (0, 1).

    Cost: resamples x n random numbers.

    >>> import torch
    >>> found = bootstrap_counts(torch.ones(4, 5).bool(), torch.ones(4, 5).bool())
    >>> found["total"], found["ratio"].value
    (Interval(value=5.0, low=5.0, high=5.0), 1.0)
    """
    if mask.ndim != 2 or mask.shape != reliable.shape or len(mask) == 0:
        raise InputError(
            f"mask, reliable: got shapes {tuple(mask.shape)} and {tuple(reliable.shape)}, wants (n, r) twice, n >= 1"
        )
    _check_draws(resamples, level)
    counts = np.stack([each.sum(dim=1).cpu().double().numpy() for each in (mask, reliable)], axis=1)
    drawn = _resampled_means(counts, resamples, np.random.default_rng(seed))
    total, trusted = counts.mean(axis=0)
    with_points = drawn[drawn[:, 0] > 0]
    return {
        "total": _interval(float(total), drawn[:, 0], level),
        "reliable": _interval(float(trusted), drawn[:, 1], level),
        "ratio": _interval(reliable_ratio(trusted, total), with_points[:, 1] / with_points[:, 0], level),
    }


def bootstrap_mean(values: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean of one number an image with its percentile interval over images.

    Images whose number does not exist (NaN) are left out. Source: this project (percentile bootstrap).

    Args:
        values: (n,) floating point.
        resamples: draws, >= 1.
        level: coverage in (0, 1).
        seed: of the draws.

    Raises:
        InputError: values that are no vector, fewer than one draw, a level outside (0, 1).

    >>> import torch
    >>> bootstrap_mean(torch.tensor([2.0, 2.0, float("nan")]))
    Interval(value=2.0, low=2.0, high=2.0)
    """
    if values.ndim != 1:
        raise InputError(f"values: got shape {tuple(values.shape)}, wants one number an image (n,)")
    _check_draws(resamples, level)
    known = values[~values.isnan()].cpu().double().numpy()
    if not len(known):
        return Interval(None, None, None)
    drawn = _resampled_means(known[:, None], resamples, np.random.default_rng(seed))
    return _interval(float(known.mean()), drawn[:, 0], level)


def _check_draws(resamples: int, level: float) -> None:
    if resamples < 1 or not 0 < level < 1:
        raise InputError(
            f"resamples, level: got {resamples} and {level}, wants at least 1 and a share in (0, 1)"
        )


def _resampled_means(
    counts: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Mean of each column over images drawn with replacement (resamples, columns)."""
    n = len(counts)
    at_once = max(1, _DRAWS_AT_ONCE // n)
    blocks = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    return np.concatenate([counts[generator.integers(n, size=(size, n))].mean(axis=1) for size in blocks])


def _interval(value: float | None, draws: NDArray[np.float64], level: float) -> Interval:
    """The value between two quantiles of the draws."""
    if value is None or not len(draws):
        return Interval(value, None, None)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))
