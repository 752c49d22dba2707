"""The device a computation runs on, from a word."""

import torch

from patternscope.errors import InputError, nearest

_KINDS = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device that is present.

    "auto" takes CUDA, then MPS, then the CPU.

    Raises:
        InputError: the word is unknown, or this machine has no such device.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    name = str(name)
    kind, index = parse_device(name)
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if _mps_available() else "cpu"
    _check_present(kind, index, name)
    return torch.device(kind, int(index)) if index else torch.device(kind)


def parse_device(name: str) -> tuple[str, str]:
    """Return kind and index ("" for none) of a device's name, present here or not.

    InputError for a word that names no device.

    >>> parse_device("cuda:1")
    ('cuda', '1')
    """
    kind, _, index = name.partition(":")
    if kind not in _KINDS or (index and (kind in ("auto", "cpu") or not index.isdigit())):
        raise InputError(
            f"device {name!r} is unknown: wanted auto, cpu, cuda, cuda:N or mps; {nearest(kind, _KINDS)}"
        )
    return kind, index


def cuda_devices() -> int:
    """Return how many CUDA devices torch sees here.

    CUDA_VISIBLE_DEVICES counts.
    """
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _mps_available() -> bool:
    """Tell whether this build and machine have Apple's GPU backend."""
    return torch.backends.mps.is_available()


def _check_present(kind: str, index: str, name: str) -> None:
    """Raise when the machine has no such device."""
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r}: no CUDA device is visible to torch here; use 'cpu' or 'auto'")
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise InputError(
            f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices, from 0"
        )
    if kind == "mps" and (not _mps_available() or int(index or 0) > 0):
        raise InputError(f"device {name!r} is not present here; use 'cpu' or 'auto'")
