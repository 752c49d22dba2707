"""Named tensors in one safetensors file: equal tensors give equal bytes, and it contains no code."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from patternscope.errors import InputError


def write_tensors(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Write named tensors as safetensors: contiguous, on the CPU, without metadata.

    A tensor that shares memory with another is written as a copy. OSError if the disk is full or cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    # A clone each, since names that share memory (tied weights) are refused by the format.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # The library writes through a private file that others could not read: the mode is that of any new file here.
    Path(path).touch()
    mode = stat.S_IMODE(Path(path).stat().st_mode)
    try:
        save_file(copies, str(path))
        Path(path).chmod(mode)
    except SafetensorError as error:
        # The library hides the disk's error in its text; explaining a full disk needs its number.
        refused = re.search(r"os error (\d+)|Os \{ code: (\d+)", str(error))
        if refused is None:
            raise
        code = int(refused[1] or refused[2])
        raise OSError(code, os.strerror(code), str(path)) from error


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file into memory, on the CPU.

    InputError when the file does not exist, is truncated or is not safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error


def unreadable(path: str | Path, error: Exception) -> InputError:
    """Return the error of a file that is not safetensors, or truncated."""
    return InputError(f"{path}: expected a safetensors file ({' '.join(str(error).split())})")
