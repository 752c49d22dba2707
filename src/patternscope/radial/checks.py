"""Checks of numbers and tensors, one line per error, and the type to compute in."""

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.defaults import MOST_KAPPA

_ROWS_AT_ONCE = 256


def check_at_least(value: int, least: int, name: str) -> None:
    """Check that a size is at least `least`.

    >>> check_at_least(3, 2, "out_dim")
    """
    if value < least:
        raise InputError(f"{name}: expected at least {least}, got {value}")


def check_positive(value: float, name: str, more: str = "") -> None:
    """Check that a parameter is positive and finite; `more` names other valid values.

    >>> check_positive(10.0, "kappa_max")
    """
    if not 0 < value < float("inf"):
        raise InputError(f"{name}: expected a positive finite number{more}, got {value}")


def check_kappa(value: float, name: str, more: str = "") -> None:
    """Check that a concentration is positive and at most 1e9; `more` names other valid values.

    >>> check_kappa(10.0, "kappa_max")
    """
    if not 0 < value <= MOST_KAPPA:
        raise InputError(f"{name}: expected a number in (0, {MOST_KAPPA:g}]{more}, got {value}")


def check_real(tensor: Tensor, name: str) -> None:
    """Check that a tensor is dense and real.

    >>> check_real(torch.zeros(3), "x")
    """
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise InputError(f"{name}: expected real numbers, got {tensor.dtype}")
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        kind = "without numbers" if tensor.is_meta else "quantised" if tensor.is_quantized else f"{tensor.layout}"
        raise InputError(f"{name}: expected a dense tensor, got one that is {kind.removeprefix('torch.')}")


def check_finite(tensor: Tensor, name: str) -> None:
    """Check for NaN and inf, a few rows at a time to use little memory; InputError names the sample.

    >>> check_finite(torch.zeros(3), "x")
    """
    for start in range(0, len(tensor), _ROWS_AT_ONCE):
        bad = ~torch.isfinite(tensor[start : start + _ROWS_AT_ONCE])
        if bad.any():
            sample = start + int(bad.reshape(len(bad), -1).any(dim=1).nonzero()[0])
            raise InputError(f"{name}: expected finite numbers, got NaN or inf in sample {sample}")


def check_shape(tensor: Tensor, name: str, shape: tuple[int | None, ...], axes: str) -> None:
    """Check the shape of an argument; None stands for any positive length. InputError shows both shapes.

    >>> check_shape(torch.zeros(2, 3), "x", (None, 3), "(n, d)")
    """
    fits = tensor.ndim == len(shape) and all(
        got > 0 and expected in (None, got) for got, expected in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        lengths = ", ".join("any" if length is None else str(length) for length in shape)
        comma = "," if len(shape) == 1 else ""
        raise InputError(f"{name}: expected shape {axes} = ({lengths}{comma}), got {tuple(tensor.shape)}")


def check_same_shape(first: Tensor, second: Tensor, names: str, axes: str, least: int = 0) -> None:
    """Check that two arguments have the same shape, with as many axes as named and at least `least` rows.

    >>> check_same_shape(torch.zeros(2, 3), torch.ones(2, 3), "source, target", "(n, e)")
    """
    if first.shape != second.shape or first.ndim != len(axes.split(", ")) or len(first) < least:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        rows = f" with n >= {least}" if least else ""
        raise InputError(f"{names}: expected equal shapes {axes}{rows}, got shapes {shapes}")


def working_dtype(tensor: Tensor) -> torch.dtype:
    """Return the type to compute in: that of the input, or float32 for half precision.

    >>> working_dtype(torch.zeros(1, dtype=torch.bfloat16))
    torch.float32
    """
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def class_labels(labels: Tensor, n: int, classes: int) -> Tensor:
    """Return labels as int64 after checking that they are n integers in [0, classes); InputError otherwise.

    >>> class_labels(torch.tensor([0, 2], dtype=torch.uint8), 2, 3)
    tensor([0, 2])
    """
    integers = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
    if labels.shape != (n,) or not integers:
        raise InputError(f"labels: expected {n} integers, got {labels.dtype} of shape {tuple(labels.shape)}")
    low, high = (int(labels.min()), int(labels.max())) if n else (0, 0)
    if not 0 <= low <= high < classes:
        raise InputError(f"labels: expected 0 to {classes - 1}, got {low} to {high}")
    return labels.long()
