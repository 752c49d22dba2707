"""Data sets of torch: those given in Python, returned by a factory, or read by torchvision."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.decoding import PixelFormat, as_picture
from patternscope.images.readers.image_set import label_classes
from patternscope.images.readers.pictures import Picture, open_classes, relabel
from patternscope.images.readers.source import Option, Request, Splits

ARGUMENTS: Option[Mapping[str, Any]] = Option("arguments", dict[str, Any], "arguments of the data set", {})
_KEYS = (("image", "img", "pixel_values"), ("label", "labels", "target"))


class MapStyle(Protocol):
    """A data set with a length, whose items are (image, label) or mappings of these."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


def open_datasets(train: MapStyle, test: MapStyle | None, request: Request, where: str) -> Splits:
    """Return the images of map-style data sets; without `test` a seeded 20 % of every class is held out.

    Images are PIL images, or arrays (h, w), (h, w, c) or tensors (c, h, w), (h, w) of bytes or of floats in
    [0, 1] (with `white` of other values from 0 to it); labels are integers from 0, and each distinct one is a class.
    Labels are taken from `targets` or `labels` if the data set has them; else every item is read. If the data set has
    `classes`, these are the names, and `class_names` selects some of them; else `class_names` names the labels. Omit
    random transforms, which would change an image each time it is read: training has its own augmentation.

    Raises InputError for a data set without length or items, another kind of item, values outside [0, 1].
    """
    labels = [_labels_of(dataset, where) for dataset in (train, test) if dataset is not None]
    names = _class_names(train) or request.class_names
    classes = label_classes([label for own in labels for label in own], names, where)
    sets = [
        relabel(_list_pictures(dataset, own, request.pixels), list(classes))
        for dataset, own in zip((train, test), labels, strict=False)
    ]
    return open_classes(list(classes.values()), sets[0], None if test is None else sets[1], request, where)


def check_dataset(given: object, where: str) -> None:
    """Refuse what is not a map-style data set with items.

    Raises InputError.

    >>> check_dataset(3, "source")
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: source: expected a data set with a length and items (image, label), got int
    """
    has_items = hasattr(given, "__len__") and hasattr(given, "__getitem__")
    if not has_items or isinstance(given, torch.utils.data.IterableDataset | Mapping | str):
        got = type(given).__name__
        raise InputError(f"{where}: expected a data set with a length and items (image, label), got {got}")


def _list_pictures(dataset: Any, labels: Sequence[int], pixels: PixelFormat) -> list[Picture]:
    """Return the items as pictures; their labels are compared again when they are read."""
    return [
        Picture(f"item {index}", label, partial(_image, dataset, pixels, index, label))
        for index, label in enumerate(labels)
    ]


def _image(dataset: MapStyle, pixels: PixelFormat, index: int, label: int) -> Image.Image:
    """Return the image of an item, as a picture."""
    image, item_label = _parts(dataset[index], index)
    if _integer(item_label, index) != label:
        raise InputError(f"item {index}: expected label {label} as in the data set's list, got {item_label!r}")
    return as_picture(image, f"item {index}", pixels)


def _parts(item: Any, index: int) -> tuple[Any, Any]:
    """Return image and label of an item."""
    if isinstance(item, Mapping):
        image, label = (next((item[key] for key in keys if key in item), None) for keys in _KEYS)
        if image is not None and label is not None:
            return image, label
        raise InputError(f"item {index}: expected keys image and label, got {', '.join(map(str, item))}")
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise InputError(f"item {index}: expected (image, label), got {type(item).__name__}")
    return item[0], item[1]


def _integer(label: Any, index: int) -> int:
    """Return a label as a number from 0."""
    is_one = isinstance(label, Tensor | np.ndarray | np.generic) and len(label.reshape(-1)) == 1
    value = label.item() if is_one else label
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"item {index}: expected an integer label from 0, got {label!r:.40}")
    return value


def _labels_of(dataset: MapStyle, where: str) -> list[int]:
    """Return the label of each item."""
    check_dataset(dataset, where)
    if len(dataset) == 0:
        raise InputError(f"{where}: expected items (image, label), got an empty data set")
    for name in ("targets", "labels", "_labels"):
        labels = getattr(dataset, name, None)
        if isinstance(labels, list | tuple | Tensor | np.ndarray) and np.shape(labels) == (len(dataset),):
            return [_integer(label, index) for index, label in enumerate(labels)]
    return [_integer(_parts(dataset[index], index)[1], index) for index in range(len(dataset))]


def _class_names(dataset: Any) -> list[str] | None:
    """Return the names of the classes, if the data set (or the one it is a subset of) has them."""
    while not hasattr(dataset, "classes") and hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None)
    if not isinstance(names, list | tuple):
        return None
    return [str(name[0] if isinstance(name, tuple | list) else name) for name in names]
