"""Pixel values that are not bytes: the value of white, and values that are refused rather than clipped."""

import numpy as np
from PIL import Image

from patternscope.errors import InputError

_SIXTEEN_BITS = 65535
_DEPTH = "sixteen_bits"  # in a picture's info: Pillow has read the upper half of its 16 bits
_COLOUR = "16-bit colour pictures, of which only the upper 8 bits are read: convert them to 8 bits"


def to_bytes(values: np.ndarray, white: float, name: str, hint: str = "") -> np.ndarray:
    """Return values from 0 to `white` as bytes, with 255 for white.

    Raises InputError, which begins with `name` and ends with a `hint`, for values outside or not finite.

    >>> to_bytes(np.array([0.0, 2047.5, 4095.0]), 4095, "a.tif")
    array([  0, 128, 255], dtype=uint8)
    """
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= white:
        got = f"values from {low:g} to {high:g}" if np.isfinite(high - low) else "NaN or inf"
        raise InputError(f"{name}: expected values from 0 to {white:g}, got {got}{hint}")
    return np.rint(values.astype(np.float64) * (255 / white)).astype(np.uint8)


def eight_bits(picture: Image.Image, white: float | None, name: str) -> Image.Image:
    """Return a picture of bytes; the range of a grey one of 16 or 32 bits or floats ends at `white`.

    By default white is 1 for floats and 65535 for integers. Raises InputError for values outside.
    """
    if picture.info.get(_DEPTH) and white not in (None, _SIXTEEN_BITS):
        raise InputError(f"{name}: white = {white:g} does not apply to {_COLOUR}")
    if not _is_deep(picture):
        return picture
    values = np.asarray(picture)
    if not np.isfinite(values).all():
        raise ValueError("values are not finite")
    limit = white or (1.0 if picture.mode == "F" else _SIXTEEN_BITS)
    hint = "; set images.white to the value to show as white" if values.min() >= 0 else ""
    return Image.fromarray(to_bytes(values, limit, name, hint))


def mark_depth(picture: Image.Image) -> None:
    """Note in an opened colour picture that its file has 16 bits, which is unknown once it is loaded."""
    if not _is_deep(picture) and ";16" in str(getattr(picture, "tile", "")):
        picture.info[_DEPTH] = True


def _is_deep(picture: Image.Image) -> bool:
    """Tell whether a picture has one channel of more than 8 bits."""
    return picture.mode.startswith("I") or picture.mode == "F"


class Brightness:
    """The brightest value of 16-bit pictures, which tells how many bits they use."""

    def __init__(self) -> None:
        self.grey = self.colour = 0.0

    def see(self, picture: Image.Image) -> None:
        """Take a picture into account."""
        if picture.mode.startswith("I"):
            self.grey = max(self.grey, float(np.asarray(picture).max()))
        elif picture.info.get(_DEPTH):
            bands = picture.convert("RGB").getextrema()
            self.colour = max(self.colour, *(257.0 * high for _, high in bands))  # pyright: ignore[reportGeneralTypeIssues]

    def check(self, where: str) -> None:
        """Raise InputError if none of the pictures uses the upper half of its range: all would be dark."""
        for brightest, remedy in ((self.grey, ""), (self.colour, f"; {_COLOUR}")):
            if 0 < brightest <= _SIXTEEN_BITS // 2:
                bits = max(8, int(brightest).bit_length())
                choice = remedy or f"; set images.white = {2**bits - 1} ({bits} bits)"
                raise InputError(
                    f"{where}: expected 16-bit pictures that use their range, got a brightest value of {brightest:g}, "
                    f"nearly black{choice}, or images.white = {_SIXTEEN_BITS} to show them so"
                )
