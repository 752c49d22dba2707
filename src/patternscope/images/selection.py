"""Which samples are analysed, and which are held out: stratified and seeded, each class independently."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.sample_keys import check_integers, sample_keys


def _shuffle(labels: Tensor, label: int, seed: int) -> Tensor:
    """Return the indices of one class in an order that depends only on the seed, the class and its size."""
    members = torch.nonzero(labels == label).flatten()
    # One stream per class; the multiplier separates the streams of neighbouring seeds.
    generator = torch.Generator().manual_seed((seed * 1_000_003 + label) % 2**63)
    return members[torch.randperm(len(members), generator=generator)]


def _check(labels: Tensor) -> Tensor:
    """Return the labels as int64 on the CPU; InputError for other types, shapes or fewer than two."""
    if labels.ndim != 1 or labels.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8):
        shape = tuple(labels.shape)
        raise InputError(f"labels: expected integers of shape (n,), got {labels.dtype} of shape {shape}")
    if len(labels) < 2:
        raise InputError(f"labels: expected 2 or more, got {len(labels)}")
    return labels.to(device="cpu", dtype=torch.int64)


def _select_classes(labels: Tensor, classes: Sequence[int] | None) -> list[int]:
    """Return the classes to choose from, each of which occurs."""
    present = torch.unique(labels).tolist()
    for label in classes or ():
        if label not in present:
            raise InputError(f"classes: expected classes with samples, {present}, got {label}")
    return present if classes is None else sorted(set(classes))


def choose_samples(labels: Tensor, per_class: int, *, seed: int, classes: Sequence[int] | None = None) -> Tensor:
    """Choose `per_class` samples of every class at random; all samples of a class with fewer.

    `labels` (n,) integers; `classes` the labels to choose from (default: all that occur). Returns sorted
    indices, int64. The choice within a class depends only on the seed and that class, and a larger `per_class` contains
    the choice of a smaller one. `short_classes` lists the classes with fewer.

    Raises InputError for n < 2, per_class < 1 or a class without a sample.

    >>> choose_samples(torch.tensor([0, 0, 0, 1, 1, 2]), 2, seed=0).shape
    torch.Size([5])
    """
    if per_class < 1:
        raise InputError(f"per_class: expected 1 or more, got {per_class}")
    labels = _check(labels)
    chosen = [_shuffle(labels, label, seed)[:per_class] for label in _select_classes(labels, classes)]
    return torch.cat(chosen).sort().values


def choose_by_identity(labels: Tensor, identity: Tensor, count: int, *, seed: int) -> Tensor:
    """Choose `count` samples by their content, stratified by class, independently of the order of the samples.

    The samples of a class are ordered by a hash of seed and identity; the j-th of n_c comes at ``j / n_c`` among all,
    and the first `count` are taken. So every class has its share, rounded up or down, the first of each class comes
    before the second of any, and a larger count contains the choice of a smaller one.

    Args:
        labels: (n,) integers.
        identity: (n,) integers that identify each sample, such as `identities`; equal samples are exchangeable.
        count: 1 or more; all samples if there are fewer.
        seed: of the choice.

    Returns:
        Sorted indices, int64.

    Raises:
        InputError: other shapes or types, count < 1.

    >>> choose_by_identity(torch.tensor([0, 0, 0, 0, 1, 1]), torch.arange(6), 3, seed=0).shape
    torch.Size([3])
    """
    n = len(labels)
    if count < 1:
        raise InputError(f"count: expected 1 or more, got {count}")
    check_integers(n, labels=labels, identity=identity)
    keys, classes = sample_keys(identity, seed), labels.tolist()
    sizes, before, placed = Counter(classes), Counter[int](), []
    for sample in sorted(range(n), key=keys.__getitem__):
        label = classes[sample]
        placed.append((before[label] / sizes[label], keys[sample], sample))
        before[label] += 1
    return torch.tensor([sample for _, _, sample in sorted(placed)[:count]], dtype=torch.int64).sort().values


def short_classes(labels: Tensor, per_class: int, *, classes: Sequence[int] | None = None) -> dict[int, int]:
    """Return the classes with fewer than `per_class` samples, and how many each has.

    `classes` are the labels to count, by default all that occur.

    >>> short_classes(torch.tensor([0, 0, 0, 1, 1, 2]), 2)
    {2: 1}
    """
    labels = _check(labels)
    counted = torch.unique(labels).tolist() if classes is None else classes
    counts = {label: int((labels == label).sum()) for label in counted}
    return {label: count for label, count in counts.items() if count < per_class}


def hold_out(labels: Tensor, share: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Split samples into those to train on and a `share` of every class held out.

    `labels` (n,) integers. Returns two sorted int64 index tensors with at least one sample of each class.

    Raises InputError for a share outside (0, 1), n < 2 or a class with one sample.

    >>> [len(part) for part in hold_out(torch.tensor([0] * 10 + [1] * 5), 0.2, seed=0)]
    [12, 3]
    """
    if not 0 < share < 1:
        raise InputError(f"share: expected a number in (0, 1), got {share}")
    labels = _check(labels)
    kept, held = [], []
    for label in _select_classes(labels, None):
        order = _shuffle(labels, label, seed)
        if len(order) < 2:
            raise InputError(f"class {label}: expected 2 or more samples to hold one out, got 1")
        count = min(max(1, round(share * len(order))), len(order) - 1)
        held.append(order[:count])
        kept.append(order[count:])
    return torch.cat(kept).sort().values, torch.cat(held).sort().values
