"""The background and the light of an object, both independent of the class."""

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from patternscope.images.pictograms.geometry import Part, box, ellipse, shape, smooth
from patternscope.images.pictograms.palette import Colour, colour

Field = np.ndarray
"""A value for each pixel, float32 (size, size)."""

_MOST_CELLS = 12  # along a side of a coarse random field: textures look the same at any size


@cache
def _grid(size: int) -> tuple[Field, Field]:
    """Return the x and y of pixel centres in [0, 1]."""
    axis = ((np.arange(size) + 0.5) / size).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    x.flags.writeable = y.flags.writeable = False
    return x, y


def clouds(rng: np.random.Generator, size: int, cells: int) -> Field:
    """Return a smooth random field of about `cells` bumps along a side, values in about [0, 1].

    >>> clouds(np.random.default_rng(0), 16, 3).shape
    (16, 16)
    """
    coarse = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def _along(rng: np.random.Generator, size: int) -> Field:
    """Return the coordinate along a random direction, zero in the middle of the picture."""
    angle = 2 * np.pi * rng.random()
    x, y = _grid(size)
    return (x - 0.5) * np.float32(np.cos(angle)) + (y - 0.5) * np.float32(np.sin(angle))


def _wave(phase: Field, sharpness: float) -> Field:
    """Return bands in [0, 1]; sharper ones look like stripes."""
    return np.clip(0.5 + sharpness * np.sin(phase, dtype=np.float32), 0, 1)


def _gradient(rng: np.random.Generator, size: int) -> Field:
    """Return a slope across the picture."""
    return np.clip(0.5 + _along(rng, size) * (0.6 + rng.random()), 0, 1)


def _stripes(rng: np.random.Generator, size: int) -> Field:
    """Return parallel bands."""
    return _wave(_along(rng, size) * (2 * np.pi * rng.uniform(2, 8)) + 6 * rng.random(), rng.uniform(0.5, 2.5))


def _checks(rng: np.random.Generator, size: int) -> Field:
    """Return two sets of bands, light where they differ."""
    first, second = _stripes(rng, size), _stripes(rng, size)
    return first + second - 2 * first * second


def _mist(rng: np.random.Generator, size: int) -> Field:
    """Return soft clouds."""
    return clouds(rng, size, int(rng.integers(3, _MOST_CELLS + 1)))


def _grain(rng: np.random.Generator, size: int) -> Field:
    """Return a fine random texture."""
    return clouds(rng, size, 32)


def _blobs(rng: np.random.Generator, size: int) -> Field:
    """Return clouds with hard edges."""
    return np.clip(4 * (clouds(rng, size, int(rng.integers(5, _MOST_CELLS + 1))) - 0.5) + 0.5, 0, 1)


def _rings(rng: np.random.Generator, size: int) -> Field:
    """Return bands around a point."""
    x, y = _grid(size)
    left, top = rng.random(2, dtype=np.float32)
    return _wave(np.hypot(x - left, y - top) * (2 * np.pi * rng.uniform(2, 7)), rng.uniform(0.5, 2.0))


def _grid_lines(rng: np.random.Generator, size: int) -> Field:
    """Return thin lines along both axes."""
    x, y = _grid(size)
    count = 2 * np.pi * rng.uniform(3, 8)
    return np.maximum(*(np.clip(8 * np.cos(axis * count + 6 * rng.random()) - 7, 0, 1) for axis in (x, y)))


_TEXTURES: tuple[Callable[[np.random.Generator, int], Field], ...]
_TEXTURES = (_gradient, _stripes, _checks, _mist, _grain, _blobs, _rings, _grid_lines)


def background(rng: np.random.Generator, size: int) -> tuple[np.ndarray, list[Colour]]:
    """Return a textured background, float32 (size, size, 3) in about 0..255, and its two or three colours.

    >>> picture, colours = background(np.random.default_rng(0), 16)
    >>> picture.shape, len(colours) in (2, 3)
    ((16, 16, 3), True)
    """
    colours = [colour(rng, (0.0, 0.9), (0.15, 1.0)) for _ in range(2 + (rng.random() < 0.5))]
    tones = np.array(colours, dtype=np.float32)
    picture = np.broadcast_to(tones[0], (size, size, 3))
    for tone in tones[1:]:
        texture = _TEXTURES[rng.integers(len(_TEXTURES))](rng, size) * np.float32(rng.uniform(0.4, 1.0))
        picture = picture + texture[:, :, None] * (tone - picture)
    return picture, colours


def _star(radius: float) -> np.ndarray:
    """Return a five-pointed star."""
    angle = np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2, 0.45, 1.0) * radius
    return np.stack([np.sin(angle) * reach, -np.cos(angle) * reach], axis=1)


_NEUTRAL: tuple[Callable[[], Part], ...] = (
    lambda: Part(shape((-1, 0.8), (1, 0.8), (0, -1)), "body"),
    lambda: Part(box(-0.8, -0.8, 0.8, 0.8), "body"),
    lambda: Part(box(-1.5, -0.35, 1.5, 0.35, 0.2), "body"),
    lambda: Part(ellipse(0, 0, 0.8), "body"),
    lambda: Part(ellipse(0, 0, 0.8), "body", 0.4),
    lambda: Part(ellipse(0, 0, 1, start=180, stop=360), "body"),
    lambda: Part(shape((-1, 0.5), (0, -0.5), (1, 0.5)), "body", 0.4),
    lambda: Part(smooth((-1, 0), (-0.2, -0.8), (0.9, -0.4), (0.6, 0.7), (-0.4, 0.6)), "body"),
    lambda: Part(_star(1.1), "body"),
    lambda: Part(shape((-1, -0.4), (-0.3, 0.4), (0.3, -0.4), (1, 0.4)), "body", 0.35),
)


def distractor(rng: np.random.Generator) -> list[Part]:
    """Return the parts of a neutral shape that belongs to no class, sometimes with a second one on it.

    >>> len(distractor(np.random.default_rng(0))) in (1, 2)
    True
    """
    parts = [_NEUTRAL[rng.integers(len(_NEUTRAL))]()]
    if rng.random() < 0.5:
        inner = _NEUTRAL[rng.integers(len(_NEUTRAL))]()
        parts.append(Part(inner.points * 0.45, "light" if rng.random() < 0.5 else "dark", inner.width * 0.45))
    return parts


def light(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return the picture (size, size, 3) under uneven, tinted light and with the grain of a sensor, uint8.

    >>> light(np.random.default_rng(0), np.full((16, 16, 3), 128.0)).dtype
    dtype('uint8')
    """
    size = len(picture)
    fall = 1 + _along(rng, size) * np.float32(rng.uniform(0, 0.6)) + 0.25 * (clouds(rng, size, 4) - 0.5)
    tint = rng.uniform(0.85, 1.1, 3).astype(np.float32) * np.float32(rng.uniform(0.75, 1.15))
    grain = rng.standard_normal((size, size, 3), dtype=np.float32) * np.float32(rng.uniform(1, 9))
    return np.clip(picture * (fall[:, :, None] * tint) + grain, 0, 255).astype(np.uint8)
