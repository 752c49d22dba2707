"""What the estimators minimise, as functions of tensors."""

import torch
from torch import Tensor, nn

from patternscope.radial import concentrated, log_posterior, mean_directions
from patternscope.similarity.embedded import embedded_scores
from patternscope.similarity.matched import flat_rows
from patternscope.similarity.regional import orientation


def sample_loss(
    weight: Tensor, features: Tensor, target_probs: Tensor, kappa_max: float, *, exact_gradient: bool = False
) -> Tensor:
    """Return how badly the radial posterior of the embedded samples explains the network's probabilities.

    ``sum_x KL(P(. | x) || Q_M(. | x))`` with ``g = M f / s``, ``mu_c`` and ``pi_c`` of the same samples

    Source: Sec. 3.2. The gradient flows through the mean directions; kappa and norms are constants of
    it (reference code) unless `exact_gradient`.

    Args:
        weight: M (e, d).
        features: f / s (n, d).
        target_probs: (n, c).
        kappa_max: > 0.
        exact_gradient: differentiate through strength as well.

    Returns:
        Scalar >= 0, in nats, summed over samples.

    Cost: 4 n e (d + c) operations forward.

    >>> probs = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> float(sample_loss(torch.zeros(2, 2), torch.eye(2), probs, 10.0)) > 0
    True
    """
    embedding = features @ weight.T
    directions = mean_directions(embedding, target_probs, kappa_max, exact_gradient=exact_gradient)
    log_q = log_posterior(
        embedding, directions, kappa_max, log_prior(target_probs), exact_gradient=exact_gradient
    )
    return (torch.xlogy(target_probs, target_probs) - target_probs * log_q).sum()


def log_prior(target_probs: Tensor) -> Tensor:
    """Return ``log pi_c``, ``pi_c = mean_x P(c | x)``; a class nobody has gets the smallest positive number.

    Source: Sec. 3.2. (n, c) -> (c,).

    >>> log_prior(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).exp()
    tensor([0.5000, 0.5000])
    """
    return target_probs.mean(dim=0).clamp_min(torch.finfo(target_probs.dtype).tiny).log()


def similarity_loss(
    region_embedding: Tensor,
    candidate_embedding: Tensor,
    region_weights: Tensor,
    positions: Tensor,
    matches: Tensor,
    log_target: Tensor,
    kappa_max: float,
    *,
    exact_gradient: bool = False,
) -> Tensor:
    """Return how badly regional embeddings explain which samples are alike.

    ``mean_i KL(p_i || q_i)``, ``q_i(j) = softmax_j(sum_r w_i^(r) kappa(l_i^(r)) <o_i^(r), o_j^(r')>)``

    Source: Sec. 3.3; kappa and norms are constants of the gradient (reference code) unless `exact_gradient`.

    Args:
        region_embedding: h of the anchors (b, a, e), of all their regions or of some.
        candidate_embedding: h of the possible neighbours (m + 1, r, e).
        region_weights: w of the anchors (b, a).
        positions: which candidates are the neighbours of each anchor (b, m).
        matches: r' (b, m, a) integers.
        log_target: log p (b, m).
        kappa_max: > 0.
        exact_gradient: differentiate through strength as well.

    Returns:
        Scalar >= 0, in nats.

    Cost: as :func:`embedded_scores`.

    >>> h = torch.eye(2)[:, None]
    >>> zero = torch.zeros(2, 1, 1, dtype=torch.uint8)
    >>> position, sure = torch.tensor([[1], [0]]), torch.zeros(2, 1)
    >>> similarity_loss(h, h, torch.ones(2, 1), position, zero, sure, 10.0)
    tensor(0.)
    """
    pulls = concentrated(region_embedding, kappa_max, exact_gradient=exact_gradient)
    orientations = orientation(candidate_embedding, exact_gradient=exact_gradient).flatten(0, 1)
    rows = flat_rows(positions, matches, candidate_embedding.shape[1])
    scores = embedded_scores(pulls * region_weights[..., None], orientations, rows)
    log_q = torch.log_softmax(scores, dim=1)
    return (log_target.exp() * (log_target - log_q)).sum(dim=1).mean()


def align_loss(region_embedding: Tensor, region_weights: Tensor, sample_embedding: Tensor) -> Tensor:
    """Return how little the important regions point where their image points.

    ``- mean_i sum_r w_i^(r) cos(h_i^(r), g_i)``

    Source: Sec. 3.3; the gradient of the cosine is exact (reference code).

    Args:
        region_embedding: h (b, r, e).
        region_weights: w (b, r).
        sample_embedding: g (b, e).

    Returns:
        Scalar in [-1, 1].

    >>> align_loss(torch.tensor([[[2.0, 0.0]]]), torch.ones(1, 1), torch.tensor([[1.0, 0.0]]))
    tensor(-1.)
    """
    cosines = nn.functional.cosine_similarity(region_embedding, sample_embedding[:, None], dim=2)
    return -(region_weights * cosines).sum(dim=1).mean()
