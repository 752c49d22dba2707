"""Bootstrap intervals over images: the uncertainty of a count or a mean."""

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval, student_quantile
from patternscope.knowledge.knowledge_points import KnowledgePoints, reliable_ratio
from patternscope.radial.checks import check_same_shape

# Resampled images in memory at once, at 24 bytes each, so that many images and draws stay within some 30 MB.
_DRAWS_AT_ONCE = 1 << 20
Numbers = NDArray[np.float64]


def bootstrap_counts(
    mask: Tensor, reliable: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Return total, reliable and unreliable knowledge points per image, and the ratio, with bootstrap intervals.

    Images are drawn with replacement, as many as there are; the interval lies between the (1 - level)/2 and
    (1 + level)/2 quantiles of the draws, each moved away from the value by ``sqrt(n / (n - 1)) t_{n-1} / z``, the
    quantiles of Student's and of the normal distribution: 1.004 for 300 images, 1.6 for 5 (Hesterberg, "What teachers
    should know about the bootstrap", The American Statistician 2015, sec. 5.3). One image has no interval. Draws
    without any point carry no information on the ratio and are omitted.

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

    Cost: resamples x n random numbers and twice as many multiplications; some 30 MB in addition to the input.

    >>> intervals = bootstrap_counts(torch.ones(4, 5).bool(), torch.ones(4, 5).bool())
    >>> intervals["total"], intervals["ratio"].value
    (Interval(value=5.0, low=5.0, high=5.0), 1.0)
    """
    check_same_shape(mask, reliable, "mask, reliable", "(n, r)", least=1)
    n, regions = mask.shape
    counts = np.stack([_per_image(mask), _per_image(reliable)], axis=1)
    drawn = _resampled_means([counts], resamples, level, seed)
    total, trusted = counts.mean(axis=0)
    with_points = drawn[drawn[:, 0] > 0]
    ratios = with_points[:, 1] / with_points[:, 0]
    return {
        "total": _interval(total, drawn[:, 0], n, level, within=(0, regions)),
        "reliable": _interval(trusted, drawn[:, 1], n, level, within=(0, regions)),
        "unreliable": _interval(total - trusted, drawn[:, 0] - drawn[:, 1], n, level, within=(0, regions)),
        "ratio": _interval(reliable_ratio(trusted, total), ratios, n, level, within=(0, 1)),
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
    """Return the second counts minus the first, with intervals paired over images.

    A draw takes the same images for both, so that variation between images does not count as a difference between
    networks; with `paired` False, the images differ and are drawn independently. Arguments, errors and draws as
    :func:`bootstrap_counts`; the points may lie on different grids.

    >>> points = [KnowledgePoints(*[torch.ones(4, r).bool()] * 5) for r in (2, 3)]
    >>> bootstrap_count_differences(*points)["total"]
    Interval(value=1.0, low=1.0, high=1.0)
    """
    masks = (first.mask, first.reliable, second.mask, second.reliable)
    sizes = [len(mask) for mask in masks]
    if any(mask.ndim != 2 for mask in masks) or not all(sizes) or (paired and len(set(sizes)) > 1):
        raise InputError(
            f"first, second: expected points (n, r) of {'the same ' if paired else ''}n >= 1 images, "
            f"got shapes {tuple(first.mask.shape)} and {tuple(second.mask.shape)}"
        )
    counts = [_per_image(mask) for mask in masks]
    groups = [counts] if paired else [counts[:2], counts[2:]]
    drawn = _resampled_means([np.stack(group, axis=1) for group in groups], resamples, level, seed)
    mean = [float(column.mean()) for column in counts]
    ratios = [reliable_ratio(mean[1], mean[0]), reliable_ratio(mean[3], mean[2])]
    with_points = drawn[(drawn[:, 0] > 0) & (drawn[:, 2] > 0)]
    ratio_draws = with_points[:, 3] / with_points[:, 2] - with_points[:, 1] / with_points[:, 0]
    ratio = None if ratios[0] is None or ratios[1] is None else ratios[1] - ratios[0]
    n = min(sizes)
    return {
        "total": _interval(mean[2] - mean[0], drawn[:, 2] - drawn[:, 0], n, level),
        "reliable": _interval(mean[3] - mean[1], drawn[:, 3] - drawn[:, 1], n, level),
        "ratio": _interval(ratio, ratio_draws, n, level),
    }


def bootstrap_histogram(
    values: Tensor, edges: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> list[Interval]:
    """Return the share of regions whose value is in each bin, with intervals over images.

    Bins are [edge, next edge), the last one closed; values beyond the ends count in the first and last bin, so that
    shares sum to 1. NaN (undefined values) are omitted.

    Values (n, r) floating point, increasing edges (b + 1,) -> b intervals, None where no region has a value. The other
    arguments and errors as :func:`bootstrap_counts`. Cost: resamples x n random numbers and b times as many
    multiplications; some 30 MB in addition to the input.

    >>> shares = bootstrap_histogram(torch.tensor([[0.1, 0.9]]), torch.tensor([0.0, 0.5, 1.0]))
    >>> [share.value for share in shares]
    [0.5, 0.5]
    """
    if values.ndim != 2 or len(values) == 0:
        raise InputError(f"values: expected shape (n, r), n >= 1, got {tuple(values.shape)}")
    if edges.ndim != 1 or len(edges) < 2 or not (edges.diff() > 0).all():
        raise InputError(f"edges: expected at least two, increasing, got {edges.tolist()}")
    bins = torch.bucketize(values.double(), edges[1:-1].to(values.device, torch.float64), right=True)
    known = ~values.isnan()
    counts = np.stack([_per_image((bins == place) & known) for place in range(len(edges) - 1)], axis=1)
    drawn = _resampled_means([counts], resamples, level, seed)
    drawn = drawn[drawn.sum(axis=1) > 0]
    shares = drawn / drawn.sum(axis=1, keepdims=True)
    total = counts.sum()
    return [
        _interval(column.sum() / total if total else None, draws, len(values), level, within=(0, 1))
        for column, draws in zip(counts.T, shares.T, strict=True)
    ]


def bootstrap_mean(values: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean of one number per image with its interval over images.

    Images whose number is undefined (NaN) are omitted. Values (n,) floating point; the other arguments and errors
    as :func:`bootstrap_counts`.

    >>> bootstrap_mean(torch.tensor([2.0, 2.0, float("nan")]))
    Interval(value=2.0, low=2.0, high=2.0)
    """
    if values.ndim != 1:
        raise InputError(f"values: expected one number per image (n,), got shape {tuple(values.shape)}")
    known = values[~values.isnan()]
    if not len(known):
        return Interval(None, None, None)
    return bootstrap_means(known[:, None], resamples=resamples, level=level, seed=seed)[0]


def bootstrap_means(values: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> list[Interval]:
    """Return the means of several numbers per image with their intervals over the same draws of images.

    Values (n, m) without NaN, n >= 1 -> m intervals; the other arguments and errors as :func:`bootstrap_counts`. Cost:
    the draws of one interval, and resamples x n x m multiplications.

    >>> [mean.value for mean in bootstrap_means(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))]
    [2.0, 5.0]
    """
    if values.ndim != 2 or len(values) == 0:
        raise InputError(f"values: expected numbers per image (n, m), n >= 1, got shape {tuple(values.shape)}")
    known = values.cpu().double().numpy()
    drawn = _resampled_means([known], resamples, level, seed)
    pairs = zip(known.mean(axis=0), drawn.T, strict=True)
    return [_interval(mean, draws, len(known), level) for mean, draws in pairs]


def bootstrap_ratio(
    part: Tensor, whole: Tensor, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Return sum(part) / sum(whole) of two numbers per image, with its interval over images.

    Part and whole (n,) are, for example, an image's knowledge points on the object, and all its points.
    Draws in which the whole is zero are omitted. The other arguments and errors as :func:`bootstrap_counts`.

    >>> bootstrap_ratio(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]))
    Interval(value=0.5, low=0.5, high=0.5)
    """
    check_same_shape(part, whole, "part, whole", "(n,)", least=1)
    pair = torch.stack([part.double(), whole.double()], dim=1).cpu().numpy()
    drawn = _resampled_means([pair], resamples, level, seed)
    drawn = drawn[drawn[:, 1] > 0]
    return _interval(reliable_ratio(*pair.sum(axis=0).tolist()), drawn[:, 0] / drawn[:, 1], len(pair), level)


def _per_image(mask: Tensor) -> Numbers:
    """Return how many regions of each image are in a mask (n, r), as (n,)."""
    return mask.sum(dim=1).cpu().double().numpy()


def _resampled_means(groups: Sequence[Numbers], resamples: int, level: float, seed: int) -> Numbers:
    """Return the mean of each column over images drawn with replacement (resamples, columns).

    Each group (n, columns) has its own images; all draws come from one generator.
    """
    if resamples < 1 or not 0 < level < 1:
        raise InputError(f"resamples, level: expected >= 1 and a share in (0, 1), got {resamples}, {level}")
    if len(groups) == 1 and resamples * len(groups[0]) <= _DRAWS_AT_ONCE:
        return _all_draws(len(groups[0]), resamples, seed) @ groups[0] / len(groups[0])
    generator = np.random.default_rng(seed)
    means = []
    for columns in groups:
        n = len(columns)
        at_once = max(1, _DRAWS_AT_ONCE // n)
        sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
        means.append(np.concatenate([_times_drawn(n, size, generator) @ columns for size in sizes]) / n)
    return np.concatenate(means, axis=1)


# Many numbers of the same images are computed in succession, with the same draws; two of these are at most 16 MB.
@lru_cache(maxsize=2)
def _all_draws(n: int, resamples: int, seed: int) -> Numbers:
    """Return how often each of n images is in each draw of a seed (resamples, n), read-only."""
    drawn = _times_drawn(n, resamples, np.random.default_rng(seed))
    drawn.flags.writeable = False
    return drawn


def _times_drawn(n: int, size: int, generator: np.random.Generator) -> Numbers:
    """Return how often each of n images is in each of `size` draws of n (size, n)."""
    drawn = generator.integers(n, size=(size, n))
    drawn += n * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _interval(
    value: float | None, draws: Numbers, images: int, level: float, within: tuple[float, float] = (-np.inf, np.inf)
) -> Interval:
    """Return the value between two quantiles of the draws, widened for few images, within the possible range."""
    if value is None:
        return Interval(None, None, None)
    if not len(draws) or images < 2:
        return Interval(float(value), None, None)
    quantiles = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    low, high = np.clip(value + _widening(images, level) * (quantiles - value), *within)
    return Interval(float(value), float(low), float(high))


def _widening(images: int, level: float) -> float:
    """Return the factor by which an interval over a number of images is wider than the quantiles of its draws."""
    end = (1 + level) / 2
    student = student_quantile(images, end) / NormalDist().inv_cdf(end)
    return (images / (images - 1)) ** 0.5 * student
