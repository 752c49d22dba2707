"""A linear view of a high-dimensional radial space: the three axes along which it is shown by default."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import torch
from torch import Tensor

EXACT_CLASSES = 4
"""The largest number of classes that a view shows in three dimensions without loss."""
_MOST_ARRANGED = 24  # most classes whose order is searched, since the search is cubic
_SOFTENING = 1e-3  # of the energy of two rays that coincide
_TINY = 1e-9


def separating_axes(mean_directions: Tensor, order: Sequence[int] = ()) -> Tensor:
    """Return the axes of the view that separates classes by their mean directions: (c, e) -> (min(3, e), e).

    Orthonormal rows right, up and towards the viewer; an embedding x is shown at ``x @ axes.T``. On the screen, the
    directions point as closely as possible to the corners of a regular polygon, in their :func:`arrangement` or another
    `order`, the first one upwards; neighbours lie alternately in front of and behind the screen. Up to four classes lie
    entirely in these axes (of four, the differences of their directions). A plane is shown unchanged.

    >>> separating_axes(torch.eye(4)[[1, 3]]).mul(2**0.5).round(decimals=3)[:2].tolist()
    [[0.0, 1.0, 0.0, -1.0], [0.0, 1.0, 0.0, 1.0]]
    """
    mu = mean_directions.double()
    e = mu.shape[1]
    if e <= 2:
        return torch.eye(e, dtype=mean_directions.dtype, device=mean_directions.device)
    own = mu[list(order) or arrangement(mu)]
    plane = _plane(own) if len(own) > 2 else own.new_zeros(0, e)
    axes = orthonormal([*plane, *_further(own)], 3)
    if e == 3:
        axes[2] = torch.linalg.cross(axes[0], axes[1])
    return axes.to(mean_directions.dtype)


def arrangement(mean_directions: Tensor) -> list[int]:
    """Return the order of classes around the screen that separates their arrows best.

    Starting from the order of their numbers, two classes are swapped as long as that lowers the sum over pairs of 1 /
    d^2, d the distance of the tip of the shorter of two projected arrows from the ray of the other; no swaps for more
    than 24 classes.

    >>> arrangement(torch.eye(4))
    [0, 1, 2, 3]
    """
    order = list(range(len(mean_directions)))
    if not EXACT_CLASSES < len(order) <= _MOST_ARRANGED or mean_directions.shape[1] <= 2:
        return order
    mu = mean_directions.double()
    least, improved = _energy(mu[order]), True
    while improved:
        improved = False
        # The first stays first, since a rotation of all changes nothing.
        for one, other in combinations(range(1, len(order)), 2):
            swapped = order.copy()
            swapped[one], swapped[other] = order[other], order[one]
            energy = _energy(mu[swapped])
            if energy < least * (1 - 1e-6):
                order, least, improved = swapped, energy, True
    return order


def shown_share(mean_directions: Tensor, axes: Tensor) -> float:
    """Return the share of the variance between mean directions (c, e) that axes (a, e) show, in [0, 1].

    >>> shown_share(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    1.0
    """
    centred = mean_directions.double() - mean_directions.double().mean(dim=0)
    whole = float(centred.square().sum())
    return float((centred @ axes.double().T).square().sum()) / whole if whole else 1.0


def orthonormal(directions: Iterable[Tensor], most: int) -> Tensor:
    """Return orthonormal rows (a, e) for the first `most` independent ones of some directions (e,).

    >>> orthonormal(torch.tensor([[0.0, 2.0], [0.0, 1.0], [1.0, 1.0]]), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    axes: list[Tensor] = []
    for direction in directions:
        rest = direction
        # Twice, so that no component along an axis remains by rounding.
        for axis in (*axes, *axes):
            rest = rest - (axis @ rest) * axis
        length = float(rest.norm())
        if length > 1e-6 and len(axes) < most:
            axes.append(rest / length)
    return torch.stack(axes)


def _plane(own: Tensor) -> Tensor:
    """The two axes (2, e) that bring directions (k, e) nearest to the corners of a polygon, the first one up."""
    angles = torch.arange(len(own), dtype=own.dtype, device=own.device) * (2 * torch.pi / len(own))
    corners = torch.stack([torch.sin(angles), torch.cos(angles)])
    left, sizes, right = torch.linalg.svd(corners @ (own - own.mean(dim=0)), full_matrices=False)
    if float(sizes[1]) <= _TINY:
        return own.new_zeros(0, own.shape[1])
    plane = left @ right
    x, y = (plane @ own[0]).tolist()
    length = max(_TINY, (x * x + y * y) ** 0.5)
    return own.new_tensor([[y, -x], [x, y]]) @ plane / length


def _further(own: Tensor) -> Iterable[Tensor]:
    """Directions for the remaining axes, in order of preference."""
    if len(own) == 2:
        yield own[0] - own[1]
    if len(own) > 3:
        yield _alternating(own)
    yield own.mean(dim=0)
    yield from own
    yield from torch.eye(own.shape[1], dtype=own.dtype, device=own.device)


def _alternating(directions: Tensor) -> Tensor:
    """The direction (e,) along which directions (k, e) lie alternately in front of and behind their mean."""
    signs = directions.new_ones(len(directions))
    signs[1::2] = -1
    return signs @ (directions - directions.mean(dim=0))


def _energy(own: Tensor) -> float:
    """The crowding of the rays of directions (k, e) on the screen, in this order."""
    plane = _plane(own)
    if not len(plane):
        return float("inf")
    seen = own @ plane.T
    one, other = torch.triu_indices(len(own), len(own), 1)
    a, b = seen[one], seen[other]
    lengths = torch.stack([a.norm(dim=1), b.norm(dim=1)])
    across = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).abs() / lengths.amax(dim=0).clamp_min(_TINY)
    distance = torch.where((a * b).sum(dim=1) > 0, across, lengths.amin(dim=0))
    return float((1 / (_SOFTENING + distance.square())).sum())
