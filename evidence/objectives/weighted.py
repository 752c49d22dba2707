"""The likelihood weighted by the importance w of regions, which was tried and not chosen."""

import torch
from torch import Tensor

from patternscope.embeddings import RegionEmbedding
from patternscope.embeddings.likelihood import RegionalLikelihood
from patternscope.radial import log_posterior
from patternscope.radial.defaults import REGION_KAPPA_MAX
from patternscope.solvers import minimise_lbfgs, preconditioned, with_gradient

STEPS, DECAY = 12, 5e-4


def fit_weighted(regional: Tensor, targets: Tensor, weights: Tensor, mean_directions: Tensor) -> RegionEmbedding:
    """Fit ``-1/n sum_ir w_ir sum_c t_ic log p(c | h_i^(r)) + wd/2 |L|^2``, plainly, with the start of the unweighted.

    Features (n, k, h, w), targets t (n, c), weights w (n, r) whose rows sum to 1, mu (c, e).

    >>> features, targets = torch.eye(2)[:, :, None, None], torch.eye(2)
    >>> region = fit_weighted(features, targets, torch.ones(2, 1), torch.eye(2))
    >>> log_posterior(region(features)[:, 0], torch.eye(2), 1000.0).argmax(dim=1)
    tensor([0, 1])
    """
    region = RegionEmbedding(regional.shape[1], mean_directions.shape[1])
    region._set_scale(regional, exponent=0)
    features = regional.flatten(2)
    plain = RegionalLikelihood.of(features, targets, mean_directions, region.scale, REGION_KAPPA_MAX, DECAY)
    second, product = plain.moments()
    second.diagonal().add_(1e-2 * second.diagonal().mean())
    factor = torch.linalg.cholesky(second.double())
    start = torch.cholesky_solve(product.double(), factor).T.to(second.dtype)
    factor = factor.to(second.dtype)
    columns = features.transpose(1, 2) / region.scale

    def objective(weight: Tensor) -> Tensor:
        told = log_posterior(columns @ weight.T, mean_directions, REGION_KAPPA_MAX, exact_gradient=True)
        said = (weights * (told @ targets[:, :, None])[..., 0]).sum()
        return -said / len(targets) + DECAY / 2 * weight.square().sum()

    point, _ = minimise_lbfgs(preconditioned(with_gradient(objective), factor), start @ factor, STEPS)
    region.map = torch.linalg.solve_triangular(factor, point, upper=False, left=False)
    return region
