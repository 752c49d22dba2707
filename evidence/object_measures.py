"""Where importance and knowledge points lie with respect to an object whose mask is known."""

from torch import Tensor

from patternscope.radial.checks import check_same_shape


def pointing_game(importance: Tensor, cover: Tensor) -> Tensor:
    """Return how much of each image's most important region the object covers.

    This is the probability that a pixel of that region belongs to the object: the pointing game (Zhang et al.,
    ECCV 2016) on a grid of regions. A random region scores the share of the image that the object covers.

    Args:
        importance: (n, r); of equal values the first counts.
        cover: of each region, by `knowledge.object_cover`, (n, r).

    Returns:
        (n,) in [0, 1].

    Raises:
        InputError: shapes that differ.

    >>> import torch
    >>> pointing_game(torch.tensor([[0.1, 0.9]]), torch.tensor([[0.0, 0.75]]))
    tensor([0.7500])
    """
    check_same_shape(importance, cover, "importance, cover", "(n, r)")
    return cover.gather(1, importance.argmax(dim=1, keepdim=True))[:, 0]


def points_on(points: Tensor, cover: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many of each image's points lie on an object, by the share it covers, and how many there are.

    ``sum_r m_r cover_r`` and ``sum_r m_r``; the ratio of their sums over images is the precision of the points, for
    `bootstrap_ratio`. Points placed at random score the share of the image that it covers.

    Points (n, r) bool, cover by `knowledge.object_cover` (n, r) -> (n,) twice, float64. InputError when shapes
    differ.

    >>> import torch
    >>> points_on(torch.tensor([[True, False, True]]), torch.tensor([[0.5, 1.0, 1.0]]))
    (tensor([1.5000], dtype=torch.float64), tensor([2.], dtype=torch.float64))
    """
    check_same_shape(points, cover, "points, cover", "(n, r)")
    return (points * cover.double()).sum(dim=1), points.sum(dim=1).double()
