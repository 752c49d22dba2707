"""Folds of images: who is judged by which map."""

import hashlib

import numpy as np
import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_at_least


def assign_folds(labels: Tensor, folds: int = 2, *, identity: Tensor | None = None, seed: int = 0) -> Tensor:
    """Return the fold of each image, stratified by class and independent of the order of the images.

    The images of a class are ordered by a hash of seed and identity and dealt out in turn; the next class goes on where
    the last one ended, so that folds differ by at most one image. Source: this project.

    Args:
        labels: (n,) integers.
        folds: number of folds, 2 to n.
        identity: (n,) integers, what each image is, whatever its place; by default its place.
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
    for name, integers in (("labels", labels), ("identity", identity)):
        if integers.shape != (n,) or integers.is_floating_point():
            raise InputError(f"{name}: expected {n} integers, got {integers.dtype} of shape {tuple(integers.shape)}")
    salt = str(seed).encode()
    numbers = identity.cpu().numpy().astype("<i8")
    keys = [hashlib.blake2b(number.tobytes(), key=salt, digest_size=16).digest() for number in numbers]
    classes = labels.cpu().tolist()
    fold = np.empty(n, dtype=np.int64)
    fold[sorted(range(n), key=lambda sample: (classes[sample], keys[sample]))] = np.arange(n) % folds
    return torch.from_numpy(fold)
