"""CIFAR-10 and CIFAR-100 in their binary form."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from patternscope.errors import InputError
from patternscope.images.readers.decoding import PixelFormat, as_picture
from patternscope.images.readers.pictures import Picture, open_classes
from patternscope.images.readers.source import Layout, Request, Source, Splits
from patternscope.images.readers.text_tables import read_rows

_SIDE = 32


class _Version(NamedTuple):
    """The files of a set; a record has `label_bytes`, of which the last counts, and 3 x 32 x 32 bytes of pixels."""

    title: str
    train: tuple[str, ...]
    test: str
    names: str
    label_bytes: int


_VERSIONS = (
    _Version("CIFAR-10", tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin", "batches.meta.txt", 1),
    _Version("CIFAR-100", ("train.bin",), "test.bin", "fine_label_names.txt", 2),
)


def open_cifar(request: Request) -> Splits:
    """Return the images of CIFAR-10 (data_batch_1.bin ... and test_batch.bin) or CIFAR-100 (train.bin, test.bin).

    The folder is that of the binary version, cifar-10-batches-bin or cifar-100-binary. The Python version is
    pickled and is not opened. Classes are those of batches.meta.txt or fine_label_names.txt; `class_names`
    selects some of them.
    """
    expected = "the binary version of CIFAR-10 or CIFAR-100"
    root = request.folder_with(expected=expected)
    version = next((version for version in _VERSIONS if (root / version.test).is_file()), None)
    if version is None:
        tests = " or ".join(version.test for version in _VERSIONS)
        raise InputError(f"folder {str(root)!r}: expected {expected}, got no {tests} in it")
    names = [name for (name,) in read_rows(root / version.names, 1)]
    train = [
        picture for name in version.train for picture in _pictures(root / name, version, len(names), request.pixels)
    ]
    test = _pictures(root / version.test, version, len(names), request.pixels)
    return open_classes(names, train, test, request, where=repr(str(root)))


def _pictures(path: Path, version: _Version, classes: int, pixels: PixelFormat) -> list[Picture]:
    """Return the records of a file."""
    length = version.label_bytes + 3 * _SIDE**2
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InputError(f"{path}: expected a file of {version.title}, got {error.strerror}") from error
    if len(data) == 0 or len(data) % length:
        raise InputError(f"{path}: expected records of {length} bytes, got {len(data)} bytes")
    records = data.reshape(-1, length)
    labels = records[:, version.label_bytes - 1].tolist()
    if max(labels) >= classes:
        raise InputError(f"{path}: expected labels of the {classes} classes in {version.names}, got {max(labels)}")
    stored = records[:, version.label_bytes :].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    names = [f"{path.name} {place}" for place in range(len(labels))]
    return [
        Picture(name, label, partial(as_picture, image, name, pixels))
        for name, label, image in zip(names, labels, stored, strict=True)
    ]


_PICKLED = "CIFAR's Python version, which is pickled"
_REMEDY = "unpack the binary version, and "

SOURCE = Source(
    name="cifar",
    read=open_cifar,
    layouts=(
        Layout("CIFAR-10", ("data_batch_1.bin",)),
        Layout("CIFAR-100", ("train.bin", "test.bin")),
        Layout(_PICKLED, ("data_batch_1",), _REMEDY),
        Layout(_PICKLED, ("train", "test", "meta"), _REMEDY),
    ),
)
