"""Boxes around objects, which are cut out of a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from PIL import Image
from pydantic import Field

from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.source import Option

MARGIN = Option("margin", Annotated[float, Field(ge=0, le=10)], "share of a box added on each side", 0.1)


class Box(NamedTuple):
    """Left, top, width and height in pixels of the picture."""

    left: float
    top: float
    width: float
    height: float


_ORIENTATION = 0x0112  # of EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Cut(NamedTuple):
    """The square around a box in a picture file, turned upright.

    `frame` is the size (w, h) of the picture in which the box was drawn, if known: the size of the file's picture or of
    the upright one, which differ if the file stores the picture rotated.
    """

    path: Path
    box: Box
    margin: float
    frame: tuple[int, int] | None = None

    def picture(self) -> Image.Image:
        """Return the crop; ValueError for a box or a frame that does not fit the picture."""
        stored = load_picture(self.path, upright=False)
        return self._take(stored, _TURNS.get(stored.getexif().get(_ORIENTATION, 1)))

    def mask(self, outline: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the bool mask of the crop, from the mask of the whole frame (h, w)."""
        stored = load_picture(self.path, upright=False)
        turn = _TURNS.get(stored.getexif().get(_ORIENTATION, 1))
        whole = Image.fromarray(outline())
        return np.asarray(self._take(whole, turn if whole.size == stored.size else None))

    def _take(self, picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
        """Crop the picture as stored and rotate the crop; or rotate first, if the box refers to the upright frame."""
        if turn is not None and self.frame not in (None, picture.size):
            picture, turn = picture.transpose(turn), None
        if self.frame not in (None, picture.size):
            raise ValueError(f"its box is of a picture of {self.frame}, got {picture.size} pixels")
        part = picture.crop(square_around(self.box, picture.size, self.margin))
        return part if turn is None else part.transpose(turn)


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
    """Return start and end of `side` around a centre, moved into 0 ... length; all of it if that is shorter."""
    start = min(max(round(centre - side / 2), 0), max(length - side, 0))
    return start, min(start + side, length)
