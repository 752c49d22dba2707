"""How similar two samples are by their regions: in feature space, and in the embedding."""

import torch
from torch import Tensor

from patternscope.radial.posterior import concentrated, orientation
from patternscope.similarity.embedding_scores import embedded_scores
from patternscope.similarity.feature_scores import flat_rows, matched_scores
from patternscope.similarity.matching import unit_regions


def combine_regions(scores: Tensor, region_weights: Tensor) -> Tensor:
    """Return log q_i(j) from the scores of matched regions.

    ``q_i(j) = softmax_j(sum_r w_i^(r) log q_i^(r)(j))`` with ``q_i^(r)(j) = softmax_j(score_ij^(r))``.
    The normaliser of each region's softmax is the same for all j, and the outer softmax cancels it exactly: computed is
    ``q_i(j) = softmax_j(sum_r w_i^(r) score_ij^(r))``. Scores (..., j, r), w (..., r) -> log probabilities (..., j).
    Source: Sec. 3.3.

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

    ``q_i^(r)(j) = softmax_j(kappa_v sum_k v_i^(k) f_i^(r,k) f_j^(r',k))``, combined over regions by w_i: the
    scores and the mixture that the importance weights are estimated from, for one anchor. Source: Sec. 3.3.

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
    candidates = unit_regions(regional_features[torch.as_tensor(neighbours)])
    weighted = unit_regions(regional_features[anchor]) * channel_weights[anchor]
    rows = flat_rows(torch.arange(len(candidates), device=matches.device), matches, candidates.shape[1])
    scores = matched_scores(weighted, candidates, rows.T).T
    return combine_regions(kappa * scores, region_weights[anchor])


def embedding_log_similarity(
    region_embedding: Tensor, region_weights: Tensor, matches: Tensor, anchor: int, neighbours: Tensor, kappa_max: float
) -> Tensor:
    """Return log q_i(j) by regional embeddings: :func:`embedding_log_similarities` of one anchor.

    ``q_i^(r)(j) = softmax_j(kappa(l_i^(r)) <o_i^(r), o_j^(r')>)``, combined over regions by w_i. The gradient treats
    kappa and norms as constants, as in the reference code. h is (n, r, e), the other arguments and the result are those
    of :func:`feature_log_similarity`; kappa_max is 1000 in the paper. Source: Sec. 3.3.

    >>> h = torch.tensor([[[1.0, 0.0]], [[3.0, 0.0]], [[0.0, 2.0]]])
    >>> matches = torch.zeros(2, 1, dtype=torch.long)
    >>> embedding_log_similarity(h, torch.ones(3, 1), matches, 0, torch.tensor([1, 2]), kappa_max=10.0).exp()
    tensor([0.7776, 0.2224])
    """
    one, candidates = slice(anchor, anchor + 1), region_embedding[torch.as_tensor(neighbours)]
    positions = torch.arange(len(candidates), device=matches.device)[None]
    return embedding_log_similarities(
        region_embedding[one], candidates, region_weights[one], positions, matches[None], kappa_max
    )[0]


def embedding_log_similarities(
    anchors: Tensor,
    candidates: Tensor,
    region_weights: Tensor,
    positions: Tensor,
    matches: Tensor,
    kappa_max: float,
    *,
    exact_gradient: bool = False,
) -> Tensor:
    """Return log q_i(j) of many anchors by some of their regions, as :func:`embedding_log_similarity` defines it.

    h of the anchors' regions (b, a, e), all of them or some, and their w (b, a); h of the candidates (m + 1, r, e);
    which of them are the neighbours of each anchor (b, m); r' (b, m, a) integers -> (b, m). `exact_gradient`
    differentiates through strength as well. Cost: as :func:`embedded_scores`.
    """
    pulls = concentrated(anchors, kappa_max, exact_gradient=exact_gradient)
    orientations = orientation(candidates, exact_gradient=exact_gradient).flatten(0, 1)
    rows = flat_rows(positions, matches, candidates.shape[1])
    return torch.log_softmax(embedded_scores(pulls * region_weights[..., None], orientations, rows), dim=1)
