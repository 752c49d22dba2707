"""The objectives of the estimators, as functions of tensors."""

import torch
from torch import Tensor, nn

from patternscope.radial.posterior import log_posterior, mean_directions
from patternscope.similarity.regional import embedding_log_similarities
from patternscope.similarity.targets import divergence


def sample_loss(
    weight: Tensor, features: Tensor, target_probs: Tensor, kappa_max: float, *, exact_gradient: bool = False
) -> Tensor:
    """Return the divergence of the radial posterior of the embedded samples from the network's probabilities.

    ``sum_x KL(P(. | x) || Q_M(. | x))`` with ``g = M f / s``, ``mu_c`` and ``pi_c`` of the same samples. The gradient
    flows through the mean directions; kappa and norms are treated as constants, as in the reference code, unless
    `exact_gradient`. Source: Sec. 3.2.

    M (e, d), f / s (n, d), P (n, c) -> scalar >= 0, in nats. Cost: 4 n e (d + c) operations forward.

    >>> probs = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> float(sample_loss(torch.zeros(2, 2), torch.eye(2), probs, 10.0)) > 0
    True
    """
    embedding = features @ weight.T
    directions = mean_directions(embedding, target_probs, kappa_max, exact_gradient=exact_gradient)
    log_q = log_posterior(embedding, directions, kappa_max, log_prior(target_probs), exact_gradient=exact_gradient)
    # Not `divergence`: probabilities may be 0.
    return (torch.xlogy(target_probs, target_probs) - target_probs * log_q).sum()


def log_prior(target_probs: Tensor) -> Tensor:
    """Return ``log pi_c``, ``pi_c = mean_x P(c | x)``; a class without any probability gets the smallest number.

    (n, c) -> (c,). Source: Sec. 3.2.

    >>> log_prior(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).exp()
    tensor([0.5000, 0.5000])
    """
    return target_probs.mean(dim=0).clamp_min(torch.finfo(target_probs.dtype).tiny).log()


def similarity_loss(
    anchors: Tensor,
    candidates: Tensor,
    region_weights: Tensor,
    positions: Tensor,
    matches: Tensor,
    log_target: Tensor,
    kappa_max: float,
    *,
    exact_gradient: bool = False,
) -> Tensor:
    """Return the divergence of the similarities by regional embeddings from the target similarities.

    ``mean_i KL(p_i || q_i)``, q by :func:`embedding_log_similarities`, whose arguments these are; `log_target` is
    log p (b, m). Scalar >= 0, in nats. Source: Sec. 3.3.

    >>> h = torch.eye(2)[:, None]
    >>> zero = torch.zeros(2, 1, 1, dtype=torch.uint8)
    >>> position, sure = torch.tensor([[1], [0]]), torch.zeros(2, 1)
    >>> similarity_loss(h, h, torch.ones(2, 1), position, zero, sure, 10.0)
    tensor(0.)
    """
    log_q = embedding_log_similarities(
        anchors, candidates, region_weights, positions, matches, kappa_max, exact_gradient=exact_gradient
    )
    return divergence(log_target, log_q).mean()


def align_loss(region_embedding: Tensor, region_weights: Tensor, sample_embedding: Tensor) -> Tensor:
    """Return how much the important regions point away from the sample embedding of their image.

    ``- mean_i sum_r w_i^(r) cos(h_i^(r), g_i)``; the gradient of the cosine is exact, as in the reference code.
    h (b, r, e), w (b, r), g (b, e) -> scalar in [-1, 1]. Source: Sec. 3.3.

    >>> align_loss(torch.tensor([[[2.0, 0.0]]]), torch.ones(1, 1), torch.tensor([[1.0, 0.0]]))
    tensor(-1.)
    """
    cosines = nn.functional.cosine_similarity(region_embedding, sample_embedding[:, None], dim=2)
    return -(region_weights * cosines).sum(dim=1).mean()
