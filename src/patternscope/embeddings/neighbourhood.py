"""Samples and their neighbours, taken from features (n, k, h, w)."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patternscope.embeddings.settings import ImportanceParams, RegionParams
from patternscope.errors import InputError
from patternscope.radial.checks import working_dtype
from patternscope.similarity.matching import unit_regions
from patternscope.similarity.neighbours import Neighbours, choose_neighbours

_DIGITS = 1024.0


def unit_rows(features: Tensor, samples: Tensor) -> Tensor:
    """Return unit regional features of some samples in the working type: (n, k, h, w), (b,) -> (b, r, k).

    Only these samples are copied.

    >>> unit_rows(torch.full((2, 4, 1, 1), 3.0), torch.tensor([1])).tolist()
    [[[0.5, 0.5, 0.5, 0.5]]]
    """
    rows = features[samples].to(working_dtype(features)).flatten(2).transpose(1, 2)
    return unit_regions(rows.contiguous())


def find_neighbours(features: Tensor, target_probs: Tensor, count: int, seed: int) -> Neighbours:
    """Choose each sample's neighbours by its content, for samples without an identity.

    A sample is identified by its probabilities and mean features, to some three digits, so that another machine's
    rounding leads to the same choice; samples equal to that precision are distinguished by the remaining digits of
    their mean features. (n, k, h, w), (n, c). With identities, `similarity.choose_neighbours` makes layers and
    checkpoints comparable.

    >>> find_neighbours(torch.rand(3, 2, 1, 1), torch.full((3, 2), 0.5), count=100, seed=0).count
    2
    """
    mean_feature = torch.cat([block.double().flatten(1).mean(dim=1) for block in features.split(256)])
    identity = _identity(target_probs.double().cpu().numpy(), mean_feature.cpu().numpy())
    classes = target_probs.argmax(dim=1)
    return choose_neighbours(torch.from_numpy(identity).to(target_probs.device), classes, count, seed)


def given_neighbours(
    data: Mapping[str, Any], features: Tensor, target_probs: Tensor, settings: ImportanceParams | RegionParams
) -> Neighbours:
    """Return the neighbours in `data`, or those that the samples' content chooses.

    InputError when "neighbours" do not match the number of samples.
    """
    given = data.get("neighbours")
    if given is None:
        return find_neighbours(features, target_probs, settings.kl_sample_num, settings.seed)
    n = len(features)
    if not isinstance(given, Neighbours):
        raise InputError(f"neighbours: expected the result of similarity.choose_neighbours, got {type(given).__name__}")
    if len(given.positions) != n:
        raise InputError(f"neighbours: expected those of {n} samples, got {len(given.positions)}")
    return Neighbours(given.candidates.to(features.device), given.positions.to(features.device))


def _identity(probs: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a hash of each sample's rounded content and of its rank among those with the same."""
    mantissa, exponent = np.frexp(means)
    coarse = np.column_stack([np.rint(_DIGITS * probs), np.rint(_DIGITS * mantissa), exponent])
    _, group = np.unique(coarse, axis=0, return_inverse=True)
    group = group.reshape(-1)
    by_group = np.lexsort((means, group))
    first = np.searchsorted(group[by_group], group[by_group])
    rank = np.empty(len(means))
    rank[by_group] = np.arange(len(means)) - first
    rows = np.ascontiguousarray(np.column_stack([coarse, rank]))
    digests = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows]
    return np.array([int.from_bytes(digest, "little", signed=True) for digest in digests], dtype=np.int64)
