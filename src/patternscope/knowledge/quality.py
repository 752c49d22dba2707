"""How well an embedding tells what the network knows, and where in the picture the object is."""

import torch
from torch import Tensor

from patternscope.errors import InputError


def agreement(posterior: Tensor, network_scores: Tensor) -> float:
    """Return the share of samples for which the embedding's posterior and the network decide alike.

    Source: METHOD section 10. `posterior` (n, c), `network_scores` (n, c) logits or probabilities; in [0, 1].
    InputError when the shapes differ.

    >>> agreement(torch.eye(2), torch.tensor([[3.0, 1.0], [2.0, 1.0]]))
    0.5
    """
    if posterior.shape != network_scores.shape or posterior.ndim != 2:
        raise InputError(
            f"posterior, network_scores: got shapes {tuple(posterior.shape)} and {tuple(network_scores.shape)}, "
            "wants (n, c) twice"
        )
    return float((posterior.argmax(dim=1) == network_scores.argmax(dim=1)).double().mean())


def strength_uncertainty_correlation(
    embedding: Tensor, target_probs: Tensor, groups: Tensor | None = None
) -> float | None:
    """Return the Pearson correlation between strength and the entropy of the target probabilities.

    ``corr(|g_x|, H(P(. | x)))``; near -1 where strength says how sure the network is. With `groups` both are taken
    less their means over the samples of a group: classes may have different strengths at the same certainty, and
    this leaves that difference out.

    Source: Sec. 4 (the paper's table); groups: this project. `embedding` (n, e), `target_probs` (n, c), `groups` (n,)
    of integers; in [-1, 1], None where either does not vary at all.

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
    """Return how much of each region the object covers.

    `masks` (n, height, width) bool, `grid` (h, w); (n, h*w) in [0, 1], float64.

    >>> object_cover(torch.tensor([[[True, True], [False, False]]]), (2, 1))
    tensor([[1., 0.]], dtype=torch.float64)
    """
    return torch.nn.functional.adaptive_avg_pool2d(masks[:, None].double(), grid).flatten(1)


def pointing_game(importance: Tensor, cover: Tensor) -> Tensor:
    """Return how much of each image's most important region the object covers.

    The chance that a pixel of that region is the object's: the pointing game (Zhang et al., ECCV 2016) on a
    grid of regions. A region chosen at random scores the object's share of the picture.

    Args:
        importance: (n, r); of equals the first counts.
        cover: of each region, by :func:`object_cover`, (n, r).

    Returns:
        (n,) in [0, 1].

    Raises:
        InputError: two shapes.

    >>> pointing_game(torch.tensor([[0.1, 0.9]]), torch.tensor([[0.0, 0.75]]))
    tensor([0.7500])
    """
    if importance.shape != cover.shape or importance.ndim != 2:
        raise InputError(
            f"importance, cover: got shapes {tuple(importance.shape)} and {tuple(cover.shape)}, wants (n, r) twice"
        )
    return cover.gather(1, importance.argmax(dim=1, keepdim=True))[:, 0]


def points_on(points: Tensor, cover: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much of each image's points lies on a thing, and how many points there are.

    ``sum_r m_r cover_r`` and ``sum_r m_r``; the ratio of their sums over images is the precision of the points, for
    `bootstrap_ratio`. Points that lie anywhere have the thing's share of the picture.

    Points (n, r) bool, cover by :func:`object_cover` (n, r) -> (n,) twice, float64. InputError when shapes
    differ.

    >>> points_on(torch.tensor([[True, False, True]]), torch.tensor([[0.5, 1.0, 1.0]]))
    (tensor([1.5000], dtype=torch.float64), tensor([2.], dtype=torch.float64))
    """
    if points.shape != cover.shape or points.ndim != 2:
        raise InputError(
            f"points, cover: got shapes {tuple(points.shape)} and {tuple(cover.shape)}, wants (n, r) twice"
        )
    return (points * cover.double()).sum(dim=1), points.sum(dim=1).double()
