"""Files and folders that appear whole or not at all: written under another name, then renamed."""

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
    """Give a new empty file beside `file` to write to, which takes its name at the end of the block.

    Its name cannot be foreseen, so that no link waits there for what is written; a `file` that is a link is replaced,
    not followed. After an error `file` is as it was, and nothing is left beside it.

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
    """Give an empty folder that takes the place of `folder` at the end of the block; after an error nothing changed.

    `ours` are the entries, `what` the kind of folder that may be replaced. InputError when `folder` exists and holds
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
    """Tell whether a path is a file, and no link, pipe or device, which may lead anywhere or never end."""
    return regular_size(path) is not None


def regular_size(path: str | Path) -> int | None:
    """Return the bytes of a file that is one, and no link, pipe or device; None where it is not."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk, where the system can tell of folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
