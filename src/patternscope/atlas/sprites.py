"""Many small images as a few sprites, so that a page reads some files instead of thousands."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from patternscope.results.images import visible_channels

_SIDE = 128  # pixels; larger images are reduced to it
_COLUMNS = 16
_COUNT = 256  # images per sprite
_QUALITY = 90


def sprites(images: np.ndarray) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield sprites of up to 256 images each, row by row, with what is needed to cut them.

    `images` (n, channels, h, w) uint8, of which `visible_channels` are shown; larger ones are reduced to 128 pixels a
    side. JPEG without colour subsampling: a third of a PNG's bytes, and nobody measures a thumbnail.

    >>> content, about = next(sprites(np.zeros((5, 1, 8, 8), np.uint8)))
    >>> about == {"first": 0, "count": 5, "columns": 16, "size": [8, 8], "media_type": "image/jpeg"}
    True
    """
    small = [_reduced(image) for image in visible_channels(images)]
    for first in range(0, len(small), _COUNT):
        part = small[first : first + _COUNT]
        width, height = part[0].size
        rows = -(-len(part) // _COLUMNS)
        sheet = Image.new(part[0].mode, (_COLUMNS * width, rows * height))
        for place, image in enumerate(part):
            sheet.paste(image, (place % _COLUMNS * width, place // _COLUMNS * height))
        content = io.BytesIO()
        sheet.save(content, "JPEG", quality=_QUALITY, subsampling=0)
        size = {"columns": _COLUMNS, "size": [height, width]}
        yield content.getvalue(), {"first": first, "count": len(part), **size, "media_type": "image/jpeg"}


def _reduced(image: np.ndarray) -> Image.Image:
    """An image (channels, h, w) of at most _SIDE pixels a side."""
    picture = Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1))
    share = _SIDE / max(picture.size)
    if share >= 1:
        return picture
    width, height = (max(1, round(side * share)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)
