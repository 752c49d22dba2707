"""How alike two samples are by their regions: in feature space, and in the embedding."""

import torch
from torch import Tensor

from patternscope.radial import concentrated
from patternscope.similarity.matching import unit_regions


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


def orientation(embedding: Tensor, *, exact_gradient: bool = False) -> Tensor:
    """Return o = x / l; zero stays zero.

    Source: Sec. 3.1. (..., e) -> (..., e). The norm is a constant of the gradient (reference code) unless
    `exact_gradient`.

    >>> orientation(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    strength = torch.linalg.vector_norm(
        embedding if exact_gradient else embedding.detach(), dim=-1, keepdim=True
    )
    # The root of the smallest number: its inverse is finite, and so is the gradient at the origin.
    return embedding / strength.clamp_min(torch.finfo(embedding.dtype).tiny ** 0.5)


def take_regions(values: Tensor, matches: Tensor) -> Tensor:
    """Return the matched region of each neighbour: (j, r', a), (j, r) -> (j, r, a).

    >>> take_regions(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[1, 1]])).flatten().tolist()
    [2.0, 2.0]
    """
    rows = torch.arange(len(values), device=values.device)[:, None]
    return values[rows, matches.long()]
