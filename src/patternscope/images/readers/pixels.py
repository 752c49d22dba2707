"""Pixels of any kind as a picture."""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.decoding import to_tensor

_CHANNELS = (1, 3, 4)


class PixelReader(NamedTuple):
    """Reads by position from pixels (n, h, w) or (n, h, w, c): bytes, or floats in [0, 1]."""

    pixels: np.ndarray
    size: int
    channels: int

    def __call__(self, index: int) -> Tensor:
        """Return an image, uint8 (channels, size, size)."""
        return to_tensor(as_picture(self.pixels[index], f"image {index}"), self.size, self.channels)


def as_picture(image: Any, name: str) -> Image.Image:
    """Return a PIL image, an array (h, w) or (h, w, c), or a tensor (c, h, w) or (h, w) as a picture.

    Bytes, or floats in [0, 1]; c is 1, 3 or 4.

    Raises InputError, which begins with `name`, for another kind, shape or range.

    >>> as_picture(np.zeros((4, 6, 3), dtype=np.uint8), "item 0").size
    (6, 4)
    >>> as_picture(np.full((4, 6), -2.0), "item 0")
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: item 0: expected bytes or floats in [0, 1], got values from -2 to -2; omit a \
    normalising transform, [network] mean and std take its place
    """
    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, Tensor | np.ndarray):
        raise InputError(f"{name}: expected a PIL image, an array or a tensor, got {type(image).__name__}")
    values = _channels_last(image, name)
    if values.dtype != np.uint8:
        low, high = float(values.min()), float(values.max())
        if not (np.issubdtype(values.dtype, np.floating) and 0 <= low <= high <= 1):
            raise InputError(
                f"{name}: expected bytes or floats in [0, 1], got values from {low:g} to {high:g}; omit a normalising "
                "transform, [network] mean and std take its place"
            )
        values = np.rint(values * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(values[:, :, 0] if values.shape[2:] == (1,) else values))


def _channels_last(image: Tensor | np.ndarray, name: str) -> np.ndarray:
    """Return pixels (h, w) or (h, w, c)."""
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        image = image.float() if image.is_floating_point() else image  # NumPy has no bfloat16
        values = image.movedim(0, -1).numpy() if image.ndim == 3 else image.numpy()
    else:
        values = image
    fits = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in _CHANNELS)
    if not fits or values.size == 0:
        shape = "(c, h, w)" if isinstance(image, Tensor) else "(h, w, c)"
        raise InputError(f"{name}: expected shape (h, w) or {shape}, c = 1, 3 or 4, got {tuple(image.shape)}")
    return values
