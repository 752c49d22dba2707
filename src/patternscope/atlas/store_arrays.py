"""Arrays of an atlas as zarr chunks: equal arrays give equal bytes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from patternscope.atlas.sprites import sprites

if TYPE_CHECKING:
    import zarr

NONE = 65535  # for -1, which unsigned integers lack
_LEVEL = 6  # of gzip
_GZIP = b"\x1f\x8b"
_LARGEST = {"<i2": 32767, "|u1": 255}


class StoreWriter:
    """Writes arrays into a group, so that equal arrays give equal bytes."""

    def __init__(self, group: "zarr.Group") -> None:
        self.group = group

    def make(self, name: str, shape: tuple[int, ...], dtype: str, *, steps: bool) -> "zarr.Array[Any]":
        """Create an array that is written later, in one chunk or in a chunk per step."""
        from zarr.codecs import GzipCodec

        chunks = (1, *shape[1:]) if steps else shape
        return self._create(name, shape, chunks, np.dtype(dtype), compressors=GzipCodec(level=_LEVEL))

    def put(self, name: str, values: np.ndarray, dtype: str, *, steps: bool = False, **attributes: Any) -> None:
        """Write a whole array."""
        array = self.make(name, values.shape, dtype, steps=steps)
        array[...] = values.astype(dtype)
        array.attrs.update(attributes)

    def put_planes(self, name: str, values: np.ndarray, grid: tuple[int, int] = (1, 1)) -> None:
        """Write values (t, m, e) as planes of bytes, each step with its scale."""
        array = self.make_planes(name, values.shape, grid)
        array.attrs["scale"] = [put_planes(array, step, row) for step, row in enumerate(values)]

    def make_planes(self, name: str, shape: tuple[int, ...], grid: tuple[int, int]) -> "zarr.Array[Any]":
        """Create an array for :func:`put_planes`: (t, 2, e, m), with the grid of the regions of an image."""
        steps, points, dimensions = shape
        array = self.make(name, (steps, 2, dimensions, points), "|u1", steps=True)
        array.attrs["planes"] = list(grid)
        return array

    def put_bytes(self, name: str, content: bytes, **attributes: Any) -> None:
        """Write raw bytes."""
        values = np.frombuffer(content, np.uint8)
        options = {"compressors": None, "attributes": attributes}
        self._create(name, values.shape, values.shape, values.dtype, **options)[...] = values

    def put_sprites(
        self, name: str, images: np.ndarray, most_bytes: float, *, coarse: bool = False, **others: Any
    ) -> None:
        """Write sprites of many small images, reduced where they would exceed a number of bytes."""
        for place, (content, attributes) in enumerate(sprites(images, most_bytes, coarse=coarse)):
            self.put_bytes(f"{name}/{place}", content, **attributes, **others)

    def _create(
        self, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: np.dtype, **options: Any
    ) -> "zarr.Array[Any]":
        # A chunk of zeros is written too: a missing one is damage.
        config: Any = {"write_empty_chunks": True}
        return self.group.create_array(
            name, shape=shape, chunks=chunks, dtype=dtype, fill_value=0, config=config, **options
        )


def put_step(array: "zarr.Array[Any]", step: int, values: np.ndarray) -> float:
    """Write values as the step's integers and return their scale, ``integer = round(value / scale)``."""
    integers, scale = _integers(values, array.dtype)
    array[step] = integers.reshape(array.shape[1:])
    return scale


def put_planes(array: "zarr.Array[Any]", step: int, values: np.ndarray, least: float = 0.0) -> float:
    """Write values (m, e) as the step's planes of bytes and return their scale, at least `least`.

    A coarser scale takes fewer bytes.
    """
    _, _, dimensions, points = array.shape
    rows, columns = cast("list[int]", array.attrs["planes"])
    integers, scale = _integers(values.reshape(points, dimensions), np.dtype("<i2"), least)
    array[step] = to_planes(integers, (rows, columns))
    return scale


def _integers(values: np.ndarray, dtype: np.dtype, least: float = 0.0) -> tuple[np.ndarray, float]:
    """Values as integers; the largest uses the whole range unless the scale would be too small."""
    scale = max(float(np.abs(values).max(initial=0.0)) / _LARGEST[dtype.str], least) or 1.0
    return np.rint(values / scale).astype(dtype), scale


def to_planes(integers: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return int16 (m, e) of images of h x w regions as planes of bytes (2, e, m) that compress well.

    Low bytes, then high bytes, of the differences from the prediction (:func:`_expected`), modulo 2^16 and folded: 0,
    -1, 1, -2 ... as 0, 1, 2, 3.

    >>> to_planes(np.array([[5], [6], [7], [-2]], np.int16), (2, 2)).tolist()
    [[[10, 2, 4, 15]], [[0, 0, 0, 0]]]
    """
    points, dimensions = integers.shape
    regions = integers.reshape(-1, *grid, dimensions)
    difference = (regions.astype(np.int32) - _expected(regions)).astype(np.int16)
    folded = ((difference << 1) ^ (difference >> 15)).astype(np.uint16).reshape(points, dimensions).T
    return np.stack([folded & 255, folded >> 8]).astype(np.uint8)


def from_planes(planes: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return the integers (m, e) of :func:`to_planes`, region by region as the page does.

    >>> from_planes(to_planes(np.array([[5], [6], [7], [-2]], np.int16), (2, 2)), (2, 2)).ravel().tolist()
    [5, 6, 7, -2]
    """
    folded = (planes[0].astype(np.uint16) | planes[1].astype(np.uint16) << 8).T.astype(np.int32)
    difference = (folded >> 1) ^ -(folded & 1)
    points, dimensions = difference.shape
    regions = difference.astype(np.int16).reshape(-1, *grid, dimensions)
    for row in range(grid[0]):
        for column in range(grid[1]):
            regions[:, row, column] += _expected(regions[:, : row + 1, : column + 1])[:, row, column].astype(np.int16)
    return regions.reshape(points, dimensions)


def _expected(regions: np.ndarray) -> np.ndarray:
    """The prediction of each region (n, h, w, e): the mean, rounded down, of those to the left and above.

    In the first row the one to the left, in the first column the one above, and 0 for the first region.
    """
    expected = np.zeros(regions.shape, np.int32)
    expected[:, 0, 1:] = regions[:, 0, :-1]
    expected[:, 1:, 0] = regions[:, :-1, 0]
    expected[:, 1:, 1:] = (regions[:, 1:, :-1].astype(np.int32) + regions[:, :-1, 1:]) >> 1
    return expected


def clear_times(folder: Path) -> None:
    """Remove the time of writing, which gzip records, from a store's chunks."""
    for path in folder.rglob("c/**/*"):
        if path.is_file():
            with path.open("r+b") as file:
                if file.read(2) == _GZIP:
                    file.seek(4)
                    file.write(bytes(4))
