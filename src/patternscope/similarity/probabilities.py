"""How alike two samples are to the network: by its class probabilities."""

import torch
from torch import Tensor


def target_log_similarity(
    target_probs: Tensor, anchor: int, neighbours: Tensor, kappa: float = 5.0
) -> Tensor:
    """Return log p_i(j), the similarity the other two have to explain.

    ``p_i(j) = softmax_j(kappa_p cos(P(. | x_i), P(. | x_j)))``

    Source: Sec. 3.3.

    Args:
        target_probs: (n, c), rows sum to 1.
        anchor: i.
        neighbours: (j,) indices of other samples.
        kappa: kappa_p > 0.

    Returns:
        (j,), log probabilities.

    >>> probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    >>> target_log_similarity(probs, 0, torch.tensor([1, 2])).exp()
    tensor([0.9793, 0.0207])
    """
    anchors = torch.tensor([anchor], device=target_probs.device)
    return target_log_similarities(target_probs, anchors, torch.as_tensor(neighbours)[None], kappa)[0]


def target_log_similarities(
    target_probs: Tensor, anchors: Tensor, neighbours: Tensor, kappa: float = 5.0
) -> Tensor:
    """Return log p_i(j) for many anchors at once: (b, c), (b, m) -> (b, m).

    Source: Sec. 3.3. `anchors` (b,), `neighbours` (b, m); one row is :func:`target_log_similarity`.

    Cost: b u c multiplications, where u is how many neighbours there are without repetition: m + 1 where anchors
    share their candidates. Holds b u and b c numbers.

    >>> probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    >>> target_log_similarities(probs, torch.tensor([0, 2]), torch.tensor([[1, 2], [0, 1]])).exp()
    tensor([[0.9793, 0.0207],
            [0.3445, 0.6555]])
    """
    unit = torch.nn.functional.normalize(target_probs, dim=1)
    samples, places = neighbours.unique(return_inverse=True)
    cosines = (unit[anchors] @ unit[samples].T).gather(1, places)
    return torch.log_softmax(kappa * cosines, dim=1)
