"""Weight files of various programs: their names, and the tensors inside, read without running code."""

import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.tensor_files import read_tensors

WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".pth.tar")
"""Suffixes of weight files, in lower or upper case; all but the first are pickles."""
# Keys of weights, the likeliest first; of DINO's two networks, the teacher is the one that is evaluated.
_CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "state_dict_ema", "model_ema", "ema", "teacher")
_DEEPEST = 16  # dicts in dicts
_KINDS = f"{', '.join(WEIGHT_SUFFIXES[:-1])} or {WEIGHT_SUFFIXES[-1]}"
_SAFE = (2, 10)  # torch version from which weights_only is safe for files of unknown origin
_CONTROL = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x1f]+")
_SAVE = 'save the weights alone, torch.save({"state_dict": network.state_dict()}, path), or as safetensors'
States = dict[str, dict[str, Tensor]]
"""State dicts of a file by the keys that lead to each, "" for the file itself."""


def is_weight_file(path: str | Path) -> bool:
    """Tell whether a file's name has a suffix of weights.

    >>> is_weight_file("best.pth.tar"), is_weight_file("NET.PTH"), is_weight_file("notes.tar")
    (True, True, False)
    """
    return Path(path).name.lower().endswith(WEIGHT_SUFFIXES)


def weight_name(path: str | Path) -> str:
    """Return the name of a weight file without its suffix.

    >>> weight_name("runs/step_20.pth.tar"), weight_name("v1.5.PT")
    ('step_20', 'v1.5')
    """
    name = Path(path).name
    known = [suffix for suffix in WEIGHT_SUFFIXES if name.lower().endswith(suffix)]
    return name[: -max(map(len, known))] if known else Path(path).stem


def is_safetensors(path: str | Path) -> bool:
    """Tell whether a file is safetensors by its name."""
    return Path(path).suffix.lower() == ".safetensors"


def read_states(path: str | Path) -> States:
    """Read the state dicts in a file on the CPU, by the keys that lead to each, the likeliest first.

    InputError if the file is missing, unreadable, of another kind or contains no dict of only tensors. UserWarning for
    a pickle.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"weights: {str(path)!r} does not exist or is no file")
    if not is_weight_file(path):
        raise InputError(f"weights: expected a {_KINDS} file, got {path.name!r}")
    if is_safetensors(path):
        return {"": read_tensors(path)}
    loaded = _read_pickle(path)
    states = dict(sorted(_state_dicts(loaded), key=lambda found: _place(found[0])))
    if not states:
        raise InputError(f"weights {path.name!r}: expected a dict of tensors alone, got {_seen(loaded)}; {_SAVE}")
    return states


def version_of_torch() -> tuple[int, int]:
    """Return the first two numbers of torch's version.

    >>> version_of_torch() >= (2, 4)
    True
    """
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)


def _read_pickle(path: Path) -> Any:
    """Read a pickled file without running its code."""
    if version_of_torch() < _SAFE:
        warnings.warn(
            f"{path.name} is a pickle: loaded with weights_only=True, which is unsafe for files of unknown "
            "origin before torch 2.10; prefer safetensors",
            UserWarning,
            stacklevel=5,
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch documents no narrower set
        raise InputError(
            f"weights {str(path)!r}: expected a file that loads with weights_only=True, got {_reason(path, error)}"
        ) from error


def _reason(path: Path, error: Exception) -> str:
    """Return why torch refused a file: the classes in it that are not allowed, else torch's own message in one line."""
    said = " ".join(_CONTROL.sub(" ", str(error)).split())
    try:
        classes = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # files older than torch 1.6 cannot be asked
        classes = re.findall(r"GLOBAL (\S+) was not an allowed", said)
    if classes:
        return f"{', '.join(dict.fromkeys(classes))} in it; {_SAVE}"
    return said or type(error).__name__


def _state_dicts(loaded: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the dicts of only tensors in a file's content, at any depth, with the keys that lead to each."""
    if not isinstance(loaded, Mapping) or not loaded or not all(isinstance(key, str) for key in loaded):
        return
    if len(path) > _DEEPEST:  # a dict may contain itself
        return
    if all(isinstance(value, Tensor) and not value.is_nested for value in loaded.values()):
        yield ".".join(path), dict(loaded)
        return
    for key, value in loaded.items():
        yield from _state_dicts(value, (*path, key))


def _place(keys: str) -> int:
    """Return the rank of a state dict under these keys, 0 for the likeliest network."""
    first = keys.partition(".")[0]
    return _CONTAINERS.index(first) if first in _CONTAINERS else len(_CONTAINERS)


def _seen(loaded: Any) -> str:
    """Describe what a file contains instead of weights."""
    if not isinstance(loaded, Mapping):
        return f"a {type(loaded).__name__}"
    shown = [f"{key!r} ({type(value).__name__})" for key, value in list(loaded.items())[:12]]
    more = f" and {len(loaded) - 12} more" if len(loaded) > 12 else ""
    return f"the keys {', '.join(shown)}{more}"
