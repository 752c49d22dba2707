"""Reading a finished study: each file is compared with its unit's manifest before its content is used."""

import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from patternscope.errors import InputError
from patternscope.workflow.cache_keys import file_digest
from patternscope.workflow.manifest import MANIFEST_FILE, DamagedUnit, Manifest
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store

_REMEMBERED = 100_000  # files


@dataclass(frozen=True)
class UnitCheck:
    """Verifies files of one unit before they are read: `check("map.safetensors")`, or `check("store/")` for a folder.

    `check("{layer}/")` checks that all files of the unit exist, with their size, before they are listed.

    Raises:
        InputError: a file that is missing, a link, or changed; a file of a folder that the manifest does not list. It
            names the unit and the remedy.

    Cost: 1.7 GB per second when a file is first read in this process; afterwards, that of reading its size.
    """

    store: Store
    unit: Unit

    def __call__(self, name: str) -> None:
        """Verify a file, or all files below a folder whose name ends with a slash; "" is the whole unit."""
        try:
            if "{layer}" in name:
                self.store.verify(self.unit, self._manifest, digests=False)
                return
            if name and not name.endswith("/"):
                self._verify(name)
                return
            for listed in self._manifest.files:
                if listed.startswith(name) and listed not in self._manifest.dropped:
                    self._verify(listed)
            self._refuse_unlisted(self._folder / name)
        except DamagedUnit as damage:
            raise InputError(damage_text(self.store.folder, damage)) from damage

    @cached_property
    def _manifest(self) -> Manifest:
        return _manifest_of(self.store, self.unit)

    @property
    def _folder(self) -> Path:
        return self.store.unit_folder(self.unit)

    def _verify(self, name: str) -> None:
        """Compare one file with the manifest."""
        if name not in self._manifest.files:
            raise DamagedUnit(f"{self.unit.path}/{name} is not listed in the unit's manifest")
        self.store.verify_file(self.unit, name, self._manifest.files[name], known_digest)

    def _refuse_unlisted(self, folder: Path) -> None:
        """Refuse files that were added to a folder; hidden files are not ours, and are never read."""
        for place, folders, files in os.walk(folder):
            for path in (Path(place, name) for name in (*folders, *files) if not name.startswith(".")):
                name = path.relative_to(self._folder).as_posix()
                own = name in self._manifest.files or name == MANIFEST_FILE
                if path.is_symlink() or not (own or path.is_dir()):
                    raise DamagedUnit(f"{self.unit.path}/{name} is not listed in the unit's manifest")


def checked_manifest(store: Store, unit: Unit) -> Manifest:
    """Return the manifest of a unit; InputError if it is missing, damaged or of another unit."""
    try:
        return _manifest_of(store, unit)
    except DamagedUnit as damage:
        raise InputError(damage_text(store.folder, damage)) from damage


def _manifest_of(store: Store, unit: Unit) -> Manifest:
    """The manifest of a unit that should exist."""
    manifest = store.manifest(unit)
    if manifest is None:
        raise DamagedUnit(f"{unit.path} is missing")
    if manifest.unit != unit.path:
        raise DamagedUnit(f"{unit.path} holds the manifest of {manifest.unit}")
    return manifest


def damage_text(folder: Path, damage: DamagedUnit) -> str:
    """Return the error of a damaged unit: what is wrong, and how to repair it."""
    return f"{folder}: {damage}; `patternscope run STUDY.toml --out {folder}` computes it again"


def known_digest(path: Path) -> str:
    """Return the SHA-256 of a file, which is read again only if its size, times or inode have changed.

    The cache is per process. OSError if the file cannot be read.
    """
    found = path.stat()
    return _digest(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@lru_cache(maxsize=_REMEMBERED)
def _digest(path: Path, *state: int) -> str:
    """The digest of a file with the given state."""
    return file_digest(path)
