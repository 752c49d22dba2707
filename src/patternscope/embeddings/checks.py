"""What the estimators ask of their input, said in one line each."""

from collections.abc import Mapping

import torch
from torch import Tensor

from patternscope.errors import InputError, nearest

_ROWS_AT_ONCE = 256


def read_data(data: Mapping[str, object], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Check the keys of an estimator's `data` argument.

    InputError for a missing or an unknown key.

    >>> read_data({"target_probs": 0}, required=("target_probs",))
    """
    for name in data:
        if name not in required + optional:
            raise InputError(f"data: {name!r} is unknown; {nearest(str(name), required + optional)}")
    for name in required:
        if name not in data:
            raise InputError(f"data: {name!r} is missing; wants {', '.join(map(repr, required))}")


def as_tensor(value: object, name: str) -> Tensor:
    """Return a floating tensor of an argument, sharing its memory where it can.

    InputError for anything that is not a numeric tensor or array.

    >>> as_tensor([[1.0]], "x").shape
    torch.Size([1, 1])
    """
    try:
        tensor = torch.as_tensor(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            f"{name}: got {type(value).__name__}, wants a tensor or an array of numbers"
        ) from None
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise InputError(f"{name}: got {tensor.dtype}, wants real numbers")
    return tensor if tensor.is_floating_point() else tensor.float()


def check_target_probs(target_probs: Tensor) -> None:
    """Check class probabilities (n, c): finite, non-negative, rows that sum to 1, n >= 2, c >= 2.

    InputError says which row is wrong and how.

    >>> check_target_probs(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    """
    check_shape(target_probs, "target_probs", (None, None), "(n, c)")
    if target_probs.shape[0] < 2:
        raise InputError(f"target_probs: got {target_probs.shape[0]} samples, wants at least 2")
    if target_probs.shape[1] < 2:
        raise InputError(f"target_probs: got {target_probs.shape[1]} class, wants at least 2")
    check_rows_sum_to_one(target_probs, "target_probs")


def check_rows_sum_to_one(weights: Tensor, name: str) -> None:
    """Check that rows lie on the simplex: finite, non-negative, summing to 1.

    InputError says which row is wrong and how.

    >>> check_rows_sum_to_one(torch.tensor([[0.5, 0.5], [1.0, 0.0]]), "w_r")
    """
    check_finite(weights, name)
    if (weights < 0).any():
        row = int((weights < 0).any(dim=1).nonzero()[0])
        raise InputError(f"{name}: row {row} has {weights[row].min():.4g}, wants no negative numbers")
    sums = weights.double().sum(dim=1)
    # Half precision adds up to 1 within a few thousandths only.
    slack = 1e-3 if weights.dtype in (torch.float32, torch.float64) else 2e-2
    off = (sums - 1).abs() > slack
    if off.any():
        row = int(off.nonzero()[0])
        raise InputError(f"{name}: row {row} sums to {sums[row]:.4g}, wants rows that sum to 1")


def check_finite(tensor: Tensor, name: str) -> None:
    """Check for NaN and inf, a few rows at a time so that little memory is needed.

    InputError says in which sample.

    >>> check_finite(torch.zeros(3), "x")
    """
    for start in range(0, len(tensor), _ROWS_AT_ONCE):
        good = torch.isfinite(tensor[start : start + _ROWS_AT_ONCE])
        if not good.all():
            sample = start + int(
                (~good).flatten(1).any(dim=1).nonzero()[0] if good.ndim > 1 else (~good).nonzero()[0]
            )
            raise InputError(f"{name}: got NaN or inf in sample {sample}, wants finite numbers")


def check_shape(tensor: Tensor, name: str, shape: tuple[int | None, ...], axes: str) -> None:
    """Check the shape of an argument; None stands for any positive length.

    InputError shows the shape seen and the one wanted.

    >>> check_shape(torch.zeros(2, 3), "x", (None, 3), "(n, d)")
    """
    fits = tensor.ndim == len(shape) and all(
        seen > 0 and wanted in (None, seen) for seen, wanted in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join("any" if each is None else str(each) for each in shape) + ")"
        raise InputError(f"{name}: got shape {tuple(tensor.shape)}, wants {axes} = {wanted}")


def working_dtype(tensor: Tensor) -> torch.dtype:
    """Return the type to compute in: that of the input, or float32 for half precision.

    >>> working_dtype(torch.zeros(1, dtype=torch.bfloat16))
    torch.float32
    """
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32
