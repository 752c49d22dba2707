"""When knowledge points appear during training, and which regions of two layers are at the same position."""

from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_same_shape

NEVER = -1


@dataclass(frozen=True)
class ClassAppearance:
    """When the images of a class reach something, such as their first reliable knowledge point.

    Attributes:
        label: the class.
        images: their number, >= 1.
        share: of the images that ever reach it, in [0, 1].
        median: the checkpoint at which half of them have; None if fewer than half ever do.
        mean: mean checkpoint; an image that never does counts as one checkpoint after the last.
    """

    label: int
    images: int
    share: float
    median: int | None
    mean: float


def first_appearance(present: Tensor) -> Tensor:
    """Return the first checkpoint at which something is present, ``min {t : present_t}``, or -1 if it never is.

    `present` (t, ...) bool, such as "has a reliable point" of images (t, n) or "is a reliable point" of regions
    (t, n, r) -> (...) int64 in [-1, t). InputError for another type, or no checkpoint.

    >>> first_appearance(torch.tensor([[False, False, True], [False, True, False]]))
    tensor([-1,  1,  0])
    """
    _check_present(present)
    first = present.to(torch.uint8).argmax(dim=0)
    return torch.where(present.any(dim=0), first, NEVER)


def lasting_appearance(present: Tensor) -> Tensor:
    """Return the checkpoint from which something is present up to the last, or -1 if it is absent at the last.

    ``min {t : present_t, ..., present_T}``; never before `first_appearance`. Arguments, result and errors as
    `first_appearance`.

    >>> lasting_appearance(torch.tensor([[True, True, True], [False, True, True], [True, True, False]]))
    tensor([ 2,  0, -1])
    """
    _check_present(present)
    lasting = present.flip(0).to(torch.int64).cumprod(dim=0).sum(dim=0)
    return torch.where(lasting > 0, len(present) - lasting, NEVER)


def class_appearance(first: Tensor, labels: Tensor, checkpoints: int) -> list[ClassAppearance]:
    """Return when the images of each class reach something, the earliest class (smallest mean) first.

    `first` (n,) int64 in [-1, checkpoints) is from `first_appearance` or `lasting_appearance`, `labels` (n,) are the
    true classes. A record for each class that has images; equal means in the order of labels. InputError for shapes
    that differ, values outside the checkpoints.

    >>> classes = class_appearance(torch.tensor([2, -1, 0, 1]), torch.tensor([0, 0, 1, 1]), checkpoints=3)
    >>> [(record.label, record.share, record.median, record.mean) for record in classes]
    [(1, 1.0, 0, 0.5), (0, 0.5, 2, 2.5)]
    """
    check_same_shape(first, labels, "first, labels", "(n,)", least=1)
    low, high = int(first.min()), int(first.max())
    if not NEVER <= low <= high < checkpoints:
        raise InputError(f"first: expected -1 to {checkpoints - 1}, got {low} to {high}")
    when = torch.where(first == NEVER, checkpoints, first)
    classes = [_of_class(int(label), when[labels == label], checkpoints) for label in labels.unique()]
    return sorted(classes, key=lambda record: record.mean)


def _of_class(label: int, when: Tensor, checkpoints: int) -> ClassAppearance:
    """Return the record of one class; `when` is `checkpoints` for images that never get one."""
    half = int(when.sort().values[(len(when) - 1) // 2])
    return ClassAppearance(
        label=label,
        images=len(when),
        share=float((when < checkpoints).double().mean()),
        median=half if half < checkpoints else None,
        mean=float(when.double().mean()),
    )


def corresponding_regions(grid: tuple[int, int], other: tuple[int, int]) -> Tensor:
    """Return for each region of a grid the region of another grid that contains its centre.

    ``row' = floor((row + 1/2) h' / h)``, likewise for columns; a centre on a border belongs to the later region.
    Regions are numbered row by row: (h, w), (h', w') -> (h * w,) int64 in [0, h' * w'). InputError for a side below 1.

    >>> corresponding_regions((2, 2), (1, 2))
    tensor([0, 1, 0, 1])
    """
    if min(*grid, *other) < 1:
        raise InputError(f"grid, other: expected sides of at least 1, got {grid} and {other}")
    rows, columns = ((2 * torch.arange(side) + 1) * onto // (2 * side) for side, onto in zip(grid, other, strict=True))
    return (rows[:, None] * other[1] + columns).flatten()


def _check_present(present: Tensor) -> None:
    if present.dtype != torch.bool or present.ndim < 1 or len(present) == 0:
        shape = tuple(present.shape)
        raise InputError(f"present: expected bool (t, ...), t >= 1, got {present.dtype} of shape {shape}")
