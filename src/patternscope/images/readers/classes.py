"""Which classes of a source are selected, and what they are called."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from patternscope.errors import InputError, nearest
from patternscope.images.readers.image_set import Splits
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.source import Request


def open_classes(
    names: Sequence[str],
    train: Sequence[Picture],
    test: Sequence[Picture] | None,
    request: Request,
    where: str,
) -> Splits:
    """Return the classes asked for, of listed pictures whose labels are places in `names`; see `open_pictures`.

    Raises InputError for a class name that is unknown or that several classes have.
    """
    labels = _select_labels(names, request.class_names)
    classes = tuple(names[label] for label in labels)
    held_out = None if test is None else relabel(test, labels)
    return open_pictures(classes, relabel(train, labels), held_out, request, where)


def _select_labels(names: Sequence[str], selected: Sequence[str] | None) -> list[int]:
    """Return the labels of the selected classes in that order; all without a selection."""
    for name in selected or ():
        if names.count(name) > 1:
            raise InputError(
                f"class_names: expected names of one class each, got {name!r} of {names.count(name)}"
            )
        if name not in names:
            raise InputError(f"class_names: expected names of classes, got {name!r}; {nearest(name, names)}")
    return list(range(len(names))) if selected is None else [names.index(name) for name in selected]


def relabel(pictures: Sequence[Picture], labels: Sequence[Any]) -> list[Picture]:
    """Return the pictures with one of these labels, relabelled by its position among them."""
    places = {label: place for place, label in enumerate(labels)}
    return [picture._replace(label=places[picture.label]) for picture in pictures if picture.label in places]


def distinct_names(names: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Return the names of classes, with its mark where several classes have the same.

    >>> distinct_names(["crane", "cat", "crane"], ["n02012849", "n02123045", "n03126707"])
    ['crane (n02012849)', 'cat', 'crane (n03126707)']
    """
    counts = Counter(names)
    return [f"{name} ({mark})" if counts[name] > 1 else name for name, mark in zip(names, marks, strict=True)]
