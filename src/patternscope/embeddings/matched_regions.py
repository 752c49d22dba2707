"""The pairs of the regional fit: anchors and neighbours, with the matched regions that carry weight."""

from dataclasses import dataclass

from torch import Tensor

from patternscope.embeddings.neighbourhood import unit_rows
from patternscope.similarity.matching import best_matches
from patternscope.similarity.neighbours import Neighbours

# Matched regions in a block: for three dimensions 7 MB in float32, which fits the cache.
_MATCHES_AT_ONCE = 1 << 18
# Numbers of unit features computed at once: 32 MB in float32.
_FEATURES_AT_ONCE = 1 << 23


@dataclass(frozen=True)
class MatchedRegions:
    """A block of anchors with equally many regions each, and their matches in the anchors' neighbours (Sec. 3.3).

    Attributes:
        anchors: sample indices (b,).
        regions: those compared of each anchor (b, a).
        weights: w of these regions (b, a).
        positions: which candidates are the neighbours (b, m).
        matches: r' of these regions (b, m, a), the smallest integers.
    """

    anchors: Tensor
    regions: Tensor
    weights: Tensor
    positions: Tensor
    matches: Tensor


def match_anchors(
    features: Tensor,
    channel_weights: Tensor,
    region_weights: Tensor,
    neighbours: Neighbours,
    *,
    omitted: float = 0.0,
    at_once: int | None = None,
) -> tuple[list[MatchedRegions], Tensor]:
    """Match the regions of all anchors that carry weight with those of their neighbours.

    The match costs as much as the fit itself, and regions without weight change nothing: the lightest regions of an
    anchor that together have a weight of at most `omitted` are not compared. Anchors with similar numbers of regions
    share a block and are padded with the next regions by weight.

    Features as given (n, k, h, w), v (n, k), w (n, r); `at_once` anchors in a block, or as many as fit the cache.
    Returns the blocks of all anchors, and the second moment of their regions, ``1/n sum_ir w_i^(r) u_i^(r) u_i^(r)T``
    (k, k) for unit features u. Cost: 2 r k operations for each neighbour and region compared.
    """
    candidates = unit_rows(features, neighbours.candidates)
    by_weight = region_weights.argsort(dim=1, descending=True, stable=True)
    counts = kept_counts(region_weights, omitted)
    if at_once is None:
        matches_each, numbers_each = neighbours.count * int(counts.max()), candidates[0].numel()
        at_once = max(1, min(_MATCHES_AT_ONCE // matches_each, _FEATURES_AT_ONCE // numbers_each))
    moment = region_weights.new_zeros(candidates.shape[2], candidates.shape[2])
    blocks = []
    for anchors in counts.argsort(descending=True, stable=True).split(at_once):
        regions = by_weight[anchors, : int(counts[anchors].max())]
        weights = region_weights[anchors].gather(1, regions)
        unit = unit_rows(features, anchors).gather(1, regions[..., None].expand(-1, -1, len(moment)))
        rows = unit.flatten(0, 1)
        moment += rows.T @ (rows * weights.reshape(-1, 1))
        positions = neighbours.positions[anchors]
        matches = best_matches(unit * channel_weights[anchors][:, None], candidates, positions)[1]
        blocks.append(MatchedRegions(anchors, regions, weights, positions, matches))
    return blocks, moment / len(features)


def kept_counts(region_weights: Tensor, omitted: float | Tensor) -> Tensor:
    """Return how many regions of each image remain without the lightest ones, whose weights sum to `omitted`.

    (n, r), rows sum to 1 -> (n,) integers in [1, r]; `omitted` one share for all images or one each (n, 1).

    >>> import torch
    >>> kept_counts(torch.tensor([[0.5, 0.4, 0.1], [0.0, 1.0, 0.0]]), omitted=0.15)
    tensor([2, 1])
    """
    lightest = region_weights.sort(dim=1).values.cumsum(dim=1)
    return (lightest > omitted).sum(dim=1).clamp_min(1)
