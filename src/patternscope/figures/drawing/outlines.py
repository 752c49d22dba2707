"""Outlines of chosen cells of a grid, as closed lines a little inside their cells, and regions of an image in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.labels import halo, shortened
from patternscope.figures.drawing.style import RELIABLE, SOFT, UNRELIABLE
from patternscope.results.formatting import percent

Corner = tuple[float, float]
# Sides of a cell clockwise: (row, column) step to the neighbour outside, and to the ones before and after.
_SIDES = ((-1, 0, 0, -1), (0, 1, -1, 0), (1, 0, 0, 1), (0, -1, 1, 0))


def outlines(mask: np.ndarray, inset: float = 0.08) -> list[np.ndarray]:
    """Return the outlines of the chosen cells of `mask` (h, w): closed lines (m, 2) of x and y in cells.

    Neighbouring cells share one outline; cells that touch only at a corner do not. Lines are `inset` cells inside, so
    that the outlines of two adjacent kinds of cell are both visible.

    >>> [line.tolist() for line in outlines(np.array([[True]]), inset=0.25)]
    [[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75], [0.25, 0.25]]]
    """
    return [line for line, _ in _closed_lines(mask, inset)]


def levelled_outlines(mask: np.ndarray, level: np.ndarray, inset: float = 0.08) -> list[tuple[np.ndarray, int]]:
    """Return the outlines of `mask` (h, w) in pieces of one level each, that of the adjacent cells: lines and levels.

    >>> lines = levelled_outlines(np.array([[True, True]]), np.array([[0, 1]]))
    >>> [(len(line), level) for line, level in lines]
    [(4, 0), (4, 1)]
    """
    pieces = []
    for line, cells in _closed_lines(mask, inset):
        levels = [int(level[cell]) for cell in cells]
        changes = [place for place in range(len(levels)) if levels[place] != levels[place - 1]]
        if not changes:
            pieces.append((line, levels[0]))
        # The last piece continues at the beginning of the closed line.
        around = np.concatenate([line, line[1:]])
        ends = [*changes[1:], *(change + len(levels) for change in changes[:1])]
        pieces += [(around[start : end + 1], levels[start]) for start, end in zip(changes, ends, strict=True)]
    return sorted(pieces, key=lambda piece: piece[1])


def _closed_lines(mask: np.ndarray, inset: float) -> list[tuple[np.ndarray, list[tuple[int, int]]]]:
    """The outlines of a mask, each with the cell of every segment."""
    padded = np.pad(mask.astype(bool), 1)
    following: dict[Corner, tuple[Corner, tuple[int, int]]] = {}
    for row, column in np.argwhere(mask).tolist():
        for side in range(4):
            if not padded[row + 1 + _SIDES[side][0], column + 1 + _SIDES[side][1]]:
                start, end = _segment(padded, row, column, side, inset)
                following[start] = (end, (row, column))
    lines = []
    while following:
        point = min(following, key=lambda corner: (corner[1], corner[0]))
        line, cells = [point], []
        while point in following:
            point, cell = following.pop(point)
            line.append(point)
            cells.append(cell)
        lines.append((np.array(line), cells))
    return lines


def groups(mask: np.ndarray) -> list[np.ndarray]:
    """Return the cells of each group of neighbours in `mask` (h, w): rows and columns (m, 2) of each.

    >>> [group.tolist() for group in groups(np.array([[1, 1, 0, 1]], dtype=bool))]
    [[[0, 0], [0, 1]], [[0, 3]]]
    """
    left = {(row, column) for row, column in np.argwhere(mask).tolist()}
    found = []
    while left:
        group, waiting = [], [min(left)]
        while waiting:
            row, column = waiting.pop()
            if (row, column) in left:
                left.remove((row, column))
                group.append((row, column))
                waiting += [(row + down, column + right) for down, right, _, _ in _SIDES]
        found.append(np.array(sorted(group)))
    return found


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


DASHES = (0, (2.2, 1.1))
"""The line around regions of another class."""
_LINES: tuple[tuple[Any, str], ...] = (("-", RELIABLE), (DASHES, UNRELIABLE))
_VEIL = 0.45
STABLE = (0.5, 0.9)
"""Shares of refits from which an outline is heavier."""
_WIDTHS, _PLAIN = (0.7, 1.3, 2.1), 1


def draw_outlined(axes: Axes, own: np.ndarray, other: np.ndarray, stability: np.ndarray | None = None) -> None:
    """Outline regions of an image, of one kind (solid) and another (dashed), and veil the rest.

    `own` and `other` (h, w) bool, disjoint; with `stability` (h, w) in [0, 1] the heavier, the more stable. The axes
    have pixels of the image as units.
    """
    draw_veil(axes, own | other)
    for (line, colour), chosen in zip(reversed(_LINES), (other, own), strict=True):
        draw_outlines(axes, chosen, stability, colour, line)


def draw_veil(axes: Axes, shown: np.ndarray) -> None:
    """Make the regions (h, w) of an image paler that are not `shown`."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    veil = np.ones((*shown.shape, 4))
    veil[..., 3] = _VEIL * ~shown
    axes.imshow(veil, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")


def draw_outlines(axes: Axes, chosen: np.ndarray, stability: np.ndarray | None, colour: str, line: Any) -> None:
    """Outline chosen regions (h, w) of an image, the more stable the heavier."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    cell = np.array([width / chosen.shape[1], height / chosen.shape[0]])
    level = np.full(chosen.shape, _PLAIN) if stability is None else np.digitize(stability, STABLE)
    for outline, weight in levelled_outlines(chosen, level):
        # A white line below keeps the coloured one visible on any image.
        for paint, width_of, style in (("white", _WIDTHS[weight] + 1.3, "-"), (colour, _WIDTHS[weight], line)):
            look: dict[str, Any] = {"solid_capstyle": "butt", "linestyle": style}
            axes.plot(*(outline * cell).T, color=paint, linewidth=width_of, **look)


def name_groups(axes: Axes, chosen: np.ndarray, category: np.ndarray, classes: Sequence[str], *, most: int) -> None:
    """Write the class, of `category` (h, w), in the `most` largest groups of at least two chosen regions."""
    cell = np.array([axes.get_xlim()[1], axes.get_ylim()[0]]) / chosen.shape[::-1]
    found = [(own, label) for label in np.unique(category[chosen]) for own in groups(chosen & (category == label))]
    written: list[np.ndarray] = []
    for own, label in sorted(found, key=lambda group: -len(group[0])):
        row, column = own[np.abs(own - own.mean(axis=0)).sum(axis=1).argmin()]
        # Names two rows apart never meet.
        if len(own) < 2 or len(written) == most or any(abs(row - other) < 2 for other in written):
            continue
        written.append(row)
        x, y = (np.array([column, row]) + 0.5) * cell
        place = "left" if column < 2 else "right" if column > chosen.shape[1] - 3 else "center"
        x += {"left": -0.4, "right": 0.4, "center": 0.0}[place] * cell[0]
        look: dict[str, Any] = {"ha": place, "va": "center", "fontsize": 5.5, "zorder": 7, **halo()}
        axes.text(x, y, shortened(classes[int(label)], 5.5, 40), **look)


def outline_legend(
    figure: Figure, foot: float, own: str, other: str, *, weights: bool = False, bottom: float = 0.0
) -> None:
    """Explain below a sheet of images the two kinds of outline and their `weights`.

    `foot` is the height of the space for it, `bottom` the free space below, as parts of the figure.
    """
    from matplotlib.lines import Line2D

    kinds = [
        Line2D([], [], color=colour, linestyle=line, linewidth=1.5, label=label)
        for (line, colour), label in zip(_LINES, (own, other), strict=True)
    ]
    names = [
        f"a point of this class in under {percent(STABLE[0])} of the refits",
        f"{100 * STABLE[0]:.0f} to {percent(STABLE[1])}",
        f"at least {percent(STABLE[1])}",
    ]
    heavy = [
        Line2D([], [], color=SOFT, linewidth=width, label=name) for width, name in zip(_WIDTHS, names, strict=True)
    ]
    rows = ((kinds, 0.7), (heavy, 0.3)) if weights else ((kinds, 0.4),)
    for lines, up in rows:
        place = (0.5, bottom + up * foot)
        figure.legend(handles=lines, loc="center", bbox_to_anchor=place, ncols=len(lines), handlelength=3)
