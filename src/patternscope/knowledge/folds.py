"""Folds of images: which map judges which image."""

import numpy as np
import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_at_least
from patternscope.sample_keys import check_integers, sample_keys


def assign_folds(labels: Tensor, folds: int = 2, *, identity: Tensor | None = None, seed: int = 0) -> Tensor:
    """Return the fold of each image, stratified by class and independent of the order of the images.

    The images of a class are ordered by a hash of seed and identity and dealt out to the folds in turn; the next class
    continues where the last one ended, so that folds differ by at most one image.

    Args:
        labels: (n,) integers.
        folds: number of folds, 2 to n.
        identity: (n,) integers, the identity of each image, independent of its index; by default its index.
        seed: of the division.

    Returns:
        (n,) int64 in [0, folds). A class of fewer images than folds is absent from some of them.

    Raises:
        InputError: other shapes, fewer than two folds, fewer images than folds.

    >>> assign_folds(torch.tensor([0, 0, 1, 1]), 2).bincount()
    tensor([2, 2])
    """
    n = len(labels)
    check_at_least(folds, 2, "folds")
    if n < folds:
        raise InputError(f"images: expected at least {folds}, one per fold, got {n}")
    identity = torch.arange(n) if identity is None else identity
    check_integers(n, labels=labels, identity=identity)
    keys = sample_keys(identity, seed)
    classes = labels.cpu().tolist()
    fold = np.empty(n, dtype=np.int64)
    fold[sorted(range(n), key=lambda sample: (classes[sample], keys[sample]))] = np.arange(n) % folds
    return torch.from_numpy(fold)
