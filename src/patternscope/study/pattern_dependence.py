"""The network's output without the regions of a pattern, compared with equally many others."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.faithfulness import replace_regions
from patternscope.knowledge.pattern_removal import Removals
from patternscope.networks import Normalised
from patternscope.networks.capture.edited import edited_logits
from patternscope.results.ledger import Draws
from patternscope.results.pattern_tests import Dependence

KINDS = 3
"""Kinds of regions that are removed, each from the same images: a pattern's, other reliable ones, the rest."""


@dataclass(frozen=True)
class Falls:
    """Images without some regions of a layer.

    Attributes:
        samples: the images (m,). counts: regions removed from each (m,). before: probability of the class (m,).
        falls: its fall without each kind of region (m, 3).
    """

    samples: Tensor
    counts: Tensor
    before: Tensor
    falls: Tensor

    def dependence(self, draws: Draws) -> Dependence:
        """Return the means over images with their intervals."""
        own, others, rest = self.falls.double().T
        means = (draws.mean(each) for each in (own, others, rest, own - others, own - rest))
        return Dependence(len(own), float(self.counts.double().mean()), float(self.before.mean()), *means)


def mean_of_images(falls: Sequence[Falls], images: int) -> Falls:
    """Return the result over several patterns: for each image, the mean over its patterns."""
    samples = torch.cat([each.samples for each in falls])
    columns = torch.cat([torch.stack([each.counts, each.before, *each.falls.T], dim=1) for each in falls])
    sums = torch.zeros(images, columns.shape[1], dtype=torch.float64).index_add_(0, samples, columns.double())
    present, patterns = samples.unique(return_counts=True)
    means = sums[present] / patterns[:, None]
    return Falls(present, means[:, 0], means[:, 1], means[:, 2:])


class AskedLayer:
    """A layer of a network whose regions can be removed: they get the mean features of their position over all images.

    InputError for a layer that cannot be changed, see :func:`edited_logits`. Cost: a pass of all images.
    """

    def __init__(self, network: Normalised, images: Tensor, labels: Tensor, layer: str, grid: tuple[int, int]) -> None:
        self._network, self._images, self._labels, self._layer, self._grid = network, images, labels, layer, grid
        sums: list[Tensor] = []

        def add(features: Tensor, _: Tensor) -> Tensor:
            sums.append(features.double().sum(dim=0))
            return features

        self._before = self._probabilities(edited_logits(network, images, layer, add), torch.arange(len(images)))
        self._mean = torch.stack(sums).sum(dim=0) / len(images)

    def without(self, removals: Removals) -> Falls:
        """Return how much the probability of each image's class falls without each kind of region."""
        samples = removals.samples.repeat(KINDS)
        removed = torch.cat([removals.own, removals.others, removals.rest])

        def edit(features: Tensor, rows: Tensor) -> Tensor:
            return replace_regions(features, self._mean.to(features), removed[rows].to(features.device), self._grid)

        logits = edited_logits(self._network, self._images[samples], self._layer, edit)
        before = self._before[removals.samples]
        after = self._probabilities(logits, samples).view(KINDS, -1).T
        return Falls(removals.samples, removals.counts, before, before[:, None] - after)

    def _probabilities(self, logits: Tensor, samples: Tensor) -> Tensor:
        """The probability of each image's class (m,)."""
        if not logits.isfinite().all():
            raise InputError(f"layer {self._layer!r}: expected finite logits without some regions, got NaN or inf")
        return torch.softmax(logits.double(), dim=1).gather(1, self._labels[samples][:, None])[:, 0]
