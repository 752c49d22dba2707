"""The samples that each anchor is compared with."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patternscope.radial.checks import check_at_least
from patternscope.sample_keys import check_integers, sample_keys


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
        """Neighbours per anchor, m."""
        return self.positions.shape[1]


def choose_neighbours(identity: Tensor, classes: Tensor, count: int, seed: int) -> Neighbours:
    """Choose `count` neighbours for each sample, independently of the order of the samples.

    Every sample gets a key, the hash of seed and identity. Candidates are taken in turn from the classes, in the
    order of their keys, until there is one more than an anchor needs; an anchor among them skips itself, any other
    skips the last. Source: Sec. 3.3 (100 in the reference code) for comparing with some of the samples only.

    `identity` (n,) are integers that identify samples, such as `images.identities`: equal ones in two layers or
    networks give the same choice, so that the two can be compared. `classes` (n,) are integers, such as labels; `count`
    >= 1 is clipped to n - 1. InputError for other shapes and types, or a count below 1.

    >>> chosen = choose_neighbours(torch.arange(4), torch.tensor([0, 0, 1, 1]), count=2, seed=0)
    >>> chosen.samples.shape, bool((chosen.samples == torch.arange(4)[:, None]).any())
    (torch.Size([4, 2]), False)
    """
    n = len(identity)
    check_integers(n, identity=identity, classes=classes)
    check_at_least(count, 1, "count")
    count = min(count, n - 1)
    order = _interleaved(sample_keys(identity, seed), classes.cpu().numpy())
    candidates = torch.from_numpy(order[: count + 1])
    is_self = candidates[None, :] == torch.arange(n)[:, None]
    omitted = torch.where(is_self.any(1), is_self.int().argmax(1), count)
    positions = torch.arange(count)[None, :].repeat(n, 1)
    positions += positions >= omitted[:, None]
    return Neighbours(candidates.to(identity.device), positions.to(identity.device))


def _interleaved(keys: list[bytes], classes: np.ndarray) -> np.ndarray:
    """Return sample indices ordered by (rank of the key within its class, key)."""
    counts: Counter[int] = Counter()
    ranked = []
    for position, sample in enumerate(sorted(range(len(keys)), key=keys.__getitem__)):
        ranked.append((counts[classes[sample]], position, sample))
        counts[classes[sample]] += 1
    return np.array([sample for _, _, sample in sorted(ranked)], dtype=np.int64)
