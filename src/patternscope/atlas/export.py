"""An atlas in one HTML file of limited size."""

import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from patternscope.atlas.contents import AtlasContent
from patternscope.atlas.page import single_bytes, write_single
from patternscope.atlas.selection import smaller
from patternscope.atlas.store import write_store
from patternscope.errors import InputError

MEGABYTE = 10**6


class TooLarge(InputError):  # noqa: N818 - named as what it says
    """An atlas that cannot be made small enough for one file."""


@dataclass(frozen=True)
class Exported:
    """An HTML file that was written: its size, and sentences about the parts of the study that it omits."""

    size: int
    omitted: tuple[str, ...]


def export_single(content: AtlasContent, store: Path, file: Path, max_mb: float) -> Exported:
    """Write one HTML file of at most `max_mb` million bytes, omitting parts in the order of `smaller` until it fits.

    `store` contains all of `content`. The omitted parts are returned, and listed on the page. TooLarge if even the
    smallest version does not fit.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".atlas-") as folder:
        size = 0
        for candidate in smaller(content):
            written = store if candidate is content else Path(folder) / "store"
            if candidate is not content:
                shutil.rmtree(written, ignore_errors=True)
                write_store(written, candidate)
            size = single_bytes(written)
            if size <= max_mb * MEGABYTE:
                return Exported(write_single(written, file), candidate.omitted)
    least = math.ceil(10 * size / MEGABYTE) / 10
    raise TooLarge(
        f"max_mb: expected at least {least:g} for the smallest atlas of this study in one file, got {max_mb:g}; allow "
        "more, export a folder, or analyse fewer images or layers"
    )
