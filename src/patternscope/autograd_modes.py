"""Autograd modes: computations that do not depend on the caller's modes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

_DEVICE_TYPES = ("cpu", "cuda", "mps", "xpu")


@contextmanager
def isolate_autograd() -> Iterator[None]:
    """Compute without the caller's inference mode and autocast; whether gradients are recorded is not changed.

    In inference mode no gradient can be computed, and autocast rounds products to half precision.

    >>> with torch.autocast("cpu", torch.bfloat16), isolate_autograd():
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    gradients = torch.is_grad_enabled()
    with ExitStack() as stack:
        # Leaving inference mode also switches gradients on.
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(gradients))
        for device_type in _DEVICE_TYPES:
            if torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type):
                stack.enter_context(torch.autocast(device_type, enabled=False))
        yield


def differentiable(tensor: Tensor) -> Tensor:
    """Return the tensor, or a copy of one made in inference mode, which torch cannot keep for a gradient.

    To be called outside inference mode, as in :func:`isolate_autograd`.

    >>> with torch.inference_mode():
    ...     inference = torch.ones(1)
    >>> differentiable(inference).is_inference()
    False
    """
    return tensor.clone() if tensor.is_inference() else tensor
