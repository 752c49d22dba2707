"""CIFAR-10 and CIFAR-100 in their binary form."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from patternscope.errors import InputError
from patternscope.images.readers.classes import chosen_labels, relabelled
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.text_tables import read_rows

_SIDE = 32


class _Form(NamedTuple):
    """The files of a set: labels come before the 3 x 32 x 32 bytes of a picture, the last of them counts."""

    title: str
    train: tuple[str, ...]
    test: str
    names: str
    label_bytes: int
    python: str


_FORMS = (
    _Form(
        "CIFAR-10",
        tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        "test_batch.bin",
        "batches.meta.txt",
        1,
        "data_batch_1",
    ),
    _Form("CIFAR-100", ("train.bin",), "test.bin", "fine_label_names.txt", 2, "train"),
)


def open_cifar(request: Request) -> Splits:
    """Return the images of CIFAR-10 (data_batch_1.bin ... and test_batch.bin) or CIFAR-100 (train.bin, test.bin).

    The folder is that of the binary version, cifar-10-batches-bin or cifar-100-binary. The Python version is
    pickled and is not opened. Classes are those of batches.meta.txt or fine_label_names.txt; `class_names`
    takes some of them.

    Raises InputError for missing, truncated or pickled files, labels without a name, an unknown class.
    """
    root = request.folder
    form = None if root is None else next((each for each in _FORMS if (root / each.test).is_file()), None)
    if root is None or form is None:
        raise InputError(_nothing_text(root))
    names = [name for (name,) in read_rows(root / form.names, 1)]
    train = [each for name in form.train for each in _pictures(root / name, form, len(names))]
    test = _pictures(root / form.test, form, len(names))
    chosen = chosen_labels(names, request.class_names)
    classes = tuple(names[each] for each in chosen)
    train, test = (relabelled(each, chosen) for each in (train, test))
    return open_pictures(classes, train, test, request, where=repr(str(root)))


def is_pickled_cifar(folder: Path) -> bool:
    """Tell whether a folder holds the Python version."""
    return any((folder / each.python).is_file() for each in _FORMS)


def _nothing_text(root: Path | None) -> str:
    """Why there is nothing to open."""
    if root is not None and is_pickled_cifar(root):
        return (
            f"folder {str(root)!r} holds CIFAR's Python version, which is pickled and not opened; "
            "wanted the binary version, cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, unpacked"
        )
    wanted = " or ".join(f"{each.test} ({each.title})" for each in _FORMS)
    return f"folder {str(root)!r} has no {wanted}; CIFAR's binary version is needed"


def _pictures(path: Path, form: _Form, classes: int) -> list[Picture]:
    """The pictures of a file."""
    length = form.label_bytes + 3 * _SIDE * _SIDE
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); all files of {form.title} are needed"
        ) from error
    if len(data) == 0 or len(data) % length:
        raise InputError(f"{path} holds {len(data)} bytes; a whole number of records of {length} is needed")
    records = data.reshape(-1, length)
    labels = records[:, form.label_bytes - 1]
    if int(labels.max()) >= classes:
        raise InputError(f"{path} has label {int(labels.max())}; {form.names} names {classes} classes")
    pixels = records[:, form.label_bytes :].reshape(-1, 3, _SIDE, _SIDE)
    return [
        Picture(f"{path.name} {at}", int(label), partial(_picture, pixels, at))
        for at, label in enumerate(labels)
    ]


def _picture(pixels: np.ndarray, at: int) -> Image.Image:
    """One record (3, 32, 32) as a picture."""
    return Image.fromarray(np.ascontiguousarray(pixels[at].transpose(1, 2, 0)))
