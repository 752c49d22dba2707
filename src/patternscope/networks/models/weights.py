"""Weights from and to files: safetensors, or a foreign .pth or .ckpt."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.models.normalised import inner_network
from patternscope.tensor_files import read_tensors, unreadable, write_tensors

WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
"""Endings of the files that hold weights; all but the first are pickles."""
_PREFIXES = ("module.", "_orig_mod.", "network.")
_KINDS = f"{', '.join(WEIGHT_SUFFIXES[:-1])} or {WEIGHT_SUFFIXES[-1]}"
_CONTAINERS = ("state_dict", "model_state_dict", "model")


def save_weights(network: nn.Module | Mapping[str, Tensor], path: str | Path) -> None:
    """Write the weights of a network, or a state dict, as safetensors; equal weights give equal bytes.

    Wrappers (Normalised, DataParallel, torch.compile) leave no trace in the names.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(nn.Linear(1, 1), Path(folder) / "network.safetensors")
    ...     sorted(read_weights(Path(folder) / "network.safetensors"))
    ['bias', 'weight']
    """
    if isinstance(network, Mapping):
        write_tensors(_without_prefix(network), path)
    else:
        # What is left may have a child of a wrapper's name, which is the network's own.
        write_tensors(inner_network(network).state_dict(), path)


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load weights from .safetensors, or from .pth, .pt and .ckpt with weights_only=True, into the network.

    Names may carry, or lack, the prefixes of wrappers; or carry that of the attribute that held the network
    in a training's own module, whose other tensors (a loss's, say) are left out. Nothing is loaded unless all
    names and shapes fit.

    Raises:
        InputError: the file is missing or unreadable, or its names or shapes are not the network's.

    Warns:
        UserWarning: for .pth, .pt and .ckpt, which hold pickled code; use safetensors from sources you do not know.
            Also for tensors that are left out.
    """
    inner = inner_network(network)
    inner.load_state_dict(_fitting(read_weights(path), inner.state_dict(), Path(path)))


def check_weights(network: nn.Module, path: str | Path) -> None:
    """Look whether a file's names and shapes fit the network, as far as that is told without reading its numbers.

    Files that are not safetensors pass. InputError as `load_weights`.
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

    Raises:
        InputError: the file is missing, unreadable, of another kind or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"weights: saw no file at {str(path)!r}, wanted a {_KINDS} file")
    if path.suffix == ".safetensors":
        return read_tensors(path)
    if path.suffix not in WEIGHT_SUFFIXES:
        raise InputError(f"weights: saw {path.name!r}, wanted a {_KINDS} file")
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


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Remove the prefixes that wrappers put before every name."""
    lead = _wrappers_prefix(state)
    return {name.removeprefix(lead): tensor for name, tensor in state.items()}


def _wrappers_prefix(names: Mapping[str, Tensor]) -> str:
    """Return what wrappers put before every name, "" for nothing."""
    lead = ""
    while names:
        more = (each for each in _PREFIXES if all(name.startswith(lead + each) for name in names))
        found = next(more, None)
        if found is None:
            break
        lead += found
    return lead


def _fitting(state: dict[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Return the file's tensors under the network's names; InputError unless each of these has one that fits."""
    named = state if set(expected) <= set(state) else _renamed(state, expected, path)
    _check_fit(named, expected, path)
    return named


def _renamed(state: dict[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Put the network's own prefix in the place of the one under which the file holds most of its names."""
    own = _wrappers_prefix(expected)
    bare = {name.removeprefix(own) for name in expected}
    counts = Counter(prefix for name in state for prefix, rest in _cuts(name) if rest in bare)
    whole = [prefix for prefix, count in counts.items() if count == len(bare)]
    if len(whole) > 1:
        raise InputError(
            f"weights {path.name!r} hold the network twice, under {whole[0]!r} and {whole[1]!r}; wanted one of them"
        )
    prefix = max(counts, key=lambda each: (counts[each], each == own), default=own)
    inside = {
        own + name.removeprefix(prefix): each for name, each in state.items() if name.startswith(prefix)
    }
    outside = {name: each for name, each in state.items() if not name.startswith(prefix)}
    if whole and outside:
        warnings.warn(
            f"{path.name}: {len(outside)} tensors beside those under {prefix!r} are left out (first "
            f"{next(iter(outside))!r})",
            UserWarning,
            stacklevel=4,
        )
        return inside
    return outside | inside


def _cuts(name: str) -> Iterator[tuple[str, str]]:
    """Give each pair of a prefix that ends with a dot, or is empty, and the rest of the name."""
    yield "", name
    for dot in re.finditer(r"\.", name):
        yield name[: dot.end()], name[dot.end() :]


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
