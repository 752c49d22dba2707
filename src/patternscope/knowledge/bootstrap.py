"""How far a count or a mean could be off: bootstrap intervals over images."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.points import KnowledgePoints, reliable_ratio

# Resampled images held at once, at 24 bytes each, so that many images and many draws stay within some 30 MB.
_DRAWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap interval; all None where the value does not exist."""

    value: float | None
    low: float | None
    high: float | None


# One image says nothing of the others.
_NO_INTERVAL_BELOW = 2


def bootstrap_counts(
    mask: Tensor, reliable: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Return total, reliable and unreliable knowledge points an image, and the ratio, with bootstrap intervals.

    Images are drawn with replacement, as many as there are; the interval lies between the (1 - level)/2 and
    (1 + level)/2 quantiles of the draws, each moved away from the value by ``sqrt(n / (n - 1)) t_{n-1} / z``, the
    quantiles of Student's and of the normal distribution: 1.004 for 300 images, 1.6 for 5. One image has no
    interval. Draws without any point say nothing about the ratio and are left out.

    Percentile bootstrap; the widening for few images after Hesterberg, "What teachers should know about the
    bootstrap", The American Statistician 2015, sec. 5.3.

    Args:
        mask: (n, r) bool.
        reliable: (n, r) bool, part of the mask.
        resamples: draws, >= 1.
        level: coverage in (0, 1).
        seed: of the draws.

    Returns:
        {"total", "reliable", "unreliable", "ratio"} -> Interval; ratio = reliable / total.

    Raises:
        InputError: no image, fewer than one draw, a level outside (0, 1).

    Cost: resamples x n random numbers and twice as many multiplications; some 30 MB beside the input.

    >>> found = bootstrap_counts(torch.ones(4, 5).bool(), torch.ones(4, 5).bool())
    >>> found["total"], found["ratio"].value
    (Interval(value=5.0, low=5.0, high=5.0), 1.0)
    """
    if mask.ndim != 2 or mask.shape != reliable.shape or len(mask) == 0:
        raise InputError(
            f"mask, reliable: got shapes {tuple(mask.shape)} and {tuple(reliable.shape)}, wants (n, r) twice, n >= 1"
        )
    _check_draws(resamples, level)
    n, regions = mask.shape
    counts = np.stack([each.sum(dim=1).cpu().double().numpy() for each in (mask, reliable)], axis=1)
    drawn = _resampled_means(counts, resamples, np.random.default_rng(seed))
    total, trusted = counts.mean(axis=0)
    with_points = drawn[drawn[:, 0] > 0]
    return {
        "total": _interval(float(total), drawn[:, 0], n, level, within=(0, regions)),
        "reliable": _interval(float(trusted), drawn[:, 1], n, level, within=(0, regions)),
        "unreliable": _interval(
            float(total - trusted), drawn[:, 0] - drawn[:, 1], n, level, within=(0, regions)
        ),
        "ratio": _interval(
            reliable_ratio(trusted, total), with_points[:, 1] / with_points[:, 0], n, level, within=(0, 1)
        ),
    }


def bootstrap_count_differences(
    first: KnowledgePoints,
    second: KnowledgePoints,
    *,
    paired: bool = True,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return by how much the second counts exceed the first, with intervals paired over images.

    A draw takes the same images for both, so that what makes an image rich in points for either network is
    not taken for a difference between them; with `paired` False the images are others, and drawn apart.
    Arguments, errors and draws as :func:`bootstrap_counts`; the points may lie on other grids. Percentile
    bootstrap.

    >>> points = [KnowledgePoints(*[torch.ones(4, r).bool()] * 5) for r in (2, 3)]
    >>> bootstrap_count_differences(*points)["total"]
    Interval(value=1.0, low=1.0, high=1.0)
    """
    masks = (first.mask, first.reliable, second.mask, second.reliable)
    sizes = [len(mask) for mask in masks]
    if any(mask.ndim != 2 for mask in masks) or not all(sizes) or (paired and len(set(sizes)) > 1):
        raise InputError(
            f"first, second: got points of shapes {tuple(first.mask.shape)} and {tuple(second.mask.shape)}, "
            f"wants (n, r) of {'the same ' if paired else ''}n >= 1 images"
        )
    _check_draws(resamples, level)
    counts = [mask.sum(dim=1).cpu().double().numpy() for mask in masks]
    generator = np.random.default_rng(seed)
    groups = [counts] if paired else [counts[:2], counts[2:]]
    means = [_resampled_means(np.stack(group, axis=1), resamples, generator) for group in groups]
    drawn = np.concatenate(means, axis=1)
    mean = [float(each.mean()) for each in counts]
    ratios = [reliable_ratio(mean[1], mean[0]), reliable_ratio(mean[3], mean[2])]
    with_points = drawn[(drawn[:, 0] > 0) & (drawn[:, 2] > 0)]
    ratio_draws = with_points[:, 3] / with_points[:, 2] - with_points[:, 1] / with_points[:, 0]
    ratio = None if ratios[0] is None or ratios[1] is None else ratios[1] - ratios[0]
    return {
        "total": _interval(float(mean[2] - mean[0]), drawn[:, 2] - drawn[:, 0], min(sizes), level),
        "reliable": _interval(float(mean[3] - mean[1]), drawn[:, 3] - drawn[:, 1], min(sizes), level),
        "ratio": _interval(ratio, ratio_draws, min(sizes), level),
    }


def bootstrap_histogram(
    values: Tensor, edges: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> list[Interval]:
    """Return the share of regions whose value lies in each bin, with intervals over images.

    Bins are [edge, next edge), the last one closed; what lies beyond the ends counts in the first and last
    bin, so that shares sum to 1. NaN, a value that does not exist, is left out.

    Args:
        values: (n, r) floating point.
        edges: (b + 1,) increasing.
        resamples, level, seed: as :func:`bootstrap_counts`.

    Returns:
        b intervals; None where no region has a value.

    Raises:
        InputError: values that are not (n, r), edges that do not increase, and as :func:`bootstrap_counts`.

    Cost: resamples x n random numbers and b times as many multiplications; some 30 MB beside the input.

    >>> shares = bootstrap_histogram(torch.tensor([[0.1, 0.9]]), torch.tensor([0.0, 0.5, 1.0]))
    >>> [share.value for share in shares]
    [0.5, 0.5]
    """
    if values.ndim != 2 or len(values) == 0:
        raise InputError(f"values: got shape {tuple(values.shape)}, wants (n, r), n >= 1")
    if edges.ndim != 1 or len(edges) < 2 or not (edges.diff() > 0).all():
        raise InputError("edges: wants at least two, increasing")
    _check_draws(resamples, level)
    bins = torch.bucketize(values.double(), edges[1:-1].to(values.device, torch.float64), right=True)
    known = ~values.isnan()
    counts = np.stack([((bins == each) & known).sum(dim=1).cpu() for each in range(len(edges) - 1)], axis=1)
    counts = counts.astype(np.float64)
    drawn = _resampled_means(counts, resamples, np.random.default_rng(seed))
    drawn = drawn[drawn.sum(axis=1) > 0]
    shares = drawn / drawn.sum(axis=1, keepdims=True)
    total = counts.sum()
    return [
        _interval(float(column.sum() / total) if total else None, draws, len(values), level, within=(0, 1))
        for column, draws in zip(counts.T, shares.T, strict=True)
    ]


def bootstrap_mean(values: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean of one number an image with its percentile interval over images.

    Images whose number does not exist (NaN) are left out. Percentile bootstrap.

    Args:
        values: (n,) floating point.
        resamples: draws, >= 1.
        level: coverage in (0, 1).
        seed: of the draws.

    Raises:
        InputError: values that are no vector, fewer than one draw, a level outside (0, 1).

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
    return _interval(float(known.mean()), drawn[:, 0], len(known), level)


def bootstrap_ratio(
    part: Tensor, whole: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Return sum(part) / sum(whole) of one number of each an image, with its percentile interval over images.

    Draws in which the whole is nothing are left out. Percentile bootstrap.

    Args:
        part: (n,), such as what of an image's knowledge points lies on the object.
        whole: (n,), such as how many points the image has.
        resamples, level, seed: as :func:`bootstrap_mean`.

    Raises:
        InputError: no image, two shapes, fewer than one draw, a level outside (0, 1).

    >>> bootstrap_ratio(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]))
    Interval(value=0.5, low=0.5, high=0.5)
    """
    if part.ndim != 1 or part.shape != whole.shape or not len(part):
        raise InputError(
            f"part, whole: got shapes {tuple(part.shape)} and {tuple(whole.shape)}, wants (n,) twice, n >= 1"
        )
    _check_draws(resamples, level)
    pair = torch.stack([part.double(), whole.double()], dim=1).cpu().numpy()
    drawn = _resampled_means(pair, resamples, np.random.default_rng(seed))
    drawn = drawn[drawn[:, 1] > 0]
    return _interval(reliable_ratio(*pair.sum(axis=0).tolist()), drawn[:, 0] / drawn[:, 1], len(pair), level)


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
    return np.concatenate([_times_drawn(n, size, generator) @ counts for size in blocks]) / n


def _times_drawn(n: int, size: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """How often each of n images is in each of some draws of n (size, n)."""
    drawn = generator.integers(n, size=(size, n))
    drawn += n * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _interval(
    value: float | None,
    draws: NDArray[np.float64],
    images: int,
    level: float,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """The value between two quantiles of the draws, widened for few images, within what is possible."""
    if value is None:
        return Interval(None, None, None)
    if not len(draws) or images < _NO_INTERVAL_BELOW:
        return Interval(float(value), None, None)
    quantiles = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    low, high = np.clip(value + _widening(images, level) * (quantiles - value), *within)
    return Interval(float(value), float(low), float(high))


def _widening(images: int, level: float) -> float:
    """How much farther from the value than its draws an interval of so many images ends."""
    end = (1 + level) / 2
    student = float(stdtrit(images - 1, end)) / NormalDist().inv_cdf(end)
    return (images / (images - 1)) ** 0.5 * student
