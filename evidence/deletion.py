"""What deletion tests share: the images they take, and the network as they ask it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def first_of_each_class(labels: Tensor, count: int) -> Tensor:
    """Return the positions of the first `count` images of each class, in order."""
    positions = [torch.nonzero(labels == label).flatten()[:count] for label in labels.unique()]
    return torch.cat(positions).sort().values


def class_probabilities(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a function from images to the probability of each class (n, c)."""
    return torch.no_grad()(lambda images: torch.softmax(network(images), dim=1))
