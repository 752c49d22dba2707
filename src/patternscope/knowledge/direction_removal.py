"""Removing from the features of a layer the part that its map reads as a class."""

import torch
from torch import Tensor

from patternscope.errors import InputError


def class_directions(maps: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the vector by which a map reads a class from features, and the features that it reads as only that class.

    ``a = L^T mu,  d = L^+ mu``: the part of ``h = L f / s`` along the unit vector mu is ``a . f / s``, and d are the
    shortest features with ``L d = mu``. The scale s is not needed for `without_direction`.

    Args:
        maps: L of each image (n, e, k), or of all (e, k).
        directions: mu of each image (n, e), of any length above 0.

    Returns:
        a (n, k) and d (n, k), float64.

    Raises:
        InputError: shapes that disagree.

    Cost: a singular value decomposition (e, k) per map.

    >>> a, d = class_directions(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0]]))
    >>> a.tolist(), d.tolist()
    ([[2.0, 0.0]], [[0.5, 0.0]])
    """
    if maps.ndim not in (2, 3) or directions.ndim != 2 or maps.shape[-2] != directions.shape[1]:
        shapes = f"{tuple(maps.shape)} and {tuple(directions.shape)}"
        raise InputError(f"maps, directions: expected (n, e, k) or (e, k) and (n, e), got {shapes}")
    unit = torch.nn.functional.normalize(directions.double(), dim=1)[:, :, None]
    wide = maps.double()
    return (wide.mT @ unit)[..., 0], (torch.linalg.pinv(wide) @ unit)[..., 0]


def without_direction(features: Tensor, readout: Tensor, direction: Tensor) -> Tensor:
    """Return features without a class: ``f - (a . f) d``.

    With a and d of `class_directions`, the map then reads nothing along the direction of the class, ``mu . h = 0``, and
    the orthogonal part is unchanged. With another d of the same length, as much is removed along another direction.

    Features (n, k, h, w), a and d (n, k) -> (n, k, h, w) in the type of the features.

    >>> without_direction(torch.tensor([3.0, 1.0]).view(1, 2, 1, 1), *class_directions(torch.eye(2), torch.eye(2)[:1]))
    tensor([[[[0.]],
    <BLANKLINE>
             [[1.]]]])
    """
    read = torch.einsum("nk,nkhw->nhw", readout.to(features), features)
    return features - read[:, None] * direction.to(features)[:, :, None, None]


def of_length(vectors: Tensor, like: Tensor) -> Tensor:
    """Return vectors (..., n, k) with the lengths of others (n, k).

    >>> of_length(torch.tensor([[0.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[0., 5.]])
    """
    lengths = torch.linalg.vector_norm(like, dim=-1, keepdim=True)
    return torch.nn.functional.normalize(vectors, dim=-1) * lengths
