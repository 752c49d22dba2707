"""The choices of a figure: layers, classes, and samples of these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from patternscope.errors import InputError, nearest
from patternscope.figures.drawing.style import ClassMark, named_marks

if TYPE_CHECKING:
    from patternscope.results.result import Result
    from patternscope.results.study import StudyResults

Layers = Sequence[str] | str | None
Classes = Sequence[str] | str | None
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class ShownClasses:
    """The classes of a figure: their labels and names, and the marks that they have in every figure.

    `kind` is the meaning of an image's class: its true class, or the predicted one.
    """

    labels: list[int]
    names: list[str]
    marks: list[ClassMark]
    kind: str = "true class"

    @classmethod
    def of(cls, names: Sequence[str], labels: Sequence[int] | None = None) -> "ShownClasses":
        """Return some classes of a study by their labels, all by default.

        >>> ShownClasses.of(["cat", "dog", "owl"], [2]).names
        ['owl']
        """
        chosen = list(range(len(names))) if labels is None else list(labels)
        marks = named_marks(names)
        return cls(chosen, [names[label] for label in chosen], [marks[label] for label in chosen])

    def __len__(self) -> int:
        return len(self.labels)

    def places(self, labels: np.ndarray) -> np.ndarray:
        """Return the index of each label among the classes shown, -1 if its class is not shown.

        >>> ShownClasses.of(["cat", "dog", "owl"], [0, 2]).places(np.array([2, 1, 0])).tolist()
        [1, -1, 0]
        """
        place_of = np.full(max(self.labels) + 1, -1)
        place_of[self.labels] = np.arange(len(self.labels))
        known = (labels >= 0) & (labels < len(place_of))
        return np.where(known, place_of[np.where(known, labels, 0)], -1)


@dataclass(frozen=True)
class ShownSamples:
    """The samples of some classes: their numbers in the study (n,), and the index of each one's class (n,)."""

    numbers: np.ndarray
    places: np.ndarray


def choose_classes(results: "StudyResults", classes: Classes = None) -> ShownClasses:
    """Return classes by their names, in the order of the study's labels; InputError for an unknown name."""
    names = results.classes
    chosen = sorted(names.index(name) for name in known_names("classes", classes, names))
    return replace(ShownClasses.of(names, chosen), kind=results.images.class_kind)


def choose_samples(results: "StudyResults", classes: ShownClasses) -> ShownSamples:
    """Return the samples of some classes."""
    places = classes.places(results.images.labels.numpy())
    numbers = np.flatnonzero(places >= 0)
    return ShownSamples(numbers, places[numbers])


def choose_layers(results: "StudyResults", kind: "type[Result]", layers: Layers = None) -> list[str]:
    """Return the requested layers of a result, all by default; InputError for an unknown one."""
    return known_names("layers", layers, results.layers(kind))


def choose_layer(results: "StudyResults", kind: "type[Result]", layer: str | None) -> str:
    """Return the requested layer, by default the last."""
    return choose_layers(results, kind, layer)[-1]


def known_names(choice: str, asked: Sequence[str] | str | None, known: Sequence[Name]) -> list[Name]:
    """Return the requested names, by default all known ones; InputError for an unknown one."""
    if asked is None:
        return list(known)
    names = [asked] if isinstance(asked, str) else list(asked)
    if not names:
        raise InputError(f"{choice}: expected at least one, got none")
    for name in names:
        if name not in known:
            raise InputError(f"{choice}: expected names of the study, got {name!r}; {nearest(name, known)}")
    return names  # type: ignore[return-value]
