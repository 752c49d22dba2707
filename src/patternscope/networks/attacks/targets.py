"""Which class an attack aims at, and whether it got there."""

import math
from typing import Literal

import torch
from torch import Tensor

from patternscope.errors import InputError, nearest


def attack_targets(
    logits: Tensor,
    labels: Tensor,
    target: Literal["second", "random"] | int | Tensor = "random",
    *,
    seed: int = 0,
) -> Tensor:
    """Return the class that each image shall be taken for (n,), never its own.

    Args:
        logits: (n, c) of the clean images, c >= 2.
        labels: true classes (n,).
        target: "random" for any class but the true one, "second" for the most likely of these, a class for all,
            or one a image (n,).
        seed: of the random choice.

    Raises:
        InputError: a target that is an image's own class or no class at all, an unknown word.

    >>> attack_targets(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([0]), "second")
    tensor([2])
    """
    labels = labels.cpu()
    n, classes = logits.shape
    if classes < 2:
        raise InputError(f"logits: saw {classes} class, wanted at least 2 to have another to aim at")
    if isinstance(target, str):
        if target == "second":
            return second_class(logits.cpu(), labels)
        if target != "random":
            raise InputError(f"target: {target!r} is unknown; {nearest(target, ('second', 'random'))}")
        away = torch.randint(1, classes, (n,), generator=torch.Generator().manual_seed(seed))
        return (labels + away) % classes
    targets = torch.as_tensor(target, dtype=torch.int64).cpu().expand(n).clone()
    own = torch.nonzero(targets == labels).flatten().tolist()
    if own:
        raise InputError(
            f"target: saw class {int(targets[own[0]])} for image {own[0]}, whose own class it is"
            f" (and {len(own) - 1} more), wanted another class"
        )
    if n and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise InputError(
            f"target: saw classes {int(targets.min())} to {int(targets.max())}, wanted 0 to {classes - 1}"
        )
    return targets


def second_class(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the most likely class that is not the label: (n, c), (n,) -> (n,).

    >>> second_class(torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([0]))
    tensor([1])
    """
    return logits.scatter(1, labels[:, None], -math.inf).argmax(dim=1)


def attack_success(logits: Tensor, labels: Tensor, *, targeted: bool = False) -> Tensor:
    """Return for which images an attack did what it should: (n, c) logits, (n,) labels -> (n,) bool.

    Untargeted: the network decides for another class than the label; targeted: for the label, which then is
    the target.

    >>> attack_success(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.tensor([0, 0]))
    tensor([ True, False])
    """
    return (logits.argmax(dim=1) == labels.to(logits.device)) == targeted
