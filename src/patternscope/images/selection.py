"""Which samples are analysed, and which are held out: stratified, seeded, each class on its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from patternscope.errors import InputError


def _shuffled(labels: Tensor, label: int, seed: int) -> Tensor:
    """The indices of one class in an order that depends on the seed, the class and its size alone."""
    members = torch.nonzero(labels == label).flatten()
    # A stream of its own for each class; the multiplier only keeps neighbouring seeds apart.
    generator = torch.Generator().manual_seed((seed * 1_000_003 + label) % 2**63)
    return members[torch.randperm(len(members), generator=generator)]


def _checked(labels: Tensor) -> Tensor:
    """The labels as int64 on the CPU, or the reason why not."""
    if labels.ndim != 1 or labels.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8):
        raise InputError(
            f"labels are {labels.dtype} of shape {tuple(labels.shape)}; integers of shape (n,) are needed"
        )
    if len(labels) < 2:
        raise InputError(f"labels hold {len(labels)} sample(s); at least 2 are needed")
    return labels.to(device="cpu", dtype=torch.int64)


def _wanted(labels: Tensor, classes: Sequence[int] | None) -> list[int]:
    """The classes to choose from; each must occur."""
    present = torch.unique(labels).tolist()
    if classes is None:
        return present
    for label in classes:
        if label not in present:
            raise InputError(f"classes names class {label}, which has no sample; valid: {present}")
    return sorted(set(classes))


def choose_samples(
    labels: Tensor, per_class: int, *, seed: int, classes: Sequence[int] | None = None
) -> Tensor:
    """Choose `per_class` samples of every class at random; a class with fewer gives all it has.

    `labels` (n,) integers; `classes` the labels to choose from (default: all that occur). Returns sorted
    indices, int64. What is chosen of a class depends on the seed and that class alone, and a larger
    `per_class` keeps what a smaller one chose. `short_classes` tells which classes had fewer.

    Raises InputError for n < 2, per_class < 1 or a class without a sample.

    >>> choose_samples(torch.tensor([0, 0, 0, 1, 1, 2]), 2, seed=0).shape
    torch.Size([5])
    """
    if per_class < 1:
        raise InputError(f"per_class is {per_class}; it must be 1 or more")
    known = _checked(labels)
    chosen = [_shuffled(known, label, seed)[:per_class] for label in _wanted(known, classes)]
    return torch.cat(chosen).sort().values


def short_classes(labels: Tensor, per_class: int, *, classes: Sequence[int] | None = None) -> dict[int, int]:
    """Return the classes with fewer than `per_class` samples, and how many each has.

    The companion of `choose_samples`, for the caller's report.

    >>> short_classes(torch.tensor([0, 0, 0, 1, 1, 2]), 2)
    {2: 1}
    """
    known = _checked(labels)
    counts = {label: int((known == label).sum()) for label in _wanted(known, classes)}
    return {label: count for label, count in counts.items() if count < per_class}


def hold_out(labels: Tensor, share: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Split samples into those to train on and a `share` of every class held out.

    `labels` (n,) integers. Returns two sorted int64 index tensors; each class gives at least one sample to
    both sides.

    Raises InputError for a share outside (0, 1), n < 2 or a class with one sample.

    >>> [len(part) for part in hold_out(torch.tensor([0] * 10 + [1] * 5), 0.2, seed=0)]
    [12, 3]
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share}; it must be between 0 and 1")
    known = _checked(labels)
    kept, held = [], []
    for label in _wanted(known, None):
        order = _shuffled(known, label, seed)
        if len(order) < 2:
            raise InputError(f"class {label} has one sample; at least 2 are needed to hold one out")
        count = min(max(1, round(share * len(order))), len(order) - 1)
        held.append(order[:count])
        kept.append(order[count:])
    return torch.cat(kept).sort().values, torch.cat(held).sort().values
