"""Which classes of a source are taken, and what they are called."""

from collections import Counter
from collections.abc import Sequence

from patternscope.errors import InputError, nearest
from patternscope.images.readers.pictures import Picture


def chosen_labels(names: Sequence[str], wanted: Sequence[str] | None) -> list[int]:
    """Return the labels of the wanted classes, in the order wanted; all of them without a wish.

    Raises InputError for a name that no class has (the nearest is named), or that several have.

    >>> chosen_labels(["cat", "dog", "eel"], ["eel", "cat"])
    [2, 0]
    """
    if wanted is None:
        return list(range(len(names)))
    for name in wanted:
        if names.count(name) > 1:
            raise InputError(f"class_names has {name!r}, the name of {names.count(name)} classes")
        if name not in names:
            raise InputError(f"class_names has {name!r}, which is no class; {nearest(name, names)}")
    return [names.index(name) for name in wanted]


def relabelled(pictures: Sequence[Picture], labels: Sequence[int]) -> list[Picture]:
    """Return the pictures of some classes, whose labels become their places in `labels`."""
    places = {label: place for place, label in enumerate(labels)}
    return [each._replace(label=places[each.label]) for each in pictures if each.label in places]


def told_apart(names: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Return the names, those that several classes have with the mark of each class.

    >>> told_apart(["crane", "cat", "crane"], ["n02012849", "n02123045", "n03126707"])
    ['crane (n02012849)', 'cat', 'crane (n03126707)']
    """
    counts = Counter(names)
    return [f"{name} ({mark})" if counts[name] > 1 else name for name, mark in zip(names, marks, strict=True)]
