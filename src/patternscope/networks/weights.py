"""Weights from and to files: safetensors, or a foreign .pth."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.wrapping import inner_network

_PREFIXES = ("module.", "_orig_mod.", "network.")
_CONTAINERS = ("state_dict", "model_state_dict", "model")


def save_weights(network: nn.Module | Mapping[str, Tensor], path: str | Path) -> None:
    """Write the weights of a network, or a state dict, as safetensors; equal weights give equal bytes.

    Wrappers (Normalised, DataParallel, torch.compile) leave no trace in the names. Source: this project.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(nn.Linear(1, 1), Path(folder) / "network.safetensors")
    ...     sorted(read_weights(Path(folder) / "network.safetensors"))
    ['bias', 'weight']
    """
    state = network if isinstance(network, Mapping) else inner_network(network).state_dict()
    write_tensors(_without_prefix(dict(state)), path)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load weights from .safetensors, or from .pth / .pt with weights_only=True, into the network.

    Names may carry the prefixes of wrappers, or of the one attribute that held the network. Nothing is loaded
    unless all names and shapes fit.
    Source: this project.

    Raises:
        InputError: the file is missing or unreadable, or its names or shapes are not the network's.

    Warns:
        UserWarning: for .pth and .pt, which hold pickled code; use safetensors from sources you do not know.
    """
    inner = inner_network(network)
    state = read_weights(path)
    expected = inner.state_dict()
    if not set(state) & set(expected):
        state = _without_prefix(state)
    if not set(state) & set(expected):
        state = _without_first_name(state)
    _check_fit(state, expected, Path(path))
    inner.load_state_dict(state)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a weight file on the CPU, by name. Source: this project.

    Raises:
        InputError: the file is missing, unreadable, of another kind or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"weights: saw no file at {str(path)!r}, wanted a .safetensors, .pth or .pt file")
    if path.suffix == ".safetensors":
        return read_tensors(path)
    if path.suffix not in (".pth", ".pt"):
        raise InputError(f"weights: saw {path.name!r}, wanted a .safetensors, .pth or .pt file")
    return _read_pth(path)


def write_tensors(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Write named tensors as safetensors: contiguous, on the CPU, without metadata; equal tensors, equal bytes.

    Source: this project. A tensor that shares memory with another is written as its own copy. OSError when
    the disk is full or refuses.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    # A clone each, since names that share memory (tied weights) are refused by the format.
    copies = {name: each.detach().cpu().contiguous().clone() for name, each in tensors.items()}
    try:
        save_file(copies, str(path))
    except SafetensorError as error:
        # The library hides what the disk said in its text; whoever explains a full disk needs the number.
        refused = re.search(r"os error (\d+)", str(error))
        if refused is None:
            raise
        code = int(refused.group(1))
        raise OSError(code, os.strerror(code), str(path)) from error


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a safetensors file on the CPU.

    Source: this project.

    Raises:
        InputError: the file is missing, truncated or not safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise InputError(f"{str(path)!r} cannot be read as safetensors: {_one_line(error)}") from error


def _read_pth(path: Path) -> dict[str, Tensor]:
    """Read a pickled state dict without running code of its own."""
    warnings.warn(
        f"{path.name} is a pickle: loaded with weights_only=True, which is unsafe for files of unknown "
        "origin before torch 2.10; prefer safetensors",
        UserWarning,
        stacklevel=4,
    )
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch documents no narrower set
        raise InputError(
            f"weights: {str(path)!r} cannot be loaded with weights_only=True: {_one_line(error)}"
        ) from error
    for container in _CONTAINERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(container), dict):
            loaded = loaded[container]
    if not isinstance(loaded, dict) or not all(isinstance(each, Tensor) for each in loaded.values()):
        raise InputError(f"weights: {path.name!r} holds {type(loaded).__name__}, wanted named tensors alone")
    return dict(loaded)


def _one_line(error: Exception) -> str:
    """Return the first line of an error's text, at most 160 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the prefixes that wrappers put before every name."""
    while state:
        prefix = next((each for each in _PREFIXES if all(name.startswith(each) for name in state)), None)
        if prefix is None:
            break
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _without_first_name(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the first part of every name where it is the same: a training's own module holds the network in it."""
    first = {name.partition(".")[0] for name in state}
    return {name.partition(".")[2]: each for name, each in state.items()} if len(first) == 1 else state


def _check_fit(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Raise one line that counts what does not fit and names the first of each kind."""
    missing = [name for name in expected if name not in state]
    surplus = [name for name in state if name not in expected]
    other = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    faults = []
    if missing:
        faults.append(f"{len(missing)} missing (first {missing[0]!r})")
    if surplus:
        faults.append(f"{len(surplus)} unknown (first {surplus[0]!r})")
    if other:
        seen, wanted = tuple(state[other[0]].shape), tuple(expected[other[0]].shape)
        faults.append(f"{len(other)} of another shape (first {other[0]!r}: saw {seen}, wanted {wanted})")
    if faults:
        raise InputError(f"weights {path.name!r} do not fit the network: " + ", ".join(faults))
