"""From pictures and pixels of any kind to square uint8 tensors."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.value_range import eight_bits, mark_depth, to_bytes

UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    EOFError,
    MemoryError,
    RuntimeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow and its decoders raise for files that are damaged, truncated, not pictures or absurdly large."""
PIXEL_LIMIT = 178_956_970
"""Pillow's limit of the pixels of a picture: a larger one may be a small file made to fill the memory."""
Resize = Literal["crop", "pad", "stretch"]
CHANNELS = (1, 2, 3, 4)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_PILLOW = RLock()  # Pillow's limit is global to the process
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")


class PixelFormat(NamedTuple):
    """What pictures become: uint8 (channels, size, size).

    `resize` says how pictures are made square: "crop" keeps the centre, "pad" adds black, "stretch"
    changes its proportions. `white` is the value to show as white, for pixels that are not bytes. Pictures of more
    pixels than `pixel_limit` are not decoded.
    """

    size: int
    channels: int = 3
    resize: Resize = "crop"
    white: float | None = None
    pixel_limit: int = PIXEL_LIMIT


def to_tensor(picture: Image.Image, pixels: PixelFormat, name: str = "picture") -> Tensor:
    """Return a picture as uint8 (channels, size, size), resized with antialiasing.

    Palettes, alpha (over white), 16-bit grey and CMYK become grey or RGB. With 2 or 4 channels, the last is the alpha
    channel, unchanged, or opaque if the picture has none.

    Raises InputError, which begins with `name`, for values beyond the range.

    >>> to_tensor(Image.new("CMYK", (20, 10)), PixelFormat(8, 1)).shape
    torch.Size([1, 8, 8])
    """
    picture = eight_bits(picture, pixels.white, name)
    if pixels.channels in (1, 3):
        bands = [_opaque(picture).convert(_MODES[pixels.channels])]
    else:
        # One by one: Pillow would weight colours by the last channel, which may contain anything.
        bands = _with_alpha(picture, _MODES[pixels.channels]).split()
    fitted = np.dstack([np.asarray(_fit(band, pixels)) for band in bands])
    return torch.from_numpy(fitted).permute(2, 0, 1).contiguous()


def _is_transparent(picture: Image.Image) -> bool:
    """Tell whether a picture has an alpha channel or a transparent colour."""
    return picture.mode in _TRANSPARENT or "transparency" in picture.info


def _opaque(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture over white."""
    if not _is_transparent(picture):
        return picture
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def _with_alpha(picture: Image.Image, mode: str) -> Image.Image:
    """Return a picture with its alpha channel, or an opaque one."""
    if picture.mode == mode:
        return picture
    return picture.convert("RGBA" if _is_transparent(picture) else "RGB").convert(mode)


def _fit(picture: Image.Image, pixels: PixelFormat) -> Image.Image:
    """Make a picture a square of the size."""
    square = (pixels.size, pixels.size)
    if pixels.resize == "stretch":
        return picture.resize(square, Image.Resampling.BILINEAR)
    fit = ImageOps.pad if pixels.resize == "pad" else ImageOps.fit
    return fit(picture, square, Image.Resampling.BILINEAR)


@cache
def raster_formats() -> list[str]:
    """Return the formats that Pillow decodes itself, independently of a file's name.

    PostScript runs Ghostscript and metafiles run Windows; the others need libraries that Pillow lacks.

    >>> {"PNG", "JPEG", "TIFF"} <= set(raster_formats()), "EPS" in raster_formats()
    (True, False)
    """
    Image.init()
    return [name for name in Image.ID if name not in {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}]


@contextmanager
def pixels_at_most(limit: int) -> Iterator[None]:
    """Make Pillow refuse larger pictures within the block, with an error of UNREADABLE that names the setting."""
    with _PILLOW:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = limit / 2  # pyright: ignore[reportAttributeAccessIssue] - it refuses beyond twice this
        try:
            yield
        except Image.DecompressionBombError as error:
            text = f"more than {limit} pixels; images.pixel_limit raises the limit"
            raise Image.DecompressionBombError(text) from error
        finally:
            Image.MAX_IMAGE_PIXELS = before


def load_picture(source: Path | BinaryIO, *, upright: bool = True) -> Image.Image:
    """Read a picture file, the first of several frames, and turn it upright by its EXIF orientation.

    Raises one of UNREADABLE when it is no file (a pipe, a device), cannot be read to its end, has more pixels than
    `pixels_at_most` allows (Pillow's 179 million without it), or is in a format that other programs draw.
    """
    if isinstance(source, Path) and source.exists() and not source.is_file():
        raise OSError(f"expected a file, got {'a folder' if source.is_dir() else 'a pipe or device'}")
    with warnings.catch_warnings():
        # Pillow warns of odd metadata; a picture that decodes is good enough.
        warnings.simplefilter("ignore")
        with Image.open(source, formats=raster_formats()) as picture:
            mark_depth(picture)
            picture.load()
            return ImageOps.exif_transpose(picture) if upright else picture


def fit_mask(mask: np.ndarray, pixels: PixelFormat) -> Tensor:
    """Return a bool mask (h, w) cut and resized as its picture, bool (size, size).

    A pixel belongs to the object if at least half of it is covered.

    >>> int(fit_mask(np.ones((4, 4), dtype=bool), PixelFormat(2)).sum())
    4
    """
    cover = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    return torch.from_numpy(np.asarray(_fit(cover, pixels)) >= 128)


def read_pixels(images: np.ndarray, pixels: PixelFormat, index: int) -> Tensor:
    """Return one of the images (n, h, w) or (n, h, w, c), bytes or values from 0 to white, as `to_tensor` does."""
    name = f"image {index}"
    return to_tensor(as_picture(images[index], name, pixels), pixels, name)


def as_picture(image: Any, name: str, pixels: PixelFormat | None = None) -> Image.Image:
    """Return a PIL image, an array (h, w) or (h, w, c), or a tensor (c, h, w) or (h, w) as a picture.

    Bytes, or floats in [0, 1]; other values from 0 to the white of `pixels`. c is 1, 3 or 4 if `pixels` has 1 or 3
    channels, else their number.

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
    pixels = pixels or PixelFormat(0)
    values = _channels_last(image, name, pixels.channels)
    if values.dtype != np.uint8:
        values = _scaled(values, name, pixels.white)
    return Image.fromarray(np.ascontiguousarray(values[:, :, 0] if values.shape[2:] == (1,) else values))


def _scaled(values: np.ndarray, name: str, white: float | None) -> np.ndarray:
    """Return values as bytes."""
    if white is not None:
        return to_bytes(values, white, name)
    low, high = float(values.min()), float(values.max())
    if not (np.issubdtype(values.dtype, np.floating) and 0 <= low <= high <= 1):
        hint = (
            "omit a normalising transform, [network] mean and std take its place"
            if not low >= 0
            else ("set images.white to the value to show as white")
        )
        raise InputError(f"{name}: expected bytes or floats in [0, 1], got values from {low:g} to {high:g}; {hint}")
    return to_bytes(values, 1, name)


def _channels_last(image: Tensor | np.ndarray, name: str, channels: int) -> np.ndarray:
    """Return pixels (h, w) or (h, w, c)."""
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        image = image.float() if image.is_floating_point() else image  # NumPy has no bfloat16
        values = image.movedim(0, -1).numpy() if image.ndim == 3 else image.numpy()
    else:
        values = image
    counts = (1, 3, 4) if channels in (1, 3) else (channels,)
    fits = (values.ndim == 2 and 1 in counts) or (values.ndim == 3 and values.shape[2] in counts)
    if not fits or values.size == 0:
        shape = "(c, h, w)" if isinstance(image, Tensor) else "(h, w, c)"
        expected = f"(h, w) or {shape}, c = 1, 3 or 4" if 1 in counts else f"{shape}, c = {channels}"
        raise InputError(f"{name}: expected shape {expected}, got {tuple(image.shape)}")
    return values
