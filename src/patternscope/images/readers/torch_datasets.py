"""Data sets of torch as a source: those of Python, those a factory makes, those of torchvision on the disk."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.classes import chosen_labels, relabelled
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.pixels import as_picture

_KEYS = (("image", "img", "pixel_values"), ("label", "labels", "target"))


class MapStyle(Protocol):
    """What a data set must be able to do: items are (image, label), or mappings of these."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


def open_datasets(train: MapStyle, test: MapStyle | None, request: Request, where: str) -> Splits:
    """Return the images of map-style data sets; without `test` a seeded 20 % of every class is held out.

    Images are PIL images, or arrays (h, w), (h, w, c) or tensors (c, h, w), (h, w) of bytes or of floats in
    [0, 1]; labels are integers from 0. Labels are taken from `targets` or `labels` where the data set has
    them, else every item is read. Classes are called as in `classes`, where the data set has it, and
    `class_names` takes some of them; else `class_names` names the labels. A random transform would make each
    reading another image: leave it out, training augments by itself.

    Raises InputError for a data set without length or items, another kind of item, values outside [0, 1].
    """
    parts = [(each, _labels_of(each, where)) for each in (train, test) if each is not None]
    highest = max(max(labels) for _, labels in parts)
    known = _class_names(train)
    names = known or list(request.class_names or map(str, range(highest + 1)))
    if highest >= len(names):
        raise InputError(f"{where}: label {highest} is there, and {len(names)} classes are named")
    chosen = chosen_labels(names, request.class_names)
    listed = [
        relabelled([_picture(each, at, label) for at, label in enumerate(labels)], chosen)
        for each, labels in parts
    ]
    classes = tuple(names[label] for label in chosen)
    return open_pictures(classes, listed[0], listed[1] if len(listed) > 1 else None, request, where)


def check_dataset(given: object, where: str) -> None:
    """Refuse what is no map-style data set with items.

    Raises InputError.

    >>> check_dataset(3, "source")
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: source: saw int, wanted a data set with a length and items (image, label)
    """
    has_items = hasattr(given, "__len__") and hasattr(given, "__getitem__")
    if not has_items or isinstance(given, torch.utils.data.IterableDataset | Mapping | str):
        kind = type(given).__name__
        raise InputError(f"{where}: saw {kind}, wanted a data set with a length and items (image, label)")


def _picture(dataset: MapStyle, index: int, label: int) -> Picture:
    """One item; its label is looked at again when it is read."""
    return Picture(f"item {index}", label, partial(_image, dataset, index, label))


def _image(dataset: MapStyle, index: int, label: int) -> Image.Image:
    """The image of an item, as a picture."""
    image, seen = _parts(dataset[index], index)
    if _integer(seen, index) != label:
        raise InputError(f"item {index} has label {seen!r}, the data set's own list of labels says {label}")
    return as_picture(image, f"item {index}")


def _parts(item: Any, index: int) -> tuple[Any, Any]:
    """Image and label of an item."""
    if isinstance(item, Mapping):
        found = [next((item[key] for key in keys if key in item), None) for keys in _KEYS]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
        raise InputError(f"item {index} has keys {', '.join(map(str, item))}; image and label are needed")
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise InputError(f"item {index} is {type(item).__name__}; (image, label) is needed")
    return item[0], item[1]


def _integer(label: Any, index: int) -> int:
    """A label as a number from 0."""
    value = label.item() if isinstance(label, Tensor | np.ndarray | np.generic) and _is_one(label) else label
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"item {index} has label {label!r:.40}; an integer from 0 is needed")
    return value


def _is_one(values: Any) -> bool:
    """Whether a tensor or an array is one number."""
    return (values.numel() if isinstance(values, Tensor) else values.size) == 1


def _labels_of(dataset: MapStyle, where: str) -> list[int]:
    """The label of each item."""
    check_dataset(dataset, where)
    if len(dataset) == 0:
        raise InputError(f"{where}: the data set is empty; items (image, label) are needed")
    for name in ("targets", "labels", "_labels"):
        told = getattr(dataset, name, None)
        if isinstance(told, list | tuple | Tensor | np.ndarray) and np.shape(told) == (len(dataset),):
            return [_integer(label, at) for at, label in enumerate(told)]
    return [_integer(_parts(dataset[at], at)[1], at) for at in range(len(dataset))]


def _class_names(dataset: Any) -> list[str] | None:
    """The names of the classes, where the data set, or the one it is a part of, has them."""
    while not hasattr(dataset, "classes") and hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None)
    if not isinstance(names, list | tuple):
        return None
    return [str(name[0] if isinstance(name, tuple | list) else name) for name in names]
