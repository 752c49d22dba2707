"""Clusters of the points of images: the largest number on which halves of the images agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patternscope.errors import InputError
from patternscope.knowledge.intervals import student_quantile
from patternscope.radial.checks import check_at_least

Points = NDArray[np.float64]
Labels = NDArray[np.int64]
_STARTS, _LEVEL = 8, 0.99
_AXES = 24
"""Largest number of principal axes for clustering: further axes contain mostly noise, and cost time."""
STABLE = 0.75
"""Stability from which a cluster is valid, by Hennig (2007)."""


@dataclass(frozen=True)
class Clusters:
    """Points in clusters that halves of the images agree on.

    Attributes:
        labels: cluster of each point (m,) int64, from 0 on.
        stability: of each cluster (p,), its Jaccard index with the same cluster by the centres of the other half, mean
            over divisions into halves; in [0, 1], and 1 of a single cluster.
        within: squared distances of the points to the means of their clusters, as a share of those of as many clusters
            in evenly filled boxes; None for a single cluster.
    """

    labels: Labels
    stability: Points
    within: float | None

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.stability)


def find_clusters(
    points: Points, halves: Labels, *, most: int = 8, least: int = 10, boxes: int = 7, seed: int = 0
) -> Clusters:
    """Cluster points by k-means, into as many clusters as halves of the images agree on.

    The number is the largest at which each cluster is stable: (1) clusters of one half of the images, to whose nearest
    centres the points of the other half are assigned, give a mean Jaccard index of at least 0.75 with it, and they are
    (2) tighter than in points without clusters: the sum of squared distances to the means is below what evenly filled
    boxes of the same axes and standard deviations have, below the 99 % prediction limit of q boxes. Otherwise it is
    one. k-means works in the 24 largest principal axes. Sources: Hennig, "Cluster-wise assessment of cluster
    stability", Computational Statistics & Data Analysis 2007, for (1), with the halves of Tibshirani and Walther, JCGS
    2005; Tibshirani, Walther and Hastie, "Estimating the number of clusters in a data set via the gap statistic", JRSS
    B 2001, for (2).

    Args:
        points: (m, k), finite.
        halves: the half of the images that each point belongs to, in some divisions (s, m), 0 or 1.
        most: largest number of clusters. least: points of each half for each cluster, on average.
        boxes: their number q, >= 2. seed: of starts and boxes.

    Raises:
        InputError: shapes that disagree, no point, numbers outside their range.

    Cost: up to 2 most s runs of k-means, and q more for each number that passes (1).

    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(120, 2)) + 20 * np.repeat([[0, 0], [1, 0], [0, 1]], 40, axis=0)
    >>> halves = rng.permuted(np.tile(np.arange(120) % 2, (3, 1)), axis=1)
    >>> find_clusters(points, halves).stability.tolist()
    [1.0, 1.0, 1.0]
    >>> find_clusters(rng.normal(size=(120, 2)), halves).count
    1
    """
    _check(points, halves, most, boxes)
    rng = np.random.default_rng(seed)
    axes = principal_axes(points)
    smallest = min(int(np.bincount(half, minlength=2).min()) for half in halves)
    for count in range(min(most, smallest // least), 1, -1):
        found = _stable_clusters(axes, halves, count, rng, STABLE)
        if found is None:
            continue
        within = _within_share(axes, found[0], count, boxes, rng)
        if within is not None:
            return Clusters(*found, within)
    return Clusters(np.zeros(len(points), dtype=np.int64), np.ones(1), None)


def _within_share(axes: Points, labels: Labels, count: int, boxes: int, rng: np.random.Generator) -> float | None:
    """The squared distances within clusters as a share of those in evenly filled boxes; None if it may be chance.

    The limit of another box is ``mean - t_{q-1} sd sqrt(1 + 1/q)``.
    """
    half_sides = 3**0.5 * axes.std(axis=0)
    filled = (rng.uniform(-half_sides, half_sides, axes.shape) for _ in range(boxes))
    found = [(box, _k_means(box, count, rng)) for box in filled]
    others = np.array([_within(box, own, count) for box, own in found if own is not None])
    if len(others) < 2:
        return None
    margin = student_quantile(len(others), _LEVEL) * others.std(ddof=1) * (1 + 1 / len(others)) ** 0.5
    own = _within(axes, labels, count)
    return float(own / others.mean()) if own < others.mean() - margin else None


def _within(points: Points, labels: Labels, count: int) -> float:
    return float(np.square(points - cluster_centres(points, labels, count)[labels]).sum())


def principal_axes(points: Points) -> Points:
    """Return points (m, k) about their mean in their at most 24 largest principal axes (m, q), q <= 24.

    >>> abs(principal_axes(np.array([[0.0, 0.0], [3.0, 4.0]]))).round(6).tolist()
    [[0.0, 2.5], [0.0, 2.5]]
    """
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return centred @ vectors[:, -_AXES:]


def jaccard(labels: Labels, other: Labels, count: int) -> Points:
    """Return the Jaccard index ``|both| / |either|`` of each cluster and its partner in another clustering (p,).

    Partners are chosen to maximise the total number of shared points.

    >>> jaccard(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0]), 2).round(3).tolist()
    [0.667, 0.5]
    """
    from scipy.optimize import linear_sum_assignment

    both = np.zeros((count, count))
    np.add.at(both, (labels, other), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    own, partner = linear_sum_assignment(-both)
    return both[own, partner] / np.maximum(either[own, partner], 1)


def _stable_clusters(
    axes: Points, halves: Labels, count: int, rng: np.random.Generator, least: float = 0.0
) -> tuple[Labels, Points] | None:
    """The clusters and their stability; None if there are fewer, or one cannot be as stable as required."""
    labels = _k_means(axes, count, rng)
    if labels is None:
        return None
    total = np.zeros(count)
    for place, half in enumerate(halves, start=1):
        crossed = _by_other_half(axes, half, count, rng)
        if crossed is None:
            return None
        total += np.mean([jaccard(labels[half == s], crossed[half == s], count) for s in (0, 1)], axis=0)
        if (total + len(halves) - place < least * len(halves)).any():
            return None
    return labels, total / len(halves)


def _by_other_half(axes: Points, half: Labels, count: int, rng: np.random.Generator) -> Labels | None:
    """For each point the cluster of the other half whose centre is nearest (m,), numbered as there."""
    assigned = np.empty(len(axes), dtype=np.int64)
    for side in (0, 1):
        other = axes[half != side]
        labels = _k_means(other, count, rng)
        if labels is None:
            return None
        assigned[half == side] = nearest_centre(axes[half == side], cluster_centres(other, labels, count))
    return assigned


def _k_means(points: Points, count: int, rng: np.random.Generator) -> Labels | None:
    """The clusters of the best of some starts; None if no start gives that many."""
    from scipy.cluster.vq import kmeans, vq

    best: tuple[float, Labels] | None = None
    for _ in range(_STARTS):
        centres, _ = kmeans(points, _spread_start(points, count, rng))
        labels, distance = vq(points, centres)
        within = float(np.square(distance).sum())
        if len(np.unique(labels)) == count and (best is None or within < best[0]):
            best = within, labels.astype(np.int64)
    return None if best is None else best[1]


def _spread_start(points: Points, count: int, rng: np.random.Generator) -> Points:
    """Points drawn one after another, each as probable as its squared distance to those before (k-means++)."""
    chosen = [int(rng.integers(len(points)))]
    distance = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < count:
        total = distance.sum()
        chosen.append(int(rng.choice(len(points), p=distance / total if total > 0 else None)))
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1))
    return points[chosen]


def cluster_centres(points: Points, labels: Labels, count: int) -> Points:
    """Return the means (p, k) of clusters of points (m, k) with labels (m,), none of them empty.

    >>> cluster_centres(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]), 2).tolist()
    [[1.0], [5.0]]
    """
    member = (labels[:, None] == np.arange(count)).astype(float)
    return member.T @ points / member.sum(axis=0)[:, None]


def nearest_centre(points: Points, centres: Points) -> Labels:
    """Return the nearest of centres (p, k) for each point (m, k), (m,) in [0, p).

    >>> nearest_centre(np.array([[0.9], [4.0]]), np.array([[1.0], [5.0]])).tolist()
    [0, 1]
    """
    return (np.square(centres).sum(axis=1) - 2 * points @ centres.T).argmin(axis=1)


def _check(points: Points, halves: Labels, most: int, boxes: int) -> None:
    fits = points.ndim == 2 and len(points) and halves.ndim == 2 and len(halves) and halves.shape[1] == len(points)
    if not fits or not np.isin(halves, (0, 1)).all():
        raise InputError(
            "points, halves: expected (m, k) and (s, m) of 0 and 1 for m >= 1 points, s >= 1, "
            f"got {points.shape} and {halves.shape}"
        )
    if not np.isfinite(points).all():
        raise InputError("points: expected finite numbers, got NaN or inf")
    check_at_least(most, 1, "most")
    check_at_least(boxes, 2, "boxes")
