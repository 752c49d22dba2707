"""The samples that each anchor is compared with."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patternscope.errors import InputError


@dataclass(frozen=True)
class Neighbours:
    """A shared set of candidates, and which of them each anchor is compared with.

    Attributes:
        candidates: (m + 1,) sample indices, or all n; sharing them turns the match into matrix products.
        positions: (n, m) indices into `candidates`; an anchor is never its own neighbour.
    """

    candidates: Tensor
    positions: Tensor

    @property
    def samples(self) -> Tensor:
        """Neighbours of each anchor as sample indices (n, m)."""
        return self.candidates[self.positions]

    @property
    def count(self) -> int:
        """Neighbours of an anchor, m."""
        return self.positions.shape[1]


def choose_neighbours(identity: Tensor, classes: Tensor, count: int, seed: int) -> Neighbours:
    """Choose `count` neighbours for each sample, the same for any order of the samples.

    Every sample gets a key, the hash of seed and identity. Candidates are taken in turn from the classes, in the
    order of their keys, until there is one more than an anchor needs; an anchor among them leaves itself out,
    any other leaves out the last.

    Source: Sec. 3.3 for a subset of samples (100 in the reference code); sharing and stratifying it is this
    project's.

    Args:
        identity: (n,) integers that tell samples apart, such as `images.identities`. The same ones in two layers
            or networks make the same choice, so that the two can be compared.
        classes: (n,) integers, such as labels.
        count: neighbours wanted, >= 1; clipped to n - 1.
        seed: changes the choice.

    Raises:
        InputError: what is not one integer a sample twice, a count below 1.

    >>> chosen = choose_neighbours(torch.arange(4), torch.tensor([0, 0, 1, 1]), count=2, seed=0)
    >>> chosen.samples.shape, bool((chosen.samples == torch.arange(4)[:, None]).any())
    (torch.Size([4, 2]), False)
    """
    for name, given in (("identity", identity), ("classes", classes)):
        if given.shape != (len(identity),) or given.is_floating_point():
            raise InputError(
                f"{name}: got {given.dtype} of shape {tuple(given.shape)}, wants {len(identity)} integers"
            )
    if count < 1:
        raise InputError(f"count: got {count}, wants at least 1")
    n = len(identity)
    count = min(count, n - 1)
    order = _interleaved(_keys(identity, seed), classes.cpu().numpy())
    candidates = torch.from_numpy(order[: count + 1])
    is_self = candidates[None, :] == torch.arange(n)[:, None]
    left_out = torch.where(is_self.any(1), is_self.int().argmax(1), count)
    positions = torch.arange(count)[None, :].repeat(n, 1)
    positions += positions >= left_out[:, None]
    return Neighbours(candidates.to(identity.device), positions.to(identity.device))


def _keys(identity: Tensor, seed: int) -> list[bytes]:
    """One pseudo-random key a sample, from what it is alone."""
    salt = str(seed).encode()
    numbers = identity.cpu().numpy().astype("<i8")
    return [hashlib.blake2b(each.tobytes(), key=salt, digest_size=16).digest() for each in numbers]


def _interleaved(keys: list[bytes], classes: np.ndarray) -> np.ndarray:
    """Sample indices by (rank of the key within its class, key)."""
    by_key = sorted(range(len(keys)), key=keys.__getitem__)
    seen: dict[int, int] = {}
    ranked = []
    for place, sample in enumerate(by_key):
        rank = seen.get(classes[sample], 0)
        seen[classes[sample]] = rank + 1
        ranked.append((rank, place, sample))
    return np.array([sample for _, _, sample in sorted(ranked)], dtype=np.int64)
