"""Devices by name, and the device and precision in which a network computes."""

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, nearest

_KINDS = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device of this machine.

    "auto" takes CUDA, then MPS, then the CPU. InputError for an unknown name, or a device that this machine lacks.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    kind, index = parse_device(str(name))
    if kind == "auto":
        kind = "cuda" if cuda_devices() else "mps" if torch.backends.mps.is_available() else "cpu"
    _check_present(kind, index, str(name))
    return torch.device(kind, int(index)) if index else torch.device(kind)


def parse_device(name: str) -> tuple[str, str]:
    """Return kind and index ("" for none) of a device's name, whether or not this machine has it.

    InputError for an unknown name.

    >>> parse_device("cuda:1")
    ('cuda', '1')
    """
    kind, _, index = name.partition(":")
    if kind not in _KINDS or (index and (kind in ("auto", "cpu") or not index.isdigit())):
        raise InputError(f"device: expected a name such as 'cpu' or 'cuda:1', got {name!r}; {nearest(kind, _KINDS)}")
    return kind, index


def cuda_devices() -> int:
    """Return how many CUDA devices torch sees on this machine, as CUDA_VISIBLE_DEVICES allows."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the model's first parameter or buffer, the CPU if it has none.

    >>> device_of(nn.Linear(1, 1))
    device(type='cpu')
    """
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def dtype_of(model: nn.Module) -> torch.dtype:
    """Return the floating point type of the model's first such parameter, float32 if it has none.

    >>> dtype_of(nn.Linear(1, 1).bfloat16())
    torch.bfloat16
    """
    return next((tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()), torch.float32)


def pixels_for(
    model: nn.Module, images: Tensor, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> Tensor:
    """Return a copy of the images on the model's device and in its precision, or those given; uint8 divided by 255.

    >>> pixels_for(nn.Linear(1, 1).double(), torch.tensor([255], dtype=torch.uint8))
    tensor([1.], dtype=torch.float64)
    """
    pixels = images.to(device or device_of(model), dtype or dtype_of(model), copy=True)
    return pixels.div_(255) if images.dtype == torch.uint8 else pixels


def _check_present(kind: str, index: str, name: str) -> None:
    """Raise when this machine has no such device."""
    if kind == "cuda" and int(index or 0) >= (count := cuda_devices()):
        devices = f"cuda:0 to cuda:{count - 1}" if count else "no CUDA device; use 'cpu' or 'auto'"
        raise InputError(f"device: expected a device of this machine, got {name!r}; torch sees {devices}")
    if kind == "mps" and (int(index or 0) > 0 or not torch.backends.mps.is_available()):
        raise InputError(f"device: expected a device of this machine, got {name!r}; use 'cpu' or 'auto'")
