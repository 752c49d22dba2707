"""Samples and those they are compared with, taken from features as they are given (n, k, h, w)."""

import torch
from torch import Tensor

from patternscope.embeddings.checks import working_dtype
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
    """Choose each sample's neighbours; samples of equal probabilities are told apart by their mean feature.

    Source: this project. (n, k, h, w), (n, c).

    >>> find_neighbours(torch.rand(3, 2, 1, 1), torch.full((3, 2), 0.5), count=100, seed=0).count
    2
    """
    mean_feature = torch.cat([block.double().flatten(1).mean(dim=1) for block in features.split(256)])
    return choose_neighbours(target_probs, mean_feature, count, seed)
