"""Errors of a disk, as one line of plain words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patternscope.errors import InputError

_KEPT = "finished units are kept"
REFUSALS = {
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission to write or read here",
    errno.EPERM: "no permission to write or read here",
    errno.ENOSPC: f"the disk is full; {_KEPT}: make room and run again",
    errno.EDQUOT: f"the disk quota is used up; {_KEPT}: make room and run again",
    errno.EFBIG: f"a file grew larger than the file system or a limit (ulimit -f) allows; {_KEPT}",
    errno.ENAMETOOLONG: "expected a shorter path, got one that the file system does not allow",
    errno.EEXIST: "expected a path below folders, got one below a file",
    errno.ENOTDIR: "expected a path below folders, got one below a file",
    errno.ELOOP: "expected a folder, got a link that leads to itself; remove it",
    errno.EIO: f"the disk reports an error; {_KEPT}: check it and run again",
    errno.ESTALE: f"the shared folder is no longer available; {_KEPT}: mount it and run again",
}
"""Return the message for an error number of the disk."""


@contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the disk (read-only, no permission, full, broken) into one clear InputError.

    It names `folder`, or a file elsewhere (such as a user's image) if that caused the error. Other errors pass
    unchanged.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        refused = Path(str(error.filename or folder))
        place = folder if refused.is_relative_to(folder) else refused
        raise InputError(f"{place}: {REFUSALS[error.errno]}") from error
