"""Objectives that training minimises, as functions of network, pixels and labels."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.networks.capture.forward_pass import as_logits, checked_classes
from patternscope.networks.models.normalised import explain_faults

# The loss of a batch, a scalar with gradients, of the network that is trained, pixels (n, channels, h, w) in [0, 1] and
# labels int64 (n,), all on one device.
Objective = Callable[[nn.Module, Tensor, Tensor], Tensor]


def cross_entropy(label_smoothing: float = 0.0) -> Objective:
    """Return the objective ``-mean_i log p(y_i | x_i)``, optionally with smoothed labels.

    >>> import torch
    >>> cross_entropy()(nn.Flatten(), torch.zeros(2, 3, 1, 1), torch.tensor([0, 2]))
    tensor(1.0986)
    """

    def objective(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
        with explain_faults(pixels):
            logits = labelled_logits(network(pixels), labels)
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)

    return objective


def labelled_logits(output: object, labels: Tensor, name: str = "network") -> Tensor:
    """Return a network's output as logits (n, c) in float32; check that the labels are classes of it.

    InputError for anything but (n, c), and for a label outside 0 to c - 1.

    >>> import torch
    >>> labelled_logits(torch.zeros(2, 3), torch.tensor([0, 2])).shape
    torch.Size([2, 3])
    """
    logits = as_logits(output, len(labels), name)
    checked_classes("labels", labels, logits.shape[1])
    return logits.float()
