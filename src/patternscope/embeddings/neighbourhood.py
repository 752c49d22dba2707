"""Samples and those they are compared with, taken from features as they are given (n, k, h, w)."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patternscope.embeddings.checks import working_dtype
from patternscope.embeddings.settings import ImportanceParams, RegionParams
from patternscope.errors import InputError
from patternscope.similarity import Neighbours, choose_neighbours, unit_regions


def unit_rows(features: Tensor, samples: Tensor) -> Tensor:
    """Return unit regional features of some samples in the working type: (n, k, h, w), (b,) -> (b, r, k).

    Source: Sec. 3.3. Only the samples asked for are copied.

    >>> unit_rows(torch.full((2, 4, 1, 1), 3.0), torch.tensor([1])).tolist()
    [[[0.5, 0.5, 0.5, 0.5]]]
    """
    rows = features[samples].to(working_dtype(features)).flatten(2).transpose(1, 2)
    return unit_regions(rows.contiguous())


def find_neighbours(features: Tensor, target_probs: Tensor, count: int, seed: int) -> Neighbours:
    """Choose each sample's neighbours by what the network sees in it, where nothing else tells samples apart.

    Samples are known by their probabilities and mean features, to some three digits, so that another machine's
    rounding chooses the same ones; samples alike to that are told apart by the rest of their mean features.

    (n, k, h, w), (n, c). `similarity.choose_neighbours` by what samples are makes layers and checkpoints
    comparable.

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
    """Return the neighbours that `data` brings along, or those that its content chooses.

    InputError when "neighbours" are not those of so many samples.
    """
    given = data.get("neighbours")
    if given is None:
        return find_neighbours(features, target_probs, settings.kl_sample_num, settings.seed)
    if not isinstance(given, Neighbours) or len(given.positions) != len(features):
        raise InputError(
            f"neighbours: wants those that similarity.choose_neighbours chooses for {len(features)} samples"
        )
    device = features.device
    return Neighbours(given.candidates.to(device), given.positions.to(device))


_DIGITS = 1024.0


def _identity(probs: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.int64]:
    """A number a sample: a hash of its rounded content, and of its place among those that have the same."""
    mantissa, exponent = np.frexp(means)
    coarse = np.column_stack([np.rint(_DIGITS * probs), np.rint(_DIGITS * mantissa), exponent])
    _, group = np.unique(coarse, axis=0, return_inverse=True)
    group = group.reshape(-1)
    by_group = np.lexsort((means, group))
    first = np.searchsorted(group[by_group], group[by_group])
    place = np.empty(len(means))
    place[by_group] = np.arange(len(means)) - first
    rows = np.ascontiguousarray(np.column_stack([coarse, place]))
    digests = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows]
    return np.array([int.from_bytes(each, "little", signed=True) for each in digests], dtype=np.int64)
