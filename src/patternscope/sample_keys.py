"""A key per sample, for random choices that do not depend on the order of the samples."""

import hashlib

from torch import Tensor

from patternscope.errors import InputError


def sample_keys(identity: Tensor, seed: int) -> list[bytes]:
    """Return one pseudo-random key per sample, which depends only on its identity (n,) and the seed.

    >>> import torch
    >>> sample_keys(torch.tensor([3, 5]), 0) == sample_keys(torch.tensor([5, 3]), 0)[::-1]
    True
    """
    salt = str(seed).encode()
    numbers = identity.cpu().numpy().astype("<i8")
    return [hashlib.blake2b(number.tobytes(), key=salt, digest_size=16).digest() for number in numbers]


def check_integers(n: int, **named: Tensor) -> None:
    """Check that each tensor contains n integers; InputError names the first that does not.

    >>> import torch
    >>> check_integers(2, identity=torch.tensor([3, 5]))
    """
    for name, integers in named.items():
        if integers.shape != (n,) or integers.is_floating_point():
            raise InputError(f"{name}: expected {n} integers, got {integers.dtype} of shape {tuple(integers.shape)}")
