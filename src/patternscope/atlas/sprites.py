"""Many small images as a few pictures, so that a page reads some files instead of thousands."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

SIDE = 128  # pixels; larger images are reduced to it
COLUMNS = 16
_COUNT = 256  # images a sprite
_QUALITY = 90


def sprites(images: np.ndarray) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield pictures of up to 256 images each, row by row, with what is needed to cut them.

    `images` (n, channels, h, w) uint8 of 1 or 3 channels, at most 128 pixels a side when shown. JPEG without
    colour subsampling: a third of a PNG's bytes, and nobody measures a thumbnail.

    >>> content, about = next(sprites(np.zeros((5, 1, 8, 8), np.uint8)))
    >>> about == {"first": 0, "count": 5, "columns": 16, "size": [8, 8], "media_type": "image/jpeg"}
    True
    """
    small = [_reduced(image) for image in images]
    for first in range(0, len(small), _COUNT):
        part = small[first : first + _COUNT]
        width, height = part[0].size
        rows = -(-len(part) // COLUMNS)
        sheet = Image.new(part[0].mode, (COLUMNS * width, rows * height))
        for place, image in enumerate(part):
            sheet.paste(image, (place % COLUMNS * width, place // COLUMNS * height))
        content = io.BytesIO()
        sheet.save(content, "JPEG", quality=_QUALITY, subsampling=0)
        yield (
            content.getvalue(),
            {
                "first": first,
                "count": len(part),
                "columns": COLUMNS,
                "size": [height, width],
                "media_type": "image/jpeg",
            },
        )


def _reduced(image: np.ndarray) -> Image.Image:
    """An image (channels, h, w) of at most SIDE pixels a side."""
    picture = Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1))
    share = SIDE / max(picture.size)
    if share >= 1:
        return picture
    width, height = picture.size
    return picture.resize(
        (max(1, round(width * share)), max(1, round(height * share))), Image.Resampling.LANCZOS
    )
