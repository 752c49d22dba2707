"""Images that figures show: which ones, and a sheet with a row a layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.findings import Findings
from patternscope.figures.labels import shortened
from patternscope.figures.style import NORMAL, SMALL, SOFT, TITLE, figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 8
_CELL, _GAP, _LEFT, _TOP, _FOOT, _RIGHT = 1.0, 0.1, 0.85, 0.72, 0.42, 0.2


def choose_examples(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return up to `count` samples, one a class before a second of any, ordered by class.

    Which classes come first and which samples of them is drawn from `seed`; a larger count keeps what a
    smaller one chose.

    >>> choose_examples(np.array([0, 0, 1, 1]), 2, seed=0).shape
    (2,)
    """
    rng = np.random.default_rng(seed)
    members = [
        rng.permutation(np.flatnonzero(labels == label)) for label in rng.permutation(np.unique(labels))
    ]
    most = max(map(len, members), default=0)
    rounds = [own[turn] for turn in range(most) for own in members if turn < len(own)]
    chosen = np.array(rounds[:count], dtype=np.int64)
    return chosen[np.lexsort((chosen, labels[chosen]))]


@dataclass(frozen=True)
class Examples:
    """Images to show: indices among the samples, pixels (m, height, width, 3) uint8, labels, class names."""

    samples: np.ndarray
    pixels: np.ndarray
    labels: np.ndarray
    classes: list[str]

    @property
    def names(self) -> list[str]:
        """The class of each image."""
        return [self.classes[label] for label in self.labels]


def examples_of(findings: Findings, count: int, among: np.ndarray | None = None) -> Examples:
    """Return the example images of a study: the same in every figure that chooses among the same.

    `among` (n,) bool are the samples to choose from, all by default.
    """
    arrays = findings.arrays("images", file="samples")
    members = np.arange(len(arrays["labels"])) if among is None else np.flatnonzero(among)
    chosen = members[choose_examples(arrays["labels"][members], count, findings.drawing_seed("examples"))]
    pixels = arrays["images"][chosen].transpose(0, 2, 3, 1)
    return Examples(
        chosen,
        np.repeat(pixels, 4 - pixels.shape[-1], axis=-1)[..., :3],
        arrays["labels"][chosen],
        findings.classes,
    )


@dataclass(frozen=True)
class Sheet:
    """A figure of images: `axes[row][image]`, rows below each other, wrapped after eight images.

    `foot` and `head` are heights in parts of the figure, for legends.
    """

    figure: "Figure"
    axes: "list[list[Axes]]"
    foot: float


def image_sheet(
    shown: Examples,
    rows: Sequence[str],
    title: str,
    meaning: str,
    *,
    caption: float = 0.0,
    right: float = 0.0,
) -> Sheet:
    """Return a sheet with the plain images as first row, and an axes an image in each further row.

    `rows` names the further rows; `caption` inches stay free below each image and `right` at the right. Class
    names stand on top of each column.
    """
    from matplotlib.figure import Figure

    count = len(shown.samples)
    across, lines = min(_ACROSS, count), len(rows) + 1
    tall = _CELL * shown.pixels.shape[1] / shown.pixels.shape[2]
    pitch = tall + _GAP + caption
    band = lines * pitch - caption + 0.28
    width = max(_LEFT + across * (_CELL + _GAP) + _RIGHT + right, 5.2)
    height = _TOP + -(-count // across) * band + _FOOT
    figure = Figure(figsize=(width, height))
    grid: list[list[Axes]] = []
    with figure_style():
        for line, name in enumerate(["image", *rows]):
            grid.append([])
            for place in range(count):
                column, fold = place % across, place // across
                left = _LEFT + column * (_CELL + _GAP)
                # The plain image has no caption: what is below it moves up.
                top = _TOP + fold * band + 0.2 + line * pitch - (caption if line else 0)
                box = (left / width, 1 - (top + tall) / height, _CELL / width, tall / height)
                axes = figure.add_axes(box)
                _blank(axes, shown.pixels[place])
                if column == 0:
                    axes.text(
                        -0.1,
                        0.5,
                        shortened(name, NORMAL, 52),
                        transform=axes.transAxes,
                        ha="right",
                        va="center",
                    )
                if line == 0:
                    heading = shortened(shown.names[place], NORMAL, _CELL * 72)
                    axes.set_title(heading, loc="center", fontsize=NORMAL, pad=3)
                grid[-1].append(axes)
        _write_head(figure, title, meaning)
    return Sheet(figure, grid, _FOOT / height)


def empty_sheet(title: str, meaning: str, why: str) -> "Figure":
    """Return a figure of no images that says in words why there are none."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(5.2, _TOP + _CELL))
        _write_head(figure, title, meaning)
        figure.text(0.5, 0.5 * _CELL / (_TOP + _CELL), why, ha="center", va="center")
    return figure


def _write_head(figure: "Figure", title: str, meaning: str) -> None:
    """Title and explanation of a sheet."""
    width, height = figure.get_size_inches()
    figure.text(0.1 / width, 1 - 0.2 / height, title, fontsize=TITLE, weight="bold", va="center")
    figure.text(0.1 / width, 1 - 0.42 / height, meaning, fontsize=SMALL, color=SOFT, va="center")


def write_below(axes: "Axes", text: str) -> None:
    """Write a few words below an image of a sheet."""
    axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top", fontsize=6.5, color=SOFT)


def _blank(axes: Any, pixels: np.ndarray) -> None:
    """An image without frame or ticks; pixel units with the origin at the upper left corner."""
    height, width = pixels.shape[:2]
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="bilinear", aspect="auto")
    axes.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
    axes.spines[:].set_visible(False)
