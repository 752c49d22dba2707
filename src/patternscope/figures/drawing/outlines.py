"""Outlines of chosen cells of a grid, as closed lines a little inside their cells, and regions of an image in them."""

from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.style import RELIABLE, UNRELIABLE

Corner = tuple[float, float]
# Sides of a cell clockwise: (row, column) step to the neighbour outside, and to the ones before and after.
_SIDES = ((-1, 0, 0, -1), (0, 1, -1, 0), (1, 0, 0, 1), (0, -1, 1, 0))


def outlines(mask: np.ndarray, inset: float = 0.08) -> list[np.ndarray]:
    """Return the outlines of the chosen cells of `mask` (h, w): closed lines (m, 2) of x and y in cells.

    Neighbouring cells share one outline; cells that touch at a corner alone do not. Lines lie `inset` cells
    inside, so that the outlines of two kinds of cell side by side can both be seen.

    >>> [line.tolist() for line in outlines(np.array([[True]]), inset=0.25)]
    [[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75], [0.25, 0.25]]]
    """
    padded = np.pad(mask.astype(bool), 1)
    following: dict[Corner, Corner] = {}
    for row, column in np.argwhere(mask):
        for side in range(4):
            if not padded[row + 1 + _SIDES[side][0], column + 1 + _SIDES[side][1]]:
                start, end = _segment(padded, int(row), int(column), side, inset)
                following[start] = end
    lines = []
    while following:
        start = point = min(following, key=lambda corner: (corner[1], corner[0]))
        line = [start]
        while point in following:
            point = following.pop(point)
            line.append(point)
        lines.append(np.array(line))
    return lines


def _segment(padded: np.ndarray, row: int, column: int, side: int, inset: float) -> tuple[Corner, Corner]:
    """One side of a cell, clockwise, moved inwards; its ends meet those of the sides before and after."""
    out_row, out_column, back_row, back_column = _SIDES[side]
    middle = np.array([column + 0.5, row + 0.5])
    outwards = np.array([out_column, out_row]) * (0.5 - inset)
    ends = []
    for sign in (1, -1):
        step_row, step_column = sign * back_row, sign * back_column
        beside = padded[row + 1 + step_row, column + 1 + step_column]
        beyond = padded[row + 1 + step_row + out_row, column + 1 + step_column + out_column]
        far = 0.5 - inset if not beside else (0.5 + inset if beyond else 0.5)
        x, y = middle + outwards + far * np.array([step_column, step_row])
        ends.append((round(float(x), 6), round(float(y), 6)))
    return ends[0], ends[1]


_OWN: tuple[str, Any] = (RELIABLE, "-")
_OTHER: tuple[str, Any] = (UNRELIABLE, (0, (2.2, 1.1)))
_VEIL = 0.45


def draw_outlined(axes: Axes, own: np.ndarray, other: np.ndarray) -> None:
    """Outline regions of an image, of one kind (solid) and another (dashed), and veil the rest.

    `own` and `other` (h, w) bool, disjoint; the axes have pixels of the image as units.
    """
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    veil = np.ones((*own.shape, 4))
    veil[..., 3] = _VEIL * ~(own | other)
    axes.imshow(veil, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")
    cell = np.array([width / own.shape[1], height / own.shape[0]])
    for chosen, (colour, line) in ((other, _OTHER), (own, _OWN)):
        for outline in outlines(chosen):
            # A white line below keeps the coloured one visible on any image.
            for paint, width_of, style in (("white", 2.6, "-"), (colour, 1.3, line)):
                axes.plot(*(outline * cell).T, color=paint, linewidth=width_of, linestyle=style)


def outline_legend(figure: Figure, foot: float, own: str, other: str) -> None:
    """Explain below a sheet of images what the two kinds of outline mean.

    `foot` is the height of the room for it, in parts of the figure.
    """
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=colour, linestyle=line, linewidth=1.5, label=label)
        for (colour, line), label in ((_OWN, own), (_OTHER, other))
    ]
    figure.legend(handles=lines, loc="center", bbox_to_anchor=(0.5, 0.4 * foot), ncols=2, handlelength=3)
