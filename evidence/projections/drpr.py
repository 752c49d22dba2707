"""DRPR, an alternative to the sample embedding in which classes are Gaussians and not directions."""

import torch
from torch import Tensor

from patternscope.embeddings.checks import check_target_probs
from patternscope.embeddings.linear import RANDOM_SPREAD, mean_strength
from patternscope.embeddings.objectives import log_prior
from patternscope.radial.checks import check_finite, check_shape
from patternscope.solvers import minimise_lbfgs, with_gradient


def class_centres(embedding: Tensor, target_probs: Tensor) -> Tensor:
    """Return the mean position of each class: ``nu_c = sum_x P(c | x) y_x / sum_x P(c | x)``.

    Source: Law et al., ICLR 2019, after Banerjee et al. 2005. (n, e), (n, c) -> (c, e); a class that no sample has lies
    at the origin.

    >>> class_centres(torch.tensor([[0.0, 2.0], [4.0, 0.0]]), torch.tensor([[1.0, 0.5], [0.0, 0.5]]))
    tensor([[0., 2.],
            [2., 1.]])
    """
    return (target_probs.T @ embedding) / target_probs.sum(dim=0).clamp_min(1e-12)[:, None]


def gaussian_log_posterior(embedding: Tensor, centres: Tensor, prior: Tensor) -> Tensor:
    """Return log p(c | y) of a mixture of Gaussians of unit variance.

    ``log p(c | y) = log pi_c - |y - nu_c|^2 / 2 - logsumexp_c(...)``

    Source: Law et al., ICLR 2019. Embedding (n, e), centres (c, e), log prior (c,) -> (n, c).

    >>> gaussian_log_posterior(torch.tensor([[1.0]]), torch.tensor([[0.0], [2.0]]), torch.zeros(2)).exp()
    tensor([[0.5000, 0.5000]])
    """
    # The square of y is the same for all classes and cancels.
    return torch.log_softmax(prior + embedding @ centres.T - centres.square().sum(dim=1) / 2, dim=1)


def drpr_loss(weight: Tensor, features: Tensor, target_probs: Tensor) -> Tensor:
    """Return the divergence of a mixture of Gaussians in the embedding from the network's probabilities.

    ``sum_x KL(P(. | x) || Q_M(. | x))`` with ``y = M f``, centres and prior of the same samples

    Source: Law et al., ICLR 2019. There the embedding is a network; here it is a linear map of the features, so that
    the sample embedding differs in the distribution alone. M (e, d), f (n, d), P (n, c) -> scalar.

    >>> float(drpr_loss(torch.zeros(2, 2), torch.eye(2), torch.eye(2))) > 0
    True
    """
    embedding = features @ weight.T
    log_q = gaussian_log_posterior(embedding, class_centres(embedding, target_probs), log_prior(target_probs))
    return (torch.xlogy(target_probs, target_probs) - target_probs * log_q).sum()


def fit_drpr(
    features: Tensor, target_probs: Tensor, dim: int = 3, *, seed: int = 0, n_step: int = 200, wd: float = 5e-4
) -> Tensor:
    """Return the map that minimises :func:`drpr_loss` with weight decay, by L-BFGS from a random start.

    Solver, weight decay and unit of the features are those of the sample embedding. Source: Law et al., ICLR 2019.

    Args:
        features: (n, d), any unit: they are divided by their mean strength.
        target_probs: (n, c).
        dim: e >= 1.
        seed: of the start, whose entries are drawn from N(0, 0.1^2), features in units of their mean strength.
        n_step: largest number of iterations.
        wd: weight decay.

    Returns:
        M (e, d), float64, of features in their own unit.

    Raises:
        InputError: NaN or inf, shapes that disagree, rows that do not sum to 1.

    Cost: 4 n e (d + c) operations per evaluation.

    >>> fit_drpr(torch.eye(3), torch.eye(3), dim=2).shape
    torch.Size([2, 3])
    """
    check_target_probs(target_probs)
    check_shape(features, "features", (len(target_probs), None), "(n, d)")
    check_finite(features, "features")
    scale = mean_strength(features).double().clamp_min(torch.finfo(torch.float64).tiny)
    scaled, probs = features.double() / scale, target_probs.double()
    generator = torch.Generator().manual_seed(seed)
    start = RANDOM_SPREAD * torch.randn(dim, features.shape[1], generator=generator, dtype=torch.float64)

    def objective(weight: Tensor) -> Tensor:
        return drpr_loss(weight, scaled, probs) + wd / 2 * weight.square().sum()

    weight, _ = minimise_lbfgs(with_gradient(objective), start.to(features.device), n_step)
    return weight / scale
