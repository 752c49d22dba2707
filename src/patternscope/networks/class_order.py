"""Whether a network's outputs are in another order than the classes of the images."""

from dataclasses import dataclass

import torch
from torch import Tensor

_CHANCE = 0.975
_LEAST_OF_A_CLASS = 4
_CLEAR = 0.5
"""Share of images that another order must classify correctly to be suggested."""


@dataclass(frozen=True)
class LikelyOrder:
    """An order of a network's outputs that fits the labels, if the given one does not.

    accuracy: of the given order; chance: its upper end by chance; outputs: by class; likely: their accuracy on images
    that were not used to find them.
    """

    accuracy: float
    chance: float
    outputs: tuple[int, ...]
    likely: float


def find_order(logits: Tensor, labels: Tensor, outputs: tuple[int, ...]) -> LikelyOrder | None:
    """Return the likely order of outputs whose given order is no better than chance; None if no order is clear.

    `logits` (n, m) are all of a network's, `outputs` those used for the classes, `labels` (n,). The order maximises the
    correct predictions on every other image, and is judged on the rest. Cost: that of an assignment of c classes to m
    outputs.

    >>> labels = torch.arange(60) % 3
    >>> shifted = torch.nn.functional.one_hot((labels + 1) % 3).float()
    >>> find_order(shifted, labels, (0, 1, 2)).outputs
    (1, 2, 0)
    >>> find_order(shifted, labels, (1, 2, 0)) is None
    True
    """
    from scipy.stats import binom  # takes half a second to import, which other commands need not wait for

    c, n, counts = len(outputs), len(labels), torch.bincount(labels)
    if counts[counts > 0].min() < _LEAST_OF_A_CLASS:
        return None  # with so few images, some order is right by chance
    accuracy = _accuracy(logits, labels, outputs)
    chance = float(binom.ppf(_CHANCE, n, 1 / c)) / n
    if accuracy > chance:
        return None
    # Every other image of each class.
    known = torch.zeros(n, dtype=torch.bool)
    known[labels.argsort(stable=True)[::2]] = True
    places = _assigned(logits[known], labels[known], c)
    likely = _accuracy(logits[~known], labels[~known], places)
    # A network that predicts the same for all images is right on one class, whatever the order.
    of_one = float(counts.max()) / n
    return LikelyOrder(accuracy, chance, places, likely) if likely > max(_CLEAR, chance, of_one) else None


def _assigned(logits: Tensor, labels: Tensor, classes: int) -> tuple[int, ...]:
    """An output for each class, no two the same, by how often it is the largest for images of the class."""
    from scipy.optimize import linear_sum_assignment

    votes = torch.zeros(classes, logits.shape[1], dtype=torch.float64)
    largest = torch.stack([labels, logits.argmax(dim=1)])
    votes.index_put_(tuple(largest), torch.ones(len(labels), dtype=torch.float64), accumulate=True)
    _, columns = linear_sum_assignment(-votes.numpy())
    return tuple(int(column) for column in columns)


def _accuracy(logits: Tensor, labels: Tensor, outputs: tuple[int, ...]) -> float:
    """Share of images whose label has the largest of these outputs."""
    return float((logits[:, list(outputs)].argmax(dim=1) == labels).double().mean())
