"""Boxes around objects: what is cut out of a picture."""

from typing import Annotated, NamedTuple

from pydantic import Field

from patternscope.images.readers.source import Option

MARGIN = Option("margin", Annotated[float, Field(ge=0, le=10)], "share of a box added on each side", 0.1)


class Box(NamedTuple):
    """Left, top, width and height in pixels of the picture."""

    left: float
    top: float
    width: float
    height: float


def square_around(box: Box, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the square around a box, moved into a picture of `size` (w, h).

    Its side is the box's longer one, plus `margin` of it on each side; of a square larger than the picture, the
    part inside. Networks take squares, and a narrow box resized to one would lose its ends.

    Raises ValueError for a box without area or outside the picture.

    >>> square_around(Box(10, 20, 30, 60), (100, 100), 0.0)
    (0, 20, 60, 80)
    >>> square_around(Box(10, 20, 30, 40), (50, 100), 0.1)
    (1, 16, 49, 64)
    """
    width, height = size
    outside = box.left >= width or box.top >= height or box.left + box.width <= 0 or box.top + box.height <= 0
    if not (box.width > 0 and box.height > 0) or outside:
        raise ValueError(f"box {tuple(box)} is empty or outside the picture of {width} x {height} pixels")
    side = max(1, round(max(box.width, box.height) * (1 + 2 * margin)))
    left, right = _within(box.left + box.width / 2, side, width)
    top, bottom = _within(box.top + box.height / 2, side, height)
    return left, top, right, bottom


def _within(centre: float, side: int, length: int) -> tuple[int, int]:
    """Return start and end of `side` around a centre, moved into 0 ... length; all of it where that is shorter."""
    start = min(max(round(centre - side / 2), 0), max(length - side, 0))
    return start, min(start + side, length)
