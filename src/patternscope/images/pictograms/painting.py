"""From parts to pixels: the object in its colours, and its silhouette, drawn by the same strokes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from patternscope.images.pictograms.geometry import Part
from patternscope.images.pictograms.palette import Colour, Palette


class CanvasParts(NamedTuple):
    """Parts in pixels of a canvas, and the width of the outline around them (0: none)."""

    parts: list[Part]
    outline: int


def _stroke(pen: ImageDraw.ImageDraw, points: np.ndarray, width: int, fill: Colour | int) -> None:
    """Draw a line, with round joints and ends when it is wide enough to show them."""
    corners = points.ravel().tolist()
    pen.line(corners, fill=fill, width=width)
    if width > 2:
        r = width / 2
        for x, y in zip(corners[::2], corners[1::2], strict=True):
            pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _paint_part(pen: ImageDraw.ImageDraw, part: Part, fill: Colour | int, grow: int = 0) -> None:
    """Draw one part, filled or as a line, optionally grown by an outline."""
    if part.width > 0:
        _stroke(pen, part.points, max(1, round(part.width) + grow), fill)
        return
    corners = part.points.ravel().tolist()
    pen.polygon(corners, fill=fill)
    if grow:
        pen.line([*corners, *corners[:2]], fill=fill, width=grow)


def paint(canvas: Image.Image, drawing: CanvasParts, paints: Palette) -> None:
    """Draw an object in its colours onto an RGB canvas: first the outline of all its parts, then the parts.

    >>> canvas = Image.new("RGB", (4, 4))
    >>> square = Part(np.array([[0, 0], [3, 0], [3, 3], [0, 3]]), "body")
    >>> paint(canvas, CanvasParts([square], 0), {"body": (1, 2, 3)})
    >>> canvas.getpixel((1, 1))
    (1, 2, 3)
    """
    pen = ImageDraw.Draw(canvas)
    if drawing.outline:
        for part in drawing.parts:
            _paint_part(pen, part, paints["dark"], drawing.outline)
    for part in drawing.parts:
        _paint_part(pen, part, paints[part.paint])


def paint_places(canvas: Image.Image, drawing: CanvasParts, places: Mapping[str, int]) -> None:
    """Draw all that `paint` covers onto a grey canvas, each piece by the number of its part's name.

    An outline belongs to the part that it surrounds; later parts cover earlier ones.

    >>> canvas = Image.new("L", (4, 4))
    >>> square = Part(np.array([[0, 0], [3, 0], [3, 3], [0, 3]]), "body", name="hull")
    >>> paint_places(canvas, CanvasParts([square], 0), {"hull": 7})
    >>> canvas.getpixel((1, 1))
    7
    """
    pen = ImageDraw.Draw(canvas)
    for grow in (drawing.outline, 0):
        for part in drawing.parts:
            _paint_part(pen, part, places[part.name], grow)


def silhouette(canvas: Image.Image, drawing: CanvasParts) -> None:
    """Draw all that `paint` covers onto a grey canvas, in white.

    >>> canvas = Image.new("L", (4, 4))
    >>> silhouette(canvas, CanvasParts([Part(np.array([[0, 0], [3, 0], [3, 3], [0, 3]]), "body")], 0))
    >>> canvas.histogram()[255]
    16
    """
    pen = ImageDraw.Draw(canvas)
    for part in drawing.parts:
        _paint_part(pen, part, 255, drawing.outline)
