"""IDX files, the format of MNIST and Fashion-MNIST, plain or compressed."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.decoding import to_tensor
from patternscope.images.readers.image_set import ImageSet, Request, Splits, check_class_sizes, check_labels

_PREFIXES = {"train": ("train",), "test": ("t10k", "test")}


class _Resized(NamedTuple):
    """Resizes by position."""

    pictures: np.ndarray
    size: int
    channels: int

    def __call__(self, index: int) -> Tensor:
        return to_tensor(Image.fromarray(self.pictures[index]), self.size, self.channels)


def _find(folder: Path, split: str, kind: str) -> Path:
    """The file of a split ("train", "test") that holds "images-idx3" or "labels-idx1"."""
    names = [
        f"{prefix}-{kind.replace('-', joint)}-ubyte{end}"
        for prefix in _PREFIXES[split]
        for joint in ("-", ".")
        for end in ("", ".gz")
    ]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"folder {str(folder)!r} has no {names[0]} (nor with .gz); the four IDX files are needed"
    )


def read_idx(path: Path, axes: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes with a given number of axes, decompressing a name that ends in .gz.

    After the format's description. Returns uint8; `axes` 3 for images, 1 for labels.

    Raises InputError for another magic number, a truncated file or bytes left over.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); a whole IDX file is needed") from error
    start = 4 + 4 * axes
    if len(data) < start or data[:4] != bytes((0, 0, 8, axes)):
        raise InputError(
            f"{path} begins with {data[:4].hex()!r}; IDX bytes of {axes} axes begin with '0000080{axes}'"
        )
    lengths = struct.unpack(f">{axes}I", data[4:start])
    if len(data) - start != math.prod(lengths):
        raise InputError(
            f"{path} holds {len(data) - start} bytes; its header promises {math.prod(lengths)}; truncated?"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(lengths)


def _split(folder: Path, split: str) -> tuple[np.ndarray, Tensor]:
    """The images (n, h, w) and labels (n,) of a split."""
    pictures = read_idx(_find(folder, split, "images-idx3"), 3)
    labels = read_idx(_find(folder, split, "labels-idx1"), 1)
    if len(pictures) != len(labels) or pictures.size == 0:
        raise InputError(
            f"{folder}: {len(pictures)} {split} images and {len(labels)} labels; one for each is needed"
        )
    return pictures, torch.tensor(labels, dtype=torch.int64)


def open_idx(request: Request) -> Splits:
    """Return the images of the four IDX files in a folder, resized to the size asked for.

    The usual names: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., each also with .gz. Classes
    are named by `class_names`, or "0", "1", ... without.

    Raises InputError for a missing, truncated or foreign file, labels outside the classes, a class with fewer
    than two images.
    """
    if request.folder is None or not request.folder.is_dir():
        raise InputError(
            f"folder {str(request.folder)!r} is not there; a folder with the four IDX files is needed"
        )
    splits = {split: _split(request.folder, split) for split in ("train", "test")}
    highest = max(int(labels.max()) for _, labels in splits.values())
    classes = request.class_names or tuple(str(label) for label in range(highest + 1))
    for split, (_, labels) in splits.items():
        check_labels(labels, classes, f"{split} labels")
    check_class_sizes(splits["train"][1], classes)
    train, test = (
        ImageSet(
            classes,
            labels,
            _Resized(pictures, request.image_size, request.channels),
            names=_names(split, len(labels)),
        )
        for split, (pictures, labels) in splits.items()
    )
    return Splits(train, test)


def _names(split: str, count: int) -> list[str]:
    """A name for each image of a split."""
    return [f"{split} {i}" for i in range(count)]
