"""IDX files, the format of MNIST and Fashion-MNIST, plain or compressed."""

import gzip
import math
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from patternscope.errors import InputError
from patternscope.images.readers.decoding import read_pixels
from patternscope.images.readers.image_set import ImageSet, check_class_sizes, label_classes, place_labels
from patternscope.images.readers.source import Layout, Request, Source, Splits

_PREFIXES = {"train": ("train",), "test": ("t10k", "test")}


def open_idx(request: Request) -> Splits:
    """Return the images of the four IDX files in a folder, resized to the requested size.

    The usual names: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., each also with .gz. Classes are named
    by `class_names`, or else by their numbers.
    """
    root = request.folder_with(expected="four IDX files")
    splits = {split: _read_split(root, split) for split in _PREFIXES}
    known = label_classes(np.concatenate([labels for _, labels in splits.values()]), request.class_names, "labels")
    classes = tuple(known.values())
    check_class_sizes(place_labels(splits["train"][1], known), classes)
    sets = (
        ImageSet(
            classes,
            place_labels(labels, known),
            partial(read_pixels, pixels, request.pixels),
            names=[f"{split} {place}" for place in range(len(labels))],
        )
        for split, (pixels, labels) in splits.items()
    )
    return Splits(*sets)


def _read_split(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, h, w) and labels (n,) of a split."""
    pixels, labels = (read_idx(_find_file(folder, split, *kind), kind[1]) for kind in (("images", 3), ("labels", 1)))
    if len(pixels) != len(labels) or pixels.size == 0:
        raise InputError(
            f"{folder}: expected one label per image, got {len(pixels)} {split} images and {len(labels)} labels"
        )
    return pixels, labels


def _find_file(folder: Path, split: str, content: str, axes: int) -> Path:
    """Return the file of a split ("train", "test") with "images" or "labels"."""
    names = [
        f"{prefix}-{content}{joint}idx{axes}-ubyte{end}"
        for prefix in _PREFIXES[split]
        for joint in ("-", ".")
        for end in ("", ".gz")
    ]
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise InputError(f"folder {str(folder)!r}: expected four IDX files, got no {names[0]}, nor with .gz")
    return path


def read_idx(path: Path, axes: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes with a given number of axes, decompressing a name that ends in .gz.

    Returns uint8; `axes` 3 for images, 1 for labels. torchvision's reader accepts no compressed file, and raises an
    AssertionError without a message for a truncated one.

    Raises InputError for another magic number, a truncated file or bytes left over.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: expected a whole IDX file, got an unreadable one ({error})") from error
    magic, start = bytes((0, 0, 8, axes)), 4 + 4 * axes
    if len(data) < start or data[:4] != magic:
        raise InputError(f"{path}: expected the first bytes {magic.hex()!r}, got {data[:4].hex()!r}")
    lengths = np.frombuffer(data[4:start], dtype=">u4").tolist()
    if len(data) - start != math.prod(lengths):
        raise InputError(
            f"{path}: expected {math.prod(lengths)} bytes after its header, got {len(data) - start}; truncated?"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(lengths)


SOURCE = Source(name="idx", read=open_idx, layouts=(Layout("MNIST's IDX files", ("train-images*idx3-ubyte*",)),))
