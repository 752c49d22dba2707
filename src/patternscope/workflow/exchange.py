"""An object store through which the files of a study reach workers that do not see its folder."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any

from patternscope.errors import InputError, fault
from patternscope.workflow.cache_keys import file_digest

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Cached listings would hide files that others have uploaded meanwhile.
_OPTIONS = {protocol: {"use_listings_cache": False} for protocol in ("s3", "s3a", "gs", "gcs", "abfs", "az")}
_OPTIONS |= {protocol: {"auto_mkdir": True} for protocol in ("file", "local")}


@dataclass(frozen=True)
class Exchange:
    """Files by their content, below an address that fsspec knows: s3://bucket/folder, gs://..., abfs://..., file:///...

    Each file is stored once, under its SHA-256, however many units contain or read it, and verified against it when
    fetched. A worker and the run both need the library of the store (for s3:// s3fs) and its credentials.

    Raises:
        InputError: an invalid address, or a store that cannot be read or written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     exchange = Exchange(f"file://{folder}/exchange")
    ...     one, other = Path(folder, "one"), Path(folder, "other")
    ...     _ = one.write_text("text")
    ...     exchange.send(one, file_digest(one))
    ...     exchange.fetch(file_digest(one), other)
    ...     other.read_text()
    'text'
    """

    address: str

    @cached_property
    def _store(self) -> tuple[Any, str]:
        """The file system and the folder in it."""
        with self._plain_errors():
            from fsspec.core import split_protocol, url_to_fs

            protocol, _ = split_protocol(self.address)
            if protocol is None:
                raise ValueError("no protocol")
            return url_to_fs(self.address, **_OPTIONS.get(protocol, {}))

    def __reduce__(self) -> tuple[type["Exchange"], tuple[str]]:
        """Pickle only the address: a worker opens the store itself, and reports in one line what it lacks."""
        return Exchange, (self.address,)

    def _place(self, digest: str) -> str:
        return f"{self._store[1]}/{digest[:2]}/{digest}"

    def check(self) -> None:
        """Write, read and remove a few bytes, so that an unusable store is found before the work, not after it."""
        files, folder = self._store
        probe = f"{folder}/probe-{token_hex(8)}"
        with self._plain_errors():
            files.pipe_file(probe, b"patternscope")
            files.cat_file(probe)
            files.rm_file(probe)
            # Without permission to list names, a store refuses to say that a file does not exist.
            files.exists(self._place("0" * 64))

    def send(self, path: Path, digest: str) -> None:
        """Put a file into the store, unless it is already there. Cost: one request, and the upload."""
        (files, _), place, size = self._store, self._place(digest), path.stat().st_size
        with self._plain_errors():
            try:
                there = files.info(place)["size"]
            except (FileNotFoundError, PermissionError):
                there = None
            # An interrupted upload has another size.
            if there != size:
                files.put_file(str(path), place)

    def fetch(self, digest: str, path: Path) -> None:
        """Write the file of a digest; InputError if the store lacks it or has other bytes under its name."""
        with self._plain_errors():
            self._store[0].get_file(self._place(digest), str(path))
        if file_digest(path) != digest:
            path.unlink()
            raise InputError(f"exchange: {self._place(digest)} differs from what was sent; remove it and run again")

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Turn errors of a store, from any library, into one line."""
        try:
            yield
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise  # the disk of this machine, which has its own message
            protocol, found, rest = self.address.partition("://")
            shown = f"{protocol}{found}{rest.rpartition('@')[2]}"  # without a password
            raise InputError(
                "exchange: expected the address of an object store that can be written here, such as "
                f"s3://bucket/folder, got {shown!r}, which cannot be used ({fault(error)})"
            ) from error
