"""A ledger of knowledge points between two states: learnt, relearnt, kept, changed in class, forgotten."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.bootstrap import bootstrap_means, bootstrap_ratio
from patternscope.knowledge.emergence import corresponding_regions
from patternscope.knowledge.intervals import Interval
from patternscope.radial.checks import check_same_shape


class Flow(IntEnum):
    """The flow of a region between two states: what became of it as a knowledge point."""

    NONE = 0
    LEARNT = 1
    RELEARNT = 2
    KEPT = 3
    CHANGED = 4
    FORGOTTEN = 5


MOVES = tuple(flow for flow in Flow if flow is not Flow.NONE)
"""The flows in which a region is a point in at least one of the states."""


class Points(Protocol):
    """Knowledge points of the regions of a layer, such as `KnowledgePoints`."""

    @property
    def mask(self) -> Tensor:
        """Which regions are points (n, r) bool."""
        ...

    @property
    def category(self) -> Tensor:
        """The class of each point (n, r) int64; ignored for other regions."""
        ...


@dataclass(frozen=True)
class ClassFlows:
    """Points of one class over all images, in two states, and the flows between them.

    ``before = kept + left + forgotten``, ``after = kept + came + learnt + relearnt``; those that came were points of
    another class before, those that left are of another class now.
    """

    before: int
    after: int
    kept: int
    came: int
    left: int
    learnt: int
    relearnt: int
    forgotten: int


@dataclass(frozen=True)
class Ledger:
    """What the regions of a layer gained and lost between two states, with intervals over images.

    ``points before = kept + changed + forgotten`` and ``points after = kept + changed + learnt + relearnt``, for each
    class as well: the rows of `moves` are the classes before, its columns those after.

    Attributes:
        regions: flow of each region (n, r) uint8, a value of `Flow`.
        moves: regions by class before and after (c + 1, c + 1) int64; the last row and column are "no point".
        relearnt: regions by class after (c,) int64, those of the last row of `moves` that had been a point earlier.
        points: of each flow, regions per image.
        bits: of each flow, including NONE, the growth of its regions' evidence in bits per region of the layer; they
            sum to the growth of the layer. None without evidence.
    """

    regions: Tensor
    moves: Tensor
    relearnt: Tensor
    points: dict[Flow, Interval]
    bits: dict[Flow, Interval] | None

    @property
    def by_class(self) -> tuple[ClassFlows, ...]:
        """The flows of each class, in the order of labels."""
        moves, relearnt = self.moves, self.relearnt
        kept, none = moves.diagonal(), len(moves) - 1
        came, left = moves[:none, :none].sum(dim=0) - kept[:none], moves[:none, :none].sum(dim=1) - kept[:none]
        columns = (moves.sum(dim=1), moves.sum(dim=0), kept, came, left, moves[none, :none] - relearnt, relearnt)
        rows = zip(*(column[:none].tolist() for column in (*columns, moves[:, none])), strict=True)
        return tuple(ClassFlows(*row) for row in rows)


def keep_ledger(
    before: Points,
    after: Points,
    classes: int,
    *,
    earlier: Tensor | None = None,
    bits: tuple[Tensor, Tensor] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Ledger:
    """Return the ledger of the same regions of the same images in two states.

    A region is *learnt* if it becomes a knowledge point for the first time, *relearnt* if it had been one before the
    first of the two states, *kept* if it stays one of the same class, *changed* if it becomes one of another class,
    *forgotten* if it is no longer one.

    Args:
        before, after: knowledge points (n, r), such as of two checkpoints, of clean and attacked images, of a teacher
            and its student.
        classes: c, their number.
        earlier: (n, r) bool, whether a region was a point in any state before `before`; by default none was.
        bits: evidence of each region for its image's class (n, r) in both states.
        resamples, seed: of the intervals over images.

    Raises:
        InputError: shapes that differ, a class outside [0, c).

    Cost: some passes over n r numbers, and resamples x n for each interval.

    >>> from patternscope.knowledge import KnowledgePoints
    >>> def points(mask, category):
    ...     mask, category = torch.tensor([mask]).bool(), torch.tensor([category])
    ...     return KnowledgePoints(mask, mask, category, mask.double(), mask.double())
    >>> kept = keep_ledger(points([1, 1, 1, 0], [0, 0, 1, 0]), points([1, 1, 0, 1], [0, 1, 1, 1]), classes=2)
    >>> [Flow(flow).name.lower() for flow in kept.regions[0].tolist()]
    ['kept', 'changed', 'forgotten', 'learnt']
    >>> kept.moves.tolist()
    [[1, 1, 0], [0, 0, 1], [0, 1, 0]]
    """
    check_same_shape(before.mask, after.mask, "before, after", "(n, r)", least=1)
    known = torch.zeros_like(before.mask) if earlier is None else earlier.bool()
    check_same_shape(before.mask, known, "before, earlier", "(n, r)", least=1)
    own, other = (_class_or_none(points, classes) for points in (before, after))
    regions = flow_of_regions(own, other, known, none=classes)
    moves = torch.bincount((own * (classes + 1) + other).flatten(), minlength=(classes + 1) ** 2)
    draws = {"resamples": resamples, "seed": seed}
    return Ledger(
        regions,
        moves.reshape(classes + 1, classes + 1),
        torch.bincount(other[regions == Flow.RELEARNT], minlength=classes),
        _means({flow: (regions == flow).sum(dim=1).double() for flow in MOVES}, draws),
        None if bits is None else _means(growth_by_flow(regions, *bits), draws),
    )


def flow_of_regions(before: Tensor, after: Tensor, earlier: Tensor, none: int) -> Tensor:
    """Return the flow of each region (n, r) uint8 from its class before and after, `none` for no point.

    `earlier` (n, r) bool says whether a region was a point before the first state.

    >>> flow_of_regions(torch.tensor([[2]]), torch.tensor([[0]]), torch.tensor([[True]]), none=2)
    tensor([[2]], dtype=torch.uint8)
    """
    was, is_now = before != none, after != none
    flow = torch.zeros_like(before, dtype=torch.uint8)
    flow[~was & is_now] = Flow.LEARNT
    flow[~was & is_now & earlier] = Flow.RELEARNT
    flow[was & is_now] = Flow.CHANGED
    flow[was & (before == after)] = Flow.KEPT
    flow[was & ~is_now] = Flow.FORGOTTEN
    return flow


def lasting_share(present: Tensor, *, resamples: int = 1000, seed: int = 0) -> Interval:
    """Return the knowledge points in the last of some states as a share of the regions that ever were one.

    ``sum_i |last_i| / sum_i |union over t of points_ti|``, with its interval over images; no value without any point.
    `present` (t, n, r) bool. InputError for another shape.

    >>> lasting_share(torch.tensor([[[True, False]], [[False, True]]])).value
    0.5
    """
    if present.dtype != torch.bool or present.ndim != 3 or 0 in present.shape:
        raise InputError(f"present: expected bool (t, n, r), got {present.dtype} of shape {tuple(present.shape)}")
    ever = present.any(dim=0)
    return bootstrap_ratio(present[-1].sum(dim=1), ever.sum(dim=1), resamples=resamples, seed=seed)


def growth_by_flow(regions: Tensor, before: Tensor, after: Tensor) -> dict[Flow, Tensor]:
    """Return the growth of evidence in the regions of each flow, for each image (n,), per region of the layer.

    `regions` (n, r) uint8 are from `flow_of_regions`, `before` and `after` (n, r) bits. Sums over flows are the growth
    of an image. InputError for shapes that differ.

    >>> grown = growth_by_flow(torch.tensor([[1, 3]]), torch.zeros(1, 2), torch.tensor([[2.0, 1.0]]))
    >>> float(grown[Flow.LEARNT]), float(grown[Flow.KEPT])
    (1.0, 0.5)
    """
    check_same_shape(regions, before, "regions, bits before", "(n, r)", least=1)
    check_same_shape(regions, after, "regions, bits after", "(n, r)", least=1)
    grown = after.double() - before.double()
    return {flow: grown.where(regions == flow, 0).mean(dim=1) for flow in Flow}


def on_common_grid(grid: tuple[int, int], other: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return which regions of two grids correspond (r,), (r,): each of the finer grid, and that of the other it is in.

    >>> first, second = on_common_grid((1, 1), (2, 2))
    >>> first.tolist(), second.tolist()
    ([0, 0, 0, 0], [0, 1, 2, 3])
    """
    finer = grid if grid[0] * grid[1] >= other[0] * other[1] else other
    return corresponding_regions(finer, grid), corresponding_regions(finer, other)


def _class_or_none(points: Points, classes: int) -> Tensor:
    """The class of each point (n, r) int64, `classes` for regions that are not points."""
    category = torch.where(points.mask, points.category.long(), classes)
    low, high = int(category.min()), int(category.max())
    if low < 0 or high > classes:
        raise InputError(f"category: expected classes of points in 0 to {classes - 1}, got {low} to {high}")
    return category


def _means(per_image: dict[Flow, Tensor], draws: dict[str, int]) -> dict[Flow, Interval]:
    """The mean over images of one number per image and flow."""
    return dict(zip(per_image, bootstrap_means(torch.stack(list(per_image.values()), dim=1), **draws), strict=True))
