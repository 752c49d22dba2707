"""Features of any magnitude in a unit in which their squares are finite; powers of two change no digit."""

import math

from torch import Tensor

# The square of a float32 is lost below about 1e-19 and above 1e19.
_USUAL = (1e-15, 1e15)


def usual_exponent(largest: float) -> int:
    """Return the power of two that divides numbers up to `largest` to about 1; 0 if squares are safe.

    >>> usual_exponent(3.0), usual_exponent(0.0), usual_exponent(2.0**100), usual_exponent(2.0**-1000)
    (0, 0, 100, -1000)
    """
    low, high = _USUAL
    return 0 if largest == 0 or low <= largest <= high else math.frexp(largest)[1] - 1


def in_usual_unit(features: Tensor) -> tuple[Tensor, int]:
    """Return finite features divided by 2 to an exponent, and that exponent.

    Features whose largest magnitude is between 1e-15 and 1e15, and all zeros, are returned unchanged, with 0;
    others reach a largest magnitude in [1, 2). Numbers far below the largest may become 0.

    >>> import torch
    >>> in_usual_unit(torch.tensor([2.0**100, -(2.0**99)]))
    (tensor([ 1.0000, -0.5000]), 100)
    """
    largest = max(abs(float(end)) for end in features.detach().aminmax()) if features.numel() else 0.0
    exponent = usual_exponent(largest)
    return times_two_to(features, -exponent), exponent


def times_two_to(values: Tensor, exponent: int) -> Tensor:
    """Return values times 2 to an exponent, exact if the result is in range.

    >>> import torch
    >>> times_two_to(torch.tensor(1.5), 3)
    tensor(12.)
    """
    if exponent == 0:
        return values
    # In two steps, since a single factor for a denormal number would be infinite.
    half = exponent // 2
    return values * 2.0**half * 2.0 ** (exponent - half)
