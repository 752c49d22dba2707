"""A ledger of knowledge points between two moments: learnt, relearnt, kept, changed in class, forgotten."""

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.bootstrap import bootstrap_mean, bootstrap_ratio
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.radial.checks import check_same_shape


class Flow(IntEnum):
    """What became of a region between two moments, as a knowledge point of a class."""

    NONE = 0
    LEARNT = 1
    RELEARNT = 2
    KEPT = 3
    CHANGED = 4
    FORGOTTEN = 5


MOVES = tuple(flow for flow in Flow if flow is not Flow.NONE)
"""The flows in which a region is a point at one of the moments, or at both."""


@dataclass(frozen=True)
class Ledger:
    """What the regions of a layer gained and lost between two moments, with intervals over images.

    ``points before = kept + changed + forgotten`` and ``points after = kept + changed + learnt + relearnt``, for each
    class as well: `moves` has the classes before as rows and those after as columns.

    Attributes:
        regions: flow of each region (n, r) uint8, a value of `Flow`.
        moves: regions by class before and after (c + 1, c + 1) int64; the last row and column are "no point".
        relearnt: regions by class after (c,) int64, those of the last row of `moves` that had been a point earlier.
        points: of each flow, regions per image.
        bits: of each flow, NONE included, by how much its regions' evidence grew, bits per region of the layer: they
            sum to the growth of the layer. None without evidence.
    """

    regions: Tensor
    moves: Tensor
    relearnt: Tensor
    points: dict[Flow, Interval]
    bits: dict[Flow, Interval] | None


def keep_ledger(
    before: KnowledgePoints,
    after: KnowledgePoints,
    classes: int,
    *,
    earlier: Tensor | None = None,
    bits: tuple[Tensor, Tensor] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Ledger:
    """Return the ledger of the same regions of the same images at two moments.

    A region is *learnt* where it becomes a knowledge point for the first time, *relearnt* where it had been one before
    the first of the two moments, *kept* where it stays one of the same class, *changed* where it stays one of another
    class, *forgotten* where it is none any more.

    Args:
        before, after: knowledge points (n, r), such as of two checkpoints, of clean and attacked images, of a teacher
            and its student.
        classes: c, their number.
        earlier: (n, r) bool, whether a region was a point at any moment before `before`; by default none was.
        bits: evidence of each region for its image's class (n, r) at both moments.
        resamples, seed: of the intervals over images.

    Raises:
        InputError: shapes that differ, a class outside [0, c).

    Cost: some passes over n r numbers, and resamples x n for each interval.

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
        {flow: bootstrap_mean((regions == flow).sum(dim=1).double(), **draws) for flow in MOVES},
        None if bits is None else _growth(regions, *bits, draws),
    )


def flow_of_regions(before: Tensor, after: Tensor, earlier: Tensor, none: int) -> Tensor:
    """Return the flow of each region (n, r) uint8 from its class before and after, `none` where it is no point.

    `earlier` (n, r) bool says whether a region was a point before the first moment.

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
    """Return the knowledge points at the last of some moments as a share of the regions that ever were one.

    ``sum_i |last_i| / sum_i |union over t of points_ti|``, with its interval over images; no value without any point.
    `present` (t, n, r) bool. InputError for another shape.

    >>> lasting_share(torch.tensor([[[True, False]], [[False, True]]])).value
    0.5
    """
    if present.dtype != torch.bool or present.ndim != 3 or 0 in present.shape:
        raise InputError(f"present: expected bool (t, n, r), got {present.dtype} of shape {tuple(present.shape)}")
    ever = present.any(dim=0)
    return bootstrap_ratio(present[-1].sum(dim=1), ever.sum(dim=1), resamples=resamples, seed=seed)


def _class_or_none(points: KnowledgePoints, classes: int) -> Tensor:
    """The class of each point (n, r) int64, `classes` where a region is no point."""
    category = torch.where(points.mask, points.category.long(), classes)
    low, high = int(category.min()), int(category.max())
    if low < 0 or high > classes:
        raise InputError(f"category: expected classes of points in 0 to {classes - 1}, got {low} to {high}")
    return category


def _growth(regions: Tensor, before: Tensor, after: Tensor, draws: dict[str, int]) -> dict[Flow, Interval]:
    """By how much evidence grew in the regions of each flow, per region of the layer."""
    check_same_shape(regions, before, "regions, bits before", "(n, r)", least=1)
    check_same_shape(regions, after, "regions, bits after", "(n, r)", least=1)
    grown = after.double() - before.double()
    return {flow: bootstrap_mean(grown.where(regions == flow, 0).mean(dim=1), **draws) for flow in Flow}
