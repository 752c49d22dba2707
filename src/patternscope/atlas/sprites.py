"""Many small images in a few sprites, so that a page reads a few files instead of thousands."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from patternscope.results.images import visible_channels

# Pixels per side: twice the displayed size, for high-resolution screens, or less if that takes too many bytes.
_SIDES = (416, 288, 208, 128)
_SHEET = 2048  # largest pixels per side of a sprite, which a browser decodes as a whole
_COLUMNS = 16
_TRIED = 24  # images from which the bytes of all are estimated
_FINE = {"quality": 90, "subsampling": 0}
_COARSE = {"quality": 60, "subsampling": 2}
IMAGE_BYTES = 25e6
"""The largest size of all images of a condition, unless an atlas sets another limit."""


def sprites(
    images: np.ndarray, most_bytes: float = IMAGE_BYTES, *, coarse: bool = False
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield sprites of up to 256 images each, row by row, with their attributes.

    `images` (n, channels, h, w) uint8, of which `visible_channels` are shown; larger ones are reduced to 416 pixels a
    side, and further to 128 where all together would take more than `most_bytes`. JPEG without colour subsampling: a
    third of a PNG's bytes, and good enough for thumbnails. `coarse`: another third of that, for magnified noise.

    >>> content, about = next(sprites(np.zeros((5, 1, 8, 8), np.uint8)))
    >>> about == {"first": 0, "count": 5, "columns": 16, "size": [8, 8], "media_type": "image/jpeg"}
    True
    """
    images = visible_channels(images)
    side = _side_within(images, most_bytes)
    small = [_reduced(image, side) for image in images]
    width, height = small[0].size
    columns = min(_COLUMNS, max(1, _SHEET // width))
    count = columns * min(_COLUMNS, max(1, _SHEET // height))
    for first in range(0, len(small), count):
        part = small[first : first + count]
        size = {"columns": columns, "size": [height, width]}
        yield (
            _sheet(part, columns, _COARSE if coarse else _FINE),
            {"first": first, "count": len(part), **size, "media_type": "image/jpeg"},
        )


def _sheet(images: Sequence[Image.Image], columns: int, options: Mapping[str, int]) -> bytes:
    """Images of one size, row by row, as a JPEG."""
    width, height = images[0].size
    sheet = Image.new(images[0].mode, (columns * width, -(-len(images) // columns) * height))
    for place, image in enumerate(images):
        sheet.paste(image, (place % columns * width, place // columns * height))
    content = io.BytesIO()
    sheet.save(content, "JPEG", **options)
    return content.getvalue()


def _side_within(images: np.ndarray, most_bytes: float) -> int:
    """The largest side at which all images fit into a number of bytes, estimated from some; else the smallest."""
    tried = images[:: max(1, len(images) // _TRIED)][:_TRIED]
    for side in _SIDES[:-1]:
        taken = sum(len(_sheet([_reduced(image, side)], 1, _FINE)) for image in tried) / len(tried)
        if taken * len(images) <= most_bytes:
            return side
    return _SIDES[-1]


def _reduced(image: np.ndarray, side: int) -> Image.Image:
    """An image (channels, h, w) of at most a given number of pixels per side."""
    picture = Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1))
    share = side / max(picture.size)
    if share >= 1:
        return picture
    width, height = (max(1, round(length * share)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)
