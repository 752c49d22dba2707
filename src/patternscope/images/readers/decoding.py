"""From a picture of any mode and shape to a square uint8 tensor."""

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    EOFError,
    MemoryError,
    Image.DecompressionBombError,
)
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
