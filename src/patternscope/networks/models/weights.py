"""Weights from and to files: safetensors, or the .pth and .ckpt of other programs."""

import re
import warnings
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.models.normalised import inner_network
from patternscope.tensor_files import read_tensors, unreadable, write_tensors

WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
"""Suffixes of files that hold weights; all but the first are pickles."""
_PREFIXES = ("module.", "_orig_mod.", "network.")
_KINDS = f"{', '.join(WEIGHT_SUFFIXES[:-1])} or {WEIGHT_SUFFIXES[-1]}"
_CONTAINERS = ("state_dict", "model_state_dict", "model")


def save_weights(network: nn.Module | Mapping[str, Tensor], path: str | Path) -> None:
    """Write the weights of a network, or a state dict, as safetensors; equal weights give equal bytes.

    The names are free of wrappers' prefixes (Normalised, DataParallel, torch.compile).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(nn.Linear(1, 1), Path(folder) / "network.safetensors")
    ...     sorted(read_weights(Path(folder) / "network.safetensors"))
    ['bias', 'weight']
    """
    if isinstance(network, Mapping):
        common = _wrappers_prefix(network)
        write_tensors({name.removeprefix(common): tensor for name, tensor in network.items()}, path)
    else:
        # The network itself may have a child of a wrapper's name: nothing more is removed.
        write_tensors(inner_network(network).state_dict(), path)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load weights from .safetensors, or from .pth, .pt and .ckpt with weights_only=True, into the network.

    Names may have, or lack, the prefixes of wrappers; or have that of the attribute that held the network in a
    training's own module, whose other tensors (a loss's, say) are omitted. Nothing is loaded unless all names and
    shapes fit.

    Raises:
        InputError: the file is missing or unreadable, or its names or shapes are not the network's.

    Warns:
        UserWarning: for .pth, .pt and .ckpt, which hold pickled code (use safetensors from sources that you do not
            know), and for tensors that are omitted.
    """
    inner = inner_network(network)
    inner.load_state_dict(_fitting(read_weights(path), inner.state_dict(), Path(path)))


def check_weights(network: nn.Module, path: str | Path) -> None:
    """Check the names and shapes of a safetensors file against the network, without reading its numbers.

    Files of other kinds pass. InputError as `load_weights`.
    """
    from safetensors import SafetensorError, safe_open

    if Path(path).suffix != ".safetensors":
        return
    try:
        with safe_open(str(path), "pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with warnings.catch_warnings(action="ignore"):  # loading warns
        _fitting(state, inner_network(network).state_dict(), Path(path))


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a weight file on the CPU, by name.

    InputError when the file is missing, unreadable, of another kind or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"weights: {str(path)!r} does not exist or is no file")
    if path.suffix == ".safetensors":
        return read_tensors(path)
    if path.suffix not in WEIGHT_SUFFIXES:
        raise InputError(f"weights: expected a {_KINDS} file, got {path.name!r}")
    return _read_pth(path)


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
        got = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InputError(
            f"weights {str(path)!r}: expected a file that loads with weights_only=True, got {got}"
        ) from error
    for container in _CONTAINERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(container), dict):
            loaded = loaded[container]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        kind = type(loaded).__name__
        raise InputError(f"weights {path.name!r}: expected a dict of tensors alone, got other values in a {kind}")
    return dict(loaded)


def _wrappers_prefix(names: Collection[str]) -> str:
    """Return what wrappers put before every name, "" for nothing."""
    for prefix in _PREFIXES:
        if names and all(name.startswith(prefix) for name in names):
            return prefix + _wrappers_prefix([name.removeprefix(prefix) for name in names])
    return ""


def _fitting(state: dict[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Return the file's tensors under the network's names; InputError unless every name has one that fits."""
    if not set(expected) <= set(state):
        state = _renamed(state, expected, path)
    missing = [name for name in expected if name not in state]
    surplus = [name for name in state if name not in expected]
    other = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    faults = []
    if missing:
        faults.append(f"{len(missing)} missing (first {missing[0]!r})")
    if surplus:
        faults.append(f"{len(surplus)} unknown (first {surplus[0]!r})")
    if other:
        there, here = tuple(state[other[0]].shape), tuple(expected[other[0]].shape)
        faults.append(f"{len(other)} of another shape (first {other[0]!r}: {there} instead of {here})")
    if faults:
        got = ", ".join(faults)
        raise InputError(f"weights {path.name!r}: expected the network's names and shapes, got {got}")
    return state


def _renamed(state: dict[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Put the network's own prefix in the place of the one under which the file holds most of its names."""
    own = _wrappers_prefix(expected)
    bare = {name.removeprefix(own) for name in expected}
    ends = {name: (0, *(dot.end() for dot in re.finditer(r"\.", name))) for name in state}
    counts = Counter(name[:end] for name in state for end in ends[name] if name[end:] in bare)
    whole = [prefix for prefix, count in counts.items() if count == len(bare)]
    if len(whole) > 1:
        raise InputError(
            f"weights {path.name!r}: expected the network once, got it twice, under {whole[0]!r} and {whole[1]!r}"
        )
    prefix = max(counts, key=lambda prefix: (counts[prefix], prefix == own), default=own)
    inside = {own + name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}
    outside = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
    if whole and outside:
        warnings.warn(
            f"{path.name}: {len(outside)} tensors outside {prefix!r} are omitted (first {next(iter(outside))!r})",
            UserWarning,
            stacklevel=4,
        )
        return inside
    return outside | inside
