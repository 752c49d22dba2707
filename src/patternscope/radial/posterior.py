"""The mixture of radial distributions: mean directions, prior and class posterior."""

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.concentration import concentration_per_strength


def concentrated(embedding: Tensor, kappa_max: float, *, exact_gradient: bool = False) -> Tensor:
    """Return ``kappa(l) o`` for embeddings ``x = l o``: orientations as long as they are concentrated.

    Source: Sec. 3.1. By default kappa and the norm in ``o = x / l`` are constants of the gradient
    (reference code); `exact_gradient` differentiates through both.

    Args:
        embedding: (..., e).
        kappa_max: > 0.
        exact_gradient: let gradients flow through strength.

    Returns:
        Tensor (..., e), each row at most kappa_max long; zero where the embedding is zero.

    >>> concentrated(torch.tensor([[0.0, 0.0, 5.0]]), 10.0)
    tensor([[0.0000, 0.0000, 7.3529]])
    """
    strength = torch.linalg.vector_norm(
        embedding if exact_gradient else embedding.detach(), dim=-1, keepdim=True
    )
    return concentration_per_strength(strength, kappa_max, embedding.shape[-1]) * embedding


def mean_directions(
    embedding: Tensor, target_probs: Tensor, kappa_max: float, *, exact_gradient: bool = False
) -> Tensor:
    """Return the mean direction of each class.

    ``mu_c = normalise(sum_x P(c | x) kappa(l_x) o_x)``

    Source: Sec. 3.2.

    Args:
        embedding: sample embeddings (n, e).
        target_probs: (n, c), rows sum to 1.
        kappa_max: > 0.
        exact_gradient: let gradients flow through strength.

    Returns:
        Unit vectors (c, e); a class whose weighted orientations cancel exactly gets the zero vector.

    Raises:
        InputError: when the two tensors disagree about n.

    >>> mean_directions(torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.eye(2), 10.0)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if embedding.ndim != 2 or target_probs.ndim != 2 or len(embedding) != len(target_probs):
        raise InputError(
            f"embedding, target_probs: got shapes {tuple(embedding.shape)} and {tuple(target_probs.shape)}, "
            "wants (n, e) and (n, c) of the same n"
        )
    pulls = concentrated(embedding, kappa_max, exact_gradient=exact_gradient)
    return torch.nn.functional.normalize(
        target_probs.to(pulls.dtype).T @ pulls, dim=1, eps=torch.finfo(pulls.dtype).tiny
    )


def log_posterior(
    embedding: Tensor,
    mean_directions: Tensor,
    kappa_max: float,
    log_prior: Tensor | None = None,
    *,
    exact_gradient: bool = False,
) -> Tensor:
    """Return log p(class | embedding). Every class probability of this project comes from here.

    ``log p(c | x) = log pi_c + kappa(l) <o, mu_c> - logsumexp_c(...)``

    Source: Sec. 3.1, in the log domain (this project). The vMF normaliser depends on kappa alone and cancels.

    Args:
        embedding: sample or regional embeddings (..., e).
        mean_directions: unit vectors (c, e).
        kappa_max: > 0; 10 for samples, 1000 for regions.
        log_prior: (c,) or None for a uniform prior.
        exact_gradient: let gradients flow through strength.

    Returns:
        (..., c), log probabilities.

    Raises:
        InputError: when embedding and mean directions disagree about e, or the prior about c.

    >>> log_posterior(torch.tensor([[60.0, 0.0]]), torch.eye(2), kappa_max=5.0).exp()
    tensor([[0.9933, 0.0067]])
    """
    if mean_directions.ndim != 2 or embedding.shape[-1] != mean_directions.shape[1]:
        raise InputError(
            f"mean_directions: got shape {tuple(mean_directions.shape)}, "
            f"wants (c, {embedding.shape[-1]}) as the embedding has {embedding.shape[-1]} dimensions"
        )
    logits = concentrated(embedding, kappa_max, exact_gradient=exact_gradient) @ mean_directions.T.to(
        embedding.dtype
    )
    if log_prior is not None:
        if log_prior.shape != (len(mean_directions),):
            raise InputError(
                f"log_prior: got shape {tuple(log_prior.shape)}, wants ({len(mean_directions)},)"
            )
        logits = logits + log_prior
    return torch.log_softmax(logits, dim=-1)
