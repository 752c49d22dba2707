"""Checks of the estimators' data, one line per error."""

from collections.abc import Mapping

import torch
from torch import Tensor

from patternscope.errors import InputError, nearest
from patternscope.radial.checks import check_finite, check_real, check_shape


def check_keys(data: Mapping[str, object], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Check the keys of an estimator's `data` argument; InputError for a missing or an unknown key.

    >>> check_keys({"target_probs": 0}, required=("target_probs",))
    """
    for name in data:
        if name not in required + optional:
            hint = nearest(str(name), required + optional)
            raise InputError(f"data: expected known keys, got {name!r}; {hint}")
    for name in required:
        if name not in data:
            raise InputError(f"data: expected {', '.join(map(repr, required))}, got no {name!r}")


def as_tensor(value: object, name: str) -> Tensor:
    """Return a floating-point tensor of an argument, sharing its memory where possible.

    InputError for anything that is not a numeric tensor or array.

    >>> as_tensor([[1.0]], "x").shape
    torch.Size([1, 1])
    """
    try:
        tensor = torch.as_tensor(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, RuntimeError):
        kind = type(value).__name__
        raise InputError(f"{name}: expected a tensor or an array of numbers, got {kind}") from None
    check_real(tensor, name)
    return tensor if tensor.is_floating_point() else tensor.float()


def check_target_probs(target_probs: Tensor) -> None:
    """Check class probabilities (n, c): finite, non-negative, rows that sum to 1, n >= 2, c >= 2.

    >>> check_target_probs(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    """
    check_shape(target_probs, "target_probs", (None, None), "(n, c)")
    for length, unit in zip(target_probs.shape, ("samples", "classes"), strict=True):
        if length < 2:
            raise InputError(f"target_probs: expected at least 2 {unit}, got {length}")
    check_rows_sum_to_one(target_probs, "target_probs")


def check_rows_sum_to_one(weights: Tensor, name: str) -> None:
    """Check that rows lie on the simplex: finite, non-negative, summing to 1; InputError names the row.

    >>> check_rows_sum_to_one(torch.tensor([[0.5, 0.5], [1.0, 0.0]]), "w_r")
    """
    check_finite(weights, name)
    negative = (weights < 0).any(dim=1)
    if negative.any():
        row = int(negative.nonzero()[0])
        raise InputError(f"{name}: expected no negative numbers, got {weights[row].min():.4g} in row {row}")
    sums = weights.double().sum(dim=1)
    # Half precision sums to 1 only within a few thousandths.
    slack = 1e-3 if weights.dtype in (torch.float32, torch.float64) else 2e-2
    off = (sums - 1).abs() > slack
    if off.any():
        row = int(off.nonzero()[0])
        raise InputError(f"{name}: expected rows that sum to 1, got {sums[row]:.4g} in row {row}")
