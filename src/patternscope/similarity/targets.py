"""How similar two samples are to the network: by its class probabilities."""

import torch
from torch import Tensor

from patternscope.radial.defaults import TARGET_KAPPA


def target_log_similarity(
    target_probs: Tensor, anchor: int | Tensor, neighbours: Tensor, kappa: float = TARGET_KAPPA
) -> Tensor:
    """Return log p_i(j), the similarity that regions and embeddings have to explain, for one anchor or for many.

    ``p_i(j) = softmax_j(kappa_p cos(P(. | x_i), P(. | x_j)))``. Source: Sec. 3.3.

    Args:
        target_probs: (n, c), rows sum to 1.
        anchor: i, or several of them (b,).
        neighbours: indices of other samples (j,), or those of each anchor (b, j).
        kappa: kappa_p > 0.

    Returns:
        Log probabilities (j,) or (b, j).

    Cost: b u c multiplications, u the number of different neighbours: one more than j if anchors share their
    candidates. Memory: b u and b c numbers.

    >>> probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    >>> target_log_similarity(probs, 0, torch.tensor([1, 2])).exp()
    tensor([0.9793, 0.0207])
    >>> target_log_similarity(probs, torch.tensor([0, 2]), torch.tensor([[1, 2], [0, 1]])).exp()
    tensor([[0.9793, 0.0207],
            [0.3445, 0.6555]])
    """
    unit = torch.nn.functional.normalize(target_probs, dim=1)
    samples, positions = torch.as_tensor(neighbours).unique(return_inverse=True)
    cosines = (unit[torch.as_tensor(anchor)] @ unit[samples].T).gather(-1, positions)
    return torch.log_softmax(kappa * cosines, dim=-1)


def divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Return ``KL(p || q) = sum_j p(j) (log p(j) - log q(j))`` in nats: (..., j) twice -> (...).

    >>> divergence(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 0.75]).log())
    tensor(0.1438)
    """
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)
