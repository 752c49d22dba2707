"""How alike two samples are by their regions: in feature space, and in the embedding."""

import torch
from torch import Tensor

from patternscope.radial import concentrated
from patternscope.similarity.matching import unit_regions

# Matched features held at once: 2 MB in float32, about one core's cache.
_CACHED_NUMBERS = 1 << 19


def combine_regions(scores: Tensor, region_weights: Tensor) -> Tensor:
    """Return log q_i(j) from the scores of matched regions.

    ``q_i(j) = softmax_j(sum_r w_i^(r) log q_i^(r)(j))`` with ``q_i^(r)(j) = softmax_j(score_ij^(r))``.
    The normaliser of each region's softmax is the same for all j, so the outer softmax cancels it exactly:
    ``q_i(j) = softmax_j(sum_r w_i^(r) score_ij^(r))``, which is what is computed.

    Source: Sec. 3.3 for the definition, this project for the cancellation (tests hold it to the definition).

    Args:
        scores: (..., j, r).
        region_weights: w (..., r).

    Returns:
        (..., j), log probabilities.

    >>> combine_regions(torch.tensor([[1.0, 2.0], [3.0, 2.0]]), torch.tensor([0.5, 0.5])).exp()
    tensor([0.2689, 0.7311])
    """
    return torch.log_softmax((scores @ region_weights[..., None]).squeeze(-1), dim=-1)


def feature_log_similarity(
    regional_features: Tensor,
    channel_weights: Tensor,
    region_weights: Tensor,
    matches: Tensor,
    anchor: int,
    neighbours: Tensor,
    kappa: float,
) -> Tensor:
    """Return log q_i(j) by regional features.

    ``q_i^(r)(j) = softmax_j(kappa_v sum_k v_i^(k) f_i^(r,k) f_j^(r',k))``, combined over regions by w_i

    Source: Sec. 3.3.

    Args:
        regional_features: (n, r, k); scaled to unit length here, on a copy.
        channel_weights: v (n, k).
        region_weights: w (n, r).
        matches: r' for each neighbour and region, (j, r) integers.
        anchor: i.
        neighbours: (j,) indices.
        kappa: kappa_v > 0.

    Returns:
        (j,), log probabilities.

    >>> features = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    >>> matches = torch.zeros(2, 1, dtype=torch.long)
    >>> half, one = torch.full((3, 2), 0.5), torch.ones(3, 1)
    >>> feature_log_similarity(features, half, one, matches, 0, torch.tensor([1, 2]), kappa=4.0).exp()
    tensor([0.8808, 0.1192])
    """
    neighbours = torch.as_tensor(neighbours)
    weighted = unit_regions(regional_features[anchor]) * channel_weights[anchor]
    matched = take_regions(unit_regions(regional_features[neighbours]), matches)
    return combine_regions(kappa * (matched * weighted).sum(-1), region_weights[anchor])


def embedding_log_similarity(
    region_embedding: Tensor,
    region_weights: Tensor,
    matches: Tensor,
    anchor: int,
    neighbours: Tensor,
    kappa_max: float,
) -> Tensor:
    """Return log q_i(j) by regional embeddings.

    ``q_i^(r)(j) = softmax_j(kappa(l_i^(r)) <o_i^(r), o_j^(r')>)``, combined over regions by w_i

    Source: Sec. 3.3; kappa and norms are constants of the gradient (reference code).

    Args:
        region_embedding: h (n, r, e).
        region_weights: w (n, r).
        matches: r' for each neighbour and region, (j, r) integers.
        anchor: i.
        neighbours: (j,) indices.
        kappa_max: 1000 in the paper.

    Returns:
        (j,), log probabilities.

    >>> h = torch.tensor([[[1.0, 0.0]], [[3.0, 0.0]], [[0.0, 2.0]]])
    >>> matches = torch.zeros(2, 1, dtype=torch.long)
    >>> embedding_log_similarity(h, torch.ones(3, 1), matches, 0, torch.tensor([1, 2]), kappa_max=10.0).exp()
    tensor([0.7776, 0.2224])
    """
    neighbours = torch.as_tensor(neighbours)
    pulls = concentrated(region_embedding[anchor], kappa_max)
    matched = take_regions(orientation(region_embedding[neighbours]), matches)
    return combine_regions((matched * pulls).sum(-1), region_weights[anchor])


def orientation(embedding: Tensor) -> Tensor:
    """Return o = x / l, with the norm a constant of the gradient; zero stays zero.

    Source: Sec. 3.1, reference code for the gradient. (..., e) -> (..., e).

    >>> orientation(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    strength = torch.linalg.vector_norm(embedding.detach(), dim=-1, keepdim=True)
    return embedding / strength.clamp_min(torch.finfo(embedding.dtype).tiny)


def take_regions(values: Tensor, matches: Tensor) -> Tensor:
    """Return the matched region of each neighbour: (j, r', a), (j, r) -> (j, r, a).

    Source: this project.

    >>> take_regions(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[1, 1]])).flatten().tolist()
    [2.0, 2.0]
    """
    rows = torch.arange(len(values), device=values.device)[:, None]
    return values[rows, matches.long()]


def channel_scores(
    weighted_anchors: Tensor, candidates: Tensor, positions: Tensor, matches: Tensor
) -> Tensor:
    """Return how alike an anchor and each neighbour are by each channel, over matched regions.

    ``H_ij^(k) = sum_r w_i^(r) f_i^(r,k) f_j^(r',k)``, so that ``sum_r w_r score_ijr = kappa <v_i, H_ij>``

    Source: this project (Sec. 3.3's similarity, summed over regions first).

    Args:
        weighted_anchors: w_i f_i^(r) on unit features (b, r, k).
        candidates: unit features of the possible neighbours (m + 1, r, k).
        positions: which candidates are the neighbours of each anchor (b, m).
        matches: r' (b, m, r) integers.

    Returns:
        (b, m, k).

    Cost: b m r k multiplications and as many reads; one neighbour's regions at a time stay in the cache.

    >>> first = torch.zeros(1, 1).long()
    >>> channel_scores(torch.eye(2)[None], torch.ones(1, 2, 2), first, torch.zeros(1, 1, 2))
    tensor([[[1., 1.]]])
    """
    table = candidates.flatten(0, 1)
    regions, channels = candidates.shape[1:]
    scores = weighted_anchors.new_empty(*positions.shape, channels)
    at_once = max(1, _CACHED_NUMBERS // (regions * channels))
    for anchor, weighted in enumerate(weighted_anchors):
        rows = positions[anchor][:, None] * regions + matches[anchor].long()
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            matched = table.index_select(0, part.flatten()).view(*part.shape, channels)
            torch.sum(matched.mul_(weighted), dim=1, out=scores[anchor, start : start + at_once])
    return scores
