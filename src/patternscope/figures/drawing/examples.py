"""Example images of figures: their choice, and a sheet with a row per layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from patternscope.errors import InputError
from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, choose_classes
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.style import NORMAL, SOFT, figure_style
from patternscope.results.images import visible_channels

Samples = int | Sequence[int]
"""Which images to show: their numbers among the samples, or how many."""
_ACROSS, _MOST_CLASSES = 8, 16
_CELL, _GAP, _LEFT, _TOP, _FOOT, _RIGHT = 1.0, 0.1, 0.85, 0.72, 0.42, 0.2


def choose_examples(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return up to `count` samples, one per class before a second of any, ordered by class.

    The order of classes and their samples are drawn from `seed`; a larger count contains the choice of a smaller one.

    >>> choose_examples(np.array([0, 0, 1, 1]), 2, seed=0).shape
    (2,)
    """
    rng = np.random.default_rng(seed)
    members = [rng.permutation(np.flatnonzero(labels == label)) for label in rng.permutation(np.unique(labels))]
    most = max(map(len, members), default=0)
    rounds = [own[turn] for turn in range(most) for own in members if turn < len(own)]
    chosen = np.array(rounds[:count], dtype=np.int64)
    return chosen[np.lexsort((chosen, labels[chosen]))]


def one_per_class(results: StudyResults, count: int) -> int:
    """Return how many images show each class at least once, if that is not far more than `count`."""
    return max(count, min(len(results.classes), _MOST_CLASSES))


@dataclass(frozen=True)
class Examples:
    """Images to show: indices among the samples, pixels (m, height, width, 3) uint8, labels, class names.

    `kind` is the meaning of an image's class: its true class, or the predicted one.
    """

    samples: np.ndarray
    pixels: np.ndarray
    labels: np.ndarray
    classes: list[str]
    kind: str = "true class"

    @property
    def names(self) -> list[str]:
        """The class of each image."""
        return [self.classes[label] for label in self.labels]

    def region(self, layer: str, image: int, row: int, column: int) -> dict[str, Any]:
        """Return the cells of a table that name a region of an image."""
        sample, name = int(self.samples[image]), self.names[image]
        return {"layer": layer, "sample": sample, "class": name, "row": row, "column": column}


def choose_images(
    results: StudyResults, samples: Samples, classes: Classes = None, succeeded: np.ndarray | None = None
) -> Examples:
    """Return the example images of a study: the same in every figure with the same candidates.

    `succeeded` (n,) bool are those on which an attack succeeded, if the figure shows only these. InputError for a
    number that no such sample has, and for classes without samples.
    """
    images = results.images
    labels = images.labels.numpy()
    if isinstance(samples, int):
        allowed = choose_classes(results, classes).places(labels) >= 0
        if samples < 1 or not allowed.any():
            raise InputError(f"samples: expected at least 1 of {int(allowed.sum())}, got {samples}")
        members = np.flatnonzero(allowed if succeeded is None else allowed & succeeded)
        chosen = members[choose_examples(labels[members], samples, results.drawing_seed("examples"))]
    else:
        chosen = np.asarray(samples, dtype=np.int64)
        if not len(chosen) or chosen.min() < 0 or chosen.max() >= len(labels):
            raise InputError(f"samples: expected numbers from 0 to {len(labels) - 1}, got {chosen.tolist()}")
        if succeeded is not None and not succeeded[chosen].all():
            unusable = chosen[~succeeded[chosen]].tolist()
            raise InputError(f"samples: expected images on which the attack succeeded, got {unusable}")
    return Examples(chosen, rgb(images.images.numpy()[chosen]), labels[chosen], results.classes, images.class_kind)


def rgb(images: np.ndarray) -> np.ndarray:
    """Return images (m, channels, height, width) as (m, height, width, 3), grey ones with three equal channels.

    Of 2 and 4 channels, only the displayed ones, see `visible_channels`.

    >>> rgb(np.zeros((2, 1, 4, 5))).shape
    (2, 4, 5, 3)
    """
    pixels = visible_channels(images).transpose(0, 2, 3, 1)
    return np.broadcast_to(pixels, (*pixels.shape[:-1], 3))


@dataclass(frozen=True)
class Sheet:
    """A figure of images: `axes[row][image]`, rows below each other, wrapped after `across` images.

    `foot` is the height for a legend below them, in parts of the figure.
    """

    figure: Figure
    axes: list[list[Axes]]
    foot: float
    across: int


@figure_style()
def image_sheet(
    shown: Examples,
    rows: Sequence[str],
    title: str,
    meaning: str,
    *,
    caption: float = 0.0,
    right: float = 0.0,
    foot: float = _FOOT,
) -> Sheet:
    """Return a sheet with the plain images as first row, and axes for each image in each further row.

    `rows` names the further rows; `caption` inches stay free below each image, `right` at the right and `foot`
    below all. Class names are above each column.
    """
    folds = ceil(len(shown.samples) / _ACROSS)
    across = ceil(len(shown.samples) / folds)
    width = max(_LEFT + across * (_CELL + _GAP) + _RIGHT + right, 5.2)
    lines = layout.heading_lines(width, [meaning])
    head = _TOP + 0.15 * (len(lines) - 1)
    tall = _CELL * shown.pixels.shape[1] / shown.pixels.shape[2]
    pitch = tall + _GAP + caption
    band = (len(rows) + 1) * pitch - caption + 0.28
    height = head + folds * band + foot
    figure = layout.new_figure(width, height)
    grid: list[list[Axes]] = []
    for line, name in enumerate(["image", *rows]):
        grid.append([])
        for place, pixels in enumerate(shown.pixels):
            left = _LEFT + place % across * (_CELL + _GAP)
            # The plain image has no caption, so the rows below it move up.
            top = head + place // across * band + 0.2 + line * pitch - (caption if line else 0)
            axes = layout.add_panel(figure, left, top, _CELL, tall)
            show_image(axes, pixels)
            if place % across == 0:
                _name_row(axes, name)
            if line == 0:
                name_image(axes, shown.names[place], _CELL * 72)
            grid[-1].append(axes)
    layout.write_heading(figure, title, *lines)
    return Sheet(figure, grid, foot / height, across)


@figure_style()
def empty_sheet(title: str, meaning: str, why: str) -> Figure:
    """Return a figure without images that explains why there are none."""
    figure = layout.new_figure(5.2, _TOP + _CELL)
    layout.write_heading(figure, title, meaning)
    figure.text(0.5, 0.5 * _CELL / (_TOP + _CELL), why, ha="center", va="center")
    return figure


def _name_row(axes: Axes, name: str) -> None:
    """Write the name of a row to the left of its first image."""
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "center"}
    axes.text(-0.1, 0.5, shortened(name, NORMAL, 52), **place)


def name_image(axes: Axes, name: str, width: float) -> None:
    """Write the class of an image above it, at most `width` points wide."""
    axes.set_title(shortened(name, NORMAL, width), loc="center", fontsize=NORMAL, pad=3)


def write_below(axes: Axes, text: str) -> None:
    """Write a few words below an image of a sheet."""
    axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top", fontsize=layout.NOTE, color=SOFT)


def show_image(axes: Axes, pixels: np.ndarray, size: tuple[int, ...] | None = None, **look: Any) -> None:
    """Show an image without frame or ticks, in pixels from the upper left corner; a map is stretched to a size."""
    height, width = pixels.shape[:2] if size is None else size
    extent = (0, width, height, 0)
    axes.imshow(pixels, extent=extent, interpolation="bilinear", aspect="auto", **look)
    axes.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
    axes.spines[:].set_visible(False)
