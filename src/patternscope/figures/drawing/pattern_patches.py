"""A row of a pattern in a figure: its name, and patches of images with its most typical regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.examples import rgb, show_image
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.style import NORMAL, RELIABLE, SOFT
from patternscope.results.patterns import LayerPattern, PatternsResult

PATCH, LEFT, PITCH, LAYER = 0.68, 0.1, 0.86, 0.3
"""Inches: side of a patch, margin, height of a row, height of the name of a layer."""
_GAP, _NAMES = 0.06, 0.92
_AROUND = 1.15
"""Side of a patch, in units of the longer side of the receptive field."""


@dataclass(frozen=True)
class Patch:
    """A piece of an image with its region, and its receptive field, as left, top, right and bottom in its pixels."""

    pixels: np.ndarray
    region: tuple[float, float, float, float]
    field: tuple[float, float, float, float] | None


def row_width(patches: int) -> float:
    """Return the inches of a name and a number of patches."""
    return LEFT + _NAMES + patches * (PATCH + _GAP)


def cut_patches(found: PatternsResult, place: int, images: np.ndarray, count: int) -> list[Patch]:
    """Return patches of up to `count` of a pattern's most typical regions, of images (n, channels, h, w)."""
    samples, regions = found.typical(place, count)
    pairs = zip(samples.tolist(), regions.tolist(), strict=True)
    return [cut_patch(rgb(images[[sample]])[0], region, found.grid, found.field) for sample, region in pairs]


def cut_patch(pixels: np.ndarray, region: int, grid: tuple[int, int], field: tuple[float, float] | None) -> Patch:
    """Return the piece of an image (height, width, 3) around a region: a little more than its receptive field.

    It is within the image, and at least three regions wide if the image is.

    >>> patch = cut_patch(np.zeros((8, 8, 3)), 0, (4, 4), (3.0, 3.0))
    >>> patch.pixels.shape, patch.region, patch.field
    ((6, 6, 3), (0.0, 0.0, 2.0, 2.0), (-0.5, -0.5, 2.5, 2.5))
    """
    size = np.array(pixels.shape[:2])
    cell = size / grid
    middle = (np.array([region // grid[1], region % grid[1]]) + 0.5) * cell
    wanted = max(3 * cell.max(), _AROUND * max(field or (0.0, 0.0)))
    side = int(min(np.ceil(wanted), size.min()))
    corner = np.clip(np.round(middle - side / 2), 0, size - side).astype(int)
    (top, left), at = corner, middle - corner

    def box(height: float, width: float) -> tuple[float, float, float, float]:
        ends = (at[1] - width / 2, at[0] - height / 2, at[1] + width / 2, at[0] + height / 2)
        return (float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]))

    window = pixels[top : top + side, left : left + side]
    return Patch(window, box(float(cell[0]), float(cell[1])), None if field is None else box(*field))


def draw_pattern(figure: Figure, pattern: LayerPattern, patches: Sequence[Patch], down: float) -> None:
    """Draw a row that begins `down` inches below the top: the name of a pattern and its patches."""
    name = shortened(pattern.title, NORMAL, 72 * _NAMES - 6)
    layout.write_text(figure, LEFT, down + PATCH / 2 - 0.07, name)
    counts = f"{pattern.regions} regions"
    layout.write_text(figure, LEFT, down + PATCH / 2 + 0.08, counts, fontsize=layout.NOTE, color=SOFT)
    for place, patch in enumerate(patches):
        left = LEFT + _NAMES + place * (PATCH + _GAP)
        axes = layout.add_panel(figure, left, down, PATCH, PATCH)
        show_image(axes, patch.pixels)
        if patch.field is not None:
            _outline(axes, patch.field, (0, (2.2, 1.4)), 0.8)
        _outline(axes, patch.region, "-", 1.1)


def _outline(axes: Axes, box: tuple[float, float, float, float], line: Any, width: float) -> None:
    """A box in the pixels of a patch, inside it, on a white line that keeps it visible."""
    end, inset = axes.get_xlim()[1], 0.012 * axes.get_xlim()[1]
    left, top, right, bottom = np.clip(box, inset, end - inset)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    for colour, wide, style in (("white", width + 1.1, "-"), (RELIABLE, width, line)):
        axes.plot(*corners.T, color=colour, linewidth=wide, linestyle=style, solid_joinstyle="miter")
