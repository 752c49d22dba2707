"""The visible files and folders below a folder of images, without the studies that lie among them."""

import os
from collections.abc import Iterator
from pathlib import Path

_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"]
)
# Each marks a folder that this package has written: a study, a comparison. Both may lie among the images.
_RECORDS = ("study.json", "compare.json")


def _is_visible(name: str) -> bool:
    """Tell whether a name is neither hidden nor left behind by an archiver or by Python."""
    return not name.startswith((".", "__MACOSX", "__pycache__"))


def _holds_studies(folder: Path) -> bool:
    """Tell whether a folder is a study, or holds nothing but studies."""
    if any((folder / name).is_file() for name in _RECORDS):
        return True
    inside = [path for path in folder.iterdir() if _is_visible(path.name)]
    return bool(inside) and all(path.is_dir() and _holds_studies(path) for path in inside)


def folders_in(root: Path) -> list[Path]:
    """Return the visible folders in a folder by name, without studies; none where there is no such folder."""
    inside = root.iterdir() if root.is_dir() else ()
    return sorted(path for path in inside if path.is_dir() and _is_visible(path.name) and not _holds_studies(path))


def files_below(root: Path) -> Iterator[Path]:
    """Yield the visible files below a folder in no particular order, without those of studies."""
    for place, folders, names in os.walk(root):
        folder = Path(place)
        folders[:] = [name for name in folders if _is_visible(name) and not _holds_studies(folder / name)]
        yield from (folder / name for name in names if _is_visible(name))


def picture_files(folder: Path) -> list[Path]:
    """Return the visible picture files below a folder, sorted by path."""
    return sorted(path for path in files_below(folder) if path.suffix.lower() in _SUFFIXES)
