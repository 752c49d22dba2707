"""Posteriors whose truth is known: classes of given shares, seen through Gaussian noise."""

import torch
from torch import Tensor


def right_posterior(
    n: int = 600, r: int = 2, shares: tuple[float, ...] = (0.25,) * 4, seed: int = 0, noise: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Scores s (n, r, c) and labels (n,) with p(y | region) = softmax(log shares + s) exactly."""
    generator = torch.Generator().manual_seed(seed)
    pi = torch.tensor(shares, dtype=torch.float64)
    labels = torch.multinomial(pi, n, replacement=True, generator=generator)
    places = torch.eye(len(shares), dtype=torch.float64)
    seen = places[labels][:, None] + noise * torch.randn(n, r, len(shares), generator=generator, dtype=torch.float64)
    return -(seen[:, :, None] - places).square().sum(dim=-1) / (2 * noise**2), labels


def scores(seed: int, n: int = 8, r: int = 2, c: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Scores with something to say, labels in turn, and folds in which each class is."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % c
    told = 1.5 * torch.eye(c, dtype=torch.float64)[labels][:, None]
    noise = torch.randn(n, r, c, generator=generator, dtype=torch.float64)
    return told + 2 * noise, labels, (torch.arange(n) // c) % 2
