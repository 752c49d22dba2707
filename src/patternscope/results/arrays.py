"""Long arrays on disk, in shards: appended in blocks, read by slices."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from patternscope.errors import InputError
from patternscope.tensor_files import write_tensors

SHARD_BYTES = 64 * 2**20
_SHARD_KEY = "data"
_DTYPES: dict[str, tuple[np.dtype, torch.dtype]] = {
    "BOOL": (np.dtype(np.uint8), torch.bool),
    "U8": (np.dtype(np.uint8), torch.uint8),
    "I64": (np.dtype("<i8"), torch.int64),
    "F16": (np.dtype("<f2"), torch.float16),
    "BF16": (np.dtype("<i2"), torch.bfloat16),
    "F32": (np.dtype("<f4"), torch.float32),
    "F64": (np.dtype("<f8"), torch.float64),
}


class ShardWriter:
    """Writes a long array along its first axis into `name-00000.safetensors`, `name-00001.safetensors`, ...

    Rows are appended in blocks and a shard is written when it is full, so that memory stays at one shard. The division
    into shards depends only on the rows and `shard_bytes`, not on how they were appended.
    """

    def __init__(self, folder: Path, name: str, shard_bytes: int = SHARD_BYTES) -> None:
        self.folder, self.name, self.shard_bytes = folder, name, shard_bytes
        self.rows: list[torch.Tensor] = []
        self.held = 0
        self.shards = 0
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, rows: torch.Tensor) -> None:
        """Add rows (m, ...), all of one shape and dtype."""
        rows = rows.detach().cpu()
        if rows.shape[0] == 0:
            return
        full = max(1, self.shard_bytes // max(1, rows[0].numel() * rows.element_size()))
        while rows.shape[0]:
            taken = rows[: full - self.held]
            # A copy: the caller may use its buffer again before the shard is written.
            self.rows.append(taken.clone())
            self.held += taken.shape[0]
            rows = rows[taken.shape[0] :]
            if self.held == full:
                self.close()

    def close(self) -> None:
        """Write the buffered rows, if any."""
        if self.held:
            path = self.folder / f"{self.name}-{self.shards:05d}.safetensors"
            write_tensors({_SHARD_KEY: torch.cat(self.rows)}, path)
            self.shards += 1
            self.rows, self.held = [], 0


class ShardedArray:
    """A long array on disk, read by slices or by an index along its first axis; only the result is in memory.

    `array[10:20]`, `array[3]`, `array[torch.tensor([5, 2])]` give torch tensors. `shape` and `dtype` are
    those of the whole. InputError if there is no such array, or its shards differ in shape or dtype.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.paths = sorted(folder.glob(f"{name}-[0-9]*.safetensors"))
        if not self.paths:
            raise InputError(f"{folder}: expected an array called {name!r}, got none")
        self._maps = [_mapped(path) for path in self.paths]
        kinds = {(array.shape[1:], dtype) for array, dtype in self._maps}
        if len(kinds) != 1:
            got = sorted(map(str, kinds))
            raise InputError(f"{folder}: expected shards of {name!r} of one shape and type, got {got}")
        self.dtype = self._maps[0][1]
        self._ends = np.cumsum([array.shape[0] for array, _ in self._maps])
        self.shape = torch.Size((int(self._ends[-1]), *self._maps[0][0].shape[1:]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice | torch.Tensor) -> torch.Tensor:
        """Return rows as a separate tensor; an int gives one row without the first axis."""
        if isinstance(index, int):
            return self[torch.tensor([index])][0]
        if isinstance(index, slice):
            wanted = np.arange(*index.indices(len(self)))
        else:
            wanted = index.cpu().numpy()
            wanted = np.flatnonzero(wanted) if wanted.dtype == np.bool_ else wanted
        wanted = np.where(wanted < 0, wanted + len(self), wanted)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"index out of range for {len(self)} rows")
        return self._rows(wanted)

    def _rows(self, wanted: np.ndarray) -> torch.Tensor:
        """Copy the selected rows out of their shards."""
        first = self._maps[0][0]
        found = np.empty((wanted.size, *first.shape[1:]), dtype=first.dtype)
        shard = np.searchsorted(self._ends, wanted, side="right")
        starts = np.concatenate([[0], self._ends[:-1]])
        for each in np.unique(shard):
            places = np.flatnonzero(shard == each)
            # Through a separate map: the pages of one that stays open would count as memory.
            found[places] = _mapped(self.paths[each])[0][wanted[places] - starts[each]]
        tensor = torch.from_numpy(found)
        return tensor if tensor.dtype == self.dtype else tensor.view(self.dtype)

    def batches(self, size: int) -> Iterator[torch.Tensor]:
        """Yield the rows in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def load(self) -> torch.Tensor:
        """Read the whole array into memory, without a second copy."""
        found = torch.empty(self.shape, dtype=self.dtype)
        done = 0
        for path, (mapped, _) in zip(self.paths, self._maps, strict=True):
            rows = found[done : done + mapped.shape[0]].flatten().view(torch.uint8).numpy().data
            # Not through the map, whose pages would count as memory in addition to the copy.
            with path.open("rb") as file:
                file.seek(mapped.offset)
                if file.readinto(rows) != len(rows):
                    raise InputError(f"{path}: became shorter while it was read")
            done += mapped.shape[0]
        return found


def _mapped(path: Path) -> tuple[np.memmap, torch.dtype]:
    """Map the array of a shard without reading it, with its dtype."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            entry = json.loads(file.read(length))[_SHARD_KEY]
        stored, dtype = _DTYPES[entry["dtype"]]
        shape = tuple(entry["shape"])
        if entry["data_offsets"] != [0, math.prod(shape) * stored.itemsize]:
            raise ValueError("offsets do not fit the shape")
        return np.memmap(path, dtype=stored, mode="r", offset=8 + length, shape=shape), dtype
    except (ValueError, KeyError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise InputError(f"{path}: expected a shard of an array ({error})") from error
