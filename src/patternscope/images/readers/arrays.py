"""Images in NumPy arrays: one .npz file, or a folder of .npy files."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.decoding import fit_mask, to_tensor
from patternscope.images.readers.image_set import ImageSet, Request, Splits, check_class_sizes, check_labels
from patternscope.images.readers.pictures import TEST_SHARE
from patternscope.images.selection import hold_out


class _Part(NamedTuple):
    """The names of the arrays that belong together."""

    images: str
    labels: str
    masks: str


_WHOLE = (_Part("images", "labels", "masks"),)
_HALVES = (_Part("x_train", "y_train", "masks_train"), _Part("x_test", "y_test", "masks_test"))
_KNOWN = (*(name for part in (*_WHOLE, *_HALVES) for name in part), "class_names")


class _Pictures(NamedTuple):
    """Converts by position; `values` (n, h, w, channels), uint8 or floats in [0, 1]."""

    values: np.ndarray
    size: int
    channels: int

    def __call__(self, index: int) -> Tensor:
        picture = self.values[index]
        if picture.dtype != np.uint8:
            picture = np.rint(picture * 255).astype(np.uint8)
        picture = picture[:, :, 0] if picture.shape[2] == 1 else picture
        return to_tensor(Image.fromarray(np.ascontiguousarray(picture)), self.size, self.channels)


class _Masks(NamedTuple):
    """Resizes masks by position; `values` (n, h, w)."""

    values: np.ndarray
    size: int

    def __call__(self, index: int) -> Tensor:
        return fit_mask(self.values[index] != 0, self.size)


def _load(path: Path) -> dict[str, np.ndarray]:
    """The known arrays of a file or a folder, pickles refused."""
    try:
        if path.is_dir():
            files = {name: path / f"{name}.npy" for name in _KNOWN}
            return {name: np.load(file, allow_pickle=False) for name, file in files.items() if file.is_file()}
        # Opened here since np.load leaves a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in _KNOWN if name in stored.files}
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as arrays without pickles: {reason}") from error


def _channels_last(values: np.ndarray, name: str) -> np.ndarray:
    """Images of any accepted layout as (n, h, w, channels), their values checked."""
    if values.dtype != np.uint8 and not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"{name} is {values.dtype}; uint8 or floats in [0, 1] are needed")
    if values.ndim == 3:
        values = values[..., None]
    elif values.ndim == 4 and values.shape[1] in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim != 4 or values.shape[3] not in (1, 3) or values.size == 0:
        raise InputError(
            f"{name} has shape {values.shape}; (n, h, w), (n, h, w, c) or (n, c, h, w) c = 1 or 3 needed"
        )
    if values.dtype != np.uint8:
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(f"{name} holds NaN or inf; finite values in [0, 1] are needed")
        if low < 0 or high > 1:
            raise InputError(f"{name} holds values from {low:g} to {high:g}; floats must be in [0, 1]")
    return values


def _labels(values: np.ndarray, name: str, count: int) -> Tensor:
    """Labels as int64 (n,), one for each image."""
    flat = values.reshape(-1) if values.shape == (count, 1) else values
    if np.issubdtype(flat.dtype, np.floating) and not np.isfinite(flat).all():
        raise InputError(f"{name} holds NaN or inf; integers are needed")
    if flat.shape != (count,) or not np.issubdtype(flat.dtype, np.integer):
        raise InputError(
            f"{name} is {values.dtype} of shape {values.shape}; integers of shape ({count},) are needed"
        )
    return torch.tensor(flat.astype(np.int64))


def _parts(arrays: dict[str, np.ndarray], path: Path) -> tuple[_Part, ...]:
    """Which of the two sets of names is there."""
    for parts in (_HALVES, _WHOLE):
        if all(part.images in arrays and part.labels in arrays for part in parts):
            return parts
    wanted = "images and labels, or x_train, y_train, x_test and y_test"
    raise InputError(f"{path} holds {', '.join(arrays) or 'no array of a known name'}; {wanted} are needed")


def _checked(arrays: dict[str, np.ndarray], part: _Part) -> tuple[np.ndarray, Tensor, np.ndarray | None]:
    """Images (n, h, w, channels), labels (n,) and masks (n, h, w) if there are any."""
    pictures, masks = _channels_last(arrays[part.images], part.images), arrays.get(part.masks)
    if masks is not None and masks.shape != pictures.shape[:3]:
        raise InputError(
            f"{part.masks} has shape {masks.shape}; {pictures.shape[:3]} as the images is needed"
        )
    return pictures, _labels(arrays[part.labels], part.labels, len(pictures)), masks


def _class_names(request: Request, arrays: dict[str, np.ndarray], highest: int) -> tuple[str, ...]:
    """The names of the classes: as asked for, as stored, or numbers."""
    if request.class_names is not None:
        return request.class_names
    if "class_names" in arrays:
        return tuple(str(name) for name in arrays["class_names"].reshape(-1))
    return tuple(str(label) for label in range(highest + 1))


def _image_set(
    request: Request, classes: tuple[str, ...], pictures: np.ndarray, labels: Tensor, masks: np.ndarray | None
) -> ImageSet:
    """Checked arrays as a set."""
    return ImageSet(
        classes,
        labels,
        _Pictures(pictures, request.image_size, request.channels),
        read_mask=None if masks is None else _Masks(masks, request.image_size),
    )


def open_arrays(request: Request) -> Splits:
    """Return images stored as NumPy arrays, held-out ones as stored or a seeded 20 % of every class.

    `folder` is an .npz file or a folder of .npy files with `images` and `labels`, or `x_train`, `y_train`,
    `x_test`, `y_test`; optionally `masks` (or `masks_train`, `masks_test`) and `class_names`. Images are
    uint8 or floats in [0, 1], (n, h, w), (n, h, w, c) or (n, c, h, w). Nothing is ever unpickled.

    Raises InputError for missing arrays, other types, shapes or ranges, NaN, labels outside the classes, a
    class with fewer than two images.
    """
    path = request.folder
    if path is None or not path.exists():
        raise InputError(
            f"folder {str(path)!r} is not there; an .npz file or a folder of .npy files is needed"
        )
    arrays = _load(path)
    parts = _parts(arrays, path)
    checked = [_checked(arrays, part) for part in parts]
    classes = _class_names(request, arrays, max(int(labels.max()) for _, labels, _ in checked))
    for part, (_, labels, _) in zip(parts, checked, strict=True):
        check_labels(labels, classes, part.labels)
    check_class_sizes(checked[0][1], classes)
    sets = [_image_set(request, classes, *each) for each in checked]
    if len(sets) == 2:
        return Splits(*sets)
    kept, held = hold_out(sets[0].labels, TEST_SHARE, seed=request.seed)
    return Splits(sets[0].subset(kept), sets[0].subset(held))
