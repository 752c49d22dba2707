"""Arrays of an atlas as zarr chunks: equal arrays are equal bytes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.atlas.sprites import sprites

if TYPE_CHECKING:
    import zarr

NONE = 65535  # for -1, which unsigned integers lack
_LEVEL = 6  # of gzip
_GZIP = b"\x1f\x8b"
_LARGEST = {"<i2": 32767, "|u1": 255}


class StoreWriter:
    """Puts arrays into a group, so that equal arrays are equal bytes."""

    def __init__(self, group: "zarr.Group") -> None:
        self.group = group

    def make(self, name: str, shape: tuple[int, ...], dtype: str, *, steps: bool) -> "zarr.Array[Any]":
        """Make an array that is written later, in a chunk per step or in one."""
        from zarr.codecs import GzipCodec

        chunks = (1, *shape[1:]) if steps else shape
        return self._create(name, shape, chunks, np.dtype(dtype), compressors=GzipCodec(level=_LEVEL))

    def put(self, name: str, values: np.ndarray, dtype: str, *, steps: bool = False) -> None:
        """Write a whole array."""
        self.make(name, values.shape, dtype, steps=steps)[...] = values.astype(dtype)

    def put_scaled(self, name: str, values: np.ndarray, dtype: str) -> None:
        """Write values (t, ...) as integers, each step with its scale."""
        array = self.make(name, values.shape, dtype, steps=True)
        array.attrs["scale"] = [put_step(array, step, row) for step, row in enumerate(values)]

    def put_bytes(self, name: str, content: bytes, **attributes: Any) -> None:
        """Write bytes as they are."""
        values = np.frombuffer(content, np.uint8)
        options = {"compressors": None, "attributes": attributes}
        self._create(name, values.shape, values.shape, values.dtype, **options)[...] = values

    def put_sprites(self, name: str, images: np.ndarray, most_bytes: float, **others: Any) -> None:
        """Write sprites of many small images, smaller where they would take more than so many bytes."""
        for place, (content, attributes) in enumerate(sprites(images, most_bytes)):
            self.put_bytes(f"{name}/{place}", content, **attributes, **others)

    def _create(
        self, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: np.dtype, **options: Any
    ) -> "zarr.Array[Any]":
        # A chunk of zeros is written too: a missing one is damage.
        config: Any = {"write_empty_chunks": True}
        return self.group.create_array(
            name, shape=shape, chunks=chunks, dtype=dtype, fill_value=0, config=config, **options
        )


def put_step(array: "zarr.Array[Any]", step: int, values: np.ndarray, least: float = 0.0) -> float:
    """Write values as the step's integers and return their scale, ``integer = round(value / scale)``.

    The largest absolute value takes the whole range, unless the scale would be below `least`: what need not be finer
    takes fewer bytes.
    """
    scale = max(float(np.abs(values).max(initial=0.0)) / _LARGEST[array.dtype.str], least) or 1.0
    array[step] = np.rint(values / scale).astype(array.dtype).reshape(array.shape[1:])
    return scale


def clear_times(folder: Path) -> None:
    """Remove from a store's chunks when they were written, which gzip notes."""
    for path in folder.rglob("c/**/*"):
        if path.is_file():
            with path.open("r+b") as file:
                if file.read(2) == _GZIP:
                    file.seek(4)
                    file.write(bytes(4))
