"""Patterns: clusters of a class's reliable regions by their features, and measurements of each."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.bootstrap import bootstrap_ratio
from patternscope.knowledge.clustering import find_clusters
from patternscope.knowledge.intervals import Interval
from patternscope.radial.checks import check_finite, check_same_shape, check_shape, class_labels
from patternscope.radial.units import in_usual_unit

_LEAST = 10
"""Mean number of regions of each half per pattern, and thus half of the regions that a class needs for a pattern."""
_MARGIN = 1.5
"""Least distance, in half-widths of the 95 % interval, of a pattern's share in images of its class from the prior."""
REACH = 0.9
"""Share of a pattern's regions within its reach."""
SHARED = 0.05
"""Least share of a class's reliable regions that are like a pattern of another class, for a shared pattern."""


@dataclass(frozen=True)
class Pattern:
    """A pattern of a class in a layer.

    Attributes:
        label: the class.
        samples, regions: its regions (m,) int64, by image and place, the most typical (nearest to their mean) first.
        share: of the class's evidence, bits of these regions / bits of all reliable regions of its images.
        stability: Jaccard index with the same pattern by other halves of the images, in [0, 1]; 1 for a single pattern.
        chance: the same for a cluster of the same size with random regions, ``f / (2 - f)`` with f its share of
            the class's reliable regions.
        within: squared distances within the class's clusters as a share of those in points without clusters; None for a
            single pattern.
        specific: of the regions of unseen images that are like it, the share in images of the class.
        prior: the same for any regions: the class's share of the images.
        shared: by class, the share of its reliable regions that are like the pattern; those of its own class are 0.9 by
            definition.
        background: the same for regions of other classes' images that are not reliable.
    """

    label: int
    samples: Tensor
    regions: Tensor
    share: Interval
    stability: float
    chance: float
    within: float | None
    specific: Interval
    prior: float
    shared: tuple[Interval, ...]
    background: float

    @property
    def shared_with(self) -> list[int]:
        """The other classes that have the pattern, those with the largest share first.

        At least 0.05 of their reliable regions are like it, and significantly more than of the background.
        """
        others = [label for label in range(len(self.shared)) if label != self.label]
        known = [(self.shared[label], label) for label in others if (self.shared[label].value or 0.0) >= SHARED]
        having = [(share, label) for share, label in known if (share.low or 0.0) > self.background]
        return [label for _, label in sorted(having, key=lambda each: -(each[0].value or 0.0))]


@dataclass(frozen=True)
class _Layer:
    """The regions of a layer, and how intervals over images are drawn."""

    features: Tensor
    reliable: Tensor
    labels: Tensor
    bits: Tensor
    halves: Tensor
    classes: int
    draws: dict[str, int]


def unit_features(regional_features: Tensor) -> Tensor:
    """Return regional features (n, k, h, w) as unit vectors (n, r, k) float32; those without length stay zero.

    InputError for other shapes, NaN or inf.

    >>> unit_features(torch.tensor([[[[3.0]], [[4.0]]]]))
    tensor([[[0.6000, 0.8000]]])
    """
    check_shape(regional_features, "regional_features", (None, None, None, None), "(n, k, h, w)")
    check_finite(regional_features, "regional_features")
    features, _ = in_usual_unit(regional_features)
    return torch.nn.functional.normalize(features.flatten(2).transpose(1, 2).float(), dim=-1)


def find_patterns(
    features: Tensor,
    reliable: Tensor,
    labels: Tensor,
    bits: Tensor,
    halves: Tensor,
    *,
    classes: int,
    most: int = 8,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Pattern]:
    """Find the patterns of each class in a layer, by class, those with most of its evidence first.

    The reliable regions of a class are clustered by the directions of their features, into as many clusters as halves
    of the images agree on (:func:`find_clusters`). A cluster is a pattern if regions of unseen images that are like it
    belong to the class more often than other regions, by more than one and a half times the interval. A region is like
    a pattern if it is within its reach, the distance from the mean of the pattern's regions that contains 0.9 of them;
    for unseen images, mean and distance come from the regions of the other half only. With targets permuted over
    images, few regions are reliable, and their clusters belong to the class no more often than other regions
    (docs/method.md, "Patterns").

    Args:
        features: unit vectors (n, r, k), by :func:`unit_features`.
        reliable: calibrated knowledge points of the image's own class (n, r) bool.
        labels: true classes (n,), integers in [0, classes).
        bits: evidence of each region (n, r).
        halves: halves of the images in some divisions (s, n), 0 or 1, s >= 1.
        classes: c. most: largest number of patterns of a class.
        resamples, seed: of the intervals over images; of k-means as well.

    Raises:
        InputError: shapes that disagree.

    Cost: that of :func:`find_clusters` for each class, and 2 n r k operations for each pattern.

    >>> features = torch.nn.functional.one_hot(torch.arange(40) % 2, 3).float()[:, None]
    >>> found = find_patterns(features, torch.ones(40, 1).bool(), torch.arange(40) % 2, torch.ones(40, 1),
    ...                       torch.arange(40)[None] // 2 % 2, classes=2)
    >>> [(pattern.label, len(pattern.samples), pattern.specific.value) for pattern in found]
    [(0, 20, 1.0), (1, 20, 1.0)]
    """
    labels = class_labels(labels, len(features), classes).to(features.device)
    check_same_shape(features[..., 0], reliable, "features, reliable", "(n, r)", least=1)
    check_same_shape(reliable, bits, "reliable, bits", "(n, r)", least=1)
    if halves.ndim != 2 or not len(halves) or halves.shape[1] != len(features):
        raise InputError(f"halves: expected (s, {len(features)}), s >= 1, got {tuple(halves.shape)}")
    layer = _Layer(features, reliable, labels, bits, halves, classes, {"resamples": resamples, "seed": seed})
    return [pattern for label in range(classes) for pattern in _patterns_of_class(layer, label, most, seed)]


def presence(samples: Tensor, regions: Tensor, reliable: Tensor) -> Tensor:
    """Return the share of a pattern's regions that was reliable at each checkpoint (t,) float64; 1 at the last.

    Images and places of its regions, (m,) each; reliable (t, n, r) bool.

    >>> presence(torch.tensor([0, 0]), torch.tensor([0, 1]), torch.tensor([[[True, False]], [[True, True]]]))
    tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    return reliable[:, samples, regions].double().mean(dim=1)


def regions_like(features: Tensor, members: Tensor) -> Tensor:
    """Return which regions are like a pattern: within its reach, as in :func:`find_patterns`.

    `features` (..., k) of any regions, `members` (m, k) those of the pattern's, m >= 1, both unit vectors.

    >>> regions_like(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    tensor([ True, False])
    """
    distance, reach = _distances(features, members)
    return distance <= reach


def _patterns_of_class(layer: _Layer, label: int, most: int, seed: int) -> list[Pattern]:
    """The patterns of one class, none if too few regions are reliable."""
    samples, regions = (layer.reliable & (layer.labels == label)[:, None]).nonzero(as_tuple=True)
    halves = layer.halves[:, samples.cpu()].cpu().numpy()
    smallest = min((int(np.bincount(half, minlength=2).min()) for half in halves), default=0)
    if smallest < _LEAST:
        return []
    points = layer.features[samples, regions].double().cpu().numpy()
    clusters = find_clusters(points, halves, most=most, least=_LEAST, seed=seed)
    labelled = torch.from_numpy(clusters.labels).to(samples.device)
    found = [
        _measured(layer, label, samples[own], regions[own], float(stability), clusters.within)
        for own, stability in zip(
            (labelled == place for place in range(clusters.count)), clusters.stability, strict=True
        )
    ]
    kept = [pattern for pattern in found if _is_specific(pattern.specific, pattern.prior)]
    return sorted(kept, key=lambda pattern: -(pattern.share.value or 0.0))


def _is_specific(share: Interval, prior: float) -> bool:
    """Tell whether a share exceeds another by more than about three standard errors, since many clusters are tested."""
    if share.value is None or share.low is None:
        return False
    return share.value - _MARGIN * (share.value - share.low) > prior


def _measured(
    layer: _Layer, label: int, samples: Tensor, regions: Tensor, stability: float, within: float | None
) -> Pattern:
    """The measurements of a cluster of regions."""
    distance, reach = _distances(layer.features, layer.features[samples, regions])
    order = distance[samples, regions].argsort(stable=True)
    of_class = layer.labels == label
    share = len(samples) / int(layer.reliable[of_class].sum())
    like = distance <= reach
    elsewhere = ~layer.reliable & ~of_class[:, None]
    return Pattern(
        label,
        samples[order].cpu(),
        regions[order].cpu(),
        _evidence_share(layer, of_class, samples, regions),
        stability,
        share / (2 - share),
        within,
        _specificity(layer, of_class, samples, regions),
        float(of_class.double().mean()),
        tuple(_share_like(layer, like, own) for own in range(layer.classes)),
        float(like[elsewhere].double().mean()) if elsewhere.any() else 0.0,
    )


def _distances(features: Tensor, members: Tensor) -> tuple[Tensor, float]:
    """The squared distances (n, r) to the mean of some regions, and the distance that contains 0.9 of these."""
    centre = members.mean(dim=0)
    squared = features.square().sum(dim=-1) - 2 * (features @ centre) + centre.square().sum()
    own = members.square().sum(dim=-1) - 2 * (members @ centre) + centre.square().sum()
    # A margin of rounding: regions that are all the same are within reach of each other.
    return squared, float(np.quantile(own.cpu().numpy(), REACH)) + 1e-6


def _evidence_share(layer: _Layer, of_class: Tensor, samples: Tensor, regions: Tensor) -> Interval:
    """The bits of some regions as a share of those of all reliable regions of the class's images, over images."""
    part = torch.zeros_like(layer.bits, dtype=torch.float64)
    part[samples, regions] = layer.bits[samples, regions].double()
    whole = (layer.bits.double() * layer.reliable)[of_class].sum(dim=1)
    return bootstrap_ratio(part[of_class].sum(dim=1), whole, **layer.draws)


def _specificity(layer: _Layer, of_class: Tensor, samples: Tensor, regions: Tensor) -> Interval:
    """The share in images of the class, of regions like the pattern's regions in the other half of the images."""
    half = layer.halves[0].to(samples.device)
    like = torch.zeros_like(layer.reliable)
    for side in (0, 1):
        other = half[samples] != side
        if other.any():
            distance, reach = _distances(layer.features, layer.features[samples[other], regions[other]])
            like |= (distance <= reach) & (half == side)[:, None]
    per_image = like.sum(dim=1).double()
    return bootstrap_ratio(per_image * of_class, per_image, **layer.draws)


def _share_like(layer: _Layer, like: Tensor, label: int) -> Interval:
    """Of the reliable regions of a class, the share that is like a pattern, over its images."""
    chosen = layer.labels == label
    if not layer.reliable[chosen].any():
        return Interval(None, None, None)
    own = layer.reliable[chosen]
    return bootstrap_ratio((like[chosen] & own).sum(dim=1), own.sum(dim=1), **layer.draws)
