"""What deletion tests share: the images they take, and the network as they ask it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from evidence.recording import sample_pixels, trained_network
from evidence.studies import EvidenceStudy
from patternscope.knowledge import curve_area, deletion_curve, removal_order, removal_shares
from patternscope.results.study import StoredResults

STEPS = 8


def first_of_each_class(labels: Tensor, count: int) -> Tensor:
    """Return the positions of the first `count` images of each class, in order."""
    positions = [torch.nonzero(labels == label).flatten()[:count] for label in labels.unique()]
    return torch.cat(positions).sort().values


def class_probabilities(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a function from images to the probability of each class (n, c)."""
    return torch.no_grad()(lambda images: torch.softmax(network(images), dim=1))


def deletion_areas(
    study: EvidenceStudy, results: StoredResults, importances: Tensor, grid: Sequence[int], per_class: int = 10
) -> Tensor:
    """Return the area under the deletion curve of each order, with the mean colour, of the first images of each class.

    Importances (orders, n, r) of the regions of all samples -> (orders, images).
    """
    labels, side = results.images.labels, (int(grid[0]), int(grid[1]))
    chosen = first_of_each_class(labels, per_class)
    curve = deletion_curve(
        class_probabilities(trained_network(study, results)),
        sample_pixels(results)[chosen],
        labels[chosen],
        torch.stack([removal_order(importance[chosen]) for importance in importances]),
        side,
        steps=STEPS,
    )
    return curve_area(curve, removal_shares(side[0] * side[1], STEPS))
