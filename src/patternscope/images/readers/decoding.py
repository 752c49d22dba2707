"""From pictures and pixels of any kind to square uint8 tensors."""

import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from patternscope.errors import InputError

UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, EOFError, MemoryError, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged, truncated, not pictures or absurdly large."""


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Bring a grey picture of 16 or 32 bits or floats to 0..255 by the range of its type."""
    values = np.asarray(picture).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("values are not finite")
    if picture.mode == "F":
        scaled = values * 255 if values.max() <= 1 else values
    else:
        scaled = values / 257 if picture.mode.startswith("I;16") or values.max() > 255 else values
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _opaque(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture over white."""
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def to_tensor(picture: Image.Image, size: int, channels: int) -> Tensor:
    """Return a picture as uint8 (channels, size, size): shorter side resized, centre cropped, antialiased.

    Palettes, alpha (over white), 16-bit grey and CMYK become grey or RGB.

    >>> to_tensor(Image.new("CMYK", (20, 10)), 8, 1).shape
    torch.Size([1, 8, 8])
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _eight_bits(picture)
    elif picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        picture = _opaque(picture)
    picture = picture.convert("L" if channels == 1 else "RGB")
    fitted = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(fitted)).reshape(size, size, channels).permute(2, 0, 1).contiguous()


def load_picture(source: Path | BinaryIO) -> Image.Image:
    """Read a picture file, the first of several frames, and turn it upright by its EXIF orientation.

    Raises one of UNREADABLE when the file cannot be read to its end.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata; a picture that decodes is good enough.
        warnings.simplefilter("ignore")
        with Image.open(source) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture)


def fit_mask(mask: np.ndarray, size: int) -> Tensor:
    """Return a bool mask (h, w) cut and resized as its picture, bool (size, size).

    A pixel belongs to the object where it is covered by half or more.

    >>> int(fit_mask(np.ones((4, 4), dtype=bool), 2).sum())
    4
    """
    cover = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    fitted = ImageOps.fit(cover, (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(fitted) >= 128)


def read_pixels(pixels: np.ndarray, size: int, channels: int, index: int) -> Tensor:
    """Return one of the images (n, h, w) or (n, h, w, c), bytes or floats in [0, 1], as `to_tensor` does."""
    return to_tensor(as_picture(pixels[index], f"image {index}"), size, channels)


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
    fits = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (1, 3, 4))
    if not fits or values.size == 0:
        shape = "(c, h, w)" if isinstance(image, Tensor) else "(h, w, c)"
        raise InputError(f"{name}: expected shape (h, w) or {shape}, c = 1, 3 or 4, got {tuple(image.shape)}")
    return values
