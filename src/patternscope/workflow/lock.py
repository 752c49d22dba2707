"""The lock of a study: one run at a time writes into its folder."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from patternscope.atomic import is_regular
from patternscope.errors import InputError
from patternscope.workflow.disk_errors import plain_errors

LOCK_FILE = ".lock"
_MOMENT = 0.5  # seconds
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a study; InputError if another run has it, or the file system has no locks."""
    lock = _lock(folder, _MOMENT)
    with plain_errors(folder):
        _acquire(lock, folder)
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Tell whether a run holds the lock of a study now; False if this is unknown."""
    path = folder / LOCK_FILE
    if not is_regular(path):
        return False
    try:
        with _lock(folder, 0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False


def _lock(folder: Path, seconds: float) -> FileLock:
    """The lock of a study, with the time to wait for it."""
    # A marker file instead of a lock would outlive a killed run.
    return FileLock(folder / LOCK_FILE, timeout=seconds, mode=0o644, fallback_to_soft=False)


def _acquire(lock: FileLock, folder: Path) -> None:
    """Take the lock, or raise an error that says why it is not available."""
    try:
        # The command `status` also holds the lock for a moment.
        lock.acquire()
    except Timeout as error:
        raise InputError(f"{folder}: another run is working in this study; wait for it to end") from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        raise InputError(
            f"{folder}: expected a file system that can lock files, so that two runs cannot disturb each other; mount "
            "it with flock, or choose another --out"
        ) from error
