"""The samples that each anchor is compared with."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Neighbours:
    """A shared set of candidates, and which of them each anchor is compared with.

    Attributes:
        candidates: (m + 1,) sample indices, or all n; sharing them turns the match into matrix products.
        positions: (n, m) indices into `candidates`; an anchor is never its own neighbour.

    Source: this project.
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


def choose_neighbours(target_probs: Tensor, fingerprint: Tensor, count: int, seed: int) -> Neighbours:
    """Choose `count` neighbours for each sample, the same for any order of the samples.

    Every sample gets a key, the hash of seed, its probabilities and its fingerprint. Candidates are taken in
    turn from the classes the network sees in them, in the order of their keys, until there is one more than
    an anchor needs; an anchor among them leaves itself out, any other leaves out the last.

    Source: Sec. 3.3 for a subset of samples (100 in the reference code); sharing and stratifying it is this
    project's.

    Args:
        target_probs: (n, c).
        fingerprint: (n,), a number that tells samples of equal probabilities apart.
        count: neighbours wanted, >= 1; clipped to n - 1.
        seed: changes the choice.

    >>> probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7]])
    >>> chosen = choose_neighbours(probs, torch.arange(4.0), count=2, seed=0)
    >>> chosen.samples.shape, bool((chosen.samples == torch.arange(4)[:, None]).any())
    (torch.Size([4, 2]), False)
    """
    n = len(target_probs)
    count = min(count, n - 1)
    order = _interleaved(_keys(target_probs, fingerprint, seed), target_probs.argmax(dim=1).cpu().numpy())
    candidates = torch.from_numpy(order[: count + 1])
    is_self = candidates[None, :] == torch.arange(n)[:, None]
    left_out = torch.where(is_self.any(1), is_self.int().argmax(1), count)
    positions = torch.arange(count)[None, :].repeat(n, 1)
    positions += positions >= left_out[:, None]
    return Neighbours(candidates.to(target_probs.device), positions.to(target_probs.device))


def _keys(target_probs: Tensor, fingerprint: Tensor, seed: int) -> list[bytes]:
    """One pseudo-random key a sample, from its content alone."""
    rows = torch.cat([target_probs, fingerprint[:, None].to(target_probs)], dim=1).double().cpu().numpy()
    salt = str(seed).encode()
    return [
        hashlib.blake2b(row.tobytes(), key=salt, digest_size=16).digest()
        for row in np.ascontiguousarray(rows)
    ]


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
