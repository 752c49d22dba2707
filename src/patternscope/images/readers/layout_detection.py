"""The source that a folder is made for, detected from its files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from patternscope.images.readers.registry import SOURCES
from patternscope.images.readers.source import Layout, Source

_MOST_FOLDERS = 50


def layout_hint(source: str, folder: Path | None) -> str | None:
    """Return a clause: what a folder looks like and what to set; None if that is `source`, or unknown.

    Sub-folders are searched too, since archives unpack into a folder.

    >>> layout_hint("folder", None) is None
    True
    """
    if folder is None or not folder.is_dir():
        return None
    inside = sorted(path for path in folder.iterdir() if path.is_dir())[:_MOST_FOLDERS]
    for place in (folder, *inside):
        for record, layout in _matches(place, SOURCES.values()):
            usable = record.name == source and place == folder and not layout.remedy
            return None if usable else _hint(record, layout, place, folder)
    return None


def class_folders_hint(folder: Path) -> str | None:
    """Return the hint for a folder whose sub-folders would be mistaken for classes, None for any other."""
    mistakable = (record for record in SOURCES.values() if record.passes_for_class_folders)
    return next((_hint(*match, folder, folder) for match in _matches(folder, mistakable)), None)


def _matches(folder: Path, records: Iterable[Source]) -> Iterator[tuple[Source, Layout]]:
    """Yield the layouts that a folder has, and their sources."""
    for record in records:
        yield from ((record, layout) for layout in record.layouts if layout.fits(folder))


def _hint(record: Source, layout: Layout, place: Path, folder: Path) -> str:
    """Return the clause."""
    where = "" if layout.remedy or place == folder else f' and folder = "{place}"'
    return f'{place} looks like {layout.title}: {layout.remedy}set source = "{record.name}"{where}'
