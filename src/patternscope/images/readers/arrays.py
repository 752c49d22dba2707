"""Images in NumPy arrays: one .npz file, or a folder of .npy files."""

import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.decoding import CHANNELS, PixelFormat, fit_mask, read_pixels
from patternscope.images.readers.image_set import ImageSet, check_class_sizes, label_classes, place_labels
from patternscope.images.readers.pictures import split_images
from patternscope.images.readers.source import Layout, Request, Source, Splits


class _Names(NamedTuple):
    """The names of the arrays of one split."""

    images: str
    labels: str
    masks: str


class _Arrays(NamedTuple):
    """Checked arrays of one split: images (n, h, w, channels), labels (n,), masks (n, h, w) if there are any."""

    images: np.ndarray
    labels: np.ndarray
    masks: np.ndarray | None


_WHOLE = (_Names("images", "labels", "masks"),)
_HALVES = (_Names("x_train", "y_train", "masks_train"), _Names("x_test", "y_test", "masks_test"))
_KNOWN = (*(name for names in (*_WHOLE, *_HALVES) for name in names), "class_names")


def open_arrays(request: Request) -> Splits:
    """Return images stored as NumPy arrays, held-out ones as stored or a seeded 20 % of every class.

    `folder` is an .npz file or a folder of .npy files with `images` and `labels`, or `x_train`, `y_train`,
    `x_test`, `y_test`; optionally `masks` (or `masks_train`, `masks_test`) and `class_names`. Images are
    uint8 or floats in [0, 1], with `white` any numbers from 0 to it; (n, h, w), (n, h, w, c) or (n, c, h, w), with c 1
    or 3 (or 2 or 4, if that many channels are requested). Without names, the distinct labels are the classes.
    Pickles are never loaded.
    """
    path = request.folder
    if path is None or not path.exists():
        raise InputError(f"folder {str(path)!r} does not exist; expected an .npz file or .npy files")
    stored = _load(path)
    splits = _split_names(stored, path)
    checked = [_check(stored, names, request.pixels) for names in splits]
    classes = _classes(request, stored, splits, checked)
    sets = [_image_set(request, classes, arrays) for arrays in checked]
    check_class_sizes(sets[0].labels, sets[0].classes)
    return Splits(*sets) if len(sets) == 2 else split_images(sets[0], request.seed)


def _load(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of known names in a file or a folder; pickles are refused."""
    try:
        if path.is_dir():
            files = {name: path / f"{name}.npy" for name in _KNOWN}
            return {name: np.load(file, allow_pickle=False) for name, file in files.items() if file.is_file()}
        # Opened here since np.load leaves a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in _KNOWN if name in archive.files}
    except (MemoryError, OverflowError, RecursionError, SyntaxError) as error:
        # A header may claim any shape.
        raise InputError(f"{path}: expected arrays that fit into memory, got a header that needs more") from error
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: expected arrays without pickles ({reason})") from error


def _split_names(stored: dict[str, np.ndarray], path: Path) -> tuple[_Names, ...]:
    """Return the names of the arrays of each split: of two stored ones, or of one."""
    for splits in (_HALVES, _WHOLE):
        if all(names.images in stored and names.labels in stored for names in splits):
            return splits
    raise InputError(
        f"{path}: expected images and labels, or x_train, y_train, x_test and y_test, "
        f"got {', '.join(stored) or 'no array of a known name'}"
    )


def _check(stored: dict[str, np.ndarray], names: _Names, pixels: PixelFormat) -> _Arrays:
    """Return the arrays of one split, checked."""
    images, masks = _channels_last(stored[names.images], names.images, pixels), stored.get(names.masks)
    if masks is not None and masks.shape != images.shape[:3]:
        raise InputError(f"{names.masks}: expected shape {images.shape[:3]} as the images, got {masks.shape}")
    return _Arrays(images, _labels(stored[names.labels], names.labels, len(images)), masks)


def _channels_last(values: np.ndarray, name: str, pixels: PixelFormat) -> np.ndarray:
    """Return images of any accepted layout as (n, h, w, channels), their values checked."""
    counts = (1, 3) if pixels.channels in (1, 3) else (pixels.channels,)
    shape = values.shape
    if values.ndim == 3:
        values = values[..., None]
    elif values.ndim == 4 and values.shape[1] in counts:
        values = values.transpose(0, 2, 3, 1)
    if values.ndim != 4 or values.shape[3] not in counts or values.size == 0:
        known = len(shape) == 4 and next((c for c in (shape[3], shape[1]) if c in CHANNELS), None)
        hint = f"; set images.channels = {known}" if known and values.size and known not in counts else ""
        raise InputError(
            f"{name}: expected shape (n, h, w), (n, h, w, c) or (n, c, h, w), c = {' or '.join(map(str, counts))}, "
            f"got {shape}{hint}"
        )
    _check_values(values, name, pixels.white)
    return values


def _check_values(values: np.ndarray, name: str, white: float | None) -> None:
    """Refuse values that would be clipped; bytes are always valid."""
    if values.dtype == np.uint8:
        return
    is_float = np.issubdtype(values.dtype, np.floating)
    if not is_float and (white is None or not np.issubdtype(values.dtype, np.integer)):
        hint = "; set images.white to the value to show as white" if np.issubdtype(values.dtype, np.integer) else ""
        raise InputError(f"{name}: expected uint8 or floats in [0, 1], got {values.dtype}{hint}")
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= (white or 1):
        got = f"values from {low:g} to {high:g}" if np.isfinite(high - low) else "NaN or inf"
        hint = "; set images.white to the value to show as white" if low >= 0 and np.isfinite(high) else ""
        raise InputError(f"{name}: expected floats in [0, {white or 1:g}], got {got}{hint}")


def _labels(values: np.ndarray, name: str, count: int) -> np.ndarray:
    """Return labels as integers (n,), one per image."""
    flat = values.reshape(-1) if values.shape == (count, 1) else values
    if flat.shape != (count,) or not np.issubdtype(flat.dtype, np.integer):
        raise InputError(f"{name}: expected integers of shape ({count},), got {values.dtype} {values.shape}")
    return flat


def _classes(
    request: Request, stored: dict[str, np.ndarray], splits: tuple[_Names, ...], checked: Sequence[_Arrays]
) -> dict[int, str]:
    """Return the classes by label: named as requested, as stored, or by their numbers."""
    named = [str(name) for name in stored["class_names"].reshape(-1)] if "class_names" in stored else None
    what = ", ".join(names.labels for names in splits)
    return label_classes(np.concatenate([arrays.labels for arrays in checked]), request.class_names or named, what)


def _image_set(request: Request, classes: dict[int, str], arrays: _Arrays) -> ImageSet:
    """Return checked arrays as a set."""
    read = partial(read_pixels, arrays.images, request.pixels)
    masks = None if arrays.masks is None else partial(_read_mask, arrays.masks, request.pixels)
    return ImageSet(tuple(classes.values()), place_labels(arrays.labels, classes), read, read_mask=masks)


def _read_mask(masks: np.ndarray, pixels: PixelFormat, index: int) -> Tensor:
    """Return one of the masks (n, h, w), resized."""
    return fit_mask(masks[index] != 0, pixels)


SOURCE = Source(
    name="arrays",
    read=open_arrays,
    layouts=(
        Layout("NumPy arrays", ("images.npy", "labels.npy")),
        Layout("NumPy arrays", ("x_train.npy", "y_train.npy")),
    ),
)
