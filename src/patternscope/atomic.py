"""Atomic files and folders: written under another name, then renamed."""

import os
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from patternscope.errors import InputError


@contextmanager
def replaced_file(file: Path) -> Iterator[Path]:
    """Give a new empty file next to `file` to write to, which is renamed to it at the end of the block.

    Its name is unpredictable, so that no link can be planted there; a `file` that is a link is replaced, not followed.
    After an error, `file` is unchanged and the new file removed.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replaced_file(Path(folder) / "a.txt") as partial:
    ...         _ = partial.write_text("whole")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.txt']
    """
    partial = file.with_name(f".{file.name[:80]}.{token_hex(8)}.partial")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replaced_folder(folder: Path, ours: Collection[str], what: str) -> Iterator[Path]:
    """Give an empty folder that replaces `folder` at the end of the block; after an error, nothing is changed.

    `ours` are the entries, `what` the kind of folder that may be replaced. InputError if `folder` exists and contains
    anything else, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()}.difference(ours)):
        raise InputError(f"{folder}: expected an empty or new folder, or {what}, got other content")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        fresh = Path(place, folder.name)
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(Path(place, "old"))
        fresh.rename(folder)


def is_regular(path: Path) -> bool:
    """Tell whether a path is a regular file: a link, pipe or device may lead anywhere or never end."""
    return regular_size(path) is not None


def regular_size(path: str | Path) -> int | None:
    """Return the bytes of a regular file; None for a link, pipe or device."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def sync(path: Path) -> None:
    """Wait until a file or folder is on disk, if the system supports that for folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
