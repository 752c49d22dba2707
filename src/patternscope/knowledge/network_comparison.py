"""How the knowledge of two networks on the same images differs: a teacher and its student, or any two."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from patternscope.knowledge.attack_analysis import orientation_change
from patternscope.knowledge.bootstrap import (
    bootstrap_count_differences,
    bootstrap_counts,
    bootstrap_histogram,
    bootstrap_mean,
    bootstrap_ratio,
)
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.radial.rotation import procrustes

TURN_EDGES = tuple(place / 10 for place in range(21))
STRENGTH_EDGES = tuple(place / 5 for place in range(-10, 11))


@dataclass(frozen=True)
class EmbeddedLayer:
    """A layer of a network on some images.

    Attributes:
        embedding: regional embedding h (n, r, e), in a frame shared with the other network.
        unit_strength: the unit of strengths, > 0.
        points: its knowledge points.
        bits: evidence of each region for its image's class (n, r), if points are calibrated.
    """

    embedding: Tensor
    unit_strength: float
    points: KnowledgePoints
    bits: Tensor | None = None

    @property
    def strength(self) -> Tensor:
        """Strength of each region in units of `unit_strength` (n, r)."""
        return torch.linalg.vector_norm(self.embedding, dim=-1) / self.unit_strength


@dataclass(frozen=True)
class LayerDifference:
    """The differences of a layer of a second network from one of a first, with intervals over images.

    Attributes:
        counts: "total", "reliable", "ratio": second minus first.
        shared: share of the first's reliable points that are reliable points of the second as well.
        turn: mean of ``1 - cos(h_1, h_2)`` over all regions, in [0, 2]; 1 for unrelated orientations.
        turn_at_points: the same over the first's knowledge points, all of equal weight.
        strength: mean of ``l_2 - l_1``, each in its unit; 0 where each unit is the layer's own mean.
        strength_apart: mean of ``|l_2 - l_1|``.
        turns: share of regions in each bin of `TURN_EDGES`.
        strengths: the same of ``l_2 - l_1`` and `STRENGTH_EDGES`; values beyond them count in the end bins.
    """

    counts: dict[str, Interval]
    shared: Interval
    turn: Interval
    turn_at_points: Interval
    strength: Interval
    strength_apart: Interval
    turns: list[Interval]
    strengths: list[Interval]


def compare_layers(
    first: EmbeddedLayer, second: EmbeddedLayer, *, resamples: int = 1000, seed: int = 0
) -> LayerDifference:
    """Return how a layer of the second network differs from one of the first, region by region.

    Both are of the same images in the same order, on the same grid, in one frame; `resamples` and `seed` are those of
    the intervals over images. InputError for embeddings of different shapes. Cost: a few passes over n r e numbers,
    and resamples x n for each interval.

    >>> from patternscope.knowledge.points import find_knowledge_points
    >>> h = torch.tensor([[[3.0, 0.0], [0.0, 3.0]]])
    >>> layer = EmbeddedLayer(h, 3.0, find_knowledge_points(h, torch.eye(2), torch.tensor([0])))
    >>> compare_layers(layer, layer).turn.value, compare_layers(layer, layer).shared.value
    (0.0, 1.0)
    """
    draws = {"resamples": resamples, "seed": seed}
    turn = orientation_change(first.embedding, second.embedding)
    at_points = turn.masked_fill(~first.points.mask, torch.nan)
    growth = second.strength - first.strength
    kept = first.points.reliable & second.points.reliable
    return LayerDifference(
        bootstrap_count_differences(first.points, second.points, resamples=resamples, seed=seed),
        bootstrap_counts(first.points.reliable, kept, **draws)["ratio"],
        bootstrap_mean(turn.nanmean(dim=1), **draws),
        bootstrap_ratio(at_points.nansum(dim=1), (~at_points.isnan()).sum(dim=1), **draws),
        bootstrap_mean(growth.mean(dim=1), **draws),
        bootstrap_mean(growth.abs().mean(dim=1), **draws),
        bootstrap_histogram(turn, torch.tensor(TURN_EDGES), **draws),
        bootstrap_histogram(growth, torch.tensor(STRENGTH_EDGES), **draws),
    )


def channel_agreement(first: Tensor, second: Tensor) -> float | None:
    """Return to what extent two layers' channels have the same meaning: the mean correlation of equal channels.

    ``mean_k corr(f_1^(k), f_2^(k))`` over images and regions. About 0 for networks initialised independently; 1 for
    a copy. Channels that are constant in either are omitted.

    Features (n, k, h, w) or (n, k); in [-1, 1], None if shapes differ or no channel varies in both. Cost: a
    few passes over the features.

    >>> features = torch.tensor([[1.0, 5.0], [2.0, 3.0], [3.0, 4.0]])
    >>> round(channel_agreement(features, 2 * features + 1), 6)
    1.0
    """
    if first.shape != second.shape:
        return None
    correlations = []
    for channel in range(first.shape[1]):
        own, other = (features[:, channel].double().flatten() for features in (first, second))
        own, other = own - own.mean(), other - other.mean()
        if own.any() and other.any():
            correlations.append(F.cosine_similarity(own, other, dim=0, eps=1e-200))
    return float(torch.stack(correlations).mean()) if correlations else None


@dataclass(frozen=True)
class Alignment:
    """The orthogonal map R that brings an embedding into another's frame: ``source @ rotation``.

    residual: ``sqrt(1 - cos^2)`` of the two embeddings as long vectors, in [0, 1], independent of a common factor of
    strength; mirrored: whether R has determinant -1.
    """

    rotation: Tensor
    residual: float
    mirrored: bool


def align_embeddings(source: Tensor, target: Tensor) -> Alignment:
    """Return the orthogonal map that brings the source nearest to the target, mirrored if that is nearer.

    Two independent fits may be mirror images, which the method itself cannot distinguish; see
    :func:`radial.procrustes` for the rotation. Sample embeddings (n, e) of the same images in the same order;
    InputError for shapes that differ, non-finite values.

    >>> points = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    >>> align_embeddings(points * torch.tensor([-1.0, 1.0]), points).mirrored
    True
    """
    mirror = torch.ones(source.shape[-1]).to(source)
    mirror[0] = -1
    alignments = []
    for flip in (torch.ones_like(mirror), mirror):
        rotation = flip[:, None] * procrustes(source * flip, target)
        cosine = F.cosine_similarity((source @ rotation).flatten(), target.flatten(), dim=0).double()
        residual = float((1 - cosine.square()).clamp_min(0).sqrt())
        alignments.append(Alignment(rotation, residual, bool(flip[0] < 0)))
    return min(alignments, key=lambda alignment: alignment.residual)
