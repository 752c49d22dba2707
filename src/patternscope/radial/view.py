"""A linear view of a radial space of many dimensions: what three axes show of it."""

import torch
from torch import Tensor


def principal_axes(mean_directions: Tensor, dim: int = 3) -> Tensor:
    """Return the axes along which mean directions differ most: (c, e) -> (min(dim, e), e), orthonormal rows.

    The leading eigenvectors of ``sum_c (mu_c - mean) (mu_c - mean)^T``; where the space has no more than `dim`
    dimensions its own axes, so that nothing turns. An embedding x is seen as ``x @ axes.T``.

    >>> principal_axes(torch.tensor([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]), dim=1)
    tensor([[1., 0., 0., 0.]])
    """
    e = mean_directions.shape[1]
    if e <= dim:
        return torch.eye(e, dtype=mean_directions.dtype, device=mean_directions.device)
    centred = mean_directions.double() - mean_directions.double().mean(dim=0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :dim].T
    # Eigenvectors are unique up to their sign: make the largest entry positive.
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    return (axes * largest.sign()).to(mean_directions.dtype)


def shown_share(mean_directions: Tensor, axes: Tensor) -> float:
    """Return the share of the variance between mean directions (c, e) that axes (a, e) show, in [0, 1].

    >>> shown_share(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    1.0
    """
    centred = mean_directions.double() - mean_directions.double().mean(dim=0)
    whole = float(centred.square().sum())
    return float((centred @ axes.double().T).square().sum()) / whole if whole else 1.0
