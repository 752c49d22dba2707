"""The mixture of radial distributions: mean directions, prior and class posterior."""

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_shape
from patternscope.radial.kappa import concentration_per_strength


def concentrated(embedding: Tensor, kappa_max: float, *, exact_gradient: bool = False) -> Tensor:
    """Return ``kappa(l) o`` for embeddings ``x = l o``: orientations whose lengths are their concentrations.

    By default, the gradient treats kappa and the norm in ``o = x / l`` as constants, as in the reference code;
    `exact_gradient` differentiates through strength as well. Source: Sec. 3.1.

    (..., e) -> (..., e), each row at most kappa_max long; zero where the embedding is zero, NaN where it or its
    norm is not finite.

    >>> concentrated(torch.tensor([[0.0, 0.0, 5.0]]), 10.0)
    tensor([[0.0000, 0.0000, 7.3529]])
    """
    strength = strengths(embedding, exact_gradient=exact_gradient)
    factor = concentration_per_strength(strength, kappa_max, embedding.shape[-1])
    # A norm that overflows would otherwise look like a region without any strength.
    return torch.where(torch.isinf(strength), torch.nan, factor) * embedding


def orientation(embedding: Tensor, *, exact_gradient: bool = False) -> Tensor:
    """Return o = x / l; zero stays zero.

    Arguments as of :func:`concentrated`. Source: Sec. 3.1.

    >>> orientation(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    # The root of the smallest number: its inverse is finite, and so is the gradient at the origin.
    smallest = torch.finfo(embedding.dtype).tiny ** 0.5
    return embedding / strengths(embedding, exact_gradient=exact_gradient).clamp_min(smallest)


def strengths(embedding: Tensor, *, exact_gradient: bool) -> Tensor:
    """Return the norms of embeddings (..., e) as (..., 1), without a gradient unless `exact_gradient`.

    >>> strengths(torch.tensor([[3.0, 4.0]]), exact_gradient=False)
    tensor([[5.]])
    """
    return torch.linalg.vector_norm(embedding if exact_gradient else embedding.detach(), dim=-1, keepdim=True)


def mean_directions(
    embedding: Tensor, target_probs: Tensor, kappa_max: float, *, exact_gradient: bool = False
) -> Tensor:
    """Return the mean direction of each class.

    ``mu_c = normalise(sum_x P(c | x) kappa(l_x) o_x)``. Source: Sec. 3.2.

    Sample embeddings (n, e), target probabilities (n, c) -> unit vectors (c, e), however small the weights of a class
    are. A class without any weight, or whose weighted orientations cancel exactly, has no direction: it gets the zero
    vector as a mark, and a log posterior as at zero strength. NaN and inf give NaN. `exact_gradient` as in
    :func:`concentrated`. InputError when the two tensors disagree about n.

    >>> mean_directions(torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.eye(2), 10.0)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if embedding.ndim != 2 or target_probs.ndim != 2 or len(embedding) != len(target_probs):
        shapes = f"{tuple(embedding.shape)} and {tuple(target_probs.shape)}"
        raise InputError(f"embedding, target_probs: expected (n, e) and (n, c) of the same n, got shapes {shapes}")
    pulls = concentrated(embedding, kappa_max, exact_gradient=exact_gradient)
    # Weights of 1e-25 would be lost in the squares of the norm.
    sums = _near_one(_near_one(target_probs.to(pulls.dtype), 0).T @ pulls, 1)
    return torch.nn.functional.normalize(sums, dim=1, eps=torch.finfo(pulls.dtype).tiny)


def _near_one(values: Tensor, dim: int) -> Tensor:
    """Multiply by powers of two, which are exact, so that the largest magnitude along an axis is between 1 and 2."""
    largest = values.detach().abs().amax(dim=dim, keepdim=True)
    power = -torch.log2(largest.clamp_min(torch.finfo(values.dtype).tiny)).floor()
    power = torch.where((largest > 0) & torch.isfinite(largest), power, torch.zeros_like(power))
    # In two steps, since a single factor for a denormal number would be infinite.
    half = (power / 2).floor()
    return torch.ldexp(torch.ldexp(values, half), power - half)


def log_posterior(
    embedding: Tensor,
    mean_directions: Tensor,
    kappa_max: float,
    log_prior: Tensor | None = None,
    *,
    exact_gradient: bool = False,
) -> Tensor:
    """Return log p(class | embedding); every class probability comes from this function.

    ``log p(c | x) = log pi_c + kappa(l) <o, mu_c> - logsumexp_c(...)``: the vMF normaliser depends only on kappa and
    cancels. Source: Sec. 3.1.

    Args:
        embedding: sample or regional embeddings (..., e).
        mean_directions: unit vectors (c, e).
        kappa_max: > 0; by default 10 for samples, 1000 for regions.
        log_prior: (c,) or None for a uniform prior.
        exact_gradient: differentiate through strength as well.

    Returns:
        (..., c), log probabilities; NaN where an embedding, or its norm, is not finite.

    Raises:
        InputError: when embedding and mean directions disagree about e, or the prior about c.

    >>> log_posterior(torch.tensor([[60.0, 0.0]]), torch.eye(2), kappa_max=5.0).exp()
    tensor([[0.9933, 0.0067]])
    """
    check_shape(mean_directions, "mean_directions", (None, embedding.shape[-1]), "(c, e)")
    pulls = concentrated(embedding, kappa_max, exact_gradient=exact_gradient)
    logits = pulls @ mean_directions.T.to(embedding.dtype)
    if log_prior is not None:
        check_shape(log_prior, "log_prior", (len(mean_directions),), "(c,)")
        logits = logits + log_prior
    return torch.log_softmax(logits, dim=-1)
