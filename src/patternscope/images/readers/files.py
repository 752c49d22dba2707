"""The visible files and folders below a folder of images, without the studies among them."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, features

from patternscope.errors import InputError
from patternscope.images.readers.decoding import UNREADABLE, pixels_at_most, raster_formats

_SUFFIXES = (
    ".jpg .jpeg .jpe .jfif .png .apng .bmp .dib .gif .tif .tiff .webp .ppm .pgm .pbm .pnm .jp2 .j2k .tga .mpo .qoi "
    ".avif .heic .heif .jxl .svg .exr .hdr .dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .dcm"
)
"""Suffixes of pictures, including formats that Pillow opens only with a plugin or not at all."""
_PICTURES = frozenset(_SUFFIXES.split())
_BUILT_IN = {".avif": "avif", ".webp": "webp", ".jp2": "jpg_2000", ".j2k": "jpg_2000"}
# Each marks a folder written by this package: a study or a comparison. Both may be among the images.
_RECORDS = ("study.json", "compare.json")
_Identity = tuple[int, int]


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC): some systems store letters and accents separately.

    >>> len("cafe\\u0301"), len(composed("cafe\\u0301"))
    (5, 4)
    """
    return unicodedata.normalize("NFC", name)


def _is_visible(name: str) -> bool:
    """Tell whether a name is neither hidden nor a leftover of an archiver or of Python."""
    return not name.startswith((".", "__MACOSX", "__pycache__"))


def _identity(folder: Path) -> _Identity:
    """Return the identity of a folder, independent of the path or symbolic link that leads to it."""
    state = folder.stat()
    return state.st_dev, state.st_ino


def _holds_studies(folder: Path, above: frozenset[_Identity] = frozenset()) -> bool:
    """Tell whether a folder is a study or contains only studies; links to a folder `above` do not count."""
    if any((folder / name).is_file() for name in _RECORDS):
        return True
    own = _identity(folder)
    inside = [path for path in folder.iterdir() if _is_visible(path.name)] if own not in above else []
    return bool(inside) and all(path.is_dir() and _holds_studies(path, above | {own}) for path in inside)


def folders_in(root: Path) -> list[Path]:
    """Return the visible folders in a folder by name, without studies; empty if the folder does not exist.

    Raises InputError for a name that is not UTF-8, which no record of a study could contain.
    """
    inside = root.iterdir() if root.is_dir() else ()
    folders = [path for path in inside if path.is_dir() and _is_visible(path.name) and not _holds_studies(path)]
    for folder in folders:
        if printable(folder) != str(folder):
            name = os.fsencode(folder.name)
            raise InputError(f"folder {printable(root)!r}: expected folder names in UTF-8, got {name!r}; rename it")
    return sorted(folders)


def class_folders(root: Path) -> dict[str, list[Path]]:
    """Return the folders in a folder by their composed names; names that differ only in Unicode form are one class."""
    folders: dict[str, list[Path]] = {}
    for folder in folders_in(root):
        folders.setdefault(composed(folder.name), []).append(folder)
    return dict(sorted(folders.items()))


def printable(path: Path) -> str:
    """Return a path as text; bytes that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def files_below(root: Path) -> Iterator[Path]:
    """Yield the visible files below a folder in no particular order, without those of studies.

    Symbolic links to folders are followed, except those to a folder that contains them.
    """
    above = {root: frozenset({_identity(root)})} if root.is_dir() else {}
    for place, folders, names in os.walk(root, followlinks=True):
        folder = Path(place)
        seen = above.pop(folder)
        inside = {name: _identity(folder / name) for name in folders if _is_visible(name)}
        folders[:] = [name for name, own in inside.items() if own not in seen and not _holds_studies(folder / name)]
        above |= {folder / name: seen | {inside[name]} for name in folders}
        yield from (folder / name for name in names if _is_visible(name))


def picture_files(folder: Path) -> list[Path]:
    """Return the visible picture files below a folder, sorted by path, including those that Pillow cannot open.

    Without a suffix a file counts as a picture.
    """
    return sorted(path for path in files_below(folder) if not path.suffix or path.suffix.lower() in _PICTURES)


def why_not_opened(path: Path) -> str:
    """Return why a picture file is not opened, by its suffix, or without one by its first bytes; "" if it is."""
    suffix = path.suffix.lower()
    if not suffix:
        return "" if _is_identified(path) else "it has no suffix, and Pillow does not recognise its content"
    is_known = suffix in Image.registered_extensions() and features.check(_BUILT_IN.get(suffix, "zlib")) is not False
    return "" if is_known else f"Pillow does not open {suffix} files here; convert it to PNG or JPEG"


def _is_identified(path: Path) -> bool:
    """Tell whether Pillow recognises a file."""
    if not path.is_file():
        return False
    try:
        # Only the header is read here; pixels are counted on decoding.
        with pixels_at_most(10**15), Image.open(path, formats=raster_formats()):
            return True
    except UNREADABLE:
        return False
