"""How well an embedding reproduces the network's predictions, and where the object is in the image."""

import torch
from torch import Tensor

from patternscope.radial.checks import check_same_shape


def agreement(posterior: Tensor, network_scores: Tensor) -> float:
    """Return the share of samples for which the embedding's posterior and the network predict the same class.

    `posterior` (n, c), `network_scores` (n, c) logits or probabilities; in [0, 1]. InputError when the shapes differ.

    >>> agreement(torch.eye(2), torch.tensor([[3.0, 1.0], [2.0, 1.0]]))
    0.5
    """
    check_same_shape(posterior, network_scores, "posterior, network_scores", "(n, c)")
    return float((posterior.argmax(dim=1) == network_scores.argmax(dim=1)).double().mean())


def strength_uncertainty_correlation(
    embedding: Tensor, target_probs: Tensor, groups: Tensor | None = None
) -> float | None:
    """Return the Pearson correlation between strength and the entropy of the target probabilities.

    ``corr(|g_x|, H(P(. | x)))``; near -1 if strength expresses the network's certainty. With `groups`, the means
    over the samples of a group are subtracted from both: classes may have different strengths at the same certainty,
    and that difference does not count. Source: Sec. 4.

    `embedding` (n, e), `target_probs` (n, c), `groups` (n,) of integers; in [-1, 1], None if either is constant.

    >>> probs = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.5, 0.5]])
    >>> strength_uncertainty_correlation(torch.tensor([[3.0], [2.0], [0.2]]), probs) < -0.9
    True
    """
    probs = target_probs.double()
    entropy = -torch.xlogy(probs, probs).sum(dim=1)
    pair = torch.stack([torch.linalg.vector_norm(embedding.double(), dim=1).to(entropy), entropy])
    rounding = 4 * torch.finfo(pair.dtype).eps * pair.abs().amax(dim=1)
    if groups is not None:
        members = torch.nn.functional.one_hot(groups.long()).to(pair)
        means = (pair @ members) / members.sum(dim=0).clamp_min(1)
        pair = pair - means @ members.T
    if (pair.std(dim=1) <= rounding).any():
        return None
    return float(torch.corrcoef(pair)[0, 1])


def object_cover(masks: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the share of each region that the object covers.

    `masks` (n, height, width) bool, `grid` (h, w); (n, h*w) in [0, 1], float64.

    >>> object_cover(torch.tensor([[[True, True], [False, False]]]), (2, 1))
    tensor([[1., 0.]], dtype=torch.float64)
    """
    return torch.nn.functional.adaptive_avg_pool2d(masks[:, None].double(), grid).flatten(1)
