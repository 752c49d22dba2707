"""The class that an attack aims at, and whether it succeeds."""

import math
from typing import Literal

import torch
from torch import Tensor

from patternscope.errors import InputError, nearest
from patternscope.networks.capture.forward_pass import checked_classes


def attack_targets(
    logits: Tensor, labels: Tensor, target: Literal["second", "random"] | int | Tensor = "random", *, seed: int = 0
) -> Tensor:
    """Return the class that each image is to be assigned to (n,), never its own.

    Args:
        logits: (n, c) of the clean images, c >= 2.
        labels: true classes (n,).
        target: "random" for any class but the true one, "second" for the most likely of these, a class for all,
            or one per image (n,).
        seed: of the random choice.

    Raises:
        InputError: a target that is an image's own class or no class at all, or an unknown word.

    >>> attack_targets(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([0]), "second")
    tensor([2])
    """
    labels = labels.cpu()
    n, classes = logits.shape
    if classes < 2:
        raise InputError(f"logits: expected at least 2 classes, got {classes}")
    if isinstance(target, str):
        if target == "second":
            return second_class(logits.cpu(), labels)
        if target != "random":
            hint = nearest(target, ("second", "random"))
            raise InputError(f"target: expected a class or how to choose one, got {target!r}; {hint}")
        distance = torch.randint(1, classes, (n,), generator=torch.Generator().manual_seed(seed))
        return (labels + distance) % classes
    targets = torch.as_tensor(target, dtype=torch.int64).cpu().expand(n).clone()
    own = torch.nonzero(targets == labels).flatten().tolist()
    if own:
        raise InputError(
            f"target: expected another class than the image's own, got class {int(targets[own[0]])} for image "
            f"{own[0]} (and {len(own) - 1} more)"
        )
    return checked_classes("target", targets, classes)


def second_class(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the most likely class that is not the label: (n, c), (n,) -> (n,).

    >>> second_class(torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([0]))
    tensor([1])
    """
    return logits.scatter(1, labels[:, None], -math.inf).argmax(dim=1)


def attack_success(logits: Tensor, labels: Tensor, *, targeted: bool = False) -> Tensor:
    """Return for which images an attack succeeded: (n, c) logits, (n,) labels -> (n,) bool.

    Untargeted: the network predicts another class than the label; targeted: it predicts the label, which then is
    the target.

    >>> attack_success(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.tensor([0, 0]))
    tensor([ True, False])
    """
    return (logits.argmax(dim=1) == labels.to(logits.device)) == targeted
